//! Compressed sound in packets, decoded one by one by Symphonia.

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder};
use symphonia::core::packet::Packet;

use super::codec::{self, Container};
use super::error::AudioError;
use super::mix::Mixer;
use super::recording::{BLOCK_FRAMES, Stream, check};
use super::sentences::{damaged_after, shorter_than_said};

/// Frames of silence in place of a packet that cannot be decoded, at most.
const LONGEST_PACKET: u64 = 1 << 16;

/// What a container gives next.
pub(super) enum Next {
    Packet(Packet),
    /// Another recording begins, with a [`Track`] of its own.
    Track,
    End,
    /// Nothing more can be read, and why.
    Damage(String),
}

/// What a container says of the track that is heard.
pub(super) struct Track {
    pub params: AudioCodecParameters,
    /// Of the sound without what the encoder put before and after, where the container tells, in units.
    pub length: Option<u64>,
    /// What comes before the sound, in units.
    pub delay: u64,
    /// True where packets after `length` are padding.
    pub ends: bool,
    /// Units of time a second; `None` where they are frames.
    pub units_per_second: Option<u32>,
}

impl Track {
    /// Units in frames of a sample rate, in Hz: the decoder's, which a container need not know.
    fn frames(&self, units: u64, sample_rate: u32) -> u64 {
        match self.units_per_second {
            Some(per_second) => {
                let frames = u128::from(units) * u128::from(sample_rate) / u128::from(per_second.max(1));
                frames.min(u128::from(u64::MAX)) as u64
            }
            None => units,
        }
    }
}

/// A container's packets, those of one track only.
pub(super) trait Demuxer {
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
pub(super) struct Packets<D> {
    demuxer: D,
    decoder: Box<dyn AudioDecoder>,
    /// In Hz.
    sample_rate: u32,
    /// Of the file, in bytes.
    length: u64,
    /// Bytes of packets so far. Tables that lead in circles are left where they exceed the file.
    packet_bytes: u64,
    /// Frames still to be dropped.
    delay_left: u64,
    /// From beginning to end; nothing tells it of chained recordings.
    frames: Option<u64>,
    given: u64,
    skipped: u64,
    ended: bool,
    /// How the recording ended, where it did not end well.
    ending: Option<String>,
    interleaved: Vec<f32>,
}

impl<D: Demuxer> Packets<D> {
    /// A recording of so many bytes in all.
    pub fn new(demuxer: D, length: u64) -> Result<Self, AudioError> {
        let (decoder, sample_rate) = decoder(&demuxer)?;
        let track = demuxer.track();
        let delay_left = track.frames(track.delay, sample_rate);
        let frames = track.length.map(|length| track.frames(length, sample_rate));
        Ok(Self {
            frames,
            demuxer,
            decoder,
            sample_rate,
            length,
            packet_bytes: 0,
            delay_left,
            given: 0,
            skipped: 0,
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
                    self.hear(&packet, mixer);
                }
            }
            Next::Track => match decoder(&self.demuxer) {
                Ok((decoder, sample_rate)) if sample_rate == self.sample_rate => {
                    (self.decoder, self.frames) = (decoder, None);
                }
                Ok(_) | Err(_) => self.end(Some("another recording of another kind follows")),
            },
            Next::End => self.end(None),
            Next::Damage(found) => self.end(Some(&found)),
        }
        Ok(())
    }

    fn end(&mut self, found: Option<&str>) {
        self.ended = true;
        self.ending = found.map(|found| damaged_after(self.given, self.sample_rate, found));
    }

    /// Decodes and mixes a packet, or fills its time with silence.
    fn hear(&mut self, packet: &Packet, mixer: &mut Mixer) {
        self.interleaved.clear();
        let channels = match self.decoder.decode(packet) {
            Ok(sound) if sound.spec().rate() == self.sample_rate => interleave(&sound, &mut self.interleaved),
            Ok(_) | Err(_) => None,
        };
        let channels = channels.unwrap_or_else(|| {
            self.skipped += 1;
            let frames = self.demuxer.track().frames(packet.dur.get(), self.sample_rate);
            self.interleaved.resize(frames.min(LONGEST_PACKET) as usize, 0.0);
            1
        });
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
        let frames = self.frames.filter(|_| self.demuxer.track().ends);
        frames.map_or(u64::MAX, |frames| frames.saturating_sub(self.given))
    }
}

impl<D: Demuxer> Stream for Packets<D> {
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
        while !self.ended && mixer.mono.len() < BLOCK_FRAMES {
            self.step(mixer)?;
        }
        Ok(!mixer.mono.is_empty())
    }

    fn warnings(&self) -> Vec<String> {
        let skipped = match self.skipped {
            0 => None,
            1 => Some("1 packet of the file is damaged; it is heard as silence.".to_owned()),
            count => Some(format!("{count} packets of the file are damaged; they are heard as silence.")),
        };
        let said = self.frames.filter(|_| self.ended);
        let short = || said.and_then(|said| shorter_than_said(self.given, said, self.sample_rate));
        skipped.into_iter().chain(self.ending.clone().or_else(short)).collect()
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
