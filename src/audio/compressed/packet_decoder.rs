//! Decodes the packets of a container, and replaces damaged ones by silence.

use std::num::NonZero;

use super::codec::{Codec, Container, Decoded, Decoder};
use super::warnings::{damaged_after, rate_changes, shorter_than_declared};
use crate::audio::error::AudioError;
use crate::audio::mix::Mixer;
use crate::audio::stream::{BLOCK_FRAMES, Stream, check_limits, no_audio};

/// Most frames of silence that replace a packet that cannot be decoded.
const MAX_PACKET_FRAMES: u64 = 1 << 16;

/// If nothing can be decoded at the beginning, this many frames are searched before they are output as silence.
const MAX_LEADING_SILENCE: usize = 1 << 16;

/// A piece of a track that is decoded at once.
pub(in crate::audio) struct Packet {
    pub data: Vec<u8>,
    /// Duration, in the container's units.
    pub units: u64,
}

/// What a container has next.
pub(in crate::audio) enum Next {
    Packet(Packet),
    /// The packets from here on need another decoder: the track has changed.
    NewTrack,
    /// A lost packet of this duration in the container's units; 0 if the skipped bytes were no packet.
    Lost(u64),
    End,
    /// Nothing more can be read, for this reason.
    Damage(String),
}

/// What a container says of the track that is decoded.
pub(in crate::audio) struct Track {
    pub codec: Codec,
    /// Duration in the container's units, without the encoder's delay and padding, if the container tells.
    pub length: Option<u64>,
    /// Encoder delay before the sound begins, in the container's units.
    pub delay: u64,
    /// The container's units per second; if `None`, its units are frames. The rate may differ from the decoder's sample
    /// rate.
    pub units_per_second: Option<NonZero<u32>>,
    /// True if packets after `length` are only padding.
    pub ends: bool,
}

impl Track {
    /// Converts units of the container to frames at `sample_rate`, in Hz.
    fn frames(&self, units: u64, sample_rate: u32) -> u64 {
        let Some(units_per_second) = self.units_per_second else { return units };
        let frames = u128::from(units) * u128::from(sample_rate) / u128::from(units_per_second.get());
        // A crafted file's units would overflow the sums of frames.
        frames.min(1 << 62) as u64
    }
}

/// Reads the packets of one track of a container.
pub(in crate::audio) trait Demuxer {
    fn container(&self) -> Container;
    fn track(&self) -> &Track;
    /// The next packet; fails only with [`AudioError::Unreadable`].
    fn next_packet(&mut self) -> Result<Next, AudioError>;
    /// Bytes of the file that are read.
    fn position(&self) -> u64;
}

/// A compressed recording.
pub(in crate::audio) struct PacketDecoder<D> {
    demuxer: D,
    decoder: Decoder,
    /// In Hz.
    sample_rate: u32,
    /// Most bytes of all packets: those of the file.
    length: u64,
    /// Bytes of all packets so far. If they exceed the file, its tables lead in circles.
    packet_bytes: u64,
    /// Frames in the whole recording, if the container tells.
    frames: Option<u64>,
    /// Frames of the encoder's delay that must still be dropped.
    delay_left: u64,
    /// Frames that were mixed.
    decoded_frames: u64,
    /// Packets that could not be decoded.
    damaged_packets: u64,
    /// The first other sample rate in the middle of the file in Hz, the frames before it, and the seconds at any other rate.
    other_rate: Option<(u32, u64, f64)>,
    /// True after the first packet that could be decoded.
    any_decoded: bool,
    /// Why the first packet could not be decoded.
    first_error: Option<AudioError>,
    ended: bool,
    /// The warning about a damaged end.
    ending: Option<String>,
    interleaved: Vec<f32>,
}

impl<D: Demuxer> PacketDecoder<D> {
    /// Starts decoding packets of at most `length` bytes together.
    pub(super) fn new(demuxer: D, length: u64) -> Result<Self, AudioError> {
        let (decoder, sample_rate) = decoder(&demuxer)?;
        let track = demuxer.track();
        let delay_left = track.frames(track.delay, sample_rate);
        let frames = track.length.map(|length| track.frames(length, sample_rate));
        Ok(Self {
            demuxer,
            decoder,
            sample_rate,
            length,
            packet_bytes: 0,
            frames,
            delay_left,
            decoded_frames: 0,
            damaged_packets: 0,
            other_rate: None,
            any_decoded: false,
            first_error: None,
            ended: false,
            ending: None,
            interleaved: Vec::new(),
        })
    }

    /// Decodes one packet, or sets `ended`.
    fn step(&mut self, mixer: &mut Mixer) -> Result<(), AudioError> {
        match self.demuxer.next_packet()? {
            Next::Packet(packet) => {
                // An empty packet counts too, or a crafted table of them would not end.
                self.packet_bytes += packet.data.len().max(1) as u64;
                if self.packet_bytes > self.length {
                    self.end(Some("its table of packets leads in circles"));
                } else {
                    self.decode_packet(packet, mixer);
                }
            }
            Next::NewTrack => match decoder(&self.demuxer) {
                Ok((decoder, _)) => self.decoder = decoder,
                Err(_) => self.end(Some("it goes on in another format")),
            },
            Next::Lost(0) => {}
            Next::Lost(units) => {
                self.decoder.forget();
                self.push_silence(units, mixer);
            }
            Next::End => self.end(None),
            Next::Damage(found) => {
                self.first_error.get_or_insert_with(|| self.demuxer.container().damaged(&found));
                self.end(Some(&found));
            }
        }
        if self.frames_left() == 0 {
            self.ended = true;
        }
        Ok(())
    }

