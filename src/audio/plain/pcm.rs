//! Uncompressed, G.711 and ADPCM samples: read, converted and mixed block by block.

use hound::{Sample, WavReader};

use super::adpcm::Adpcm;
use super::g711::{from_a_law, from_mu_law};
use crate::audio::bytes::ByteOrder;
use crate::audio::error::{AudioError, malformed};
use crate::audio::mix::Mixer;
use crate::audio::source::Input;
use crate::audio::stream::{BLOCK_FRAMES, Stream};

/// Most bytes that are read at a time: a crafted header may claim long blocks of one frame each.
const MAX_READ_BYTES: usize = 1 << 20;

/// How many bytes are searched for a sample that tells the justification: most of a minute.
const JUSTIFICATION_BYTES: u64 = 1 << 24;

/// How a sample is coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::audio) enum Coding {
    /// Integers: 1 byte is unsigned, 2 to 4 bytes are signed. They are right-justified: a left-justified width is read as if it
    /// filled its bytes.
    Integer {
        bytes: u16,
        bits: u16,
    },
    /// Signed 8-bit integers (AU and AIFF).
    SignedByte,
    Float32,
    Float64,
    ALaw,
    MuLaw,
    /// Blocks of `block_bytes`, each of at most `block_frames`.
    Adpcm {
        kind: Adpcm,
        block_bytes: u16,
        block_frames: usize,
    },
}

/// How bytes become samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::audio) struct Layout {
    pub coding: Coding,
    pub order: ByteOrder,
    pub channels: u16,
    /// In Hz.
    pub sample_rate: u32,
}

impl Layout {
    /// Bytes and frames of the smallest unit that can be decoded: a frame, or a block of ADPCM.
    fn unit(&self) -> (usize, usize) {
        let sample_bytes = match &self.coding {
            Coding::Adpcm { block_bytes, block_frames, .. } => return (usize::from(*block_bytes), *block_frames),
            Coding::Integer { bytes, .. } => usize::from(*bytes),
            Coding::SignedByte | Coding::ALaw | Coding::MuLaw => 1,
            Coding::Float32 => 4,
            Coding::Float64 => 8,
        };
        (sample_bytes * usize::from(self.channels), 1)
    }

    fn is_in_blocks(&self) -> bool {
        matches!(self.coding, Coding::Adpcm { .. })
    }

    /// Whole frames in `bytes`.
    pub(super) fn frames_in(&self, bytes: u64) -> u64 {
        let (unit_bytes, unit_frames) = self.unit();
        let whole = bytes / unit_bytes as u64 * unit_frames as u64;
        match &self.coding {
            Coding::Adpcm { kind, .. } => {
                let rest = kind.frames_in((bytes % unit_bytes as u64) as usize, usize::from(self.channels));
                whole + rest.min(unit_frames) as u64
            }
            _ => whole,
        }
    }

    /// Decides whether integers that do not fill their bytes are at the lower or at the upper end of them: files have both,
    /// and the samples tell. At the lower end, the bits above repeat the sign, or all are 0; at the upper end, the bits below
    /// are 0. If both are true of all samples, they would be very soft at the upper end of 8 bits more.
    pub(super) fn find_justification(&mut self, input: &mut Input, span: Span) -> Result<(), AudioError> {
        let Coding::Integer { bytes, bits } = self.coding else { return Ok(()) };
        let unused = 8 * bytes - bits;
        if unused == 0 || bytes == 1 {
            return Ok(());
        }
        let (mut signs_above, mut zeros_above, mut zeros_below) = (true, true, true);
        let (end, mut searched, mut block) = (span.length.min(JUSTIFICATION_BYTES), 0, Vec::new());
        input.seek_to(span.start)?;
        // The lower end is certain at once: noise fills the bits.
        while searched < end && zeros_below && (signs_above || zeros_above) {
            let wanted = (u64::from(bytes) * BLOCK_FRAMES as u64).min(end - searched);
            input.read_at_most(wanted as usize, &mut block)?;
            if block.is_empty() {
                break;
            }
            searched += block.len() as u64;
            self.swap_to_little_endian(&mut block, usize::from(bytes));
            for sample in block.chunks_exact(usize::from(bytes)) {
                let number = sample.iter().rev().fold(0_u32, |number, &byte| number << 8 | u32::from(byte));
                // The highest bit becomes that of 32 bits.
                let number = number << (32 - 8 * bytes);
                signs_above &= number.cast_signed() << unused >> unused == number.cast_signed();
                zeros_above &= number >> (32 - unused) == 0;
                zeros_below &= number << bits == 0;
            }
        }
        let at_upper_end = !(signs_above || zeros_above) || zeros_below && unused < 8;
        self.coding = Coding::Integer { bytes, bits: if at_upper_end { 8 * bytes } else { bits } };
        Ok(())
    }

