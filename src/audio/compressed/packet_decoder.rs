//! Compressed sound in packets, decoded one by one by Symphonia.

use std::num::NonZero;

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder};
use symphonia::core::packet::Packet;

use super::codec::{self, Container};
use super::warnings::{damaged_after, shorter_than_said};
use crate::audio::error::AudioError;
use crate::audio::mix::Mixer;
use crate::audio::stream::{BLOCK_FRAMES, Stream, check, no_audio};

/// Frames of silence in place of a packet that cannot be decoded, at most.
const LONGEST_PACKET: u64 = 1 << 16;

/// Frames of silence at a beginning that cannot be decoded, before it is given out as silence.
const LONGEST_SILENCE: usize = 1 << 16;

/// What a container gives next.
pub(in crate::audio) enum Next {
    Packet(Packet),
    /// A packet was lost that was so long, in the container's units; 0 where only other bytes were passed over.
    Lost(u64),
    End,
    /// Nothing more can be read, and why.
    Damage(String),
}

/// What a container says of the track that is heard.
pub(in crate::audio) struct Track {
    pub params: AudioCodecParameters,
    /// Without what the encoder put before and after, where the container tells; in its units.
    pub length: Option<u64>,
    /// Before the sound begins, in the container's units.
    pub delay: u64,
    /// The container's units; where it has none, they are frames. What the decoder says of the frames' rate is not always
    /// what the container says.
    pub units_per_second: Option<NonZero<u32>>,
    /// True where packets after `length` are padding.
    pub ends: bool,
}

impl Track {
    /// So many units of the container's in frames of a sample rate in Hz.
    fn frames(&self, units: u64, sample_rate: u32) -> u64 {
        let Some(units_per_second) = self.units_per_second else { return units };
        let frames = u128::from(units) * u128::from(sample_rate) / u128::from(units_per_second.get());
        frames.min(1 << 62) as u64
    }
}

/// A container's packets, those of one track only.
pub(in crate::audio) trait Demuxer {
    /// Which it is.
    fn container(&self) -> Container;
    /// The track that is heard.
    fn track(&self) -> &Track;
    /// The next packet; [`AudioError::Unreadable`] where the source fails.
    fn next_packet(&mut self) -> Result<Next, AudioError>;
    /// How far in the file it is, in bytes.
    fn position(&self) -> u64;
}

/// A compressed recording.
pub(in crate::audio) struct PacketDecoder<D> {
    demuxer: D,
    decoder: Box<dyn AudioDecoder>,
    /// In Hz.
    sample_rate: u32,
    /// Of the file, in bytes.
    length: u64,
    /// Bytes of packets so far. Tables that lead in circles are left where they exceed the file.
    packet_bytes: u64,
    /// From beginning to end, where the container tells.
    frames: Option<u64>,
    /// Frames still to be dropped.
    delay_left: u64,
    given: u64,
    skipped: u64,
    /// True after the first packet that could be decoded.
    decoded: bool,
    /// Why the first packet could not be decoded.
    refusal: Option<AudioError>,
    ended: bool,
    /// How the recording ended, where it did not end well.
    ending: Option<String>,
    interleaved: Vec<f32>,
}

