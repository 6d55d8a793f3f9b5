//! How much of an MP4 track is the encoder's delay: its edit list says where the sound begins, and Symphonia passes it
//! over.
//!
//! Source: ISO/IEC 14496-12 (2015), 8.6.5 and 8.6.6.

use super::bytes::Order;
use super::error::AudioError;
use super::source::Input;

/// The most boxes that are looked at; a recording has some dozens on the way to its tracks.
const MOST_BOXES: usize = 4_096;
/// The most that is looked at of a box with fields.
const MOST_BYTES: u64 = 128;

/// A track's delay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Delay {
    pub track: u32,
    /// In units of `units_per_second`.
    units: u64,
    units_per_second: u32,
}

impl Delay {
    /// The delay in frames of a sample rate, in Hz.
    pub fn frames(&self, sample_rate: u32) -> u64 {
        let frames = u128::from(self.units) * u128::from(sample_rate) / u128::from(self.units_per_second.max(1));
        // More than a minute is an edit of another kind.
        if frames > 60 * u128::from(sample_rate) { 0 } else { frames as u64 }
    }
}

/// The delays of all tracks that have one.
pub(super) fn delays(input: &mut Input) -> Result<Vec<Delay>, AudioError> {
    let (mut delays, mut at) = (Vec::<Delay>::new(), 0);
    for _ in 0..MOST_BOXES {
        let Some((kind, body, end)) = box_at(input, at)? else { break };
        at = match &kind {
            // Their boxes follow inside.
            b"moov" | b"mdia" | b"edts" => body,
            b"trak" => {
                delays.push(Delay::default());
                body
            }
            _ => {
                if let Some(delay) = delays.last_mut() {
                    note(input, kind, body, end, delay)?;
                }
                end
            }
        };
    }
    delays.retain(|delay| delay.units > 0);
    Ok(delays)
}

/// The name of the box that begins at `at`, and where its body begins and ends.
fn box_at(input: &mut Input, at: u64) -> Result<Option<([u8; 4], u64, u64)>, AudioError> {
    let mut header = Vec::new();
    input.seek_to(at)?;
    input.read_at_most(16, &mut header)?;
    let kind = header.get(4..).and_then(|rest| rest.first_chunk::<4>());
    let (Some(short), Some(&kind)) = (Order::Big.u32_at(&header, 0), kind) else {
        return Ok(None);
    };
    let (body, size) = match (short, header.last_chunk::<8>()) {
        (0, _) => (8, input.length() - at),
        (1, Some(&long)) if header.len() == 16 => (16, u64::from_be_bytes(long)),
        (short, _) => (8, u64::from(short)),
    };
    Ok((size >= body).then(|| (kind, at + body, at.saturating_add(size))))
}

fn note(input: &mut Input, kind: [u8; 4], body: u64, end: u64, delay: &mut Delay) -> Result<(), AudioError> {
    if !matches!(&kind, b"tkhd" | b"mdhd" | b"elst") {
        return Ok(());
    }
    let mut bytes = Vec::new();
    input.seek_to(body)?;
    input.read_at_most((end - body).min(MOST_BYTES) as usize, &mut bytes)?;
    let long = bytes.first().is_some_and(|&version| version == 1);
    let field = |at: usize| Order::Big.u32_at(&bytes, at).unwrap_or_default();
    match &kind {
        b"tkhd" => delay.track = field(if long { 20 } else { 12 }),
        b"mdhd" => delay.units_per_second = field(if long { 20 } else { 12 }),
        _ => delay.units = first_edit(field, long),
    }
    Ok(())
}

/// Where the first edit that has sound begins in the media. Empty edits say −1; they put silence before it.
fn first_edit(field: impl Fn(usize) -> u32, long: bool) -> u64 {
    let entry_bytes = if long { 20 } else { 12 };
    let begin = |entry: usize| match long {
        false => u64::from(field(8 + entry * entry_bytes + 4)),
        true => u64::from(field(8 + entry * entry_bytes + 8)) << 32 | u64::from(field(8 + entry * entry_bytes + 12)),
    };
    let empty = if long { u64::MAX } else { u64::from(u32::MAX) };
    (0..(field(4) as usize).min(4)).map(begin).find(|&begin| begin != empty).unwrap_or_default()
}
