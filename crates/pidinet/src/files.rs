//! Files from outside, read only up to the limit that their reader sets.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Most bytes of a list, a configuration, or another text: 64 MiB, more than a million lines.
pub const MOST_TEXT: u64 = 64 << 20;

/// Most bytes of an image from standard input, which has no size to look at first: 512 MiB.
pub const MOST_STREAM: u64 = 512 << 20;

/// Reads a whole file, pipe or device if it has at most `most` bytes.
///
/// # Errors
///
/// If it cannot be read, or is longer; finding that out takes no more reading than that.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.len() > most {
        return Err(too_long(most));
    }
    read_all(file, most)
}

/// Reads a reader to its end if that is at most `most` bytes away.
///
/// # Errors
///
/// As [`read`].
pub fn read_all(reader: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_long(most)) } else { Ok(bytes) }
}

/// Reads a text of at most [`MOST_TEXT`] bytes.
///
/// # Errors
///
/// As [`read`], and if it is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let bytes = read(path, MOST_TEXT)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the text is not UTF-8"))
}

/// Reads a model file. Anything else, such as a named pipe, is refused instead of waited for, since a model
/// may be read more than once.
pub(crate) fn read_model(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let is_other = path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
    if is_other {
        let reason = "expected a file, found a pipe or a device: copy the model to a file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    // The caller refuses longer files, since it sees that there is more.
    read_all(File::open(path)?.take(most.saturating_add(1)), u64::MAX)
}

fn too_long(most: u64) -> io::Error {
    let reason = match most {
        0..1_048_576 => format!("it is longer than {most} bytes, the most that is read"),
        _ => format!("it is longer than {} MiB, the most that is read", most >> 20),
    };
    io::Error::new(io::ErrorKind::FileTooLarge, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [7; 100]).unwrap();
        assert_eq!(read(&path, 100).unwrap(), [7; 100]);
        let error = read(&path, 99).unwrap_err().to_string();
        assert!(error.contains("longer than 99 bytes"), "{error}");
        assert!(read_all(io::repeat(0), 1 << 20).unwrap_err().to_string().contains("1 MiB"));
        assert!(read_text(&path).is_ok());
        std::fs::write(&path, [0xff]).unwrap();
        assert!(read_text(&path).is_err());
        // A sparse file takes no disk space, and no memory either.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert!(read(&path, 3 << 30).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_has_an_end_for_us() {
        assert!(read(Path::new("/dev/zero"), 1000).is_err());
        let error = read_model(Path::new("/dev/zero"), 1000).unwrap_err().to_string();
        assert!(error.contains("expected a file"), "{error}");
    }
}
