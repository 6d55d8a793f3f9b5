//! The sample entry of an MP4 track: its codec and the decoder's configuration.

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_ALAC};

use super::codec::{Codec, Container};
use crate::audio::bytes::ByteOrder;
use crate::audio::error::{AudioError, malformed};

/// A child box or a descriptor: its name and its body.
type Part<'a> = (&'a [u8], &'a [u8]);

/// Reads the first entry of an `stsd` box's body.
pub(in crate::audio) fn codec(body: &[u8]) -> Result<Codec, AudioError> {
    let short = || malformed("it is an M4A or MP4 file with a damaged 'stsd' box");
    let entry = body.get(8..).ok_or_else(short)?;
    let name = entry.get(4..8).ok_or_else(short)?;
    let sample_rate = ByteOrder::Big.u32_at(entry, 32).ok_or_else(short)? >> 16;
    // QuickTime's versions 1 and 2 have longer entries (Apple, "Sound Sample Description").
    let children = match ByteOrder::Big.u16_at(entry, 16).ok_or_else(short)? {
        1 => 52,
        2 => 72,
        _ => 36,
    };
    let children = entry.get(children..).ok_or_else(short)?;
    let mut params = AudioCodecParameters::new();
    params.with_sample_rate(sample_rate);
    match name {
        b"alac" => {
            let cookie = child(children, b"alac").and_then(|body| body.get(4..)).ok_or_else(short)?;
            params.for_codec(CODEC_ID_ALAC).with_extra_data(cookie.into());
            // The entry's own 16 bits cannot hold 88.2 kHz and more.
            if let Some(sample_rate) = ByteOrder::Big.u32_at(cookie, 20) {
                params.with_sample_rate(sample_rate);
            }
        }
        b"mp4a" => {
            let descriptors = child(children, b"esds").and_then(|body| body.get(4..)).ok_or_else(short)?;
            match mpeg(descriptors).ok_or_else(short)?? {
                Some(config) => params.for_codec(CODEC_ID_AAC).with_extra_data(config.into()),
                None => return Ok(Codec::Mp3 { sample_rate }),
            };
        }
        b".mp3" => return Ok(Codec::Mp3 { sample_rate }),
        name => return Err(Container::Mp4.unsupported_content(&codec_name(name))),
    }
    Ok(Codec::Symphonia(Box::new(params)))
}

/// The configuration of an `mp4a` entry's AAC, from its descriptors (ISO 14496-1, 7.2.6), or `None` within if it is MP3.
/// `None` if they are cut short.
fn mpeg(descriptors: &[u8]) -> Option<Result<Option<&[u8]>, AudioError>> {
    let (_, stream) = descriptor(descriptors, 3)?;
    let config = stream.get(3..)?;
    let (_, config) = descriptor(config, 4)?;
    // Object types (ISO 14496-1, 7.2.6.6): AAC of MPEG-4 and MPEG-2, then MP3 of MPEG-2 and MPEG-1.
    Some(match config.first()? {
        0x40 | 0x66..=0x68 => Ok(Some(descriptor(config.get(13..)?, 5)?.1)),
        0x69 | 0x6B => Ok(None),
        other => Err(Container::Mp4.unsupported_content(&format!("the codec 0x{other:02X}"))),
    })
}

/// The descriptor at the beginning, if it has this tag. Its length is stored 7 bits per byte.
fn descriptor(bytes: &[u8], tag: u8) -> Option<Part<'_>> {
    let (name, rest) = bytes.split_at_checked(1).filter(|(name, _)| name[0] == tag)?;
    let digits = rest.iter().take(4).position(|digit| digit & 0x80 == 0)? + 1;
    let length = rest[..digits].iter().fold(0, |length, digit| length << 7 | usize::from(digit & 0x7F));
    let body = &rest[digits..];
    Some((name, &body[..length.min(body.len())]))
}

/// The body of the child box with this name, also within QuickTime's `wave` box.
fn child<'a>(mut boxes: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    loop {
        let size = ByteOrder::Big.u32_at(boxes, 0)? as usize;
        // At least the header: with a size of 0 the loop would not end.
        let (this, rest) = boxes.split_at_checked(size.max(8)).unwrap_or((boxes, &[]));
        let body = this.get(8..)?;
        match this.get(4..8)? {
            found if found == name => return Some(body),
            b"wave" => boxes = body,
            _ => boxes = rest,
        }
    }
}

fn codec_name(name: &[u8]) -> String {
    match name {
        b"Opus" => "Opus".to_owned(),
        b"fLaC" => "FLAC".to_owned(),
        b"ac-3" | b"ec-3" => "Dolby Digital".to_owned(),
        b"enca" | b"drms" => "copy protection".to_owned(),
        b"sowt" | b"twos" | b"lpcm" | b"in24" | b"fl32" => "uncompressed sound".to_owned(),
        other => {
            let shown: String =
                other.iter().map(|&byte| if byte.is_ascii_graphic() { char::from(byte) } else { '?' }).collect();
            format!("the codec '{shown}'")
        }
    }
}