    fn end(&mut self, found: Option<&str>) {
        self.ended = true;
        self.ending = found.map(|found| damaged_after(self.decoded_frames, self.sample_rate, found));
    }

    /// Decodes and mixes a packet, or silence of the same duration.
    fn decode_packet(&mut self, packet: Packet, mixer: &mut Mixer) {
        let decoded = self.decoder.decode(self.demuxer.container(), packet.data, &mut self.interleaved);
        match decoded {
            Ok(Decoded::Sound { channels, sample_rate }) if sample_rate == self.sample_rate => {
                self.any_decoded = true;
                self.push_frames(channels, mixer);
            }
            Ok(Decoded::Sound { channels, sample_rate }) => {
                let (_, _, seconds) = self.other_rate.get_or_insert((sample_rate, self.decoded_frames, 0.0));
                *seconds += (self.interleaved.len() / channels) as f64 / f64::from(sample_rate.max(1));
            }
            // The beginning of a file that was cut from a stream.
            Ok(Decoded::Dependent) if !self.any_decoded => {
                let missing = || self.demuxer.container().damaged("it depends on sound before it, which is missing");
                self.first_error.get_or_insert_with(missing);
                self.mix_silence(packet.units, mixer);
            }
            Ok(Decoded::Dependent) => self.push_silence(packet.units, mixer),
            Err(error) => {
                self.first_error.get_or_insert(error);
                self.push_silence(packet.units, mixer);
            }
        }
    }

    /// Mixes silence in place of a damaged packet of this duration in the container's units.
    fn push_silence(&mut self, units: u64, mixer: &mut Mixer) {
        self.damaged_packets += 1;
        self.mix_silence(units, mixer);
    }

    fn mix_silence(&mut self, units: u64, mixer: &mut Mixer) {
        let frames = self.demuxer.track().frames(units, self.sample_rate).min(MAX_PACKET_FRAMES);
        self.interleaved.clear();
        self.interleaved.resize(frames as usize, 0.0);
        self.push_frames(1, mixer);
    }

    /// Mixes the frames in `interleaved`, without the encoder's delay and padding.
    fn push_frames(&mut self, channels: usize, mixer: &mut Mixer) {
        let frames = (self.interleaved.len() / channels) as u64;
        let first = self.delay_left.min(frames);
        self.delay_left -= first;
        let kept = (frames - first).min(self.frames_left());
        self.decoded_frames += kept;
        let (first, last) = (first as usize * channels, (first + kept) as usize * channels);
        mixer.push(&self.interleaved[first..last], channels);
    }

    /// Frames that may still come before the padding.
    fn frames_left(&self) -> u64 {
        match self.frames {
            Some(frames) if self.demuxer.track().ends => frames.saturating_sub(self.decoded_frames),
            _ => u64::MAX,
        }
    }
}

impl<D: Demuxer> Stream for PacketDecoder<D> {
    fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    fn frames(&self) -> Option<u64> {
        self.frames
    }

    fn position(&self) -> u64 {
        self.demuxer.position()
    }

    fn next(&mut self, mixer: &mut Mixer) -> Result<bool, AudioError> {
        let begins = self.decoded_frames == 0;
        let wanted = |any_decoded: bool| if begins && !any_decoded { MAX_LEADING_SILENCE } else { BLOCK_FRAMES };
        while !self.ended && mixer.mono.len() < wanted(self.any_decoded) {
            self.step(mixer)?;
        }
        // Not a single packet was decoded: the silence so far is no recording.
        if begins && self.ended && !self.any_decoded {
            mixer.mono.clear();
        }
        Ok(!mixer.mono.is_empty())
    }

    fn warnings(&self) -> Vec<String> {
        let damaged = match self.damaged_packets {
            0 => None,
            1 => Some("1 packet of the file is damaged; it is replaced by silence.".to_owned()),
            count => Some(format!("{count} packets of the file are damaged; they are replaced by silence.")),
        };
        let declared = self.frames().filter(|_| self.ended);
        let short =
            || declared.and_then(|declared| shorter_than_declared(self.decoded_frames, declared, self.sample_rate));
        let other_rate =
            self.other_rate.map(|(rate, frames, seconds)| rate_changes(frames, self.sample_rate, rate, seconds));
        // What was left out for its rate is not missing.
        let ending = self.ending.clone().or_else(|| if other_rate.is_some() { None } else { short() });
        damaged.into_iter().chain(other_rate).chain(ending).collect()
    }

    fn no_frames_error(&self) -> AudioError {
        self.first_error.clone().unwrap_or_else(no_audio)
    }
}

/// The decoder of a container's track, and its sample rate in Hz.
fn decoder(demuxer: &impl Demuxer) -> Result<(Decoder, u32), AudioError> {
    let (decoder, sample_rate, channels) = Decoder::new(demuxer.container(), &demuxer.track().codec)?;
    // If the container does not tell the channels, each packet does.
    check_limits(channels.unwrap_or(1), sample_rate)?;
    Ok((decoder, sample_rate))
}
