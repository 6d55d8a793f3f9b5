//! AAC files: a sequence of ADTS frames.
//!
//! Not read by Symphonia, whose reader takes any sync word for a frame and ends at the first damaged header.
//!
//! Source: ISO/IEC 13818-7 (2006), 6.2 and 8.2.

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;

use super::codec::{Codec, Container, other_aac};
use super::packet_decoder::{Demuxer, Next, Packet, PacketDecoder, Track};
use crate::audio::error::{AudioError, malformed};
use crate::audio::source::Input;
use crate::audio::tags;

/// Audio frames per packet.
const PACKET_FRAMES: u64 = 1_024;
/// How far the first frame is searched for, and how many bytes are searched at a time.
const SEARCHED_BYTES: usize = 1 << 16;
/// The length field has 13 bits.
const MAX_FRAME_BYTES: usize = 1 << 13;
/// Sample rates by their index, in Hz.
const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// An ADTS header.
#[derive(Debug, Clone, Copy)]
struct Header {
    /// The bits that are the same in all headers of a stream.
    fixed: [u8; 3],
    /// Bytes of the header, 7 or 9 with a checksum.
    length: usize,
    /// Bytes of the frame, header included.
    frame_length: usize,
    /// Packets in the frame, almost always 1.
    packets: u8,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let &[0xFF, a, b, c, d, e, f, ..] = bytes else { return None };
        // The flag is inverted: 0 means that a checksum of 2 bytes follows.
        let length = if a & 1 == 0 { 9 } else { 7 };
        let frame_length = usize::from(c & 3) << 11 | usize::from(d) << 3 | usize::from(e >> 5);
        // Everything but the sync word, the layer, the checksum flag and the private bit.
        let header = Self { fixed: [a & 0x0E, b & 0xFD, c & 0xC0], length, frame_length, packets: 1 + (f & 3) };
        let rate = usize::from(b >> 2 & 15);
        (a & 0xF6 == 0xF0 && frame_length > length && rate < RATES.len()).then_some(header)
    }

    /// Position of the first frame in `bytes` that is followed by another frame of the same stream or by the end of the
    /// file. Unless the file ends with `bytes`, frames close to their end are left for the next search.
    fn find(bytes: &[u8], of: Option<Self>, ends: bool) -> Option<usize> {
        let last = if ends { bytes.len() } else { bytes.len().saturating_sub(MAX_FRAME_BYTES + 9) };
        (0..last).find(|&at| {
            let Some(header) = Self::parse(&bytes[at..]) else { return false };
            let next = at + header.frame_length;
            let follows = bytes.get(next..).and_then(Self::parse).is_some_and(|next| next.fixed == header.fixed);
            of.is_none_or(|of| of.fixed == header.fixed) && (follows || ends && next == bytes.len())
        })
    }

    fn track(self) -> Result<Track, AudioError> {
        let [_, b, c] = self.fixed;
        let (profile, rate, channels) = (b >> 6, b >> 2 & 15, (b & 1) << 2 | c >> 6);
        // The decoder's configuration, as MP4 files store it (ISO 14496-3, 1.6.2.1).
        let config = [(profile + 1) << 3 | rate >> 1, (rate & 1) << 7 | channels << 3];
        // Configuration 0: the channels are described inside the first frame.
        if channels == 0 {
            return Err(other_aac(Container::Adts));
        }
        if self.packets > 1 {
            return Err(Container::Adts.unsupported_content("several packets in a frame"));
        }
        let mut params = AudioCodecParameters::new();
        params.for_codec(CODEC_ID_AAC).with_extra_data(config.into());
        params.with_sample_rate(RATES.get(usize::from(rate)).copied().unwrap_or_default());
        Ok(Track {
            codec: Codec::Symphonia(Box::new(params)),
            length: None,
            delay: 0,
            units_per_second: None,
            ends: false,
        })
    }
}

/// A stream of ADTS frames.
pub(in crate::audio) struct Adts {
    input: Input,
    first: Header,
    track: Track,
    at: u64,
    bytes: Vec<u8>,
}

/// Opens a file that begins with an ADTS frame.
pub(in crate::audio) fn open(mut input: Input) -> Result<PacketDecoder<Adts>, AudioError> {
    let (length, mut bytes) = (input.length(), Vec::new());
    input.seek_to(0)?;
    input.read_at_most(SEARCHED_BYTES, &mut bytes)?;
    let at = Header::find(&bytes, None, bytes.len() < SEARCHED_BYTES).unwrap_or_default();
    let first = Header::parse(&bytes[at..]).ok_or_else(|| {
        malformed(&format!("it begins like {}, but has no complete audio frame", Container::Adts.name()))
    })?;
    let track = first.track()?;
    PacketDecoder::new(Adts { input, first, track, at: at as u64, bytes }, length)
}

