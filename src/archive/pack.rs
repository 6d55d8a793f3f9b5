//! A `.zip` archive around files that stay where they are: only the bytes between them are made here.
//!
//! Files are stored as they are: sound is compressed already or hardly becomes smaller. The layout is that of PKWARE's
//! APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.12 (list) and 4.3.16 (end), without its 64-bit extension.

/// Everything in an archive begins within this many bytes.
const MOST_BYTES: u64 = u32::MAX as u64;
/// The most files of an archive; the number after it means the 64-bit extension.
const MOST_FILES: usize = 0xfffe;

/// What a reader needs to know: version 2.0 of the format.
const VERSION: u16 = 20;
/// Names are UTF-8.
const UTF8: u16 = 1 << 11;
/// The first of January 1980, the format's earliest day: when a clip was changed is nobody's business.
const DATE: u16 = 0x21;

/// Why files do not fit into an archive. The texts are for users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// Too many bytes.
    #[error(
        "the set has more than the 4 GB that fit into one file; save it in two halves: remove some classes, save, undo"
    )]
    TooLarge,
    /// Too many files.
    #[error("the set has more than the {MOST_FILES} clips that fit into one file; save it in two halves")]
    TooMany,
}

/// Puts an archive together. Each file comes right after its [`header`](Self::header); [`finish`](Self::finish) comes
/// last.
#[derive(Debug, Default)]
pub struct Packer {
    /// Bytes so far, those of files included.
    length: u64,
    list: Vec<u8>,
    files: u16,
}

impl Packer {
    /// The bytes that come before a file of this path, CRC-32 (IEEE) and length in bytes.
    ///
    /// # Errors
    ///
    /// Where the archive would have too many files or bytes.
    pub fn header(&mut self, path: &str, crc: u32, length: u64) -> Result<Vec<u8>, PackError> {
        let start = u32::try_from(self.length).map_err(|_| PackError::TooLarge)?;
        let size = u32::try_from(length).map_err(|_| PackError::TooLarge)?;
        let name_length = u16::try_from(path.len()).map_err(|_| PackError::TooLarge)?;
        if usize::from(self.files) >= MOST_FILES {
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
        // Neither a remark, nor another disk, nor attributes.
        self.list.extend([0; 10]);
        self.list.extend(start.to_le_bytes());
        self.list.extend(path.as_bytes());
        self.length += header.len() as u64 + length;
        self.files += 1;
        if self.length + self.list.len() as u64 > MOST_BYTES { Err(PackError::TooLarge) } else { Ok(header) }
    }

    /// The bytes that come after the last file: the list, and the archive's end.
    pub fn finish(mut self) -> Vec<u8> {
        // Both fit: every header was checked.
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
    fn what_does_not_fit_is_refused() {
        let mut packer = Packer::default();
        assert_eq!(packer.header("a", 0, 1 << 32), Err(PackError::TooLarge));
        assert!(packer.header("a", 0, 3 << 30).is_ok());
        assert_eq!(packer.header("b", 0, 2 << 30), Err(PackError::TooLarge));
        let mut packer = Packer::default();
        for file in 0..MOST_FILES {
            assert!(packer.header(&file.to_string(), 0, 0).is_ok());
        }
        assert_eq!(packer.header("one more", 0, 0), Err(PackError::TooMany));
    }

    #[test]
    fn an_empty_archive_is_an_end_alone() {
        assert_eq!(Packer::default().finish(), [b"PK\x05\x06".as_slice(), &[0; 18]].concat());
    }
}