    /// Appends the samples of whole units, channels interleaved. Swaps `bytes` in place if their order requires it.
    fn decode(&self, bytes: &mut [u8], samples: &mut Vec<f32>) -> Result<(), AudioError> {
        match &self.coding {
            Coding::Adpcm { kind, block_bytes, block_frames } => {
                let channels = usize::from(self.channels);
                // The rest of a block is padding if the header declares fewer frames than fit.
                let needed = kind.bytes_of(*block_frames, channels);
                for block in bytes.chunks(usize::from(*block_bytes)) {
                    let start = samples.len();
                    kind.decode(&block[..block.len().min(needed)], channels, samples);
                    samples.truncate(start + block_frames * channels);
                }
            }
            Coding::ALaw => samples.extend(bytes.iter().map(|&code| f32::from(from_a_law(code)) / 32_768.0)),
            Coding::MuLaw => samples.extend(bytes.iter().map(|&code| f32::from(from_mu_law(code)) / 32_768.0)),
            Coding::Float64 => samples.extend(bytes.as_chunks().0.iter().map(|&number| match self.order {
                ByteOrder::Little => f64::from_le_bytes(number) as f32,
                ByteOrder::Big => f64::from_be_bytes(number) as f32,
            })),
            Coding::SignedByte => {
                bytes.iter_mut().for_each(|byte| *byte ^= 0x80);
                self.integers(1, 8, bytes, samples)?;
            }
            &Coding::Integer { bytes: sample_bytes, bits } => {
                self.swap_to_little_endian(bytes, usize::from(sample_bytes));
                self.integers(sample_bytes, bits, bytes, samples)?;
            }
            Coding::Float32 => {
                self.swap_to_little_endian(bytes, 4);
                self.decode_with_hound(true, 4, bytes, samples, |sample: f32| sample)?;
            }
        }
        Ok(())
    }

    /// Converts to little-endian, which hound reads.
    fn swap_to_little_endian(&self, bytes: &mut [u8], sample_bytes: usize) {
        if self.order == ByteOrder::Big {
            bytes.chunks_exact_mut(sample_bytes).for_each(<[u8]>::reverse);
        }
    }

    /// Reads little-endian integers; the bits above `bits` do not count.
    fn integers(&self, sample_bytes: u16, bits: u16, bytes: &[u8], samples: &mut Vec<f32>) -> Result<(), AudioError> {
        // So that full scale is 1.
        let (scale, above) = (2.0_f32.powi(1 - i32::from(bits)), 32 - bits);
        self.decode_with_hound(false, sample_bytes, bytes, samples, |sample: i32| {
            (sample << above >> above) as f32 * scale
        })
    }

    /// Reads a block with hound, as a WAV file of its own with a minimal header: so hound reads blocks of any
    /// container, and of files of any length.
    fn decode_with_hound<S: Sample>(
        &self,
        float: bool,
        sample_bytes: u16,
        bytes: &[u8],
        samples: &mut Vec<f32>,
        scaled: impl Fn(S) -> f32,
    ) -> Result<(), AudioError> {
        let mut file = wav_header(float, self, sample_bytes, bytes.len());
        file.extend_from_slice(bytes);
        let reader = WavReader::new(file.as_slice()).map_err(refused)?;
        for sample in reader.into_samples::<S>() {
            samples.push(scaled(sample.map_err(refused)?));
        }
        Ok(())
    }
}

