//! Why a file could not be decoded.

/// The most samples per channel that [`decode`](super::decode) keeps in memory: 400 MB of mono, 37 minutes at 44.1 kHz.
/// A [`Recording`](super::Recording) is read in blocks and has no such limit.
pub const MAX_FRAMES: usize = 100_000_000;

/// The supported formats, as messages to the user name them.
pub(super) const FORMATS_READ: &str = "WAV, RF64, AU, AIFF, FLAC, MP3, AAC and M4A files";

/// Why a file could not be decoded. Each message is a sentence for the user that follows the file's name and a colon: what
/// was found, what was expected, and, after a semicolon, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AudioError {
    /// The bytes are damaged, end before any sound, or are not audio at all.
    #[error("{0}")]
    Malformed(String),
    /// Audio of a format or codec that is not supported.
    #[error("{0}")]
    Unsupported(String),
    /// More samples than [`decode`](super::decode) keeps in memory.
    #[error(
        "the recording has more than {most} samples per channel ({minutes} minutes at 44.1 kHz), the most that is kept \
         in memory at once; cut it into parts and choose one of them",
        minutes = most / 44_100 / 60
    )]
    TooLarge {
        /// The limit, in samples per channel.
        most: usize,
    },
    /// Reading failed: the drive was removed, or the file was moved or changed.
    #[error("{0}")]
    Unreadable(String),
}

pub(super) fn malformed(found: &str) -> AudioError {
    AudioError::Malformed(format!(
        "{found}; export it again, if possible as a 16-bit PCM WAV file, and choose the new file"
    ))
}

pub(super) fn unsupported(found: &str) -> AudioError {
    AudioError::Unsupported(format!("{found}; save it as a 16-bit PCM WAV file and choose that file"))
}

pub(super) fn unreadable(error: &std::io::Error) -> AudioError {
    AudioError::Unreadable(format!(
        "the file could not be read ({error}); check that it was not moved or changed, and choose it again"
    ))
}
