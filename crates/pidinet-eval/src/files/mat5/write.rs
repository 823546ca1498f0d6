//! A small writer, for tests only: the format written down a second time, independently of the reader.

use std::io::Write as _;

use flate2::{Compression, write::ZlibEncoder};

use crate::files::numbers::Order;

/// Builds files of one byte order.
#[derive(Clone, Copy)]
pub(crate) struct Writer {
    pub(crate) order: Order,
}

impl Writer {
    /// A file with these variables, each a [`Writer::matrix`] or compressed one.
    pub(crate) fn file(self, variables: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = b"MATLAB 5.0 MAT-file, made by a test".to_vec();
        bytes.resize(124, b' ');
        match self.order {
            Order::Little => bytes.extend(b"\x00\x01IM"),
            Order::Big => bytes.extend(b"\x01\x00MI"),
        }
        bytes.extend(variables.concat());
        bytes
    }

    pub(crate) fn u32(self, value: u32) -> [u8; 4] {
        match self.order {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }

    /// A padded element.
    pub(crate) fn element(self, code: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = [self.u32(code), self.u32(data.len() as u32)].concat();
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    /// An element of up to four bytes, kept in its tag.
    pub(crate) fn small(self, code: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = self.u32((data.len() as u32) << 16 | code).to_vec();
        bytes.extend(data);
        bytes.resize(8, 0);
        bytes
    }

    pub(crate) fn matrix(self, flags: u32, dims: &[u32], name: &str, content: &[u8]) -> Vec<u8> {
        let dims: Vec<u8> = dims.iter().flat_map(|&d| self.u32(d)).collect();
        let parts = [
            self.element(6, &[self.u32(flags), self.u32(0)].concat()),
            self.element(5, &dims),
            self.element(1, name.as_bytes()),
            content.to_vec(),
        ];
        self.element(14, &parts.concat())
    }

    /// A logical matrix, columns first.
    pub(crate) fn logical(self, dims: &[u32], name: &str, data: &[u8]) -> Vec<u8> {
        self.matrix(0x209, dims, name, &self.element(2, data))
    }

    /// A struct of one element.
    pub(crate) fn record(self, name: &str, fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut names = Vec::new();
        for (field, _) in fields {
            names.extend(field.as_bytes());
            names.resize(names.len().next_multiple_of(32), 0);
        }
        let mut content = self.small(5, &self.u32(32));
        content.extend(self.element(1, &names));
        content.extend(fields.iter().flat_map(|(_, value)| value.clone()));
        self.matrix(2, &[1, 1], name, &content)
    }

    pub(crate) fn cell(self, name: &str, items: &[Vec<u8>]) -> Vec<u8> {
        self.matrix(1, &[1, items.len() as u32], name, &items.concat())
    }

    pub(crate) fn compressed(self, variable: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(variable).unwrap();
        let data = encoder.finish().unwrap();
        [self.u32(15).to_vec(), self.u32(data.len() as u32).to_vec(), data].concat()
    }

    /// A truth file as BSDS500 has them: one matrix of boundaries for each annotator.
    pub(crate) fn truth(self, height: u32, width: u32, annotators: &[&[u8]]) -> Vec<u8> {
        let sized: Vec<_> = annotators.iter().map(|&boundaries| (height, width, boundaries)).collect();
        self.truth_of(&sized)
    }

    /// [`Writer::truth`] with matrices of a size each.
    pub(crate) fn truth_of(self, annotators: &[(u32, u32, &[u8])]) -> Vec<u8> {
        let items: Vec<Vec<u8>> = annotators
            .iter()
            .map(|&(height, width, boundaries)| {
                let segments: Vec<u8> = boundaries.iter().flat_map(|&b| [b, 0]).collect();
                let segments = match self.order {
                    Order::Little => segments,
                    Order::Big => segments.chunks_exact(2).flat_map(|s| [s[1], s[0]]).collect(),
                };
                let segments = self.matrix(11, &[height, width], "", &self.element(4, &segments));
                let boundaries = self.logical(&[height, width], "", boundaries);
                self.record("", &[("Segmentation", segments), ("Boundaries", boundaries)])
            })
            .collect();
        self.file(&[self.compressed(&self.cell("groundTruth", &items))])
    }
}
