//! Compressed sound, by Symphonia: a container's packets, decoded one by one.

use std::rc::Rc;

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatReader, Track, TrackType};
use symphonia::core::packet::Packet;
use symphonia::core::units::Duration;

use super::codec;
use super::container::{Container, Watch, reader};
use super::error::{AudioError, malformed, unreadable, unsupported};
use super::mix::Mixer;
use super::mp4;
use super::recording::{BLOCK_FRAMES, Stream, check, no_audio};
use super::source::Input;

/// Frames of silence in place of a packet that cannot be decoded, at most: no codec's packets have more (FLAC's 65 535).
const LONGEST_PACKET: u64 = 1 << 16;
/// MP3's padding and delay fill no more packets than this.
const PADDING_PACKETS: u64 = 4;

/// A compressed recording, packet by packet.
pub(super) struct Packets {
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    container: Container,
    watch: Rc<Watch>,
    track: TrackFacts,
    /// Of the file, in bytes.
    length: u64,
    /// Bytes of packets so far. Tables that lead in circles are left where they exceed the file.
    packet_bytes: u64,
    /// Frames still to be dropped: what the encoder put before the sound.
    delay_left: u64,
    given: u64,
    skipped: u64,
    ended: bool,
    /// How the recording ended, where it did not end well.
    ending: Option<String>,
    interleaved: Vec<f32>,
}

/// What the container says of the track that is heard.
struct TrackFacts {
    id: u32,
    /// In Hz.
    sample_rate: u32,
    /// Without the encoder's delay and padding.
    frames: Option<u64>,
    /// True where packets say rightly how much of them is delay and padding.
    trims: bool,
    /// Seconds of one unit of a packet's duration.
    unit_seconds: f64,
}

