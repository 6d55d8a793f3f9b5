//! Why a file could not be heard.

/// The most samples a channel that [`decode`](super::decode) holds in memory, 400 MB of mono: 37 minutes at 44.1 kHz.
/// [`Recording`](super::Recording) gives blocks and has no such limit.
pub const MAX_FRAMES: usize = 100_000_000;

/// The formats that are read, as the messages for users name them.
pub(super) const FORMATS_READ: &str = "WAV, RF64, AU, AIFF, FLAC, MP3, AAC and M4A files";

/// Why a file could not be decoded. Each text is a sentence for the user that follows the file's name and a colon: what
/// was expected, what was found, and, after a semicolon, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AudioError {
    /// The bytes are damaged, cut short before any sound, or no audio at all.
    #[error("{0}")]
    Malformed(String),
    /// Audio of a kind that this version does not read.
    #[error("{0}")]
    Unsupported(String),
    /// More than fits in memory.
    #[error(
        "the recording has more than {most} samples a channel ({minutes} minutes at 44.1 kHz), and no more are held in \
         memory at once; cut it into parts and choose one of them",
        minutes = most / 44_100 / 60
    )]
    TooLarge {
        /// The most samples a channel that are held.
        most: usize,
    },
    /// The file is there, but reading it failed: a drive that was removed, a file that was moved or changed.
    #[error("{0}")]
    Unreadable(String),
}

pub(super) fn malformed(found: &str) -> AudioError {
    AudioError::Malformed(format!("{found}; export it again, as a 16-bit PCM WAV file if you can, and choose that"))
}

pub(super) fn unsupported(found: &str) -> AudioError {
    AudioError::Unsupported(format!("{found}; save it as a 16-bit PCM WAV file and choose that"))
}

pub(super) fn unreadable(error: &std::io::Error) -> AudioError {
    AudioError::Unreadable(format!(
        "the file could not be read ({error}); see that it is still where it was and unchanged, and choose it again"
    ))
}