impl<D: Demuxer> PacketDecoder<D> {
    /// A recording of so many bytes in all.
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
            given: 0,
            skipped: 0,
            decoded: false,
            refusal: None,
            ended: false,
            ending: None,
            interleaved: Vec::new(),
        })
    }

    /// Decodes what comes next; nothing comes after the end.
    fn step(&mut self, mixer: &mut Mixer) -> Result<(), AudioError> {
        match self.demuxer.next_packet()? {
            Next::Packet(packet) => {
                self.packet_bytes += packet.data.len().max(1) as u64;
                if self.packet_bytes > self.length {
                    self.end(Some("its table of packets leads in circles"));
                } else {
                    self.decode_packet(&packet, mixer);
                }
            }
            Next::Lost(0) => {}
            Next::Lost(units) => self.give_silence(units, mixer),
            Next::End => self.end(None),
            Next::Damage(found) => {
                self.refusal.get_or_insert_with(|| self.demuxer.container().damaged(&found));
                self.end(Some(&found));
            }
        }
        if self.room() == 0 {
            self.ended = true;
        }
        Ok(())
    }

    fn end(&mut self, found: Option<&str>) {
        self.ended = true;
        self.ending = found.map(|found| damaged_after(self.given, self.sample_rate, found));
    }

    /// Decodes and mixes a packet, or fills its time with silence.
    fn decode_packet(&mut self, packet: &Packet, mixer: &mut Mixer) {
        self.interleaved.clear();
        let channels = match self.decoder.decode(packet) {
            Ok(sound) if sound.spec().rate() == self.sample_rate => interleave(&sound, &mut self.interleaved),
            Ok(_) => None,
            Err(error) => {
                let (container, codec) = (self.demuxer.container(), self.demuxer.track().params.codec);
                self.refusal.get_or_insert_with(|| codec::refused(container, codec, &error));
                None
            }
        };
        match channels {
            Some(channels) => {
                self.decoded = true;
                self.give(channels, mixer);
            }
            None => self.give_silence(packet.dur.get(), mixer),
        }
    }

    /// Gives silence for a packet of so many units.
    fn give_silence(&mut self, units: u64, mixer: &mut Mixer) {
        self.skipped += 1;
        let frames = self.demuxer.track().frames(units, self.sample_rate).min(LONGEST_PACKET);
        self.interleaved.clear();
        self.interleaved.resize(frames as usize, 0.0);
        self.give(1, mixer);
    }

    /// Mixes what is wanted of the frames that are held.
    fn give(&mut self, channels: usize, mixer: &mut Mixer) {
        let frames = (self.interleaved.len() / channels) as u64;
        let first = self.delay_left.min(frames);
        self.delay_left -= first;
        let kept = (frames - first).min(self.room());
        self.given += kept;
        let (first, last) = (first as usize * channels, (first + kept) as usize * channels);
        mixer.push(&self.interleaved[first..last], channels);
    }

    /// Frames that may still come.
    fn room(&self) -> u64 {
        match self.frames {
            Some(frames) if self.demuxer.track().ends => frames.saturating_sub(self.given),
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
        let begins = self.given == 0;
        let wanted = |decoded: bool| if begins && !decoded { LONGEST_SILENCE } else { BLOCK_FRAMES };
        while !self.ended && mixer.mono.len() < wanted(self.decoded) {
            self.step(mixer)?;
        }
        if begins && self.ended && !self.decoded {
            mixer.mono.clear();
        }
        Ok(!mixer.mono.is_empty())
    }

    fn warnings(&self) -> Vec<String> {
        let skipped = match self.skipped {
            0 => None,
            1 => Some("1 packet of the file is damaged; it is heard as silence.".to_owned()),
            count => Some(format!("{count} packets of the file are damaged; they are heard as silence.")),
        };
        let said = self.frames().filter(|_| self.ended);
        let short = || said.and_then(|said| shorter_than_said(self.given, said, self.sample_rate));
        skipped.into_iter().chain(self.ending.clone().or_else(short)).collect()
    }

    fn refusal(&self) -> AudioError {
        self.refusal.clone().unwrap_or_else(no_audio)
    }
}

/// The decoder of a container's track, and its sample rate in Hz.
fn decoder(demuxer: &impl Demuxer) -> Result<(Box<dyn AudioDecoder>, u32), AudioError> {
    let declared = &demuxer.track().params;
    let decoder = codec::decoder(demuxer.container(), declared)?;
    let params = decoder.codec_params();
    let sample_rate = params.sample_rate.or(declared.sample_rate).unwrap_or_default();
    let channels = params.channels.as_ref().or(declared.channels.as_ref());
    // Where a container does not tell the channels, its packets do.
    check(channels.map_or(1, |channels| channels.count()), sample_rate)?;
    Ok((decoder, sample_rate))
}

/// Replaces `samples` by the sound's, channels interleaved, and gives the number of channels; `None` where there are
/// none.
fn interleave(sound: &GenericAudioBufferRef<'_>, samples: &mut Vec<f32>) -> Option<usize> {
    sound.copy_to_vec_interleaved(samples);
    Some(sound.num_planes()).filter(|&channels| channels > 0)
}
