//! Writes a `.zip` archive around files that are not read here: only the bytes between them are made.
//!
//! Files are stored uncompressed, since audio hardly becomes smaller. The layout is that of PKWARE's APPNOTE 6.3.10,
//! sections 4.3.7 (local header), 4.3.12 (list) and 4.3.16 (end), without its 64-bit extension.

/// Positions in an archive have 32 bits.
const MAX_BYTES: u64 = u32::MAX as u64;
/// The next number means the 64-bit extension.
const MAX_FILES: usize = 0xfffe;

/// Version 2.0 of the format is enough to read the archive.
const VERSION: u16 = 20;
/// The flag for names in UTF-8.
const UTF8: u16 = 1 << 11;
/// The first of January 1980, the format's earliest day: when a clip was changed is private.
const DATE: u16 = 0x21;

/// Why files do not fit into an archive. The messages are for users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// Too many bytes.
    #[error(
        "the dataset is larger than the 4 GB that fit into one file; export it in two parts: remove some classes, export, undo"
    )]
    TooLarge,
    /// Too many files.
    #[error("the dataset has more than the {MAX_FILES} clips that fit into one file; export it in two parts")]
    TooMany,
}

/// Writes the headers of an archive. The caller writes each file's bytes after its [`header`](Self::header), and
/// [`finish`](Self::finish) at the end.
#[derive(Debug, Default)]
pub struct Packer {
    /// Bytes of the archive so far, files included.
    length: u64,
    /// The central directory so far.
    list: Vec<u8>,
    files: u16,
}

impl Packer {
    /// The bytes before a file. `crc` is its CRC-32 (IEEE), `length` its bytes.
    ///
    /// # Errors
    ///
    /// If the archive would have too many files or bytes.
    pub fn header(&mut self, path: &str, crc: u32, length: u64) -> Result<Vec<u8>, PackError> {
        let start = u32::try_from(self.length).map_err(|_| PackError::TooLarge)?;
        let size = u32::try_from(length).map_err(|_| PackError::TooLarge)?;
        let name_length = u16::try_from(path.len()).map_err(|_| PackError::TooLarge)?;
        if usize::from(self.files) >= MAX_FILES {
            return Err(PackError::TooMany);
        }
        let mut common = Vec::new();
        for field in [VERSION, UTF8, 0, 0, DATE] {
            common.extend(field.to_le_bytes());
        }
        for field in [crc, size, size] {
            common.extend(field.to_le_bytes());
        }
        // No extra field.
        common.extend([name_length.to_le_bytes(), [0; 2]].concat());
        let header = [b"PK\x03\x04".as_slice(), &common, path.as_bytes()].concat();
        self.list.extend([b"PK\x01\x02".as_slice(), &VERSION.to_le_bytes(), &common].concat());
        // No comment, no other disk, no attributes.
        self.list.extend([0; 10]);
        self.list.extend(start.to_le_bytes());
        self.list.extend(path.as_bytes());
        self.length += header.len() as u64 + length;
        self.files += 1;
        if self.length + self.list.len() as u64 > MAX_BYTES { Err(PackError::TooLarge) } else { Ok(header) }
    }

    /// The bytes after the last file: the central directory and the end of the archive.
    pub fn finish(mut self) -> Vec<u8> {
        // Both fit into 32 bits: every header was checked.
        let [size, start] = [self.list.len() as u64, self.length].map(|field| (field as u32).to_le_bytes());
        self.list.extend(b"PK\x05\x06\0\0\0\0");
        self.list.extend([self.files.to_le_bytes(), self.files.to_le_bytes()].concat());
        self.list.extend([size, start].concat());
        self.list.extend([0; 2]);
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_bytes_or_files_are_refused() {
        let mut packer = Packer::default();
        assert_eq!(packer.header("a", 0, 1 << 32), Err(PackError::TooLarge));
        assert!(packer.header("a", 0, 3 << 30).is_ok());
        assert_eq!(packer.header("b", 0, 2 << 30), Err(PackError::TooLarge));
        let mut packer = Packer::default();
        for file in 0..MAX_FILES {
            assert!(packer.header(&file.to_string(), 0, 0).is_ok());
        }
        assert_eq!(packer.header("one more", 0, 0), Err(PackError::TooMany));
    }

    #[test]
    fn an_empty_archive_is_only_an_end() {
        assert_eq!(Packer::default().finish(), [b"PK\x05\x06".as_slice(), &[0; 18]].concat());
    }
}
