//! What the reader returns, against SciPy and the tests' own writer; and what it refuses.

use std::path::PathBuf;

use super::write::Writer;
use super::*;
use crate::files::numbers::Order;

const LITTLE: Writer = Writer { order: Order::Little };
const BIG: Writer = Writer { order: Order::Big };

fn parse(bytes: &[u8]) -> Result<MatFile, MatError> {
    MatFile::parse(bytes, &Limits::default())
}

fn array(dims: &[usize], numbers: Numbers) -> Value {
    Value::Array(Array { dims: dims.to_vec(), logical: false, numbers })
}

/// `tools/mat_fixtures.py` had SciPy write the same variables plain and compressed.
#[test]
fn every_class_is_what_scipy_wrote() {
    for bytes in [&include_bytes!("fixtures/plain.mat")[..], include_bytes!("fixtures/compressed.mat")] {
        let file = parse(bytes).unwrap();
        let expected = [
            ("int8", Numbers::I8(vec![i8::MIN, i8::MAX])),
            ("uint8", Numbers::U8(vec![0, u8::MAX])),
            ("int16", Numbers::I16(vec![i16::MIN, i16::MAX])),
            ("uint16", Numbers::U16(vec![0, u16::MAX])),
            ("int32", Numbers::I32(vec![i32::MIN, i32::MAX])),
            ("uint32", Numbers::U32(vec![0, u32::MAX])),
            ("int64", Numbers::I64(vec![i64::MIN, i64::MAX])),
            ("uint64", Numbers::U64(vec![0, u64::MAX])),
            ("single", Numbers::F32(vec![0.5, -1e30])),
            ("double", Numbers::F64(vec![0.1, -1e300])),
        ];
        for (name, numbers) in expected {
            assert_eq!(file.get(name), Some(&array(&[1, 2], numbers)), "{name}");
        }
        assert_eq!(file.get("text"), Some(&Value::Text("Kante, größer als 0".into())));
        assert_eq!(file.get("complex"), Some(&Value::Skipped("complex")));
        assert_eq!(file.get("empty"), Some(&array(&[0, 0], Numbers::F64(vec![]))));

        let Some(Value::Array(cube)) = file.get("cube") else { panic!("no cube") };
        assert_eq!(cube.dims, [2, 3, 4]);
        // NumPy counts 0..24 along the last index; MATLAB keeps the first one together.
        let Numbers::U8(numbers) = &cube.numbers else { panic!("cube is {}", cube.numbers.type_name()) };
        assert_eq!(numbers[..7], [0, 12, 4, 16, 8, 20, 1]);

        let Some(Value::Cell(annotators)) = file.get("groundTruth") else { panic!("no truth") };
        let [Value::Struct(first), Value::Struct(second)] = &annotators[..] else { panic!("no structs") };
        let logical = |v: &[u8]| {
            Value::Array(Array { dims: vec![2, 3], logical: true, numbers: Numbers::U8(v.to_vec()) })
        };
        assert_eq!(first[0].get("Boundaries"), Some(&logical(&[0, 1, 1, 0, 0, 1])));
        assert_eq!(second[0].get("Boundaries"), Some(&logical(&[1, 0, 1, 0, 1, 0])));
        let segments = Numbers::U16(vec![300, 303, 301, 304, 302, 305]);
        assert_eq!(second[0].get("Segmentation"), Some(&array(&[2, 3], segments)));
    }
}

#[test]
fn both_byte_orders_say_the_same() {
    let boundaries: &[&[u8]] = &[&[0, 1, 1, 0, 0, 1], &[1, 0, 1, 0, 1, 0]];
    let little = LITTLE.truth(2, 3, boundaries);
    let big = BIG.truth(2, 3, boundaries);
    assert_ne!(little, big);
    assert_eq!(parse(&little).unwrap(), parse(&big).unwrap());
}

#[test]
fn storage_smaller_than_the_class_is_widened() {
    for w in [LITTLE, BIG] {
        let double_in_bytes = w.matrix(6, &[1, 3], "x", &w.small(2, &[1, 2, 255]));
        let file = parse(&w.file(&[double_in_bytes])).unwrap();
        assert_eq!(file.get("x"), Some(&array(&[1, 3], Numbers::F64(vec![1.0, 2.0, 255.0]))));
    }
}