impl Packets {
    /// Opens the recording that fills the input.
    pub fn open(mut input: Input, container: Container) -> Result<Self, AudioError> {
        let length = input.length();
        let edits = if container == Container::Mp4 { mp4::delays(&mut input)? } else { Vec::new() };
        input.seek_to(0)?;
        let watch = Rc::new(Watch::default());
        let refused = |error| match watch.failure() {
            Some(failure) => failure,
            None => refused(container, &error),
        };
        let reader = reader(input, container, Rc::clone(&watch)).map_err(refused)?;
        let found = reader.default_track(TrackType::Audio).or_else(|| reader.first_track(TrackType::Audio));
        let Some(track) = found else {
            return Err(codec::none(container, reader.tracks().len()));
        };
        let decoder = codec::decoder(container, track)?;
        let (mut facts, mut delay_left) = (facts(track, decoder.as_ref(), container)?, 0);
        if let Some(delay) = edits.iter().find(|delay| delay.track == track.id) {
            delay_left = delay.frames(facts.sample_rate);
            facts.frames = facts.frames.map(|frames| frames.saturating_sub(delay_left));
        }
        Ok(Self {
            reader,
            decoder,
            container,
            watch,
            track: facts,
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

    /// The next packet of the track that is heard.
    fn packet(&mut self) -> Result<Option<Packet>, AudioError> {
        loop {
            let packet = match self.reader.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(None),
                Err(error) => match self.after(&error)? {
                    true => continue,
                    false => return Ok(None),
                },
            };
            self.packet_bytes += packet.data.len().max(1) as u64;
            if self.packet_bytes > self.length {
                self.ending = Some("Its table of contents leads in circles; what comes before is heard.".to_owned());
                return Ok(None);
            }
            if packet.track_id == self.track.id {
                return Ok(Some(self.trimmed(packet)));
            }
        }
    }

    /// What to do after an error between packets: true where the recording goes on.
    fn after(&mut self, error: &Error) -> Result<bool, AudioError> {
        if let Some(failure) = self.watch.failure() {
            return Err(failure);
        }
        self.ending = match error {
            // MPEG streams and cut files end like this.
            Error::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => None,
            Error::ResetRequired => return Ok(self.restart()),
            error => {
                Some(format!("The file is damaged after {} ({error}); what comes before is heard.", self.moment()))
            }
        };
        Ok(false)
    }

    /// Ogg files may be chained: one recording after another.
    fn restart(&mut self) -> bool {
        let track = self.reader.default_track(TrackType::Audio);
        let next = track.and_then(|track| {
            let decoder = codec::decoder(self.container, track).ok()?;
            let facts = facts(track, decoder.as_ref(), self.container).ok()?;
            Some((decoder, facts)).filter(|(_, facts)| facts.sample_rate == self.track.sample_rate)
        });
        let Some((decoder, facts)) = next else {
            let moment = self.moment();
            self.ending = Some(format!("After {moment} the file goes on in another way; what comes before is heard."));
            return false;
        };
        self.decoder = decoder;
        // Nothing tells how long all parts are together.
        self.track = TrackFacts { frames: None, ..facts };
        true
    }

    fn trimmed(&self, mut packet: Packet) -> Packet {
        let far_beyond =
            |frames| packet.pts.get() > frames as i64 + (PADDING_PACKETS * packet.block_dur().get()) as i64;
        if !self.track.trims || self.track.frames.is_some_and(far_beyond) {
            packet.dur = packet.block_dur();
            (packet.trim_start, packet.trim_end) = (Duration::ZERO, Duration::ZERO);
        }
        packet
    }

    /// Decodes and mixes a packet, or fills its time with silence.
    fn hear(&mut self, packet: &Packet, mixer: &mut Mixer) {
        self.interleaved.clear();
        let channels = match self.decoder.decode(packet) {
            Ok(sound) if sound.spec().rate() == self.track.sample_rate => interleave(&sound, &mut self.interleaved),
            Ok(_) | Err(_) => None,
        };
        let channels = channels.unwrap_or_else(|| {
            self.skipped += 1;
            let seconds = packet.dur.get() as f64 * self.track.unit_seconds;
            let frames = (seconds * f64::from(self.track.sample_rate)).round() as u64;
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

    /// Frames that may still come. Other containers trim their packets; M4A says only how long its recording is.
    fn room(&self) -> u64 {
        match self.track.frames {
            Some(frames) if self.container == Container::Mp4 => frames.saturating_sub(self.given),
            _ => u64::MAX,
        }
    }

    /// What was heard so far, as a length for the user.
    fn moment(&self) -> String {
        seconds(self.given, self.track.sample_rate)
    }

    /// A shortfall that is more than rounding.
    fn shortfall(&self) -> Option<String> {
        let declared = self.track.frames.filter(|_| self.ended)?;
        let short = declared > self.given + u64::from(self.track.sample_rate) / 10;
        let (all, there) = (seconds(declared, self.track.sample_rate), self.moment());
        short.then(|| format!("The file says that it lasts {all}, but only {there} are there; these are heard."))
    }
}

impl Stream for Packets {
    fn sample_rate(&self) -> u32 {
        self.track.sample_rate
    }

    fn frames(&self) -> Option<u64> {
        self.track.frames
    }

    fn position(&self) -> u64 {
        self.watch.position()
    }

    fn next(&mut self, mixer: &mut Mixer) -> Result<bool, AudioError> {
        while !self.ended && mixer.mono.len() < BLOCK_FRAMES {
            match self.packet()? {
                Some(packet) => self.hear(&packet, mixer),
                None => self.ended = true,
            }
        }
        Ok(!mixer.mono.is_empty())
    }

    fn warnings(&self) -> Vec<String> {
        let skipped = match self.skipped {
            0 => None,
            1 => Some("1 packet of the file is damaged; it is heard as silence.".to_owned()),
            count => Some(format!("{count} packets of the file are damaged; they are heard as silence.")),
        };
        let ending = self.ending.clone().or_else(|| self.shortfall());
        skipped.into_iter().chain(ending).collect()
    }
}

fn seconds(frames: u64, sample_rate: u32) -> String {
    format!("{:.1} s", frames as f64 / f64::from(sample_rate))
}

/// Replaces `samples` by the sound's, channels interleaved, and gives the number of channels; `None` where there are
/// none.
fn interleave(sound: &GenericAudioBufferRef<'_>, samples: &mut Vec<f32>) -> Option<usize> {
    sound.copy_to_vec_interleaved(samples);
    Some(sound.num_planes()).filter(|&channels| channels > 0)
}

fn facts(track: &Track, decoder: &dyn AudioDecoder, container: Container) -> Result<TrackFacts, AudioError> {
    let Some(CodecParameters::Audio(declared)) = &track.codec_params else {
        return Err(no_audio());
    };
    let params = decoder.codec_params();
    let sample_rate = params.sample_rate.or(declared.sample_rate).unwrap_or_default();
    let channels = params.channels.as_ref().or(declared.channels.as_ref());
    // Where a container does not tell the channels, its packets do.
    check(channels.map_or(1, |channels| channels.count()), sample_rate)?;
    let unit_seconds = track
        .time_base
        .map_or(1.0 / f64::from(sample_rate), |base| f64::from(base.numer.get()) / f64::from(base.denom.get()));
    // Without LAME's tag the reader guesses how long an MP3 file is, and would cut it there.
    let trims = container != Container::Mp3 || track.delay.is_some();
    // A fragmented MP4 file says zero.
    let frames = track.num_frames.filter(|&frames| frames > 0);
    Ok(TrackFacts { id: track.id, sample_rate, frames, trims, unit_seconds })
}

fn refused(container: Container, error: &Error) -> AudioError {
    let name = container.name();
    match error {
        Error::Unsupported(feature) => unsupported(&format!("it is {name} of a kind that is not read ({feature})")),
        Error::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            malformed(&format!("it is {name} that ends before its sound begins"))
        }
        Error::IoError(error) => unreadable(error),
        Error::DecodeError(found) | Error::LimitError(found) => {
            malformed(&format!("it is {name} with a damaged beginning ({found})"))
        }
        error => malformed(&format!("it is {name} with a damaged beginning ({error})")),
    }
}
