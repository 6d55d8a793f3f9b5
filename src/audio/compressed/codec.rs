//! Symphonia's decoders, and the errors for codecs that have none here.

use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_ALAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3,
};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::{Error, Result};
use symphonia::default::codecs::{AacDecoder, AlacDecoder, MpaDecoder};

use crate::audio::error::{AudioError, malformed, unsupported};

/// The container of the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::audio) enum Container {
    /// AAC in ADTS frames (ISO 13818-7).
    Adts,
    Mp3,
    /// ISO 14496-12: M4A, MP4, MOV.
    Mp4,
}

impl Container {
    /// Its name in a message, after "it is".
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Adts => "an AAC file",
            Self::Mp3 => "an MP3 file",
            Self::Mp4 => "an M4A or MP4 file",
        }
    }

    /// The error for content that is not supported.
    pub(super) fn unsupported_content(self, what: &str) -> AudioError {
        let supported = match self {
            Self::Adts | Self::Mp3 => "only AAC-LC and MP3 are supported in such files",
            Self::Mp4 => "only AAC-LC, ALAC and MP3 are supported in such files",
        };
        unsupported(&format!("it is {} with {what} inside, but {supported}", self.name()))
    }

    /// The error for damage before the first packet that could be decoded.
    pub(super) fn damaged(self, found: &str) -> AudioError {
        malformed(&format!("it is {} with a damaged beginning ({found})", self.name()))
    }
}

/// The decoder of a track's codec.
pub(in crate::audio) fn decoder(
    container: Container,
    params: &AudioCodecParameters,
) -> std::result::Result<Box<dyn AudioDecoder>, AudioError> {
    let options = AudioDecoderOptions::default();
    let decoder: Result<Box<dyn AudioDecoder>> = match params.codec {
        CODEC_ID_AAC => AacDecoder::try_new(params, &options).map(|decoder| Box::new(decoder) as _),
        CODEC_ID_ALAC => AlacDecoder::try_new(params, &options).map(|decoder| Box::new(decoder) as _),
        CODEC_ID_MP3 => MpaDecoder::try_new(params, &options).map(|decoder| Box::new(decoder) as _),
        CODEC_ID_MP1 | CODEC_ID_MP2 => return Err(container.unsupported_content("MPEG layer 1 or 2")),
        _ => return Err(container.unsupported_content("an unknown codec")),
    };
    decoder.map_err(|error| rejected(container, params.codec, &error))
}

/// The error for a track or packet that a decoder rejects.
pub(in crate::audio) fn rejected(container: Container, codec: AudioCodecId, error: &Error) -> AudioError {
    match error {
        Error::Unsupported(_) if codec == CODEC_ID_AAC => {
            container.unsupported_content("AAC other than AAC-LC (such as HE-AAC) or with more than two channels")
        }
        Error::Unsupported(feature) => container.unsupported_content(&format!("an unsupported feature ({feature})")),
        Error::DecodeError(found) => container.damaged(found),
        error => container.damaged(&error.to_string()),
    }
}
