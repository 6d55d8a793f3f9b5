//! Vorbis in Ogg files; the ogg crate finds the packets.
//!
//! Source: RFC 3533 (Ogg) and Xiph.org, Vorbis I specification, annex A.

use std::rc::Rc;

use ogg::reading::{OggReadError, PacketReader};
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_VORBIS;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use super::bytes::Order;
use super::codec::Container;
use super::error::AudioError;
use super::packets::{Demuxer, Next, Packets, Track};
use super::source::Input;
use super::watch::{Watch, Watched};

/// The longest page: a header of 27 bytes, 255 lengths and 255 times 255 bytes.
const LONGEST_PAGE: u64 = 27 + 255 + 255 * 255;

/// The Vorbis stream of an Ogg file.
pub(super) struct Ogg {
    packets: PacketReader<Watched>,
    watch: Rc<Watch>,
    serial: u32,
    track: Track,
}

/// Opens a file that begins with OggS.
pub(super) fn open(mut input: Input) -> Result<Packets<Ogg>, AudioError> {
    let (bytes, last) = (input.length(), last_page(&mut input)?);
    input.seek_to(0)?;
    let (watched, watch) = Watched::new(input);
    let mut packets = PacketReader::new(watched);
    let mut other = None;
    let (serial, identification) = loop {
        let packet = packets.read_packet().map_err(|error| refused(&watch, &error))?;
        let Some(packet) = packet.filter(ogg::Packet::first_in_stream) else {
            return Err(Container::Ogg.inside(other.unwrap_or("nothing")));
        };
        if packet.data.starts_with(b"\x01vorbis") {
            break (packet.stream_serial(), packet.data);
        }
        other = other.or(Some(name(&packet.data)));
    };
    let length = last.filter(|page| page.serial == serial).map(|page| page.granule);
    let track = headers(&mut packets, serial, identification).map_err(|error| refused(&watch, &error))?;
    let track = track.ok_or_else(|| Container::Ogg.damaged("its headers end too early"))?;
    let track = Track { length, ends: true, ..track };
    Packets::new(Ogg { packets, watch, serial, track }, bytes)
}

/// Reads the two headers that follow the first, which the decoder wants in one piece without the tags between them.
fn headers(
    packets: &mut PacketReader<Watched>,
    serial: u32,
    mut identification: Vec<u8>,
) -> Result<Option<Track>, OggReadError> {
    let mut headers = 0;
    while headers < 2 {
        let Some(packet) = packets.read_packet()? else { return Ok(None) };
        if packet.stream_serial() == serial {
            headers += 1;
            if headers == 2 {
                identification.extend(packet.data);
            }
        }
    }
    let mut params = AudioCodecParameters::new();
    params.for_codec(CODEC_ID_VORBIS).with_extra_data(identification.into());
    if let Some(sample_rate) = params.extra_data.as_ref().and_then(|data| Order::Little.u32_at(data, 12)) {
        params.with_sample_rate(sample_rate);
    }
    Ok(Some(Track { params, length: None, delay: 0, ends: false, units_per_second: None }))
}

impl Demuxer for Ogg {
    fn container(&self) -> Container {
        Container::Ogg
    }

    fn track(&self) -> &Track {
        &self.track
    }

    fn next_packet(&mut self) -> Result<Next, AudioError> {
        loop {
            let packet = match self.packets.read_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(Next::End),
                Err(error) => return self.after(&error),
            };
            if packet.first_in_stream() && packet.data.starts_with(b"\x01vorbis") {
                self.serial = packet.stream_serial();
                match headers(&mut self.packets, self.serial, packet.data) {
                    Ok(Some(track)) => self.track = track,
                    Ok(None) => return Ok(Next::End),
                    Err(error) => return self.after(&error),
                }
                return Ok(Next::Track);
            }
            if packet.stream_serial() == self.serial {
                return Ok(Next::Packet(Packet::new(0, Timestamp::ZERO, Duration::ZERO, packet.data)));
            }
        }
    }

    fn position(&self) -> u64 {
        self.watch.position()
    }
}

impl Ogg {
    fn after(&self, error: &OggReadError) -> Result<Next, AudioError> {
        match (self.watch.failure(), error) {
            (Some(failure), _) => Err(failure),
            // What is cut off within a page.
            (None, OggReadError::ReadError(_)) => Ok(Next::End),
            (None, error) => Ok(Next::Damage(found(error))),
        }
    }
}

fn found(error: &OggReadError) -> String {
    match error {
        OggReadError::NoCapturePatternFound => "expected a page, found other bytes".to_owned(),
        OggReadError::HashMismatch(..) => "a page's checksum is wrong".to_owned(),
        OggReadError::ReadError(_) => "it ends within a page".to_owned(),
        _ => "a page's header is wrong".to_owned(),
    }
}

fn refused(watch: &Watch, error: &OggReadError) -> AudioError {
    watch.failure().unwrap_or_else(|| Container::Ogg.damaged(&found(error)))
}

fn name(packet: &[u8]) -> &'static str {
    match packet {
        [b'O', b'p', b'u', b's', ..] => "Opus",
        [0x7F, b'F', b'L', b'A', b'C', ..] => "FLAC",
        [b'S', b'p', b'e', b'e', b'x', ..] => "Speex",
        [0x80, b't', b'h', b'e', b'o', b'r', b'a', ..] => "video and no Vorbis",
        _ => "a codec that is unknown here",
    }
}

struct Page {
    serial: u32,
    /// Of Vorbis: the frames from the stream's beginning to the page's end.
    granule: u64,
}

/// The last page that ends a packet: it tells how long the recording is, and how much of the last packet is padding.
fn last_page(input: &mut Input) -> Result<Option<Page>, AudioError> {
    let mut end = Vec::new();
    input.seek_to(input.length().saturating_sub(LONGEST_PAGE))?;
    input.read_at_most(LONGEST_PAGE as usize, &mut end)?;
    let pages = end.windows(27).rev().filter(|bytes| bytes.starts_with(b"OggS"));
    Ok(pages.filter_map(page).next())
}

fn page(header: &[u8]) -> Option<Page> {
    let number = |at| Order::Little.u32_at(header, at);
    let granule = u64::from(number(6)?) | u64::from(number(10)?) << 32;
    // −1 says that no packet ends on the page.
    (granule != u64::MAX).then_some(Page { serial: number(14)?, granule })
}
