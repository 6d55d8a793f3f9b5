//! Sound without compression, or with as little as G.711 and ADPCM: read, converted and mixed block by block.

use std::io::Read;

use hound::{Sample, WavReader};

use super::adpcm::Adpcm;
use super::g711::{from_a_law, from_mu_law};
use crate::audio::bytes::ByteOrder;
use crate::audio::error::{AudioError, malformed};
use crate::audio::mix::Mixer;
use crate::audio::source::Input;
use crate::audio::stream::{BLOCK_FRAMES, Stream};

/// The most bytes that are read at a time. A header may say that long blocks hold a frame each.
const MOST_BYTES: usize = 1 << 20;

/// How a sample is coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::audio) enum Coding {
    /// Integers as hound reads them: of one byte without a sign, of 2 to 4 with one. 24 bits in 4 bytes are
    /// right-justified; whatever else is narrower than its bytes is left-justified and read as if it filled them.
    Integer {
        bytes: u16,
        bits: u16,
    },
    /// Of one byte, with a sign (Sun AU).
    SignedByte,
    Float32,
    Float64,
    ALaw,
    MuLaw,
    /// Blocks of so many bytes and at most so many frames.
    Adpcm {
        kind: Adpcm,
        block_bytes: u16,
        block_frames: usize,
    },
}

/// All that is needed to make sound of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::audio) struct Layout {
    pub coding: Coding,
    pub order: ByteOrder,
    pub channels: u16,
    /// In Hz.
    pub sample_rate: u32,
}

impl Layout {
    /// Bytes that are decoded together, and the frames they give: a frame, or a block of ADPCM.
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

    /// Whole frames in so many bytes.
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

    /// Appends the samples of whole units, channels interleaved; `bytes` may change.
    fn decode(&self, bytes: &mut [u8], samples: &mut Vec<f32>) -> Result<(), AudioError> {
        match &self.coding {
            Coding::Adpcm { kind, block_bytes, block_frames } => {
                let channels = usize::from(self.channels);
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
                self.by_hound(false, 1, 8, bytes, samples)?;
            }
            &Coding::Integer { bytes: sample_bytes, bits } => {
                self.little(bytes, usize::from(sample_bytes));
                self.by_hound(false, sample_bytes, bits, bytes, samples)?;
            }
            Coding::Float32 => {
                self.little(bytes, 4);
                self.by_hound(true, 4, 32, bytes, samples)?;
            }
        }
        Ok(())
    }

    fn little(&self, bytes: &mut [u8], sample_bytes: usize) {
        if self.order == ByteOrder::Big {
            bytes.chunks_exact_mut(sample_bytes).for_each(<[u8]>::reverse);
        }
    }

    /// A block is a WAV file of its own, with the plainest header: so hound reads files of any length and origin.
    fn by_hound(
        &self,
        float: bool,
        sample_bytes: u16,
        bits: u16,
        bytes: &[u8],
        samples: &mut Vec<f32>,
    ) -> Result<(), AudioError> {
        let mut file = plain_header(float, self, sample_bytes, bits, bytes.len());
        file.extend_from_slice(bytes);
        let reader = WavReader::new(file.as_slice()).map_err(refused)?;
        if float {
            return convert(reader, samples, |sample: f32| sample);
        }
        let scale = 2.0_f32.powi(1 - i32::from(bits));
        convert(reader, samples, |sample: i32| sample as f32 * scale)
    }
}

fn convert<S: Sample>(
    reader: WavReader<impl Read>,
    samples: &mut Vec<f32>,
    scaled: impl Fn(S) -> f32,
) -> Result<(), AudioError> {
    for sample in reader.into_samples::<S>() {
        samples.push(scaled(sample.map_err(refused)?));
    }
    Ok(())
}

fn plain_header(float: bool, layout: &Layout, sample_bytes: u16, bits: u16, data_bytes: usize) -> Vec<u8> {
    let frame_bytes = layout.channels * sample_bytes;
    let byte_rate = layout.sample_rate * u32::from(frame_bytes);
    // A block is far smaller than 4 GB.
    let data_bytes = data_bytes as u32;
    let mut header = b"RIFF".to_vec();
    header.extend((data_bytes + 36).to_le_bytes());
    header.extend(b"WAVEfmt \x10\0\0\0");
    header.extend([if float { 3 } else { 1 }, layout.channels].map(u16::to_le_bytes).as_flattened());
    header.extend([layout.sample_rate, byte_rate].map(u32::to_le_bytes).as_flattened());
    header.extend([frame_bytes, bits].map(u16::to_le_bytes).as_flattened());
    header.extend(b"data");
    header.extend(data_bytes.to_le_bytes());
    header
}

fn refused(error: hound::Error) -> AudioError {
    malformed(&format!("the samples could not be read ({error})"))
}

/// Where the sound is in a file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::audio) struct Span {
    pub start: u64,
    /// What is there, whatever the header says.
    pub length: u64,
    /// What the header says, where it says something and the file holds less.
    pub declared: Option<u64>,
}

/// A file's sound, block by block.
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
    /// At most `most_frames` of what the span holds, where the file tells how many there are.
    pub(super) fn new(
        mut input: Input,
        layout: Layout,
        span: Span,
        most_frames: Option<u64>,
    ) -> Result<Self, AudioError> {
        input.seek_to(span.start)?;
        let held = layout.frames_in(span.length);
        let frames = most_frames.map_or(held, |most| most.min(held));
        let warnings = shortfalls(&layout, span);
        Ok(Self { input, layout, frames, frames_left: frames, warnings, bytes: Vec::new(), interleaved: Vec::new() })
    }

    fn read(&mut self) -> Result<(), AudioError> {
        let (unit_bytes, unit_frames) = self.layout.unit();
        let units = (BLOCK_FRAMES / unit_frames).min(MOST_BYTES / unit_bytes).max(1);
        let wanted = self.frames_left.div_ceil(unit_frames as u64).min(units as u64) as usize;
        self.input.read_at_most(wanted * unit_bytes, &mut self.bytes)?;
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
            self.warnings.push("The file became shorter while it was read; what was there is heard.".to_owned());
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

fn shortfalls(layout: &Layout, span: Span) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(declared) = span.declared {
        let length = span.length;
        warnings.push(format!(
            "The file says that it holds {declared} bytes of sound, but only {length} are there; these are heard."
        ));
    }
    let (unit_bytes, _) = layout.unit();
    let rest = span.length % unit_bytes as u64;
    if !layout.is_in_blocks() && rest > 0 {
        warnings.push(format!("The last frame has only {rest} of its {unit_bytes} bytes; it is left out."));
    }
    warnings
}
