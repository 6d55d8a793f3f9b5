//! Sun's AU files: a big-endian header of 24 bytes or more, and the samples.
//!
//! Source: Sun Microsystems, `au(4)`, and the audio file header of NeXT's SoundKit.

use super::pcm::{Coding, Layout, Pcm, Span};
use crate::audio::bytes::ByteOrder;
use crate::audio::error::{AudioError, malformed, unsupported};
use crate::audio::source::Input;
use crate::audio::stream::{check_limits, no_audio};

const HEADER_BYTES: usize = 24;
/// The length field of a file that was written to a pipe.
const UNKNOWN_LENGTH: u32 = u32::MAX;

/// Opens an AU file.
pub(in crate::audio) fn open(mut input: Input) -> Result<Pcm, AudioError> {
    let mut header = Vec::new();
    input.seek_to(0)?;
    input.read_at_most(HEADER_BYTES, &mut header)?;
    let short = || malformed(&format!("expected an AU header of 24 bytes, but the file has {}", header.len()));
    let field = |index: usize| ByteOrder::Big.u32_at(&header, 4 * index).ok_or_else(short);
    let (offset, declared, encoding) = (field(1)?, field(2)?, field(3)?);
    let (sample_rate, channels) = (field(4)?, field(5)?);
    if (offset as usize) < HEADER_BYTES {
        return Err(malformed(&format!("expected the sound of an AU file at byte 24 or later, but it is at {offset}")));
    }
    let coding = coding(encoding)?;
    check_limits(channels as usize, sample_rate)?;
    // The number of channels fits: it was checked to be 32 at most.
    let layout = Layout { coding, order: ByteOrder::Big, channels: channels as u16, sample_rate };
    let sound = u64::from(offset);
    let there = input.length().saturating_sub(sound);
    let span = match declared {
        0 | UNKNOWN_LENGTH => Span { start: sound, length: there, declared: None },
        declared => {
            let declared = u64::from(declared);
            Span { start: sound, length: declared.min(there), declared: (declared > there).then_some(declared) }
        }
    };
    if layout.frames_in(span.length) == 0 {
        return Err(no_audio());
    }
    Pcm::new(input, layout, span, None)
}

/// The coding of an encoding number (`au(4)`).
fn coding(encoding: u32) -> Result<Coding, AudioError> {
    Ok(match encoding {
        1 => Coding::MuLaw,
        2 => Coding::SignedByte,
        3 => Coding::Integer { bytes: 2, bits: 16 },
        4 => Coding::Integer { bytes: 3, bits: 24 },
        5 => Coding::Integer { bytes: 4, bits: 32 },
        6 => Coding::Float32,
        7 => Coding::Float64,
        27 => Coding::ALaw,
        other => {
            let name = match other {
                23 => "G.721 ADPCM".to_owned(),
                24 => "G.722 ADPCM".to_owned(),
                25 | 26 => "G.723 ADPCM".to_owned(),
                other => format!("the unknown encoding {other}"),
            };
            let supported = "linear integers, floats, A-law and µ-law are supported";
            return Err(unsupported(&format!("it is an AU file with {name}, but only {supported}")));
        }
    })
}