#[test]
fn values_a_class_cannot_hold_are_refused() {
    let w = LITTLE;
    let byte_from_300 = w.matrix(9, &[1, 1], "x", &w.small(4, &300_u16.to_le_bytes()));
    let byte_from_double = w.matrix(9, &[1, 1], "x", &w.element(9, &1.0_f64.to_le_bytes()));
    for variable in [byte_from_300, byte_from_double] {
        assert!(matches!(parse(&w.file(&[variable])), Err(MatError::Invalid { .. })));
    }
}

#[test]
fn an_empty_cell_is_an_empty_matrix() {
    let file = LITTLE.file(&[LITTLE.cell("c", &[LITTLE.element(14, &[])])]);
    let expected = Value::Cell(vec![array(&[0, 0], Numbers::F64(vec![]))]);
    assert_eq!(parse(&file).unwrap().get("c"), Some(&expected));
}

#[test]
fn the_last_padding_may_be_missing() {
    let w = LITTLE;
    let mut elements = w.element(2, &[1, 0, 1]);
    elements.truncate(8 + 3);
    let mut file = w.file(&[w.matrix(0x209, &[1, 3], "x", &elements)]);
    let whole = parse(&file).unwrap();
    file.truncate(file.len() - 5);
    assert_eq!(parse(&file).unwrap(), whole);
}

#[test]
fn other_versions_are_named() {
    let mut hdf5 = LITTLE.file(&[]);
    hdf5[125] = 2;
    assert!(matches!(parse(&hdf5), Err(MatError::Hdf5)));
    for bytes in [&b""[..], b"\x89PNG\r\n\x1a\n", &[0; 200]] {
        assert!(matches!(parse(bytes), Err(MatError::NotMat)));
    }
}

#[test]
fn sizes_that_contradict_each_other_are_refused() {
    let w = LITTLE;
    let cases = [
        w.logical(&[2, 2], "x", &[1, 0, 1]),
        w.logical(&[2], "x", &[1, 0]),
        w.logical(&[u32::MAX, 2], "x", &[1, 0]),
        w.matrix(1, &[1, 1 << 30], "x", &[]),
        w.matrix(2, &[1, 1 << 30], "x", &[w.small(5, &w.u32(4)), w.small(1, b"name")].concat()),
        w.matrix(2, &[1, 1], "x", &[w.small(5, &w.u32(0)), w.element(1, &[])].concat()),
        w.matrix(18, &[1, 1], "x", &w.element(2, &[1])),
        w.element(3, &[1, 2, 3]),
    ];
    for (k, variable) in cases.iter().enumerate() {
        let error = parse(&w.file(std::slice::from_ref(variable))).unwrap_err();
        assert!(matches!(error, MatError::Invalid { .. } | MatError::Short { .. }), "case {k}: {error}");
    }
}

#[test]
fn a_zip_bomb_meets_the_limit() {
    let limits = Limits { bytes: 1 << 20, ..Limits::default() };
    let bomb = LITTLE.compressed(&LITTLE.logical(&[4096, 4096], "x", &vec![0; 1 << 24]));
    let bomb = LITTLE.file(&[bomb]);
    assert!(bomb.len() < 20_000);
    let error = MatFile::parse(&bomb, &limits).unwrap_err();
    assert!(matches!(error, MatError::Limit { what: "bytes", limit } if limit == 1 << 20), "{error}");
}

#[test]
fn decoding_to_a_wide_class_counts_against_the_limit() {
    let limits = Limits { bytes: 1000, ..Limits::default() };
    let double_in_bytes = |n: u32| LITTLE.matrix(6, &[1, n], "x", &LITTLE.element(2, &vec![1; n as usize]));
    assert!(MatFile::parse(&LITTLE.file(&[double_in_bytes(125)]), &limits).is_ok());
    assert!(MatFile::parse(&LITTLE.file(&[double_in_bytes(126)]), &limits).is_err());
}