impl Adts {
    /// The header at the current position, if it belongs to this stream.
    fn current_header(&mut self) -> Result<Option<Header>, AudioError> {
        self.input.seek_to(self.at)?;
        self.input.read_at_most(tags::HEADER_BYTES, &mut self.bytes)?;
        Ok(Header::parse(&self.bytes).filter(|header| header.fixed == self.first.fixed))
    }

    /// Where the next frame begins, if that is before the end that `header` claims: its length is damaged then.
    fn earlier_next_frame(&mut self, header: Header) -> Result<Option<u64>, AudioError> {
        let (here, end) = (self.at, self.at + header.frame_length as u64);
        self.at = end;
        let follows = self.current_header()?.is_some() || end == self.input.length();
        self.at = here;
        if follows {
            return Ok(None);
        }
        self.input.seek_to(here + 1)?;
        self.input.read_at_most(2 * MAX_FRAME_BYTES + 9, &mut self.bytes)?;
        let ends = self.bytes.len() < 2 * MAX_FRAME_BYTES + 9;
        let next = Header::find(&self.bytes, Some(self.first), ends).map(|at| here + 1 + at as u64);
        Ok(next.filter(|&next| next < end))
    }

    /// A change to the stream that begins at the current position, if one does: other channels, or another rate.
    fn another_stream(&mut self) -> Result<Option<Next>, AudioError> {
        let mut bytes = Vec::new();
        self.input.seek_to(self.at)?;
        self.input.read_at_most(MAX_FRAME_BYTES + 9, &mut bytes)?;
        let follows = |header: &Header| {
            let next = bytes.get(header.frame_length..).and_then(Header::parse);
            next.is_some_and(|next| next.fixed == header.fixed)
        };
        let Some(header) = Header::parse(&bytes).filter(follows) else { return Ok(None) };
        match header.track() {
            Ok(track) => {
                (self.first, self.track) = (header, track);
                Ok(Some(Next::NewTrack))
            }
            Err(_) => Ok(Some(Next::Damage("it goes on in another format".into()))),
        }
    }

    /// Skips to the next frame and reports what is lost. Tags between frames are no loss.
    fn resume(&mut self) -> Result<Next, AudioError> {
        let tag = tags::length(&self.bytes);
        let lost = if tag.is_some() { 0 } else { PACKET_FRAMES };
        self.at += tag.unwrap_or(1);
        loop {
            self.input.seek_to(self.at)?;
            self.input.read_at_most(SEARCHED_BYTES, &mut self.bytes)?;
            let ends = self.bytes.len() < SEARCHED_BYTES;
            // A stream of other channels or another rate may follow.
            if let Some(at) = Header::find(&self.bytes, None, ends) {
                self.at += at as u64;
                return Ok(Next::Lost(lost));
            }
            if ends {
                return Ok(Next::End);
            }
            // Overlaps: a frame and the header behind it may cross the end of the search.
            self.at += (SEARCHED_BYTES - MAX_FRAME_BYTES - 9) as u64;
        }
    }
}

impl Demuxer for Adts {
    fn container(&self) -> Container {
        Container::Adts
    }

    fn track(&self) -> &Track {
        &self.track
    }

    fn next_packet(&mut self) -> Result<Next, AudioError> {
        let Some(header) = self.current_header()? else {
            return match self.another_stream()? {
                Some(next) => Ok(next),
                None => self.resume(),
            };
        };
        if let Some(next) = self.earlier_next_frame(header)? {
            self.at = next;
            return Ok(Next::Lost(PACKET_FRAMES));
        }
        if header.packets > 1 {
            // Not decoded; their number is not believed either, because a damaged byte tells one, too.
            self.at += header.frame_length as u64;
            return Ok(Next::Lost(PACKET_FRAMES));
        }
        let (mut data, count) = (Vec::new(), header.frame_length - header.length);
        self.input.seek_to(self.at + header.length as u64)?;
        self.input.read_at_most(count, &mut data)?;
        if data.len() < count {
            return Ok(Next::End);
        }
        self.at += header.frame_length as u64;
        Ok(Next::Packet(Packet { data, units: PACKET_FRAMES }))
    }

    fn position(&self) -> u64 {
        self.at
    }
}