/// The 44-byte header of a WAV file.
fn wav_header(float: bool, layout: &Layout, sample_bytes: u16, data_bytes: usize) -> Vec<u8> {
    let frame_bytes = layout.channels * sample_bytes;
    let byte_rate = layout.sample_rate * u32::from(frame_bytes);
    // A block is far smaller than 4 GB.
    let data_bytes = data_bytes as u32;
    let mut header = b"RIFF".to_vec();
    header.extend((data_bytes + 36).to_le_bytes());
    header.extend(b"WAVEfmt \x10\0\0\0");
    header.extend([if float { 3 } else { 1 }, layout.channels].map(u16::to_le_bytes).as_flattened());
    header.extend([layout.sample_rate, byte_rate].map(u32::to_le_bytes).as_flattened());
    header.extend([frame_bytes, 8 * sample_bytes].map(u16::to_le_bytes).as_flattened());
    header.extend(b"data");
    header.extend(data_bytes.to_le_bytes());
    header
}

fn refused(error: hound::Error) -> AudioError {
    malformed(&format!("the samples could not be read ({error})"))
}

/// Where the samples are in a file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::audio) struct Span {
    pub start: u64,
    /// Bytes that are there, whatever the header says.
    pub length: u64,
    /// Bytes that the header claims, if the file has fewer.
    pub declared: Option<u64>,
}

pub(in crate::audio) struct Pcm {
    input: Input,
    layout: Layout,
    frames: u64,
    frames_left: u64,
    warnings: Vec<String>,
    bytes: Vec<u8>,
    interleaved: Vec<f32>,
}

impl Pcm {
    /// Reads the span's frames. `told` is how many the file says there are: it only counts if it differs by less than a
    /// block, whose end may be padding.
    pub(super) fn new(mut input: Input, layout: Layout, span: Span, told: Option<u64>) -> Result<Self, AudioError> {
        input.seek_to(span.start)?;
        let available = layout.frames_in(span.length);
        let block = layout.unit().1 as u64;
        let frames =
            told.filter(|&told| told > 0 && told <= available && told + block > available).unwrap_or(available);
        let warnings = missing_bytes(&layout, span);
        Ok(Self { input, layout, frames, frames_left: frames, warnings, bytes: Vec::new(), interleaved: Vec::new() })
    }

    fn read(&mut self) -> Result<(), AudioError> {
        let (unit_bytes, unit_frames) = self.layout.unit();
        let units = (BLOCK_FRAMES / unit_frames).min(MAX_READ_BYTES / unit_bytes).max(1);
        let wanted = self.frames_left.div_ceil(unit_frames as u64).min(units as u64) as usize;
        self.input.read_at_most(wanted * unit_bytes, &mut self.bytes)?;
        // The last block of ADPCM may be short; of a frame that is cut, nothing can be used.
        if !self.layout.is_in_blocks() {
            self.bytes.truncate(self.bytes.len() / unit_bytes * unit_bytes);
        }
        self.interleaved.clear();
        self.layout.decode(&mut self.bytes, &mut self.interleaved)
    }
}

impl Stream for Pcm {
    fn sample_rate(&self) -> u32 {
        self.layout.sample_rate
    }

    fn frames(&self) -> Option<u64> {
        Some(self.frames)
    }

    fn position(&self) -> u64 {
        self.input.position()
    }

    fn next(&mut self, mixer: &mut Mixer) -> Result<bool, AudioError> {
        if self.frames_left == 0 {
            return Ok(false);
        }
        self.read()?;
        let channels = usize::from(self.layout.channels);
        let frames = ((self.interleaved.len() / channels) as u64).min(self.frames_left);
        if frames == 0 {
            self.frames_left = 0;
            self.warnings
                .push("The file became shorter while it was read; only the part before that was decoded.".to_owned());
            return Ok(false);
        }
        self.frames_left -= frames;
        mixer.push(&self.interleaved[..frames as usize * channels], channels);
        Ok(true)
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }
}

/// Warnings about bytes that are missing.
fn missing_bytes(layout: &Layout, span: Span) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(declared) = span.declared {
        let length = span.length;
        warnings.push(format!(
            "The file's header says that it has {declared} bytes of sound, but only {length} are there; these were decoded."
        ));
    }
    let (unit_bytes, _) = layout.unit();
    let rest = span.length % unit_bytes as u64;
    if !layout.is_in_blocks() && rest > 0 {
        warnings.push(format!("The last frame has only {rest} of its {unit_bytes} bytes; it was left out."));
    }
    warnings
}