#[test]
fn nesting_and_the_number_of_values_are_limited() {
    let nested = |levels: usize| {
        let innermost = LITTLE.logical(&[1, 1], "", &[1]);
        let cells = (0..levels).fold(innermost, |inside, _| LITTLE.cell("", &[inside]));
        parse(&LITTLE.file(&[cells]))
    };
    assert!(nested(16).is_ok());
    assert!(matches!(nested(17), Err(MatError::Limit { what: "levels of nesting", limit: 16 })));
    assert!(matches!(nested(5000), Err(MatError::Limit { .. })));

    let many = vec![LITTLE.element(14, &[]); 100_001];
    let error = parse(&LITTLE.file(&[LITTLE.cell("c", &many)])).unwrap_err();
    assert!(matches!(error, MatError::Limit { what: "values", limit: 100_000 }), "{error}");
}

#[test]
fn a_compressed_element_inside_another_is_refused() {
    let inner = LITTLE.compressed(&LITTLE.logical(&[1, 1], "x", &[1]));
    let error = parse(&LITTLE.file(&[LITTLE.compressed(&inner)])).unwrap_err();
    assert!(matches!(error, MatError::Invalid { .. }), "{error}");
}

/// A file cut anywhere is an error, except between two variables.
#[test]
fn a_cut_file_is_an_error_or_fewer_variables() {
    for bytes in [
        include_bytes!("fixtures/plain.mat").to_vec(),
        include_bytes!("fixtures/compressed.mat").to_vec(),
        BIG.truth(2, 3, &[&[0, 1, 1, 0, 0, 1]]),
    ] {
        let whole = parse(&bytes).unwrap();
        for end in 0..bytes.len() {
            if let Ok(part) = parse(&bytes[..end]) {
                let same = part.variables.iter().zip(&whole.variables).all(|(a, b)| a == b);
                let fewer = part.variables.len() < whole.variables.len();
                // Only the padding of the last element may be missing.
                assert!(same && (fewer || bytes.len() - end < 8), "cut at {end}");
            }
        }
    }
}

/// Any bit may be wrong: no panic, and a changed compressed variable never passes its checksum.
#[test]
fn a_flipped_bit_never_panics() {
    let plain = include_bytes!("fixtures/plain.mat");
    let compressed = LITTLE.truth(2, 3, &[&[0, 1, 1, 0, 0, 1], &[1, 0, 1, 0, 1, 0]]);
    let whole = parse(&compressed).unwrap();
    for bit in 0..plain.len() * 8 {
        let mut damaged = plain.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let _ = parse(&damaged);
    }
    for bit in 128 * 8..compressed.len() * 8 {
        let mut damaged = compressed.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        if let Ok(file) = parse(&damaged) {
            assert_eq!(file, whole, "bit {bit}");
        }
    }
}

/// The 500 truth files of the data set, and 200 cuts and 200 flipped bits of one of them.
#[test]
fn the_whole_data_set_reads() {
    let folder =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/BSDS500/groundTruth"));
    if !folder.is_dir() {
        println!("skipped: no {}", folder.display());
        return;
    }
    let mut annotators = Vec::new();
    for part in ["train", "val", "test"] {
        for entry in std::fs::read_dir(folder.join(part)).unwrap() {
            let path = entry.unwrap().path();
            let file = parse(&std::fs::read(&path).unwrap())
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let Some(Value::Cell(cells)) = file.get("groundTruth") else { panic!("{}", path.display()) };
            annotators.push(cells.len());
        }
    }
    assert_eq!(annotators.len(), 500);
    assert_eq!((annotators.iter().min(), annotators.iter().max()), (Some(&4), Some(&9)));

    let bytes = std::fs::read(folder.join("test/100007.mat")).unwrap();
    for k in 0..200 {
        assert!(parse(&bytes[..129 + k * (bytes.len() - 129) / 200]).is_err(), "cut {k}");
        let mut damaged = bytes.clone();
        damaged[k * bytes.len() / 200] ^= 1 << (k % 8);
        let _ = parse(&damaged);
    }
}

#[test]
fn rows_come_from_columns() {
    assert_eq!(row_major(&[1, 4, 2, 5, 3, 6], 2), [1, 2, 3, 4, 5, 6]);
    assert!(row_major::<u8>(&[], 0).is_empty());
}
