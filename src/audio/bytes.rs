//! Integers in binary headers, of either byte order.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// The 16-bit integer at byte `at`; `None` if `bytes` is too short.
    pub(super) fn u16_at(self, bytes: &[u8], at: usize) -> Option<u16> {
        let (number, _) = bytes.get(at..)?.split_first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(*number),
            Self::Big => u16::from_be_bytes(*number),
        })
    }

    /// The 32-bit integer at byte `at`; `None` if `bytes` is too short.
    pub(super) fn u32_at(self, bytes: &[u8], at: usize) -> Option<u32> {
        let (number, _) = bytes.get(at..)?.split_first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(*number),
            Self::Big => u32::from_be_bytes(*number),
        })
    }
}
