//! Symphonia's decoders, and the names of what has none here.

use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_ALAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3,
};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::{Error, Result};
use symphonia::default::codecs::{AacDecoder, AlacDecoder, MpaDecoder};

use crate::audio::error::{AudioError, malformed, unsupported};

/// What holds the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::audio) enum Container {
    /// AAC in ADTS frames (ISO 13818-7).
    Adts,
    Mp3,
    /// ISO 14496-12: M4A, MP4, MOV.
    Mp4,
}

impl Container {
    /// Follows "it is".
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Adts => "an AAC file",
            Self::Mp3 => "an MP3 file",
            Self::Mp4 => "an M4A or MP4 file",
        }
    }

    /// The refusal of what is inside.
    pub(super) fn inside(self, what: &str) -> AudioError {
        let read = match self {
            Self::Adts | Self::Mp3 => "only AAC-LC and MP3 are read in such files",
            Self::Mp4 => "only AAC-LC, ALAC and MP3 are read in such files",
        };
        unsupported(&format!("it is {} with {what} inside, and {read}", self.name()))
    }

    /// The refusal of what is damaged before its first packet.
    pub(super) fn damaged(self, found: &str) -> AudioError {
        malformed(&format!("it is {} with a damaged beginning ({found})", self.name()))
    }
}

/// The decoder for a track.
pub(in crate::audio) fn decoder(
    container: Container,
    params: &AudioCodecParameters,
) -> std::result::Result<Box<dyn AudioDecoder>, AudioError> {
    let options = AudioDecoderOptions::default();
    let decoder: Result<Box<dyn AudioDecoder>> = match params.codec {
        CODEC_ID_AAC => AacDecoder::try_new(params, &options).map(|decoder| Box::new(decoder) as _),
        CODEC_ID_ALAC => AlacDecoder::try_new(params, &options).map(|decoder| Box::new(decoder) as _),
        CODEC_ID_MP3 => MpaDecoder::try_new(params, &options).map(|decoder| Box::new(decoder) as _),
        CODEC_ID_MP1 | CODEC_ID_MP2 => return Err(container.inside("MPEG layer 1 or 2")),
        _ => return Err(container.inside("a codec that is unknown here")),
    };
    decoder.map_err(|error| refused(container, params.codec, &error))
}

/// The refusal of what a decoder does not take.
pub(in crate::audio) fn refused(container: Container, codec: AudioCodecId, error: &Error) -> AudioError {
    match error {
        Error::Unsupported(_) if codec == CODEC_ID_AAC => {
            container.inside("AAC of another kind than LC (HE-AAC, say) or of more than two channels")
        }
        Error::Unsupported(feature) => container.inside(&format!("sound of an unusual kind ({feature})")),
        Error::DecodeError(found) => container.damaged(found),
        error => container.damaged(&error.to_string()),
    }
}
