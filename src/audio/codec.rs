//! Symphonia's decoders, and the names of what has none here.

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known as id;
use symphonia::core::codecs::audio::{AudioCodecId, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::Track;
use symphonia::default::codecs::{AacDecoder, AlacDecoder, FlacDecoder, MpaDecoder, VorbisDecoder};

use super::container::Container;
use super::error::{AudioError, malformed, unsupported};

/// What is inside the files that are read.
const READ: &str = "MP3, AAC-LC, ALAC, FLAC and Vorbis are read";

/// The decoder for a track.
pub(super) fn decoder(container: Container, track: &Track) -> Result<Box<dyn AudioDecoder>, AudioError> {
    let Some(CodecParameters::Audio(params)) = &track.codec_params else {
        return Err(none(container, 1));
    };
    let options = AudioDecoderOptions::default();
    let decoder: Result<Box<dyn AudioDecoder>, Error> = match params.codec {
        id::CODEC_ID_AAC => AacDecoder::try_new(params, &options).map(|decoder| Box::new(decoder) as _),
        id::CODEC_ID_ALAC => AlacDecoder::try_new(params, &options).map(|decoder| Box::new(decoder) as _),
        id::CODEC_ID_FLAC => FlacDecoder::try_new(params, &options).map(|decoder| Box::new(decoder) as _),
        id::CODEC_ID_MP3 => MpaDecoder::try_new(params, &options).map(|decoder| Box::new(decoder) as _),
        id::CODEC_ID_VORBIS => VorbisDecoder::try_new(params, &options).map(|decoder| Box::new(decoder) as _),
        other => return Err(inside(container, name(other))),
    };
    decoder.map_err(|error| match error {
        Error::Unsupported(_) if params.codec == id::CODEC_ID_AAC => {
            inside(container, "AAC of another kind than LC (HE-AAC, say) or of more than two channels")
        }
        Error::Unsupported(feature) => inside(container, &format!("sound of a kind that is not read ({feature})")),
        error => malformed(&format!("it is {} with a damaged beginning ({error})", container.name())),
    })
}

/// The refusal of a container in which no reader found sound that it knows, among so many tracks.
pub(super) fn none(container: Container, tracks: usize) -> AudioError {
    match tracks {
        0 => inside(container, "no sound of a kind that is known here"),
        _ => inside(container, "tracks of unknown kinds"),
    }
}

fn inside(container: Container, what: &str) -> AudioError {
    unsupported(&format!("it is {} with {what} inside, and {READ}", container.name()))
}

fn name(codec: AudioCodecId) -> &'static str {
    match codec {
        id::CODEC_ID_OPUS => "Opus",
        id::CODEC_ID_SPEEX => "Speex",
        id::CODEC_ID_MP1 | id::CODEC_ID_MP2 => "MPEG layer 1 or 2",
        id::CODEC_ID_AC3 | id::CODEC_ID_EAC3 => "Dolby Digital",
        id::CODEC_ID_DCA => "DTS",
        _ => "a codec that is unknown here",
    }
}
