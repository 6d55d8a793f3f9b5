//! The decoders of packets, and the errors for codecs that have none here.

use nanomp3_core::{DecodeError, MAX_SAMPLES_PER_FRAME};
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_ALAC};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::{Error, Result};
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};
use symphonia::default::codecs::{AacDecoder, AlacDecoder};

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

/// How a track is coded.
pub(in crate::audio) enum Codec {
    /// AAC or ALAC, with the decoder's configuration.
    Symphonia(Box<AudioCodecParameters>),
    /// Rate in Hz.
    Mp3 { sample_rate: u32 },
}

/// What a packet holds.
pub(in crate::audio) enum Decoded {
    /// Samples of this many channels, interleaved, at a rate in Hz.
    Sound { channels: usize, sample_rate: u32 },
    /// Nothing: it depends on packets that are missing, as the first of a stream that was cut.
    Dependent,
}

/// The decoder of a track.
pub(in crate::audio) enum Decoder {
    Symphonia(Box<dyn AudioDecoder>),
    Mp3(Box<nanomp3_core::Decoder>),
}

impl Decoder {
    /// The decoder, the rate in Hz, and the channels if they are known before the first packet.
    pub(super) fn new(
        container: Container,
        codec: &Codec,
    ) -> std::result::Result<(Self, u32, Option<usize>), AudioError> {
        let params = match codec {
            Codec::Mp3 { sample_rate } => return Ok((Self::Mp3(Box::default()), *sample_rate, None)),
            Codec::Symphonia(params) => params,
        };
        let options = AudioDecoderOptions::default();
        let decoder: Result<Box<dyn AudioDecoder>> = match params.codec {
            CODEC_ID_AAC => AacDecoder::try_new(params, &options).map(|decoder| Box::new(decoder) as _),
            CODEC_ID_ALAC => AlacDecoder::try_new(params, &options).map(|decoder| Box::new(decoder) as _),
            _ => return Err(container.unsupported_content("an unknown codec")),
        };
        let decoder = decoder.map_err(|error| rejected(container, params, &error))?;
        let known = decoder.codec_params();
        let sample_rate = known.sample_rate.or(params.sample_rate).unwrap_or_default();
        let channels = known.channels.as_ref().or(params.channels.as_ref()).map(|channels| channels.count());
        Ok((Self::Symphonia(decoder), sample_rate, channels))
    }

    /// Forgets the data of earlier packets, from which MP3 would take bytes of another frame: one was lost.
    pub(super) fn forget(&mut self) {
        if let Self::Mp3(decoder) = self {
            **decoder = nanomp3_core::Decoder::new();
        }
    }

    /// Replaces `samples` by the sound of a packet.
    pub(super) fn decode(
        &mut self,
        container: Container,
        data: Vec<u8>,
        samples: &mut Vec<f32>,
    ) -> std::result::Result<Decoded, AudioError> {
        match self {
            Self::Symphonia(decoder) => {
                let packet = Packet::new(0, Timestamp::ZERO, Duration::ZERO, data);
                let sound = match decoder.decode(&packet) {
                    Ok(sound) => sound,
                    Err(error) => return Err(rejected(container, decoder.codec_params(), &error)),
                };
                sound.copy_to_vec_interleaved(samples);
                if sound.num_planes() == 0 {
                    return Err(container.damaged("a packet without channels"));
                }
                Ok(Decoded::Sound { channels: sound.num_planes(), sample_rate: sound.spec().rate() })
            }
            Self::Mp3(decoder) => {
                samples.resize(MAX_SAMPLES_PER_FRAME, 0.0);
                match decoder.decode(&data, samples.as_mut_slice()).1 {
                    Ok(frame) => {
                        let channels = usize::from(frame.channels.num());
                        samples.truncate(frame.samples_produced * channels);
                        Ok(Decoded::Sound { channels, sample_rate: frame.sample_rate })
                    }
                    Err(DecodeError::ReservoirUnavailable(_)) => Ok(Decoded::Dependent),
                    Err(DecodeError::UnsupportedLayer(_)) => Err(container.unsupported_content("MPEG layer 1 or 2")),
                    Err(error) => Err(container.damaged(&error.to_string())),
                }
            }
        }
    }
}

/// The error for a track or packet that one of Symphonia's decoders rejects.
fn rejected(container: Container, params: &AudioCodecParameters, error: &Error) -> AudioError {
    match error {
        Error::Unsupported(_) if params.codec == CODEC_ID_AAC => other_aac(container),
        Error::Unsupported(feature) => container.unsupported_content(&format!("an unsupported feature ({feature})")),
        Error::DecodeError(found) => container.damaged(found),
        error => container.damaged(&error.to_string()),
    }
}

/// The error for AAC that Symphonia does not decode.
pub(in crate::audio) fn other_aac(container: Container) -> AudioError {
    container.unsupported_content("AAC other than AAC-LC (such as HE-AAC) or with more than two channels")
}
