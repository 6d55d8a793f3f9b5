//! WAV files made up by a test.

use std::io::Cursor;

use hound::{SampleFormat, WavSpec, WavWriter};

/// A file of 16-bit samples, those of the channels in turn.
pub fn pcm16(sample_rate: u32, channels: u16, samples: impl IntoIterator<Item = i16>) -> Vec<u8> {
    let spec = WavSpec { channels, sample_rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut bytes, spec).unwrap();
    for sample in samples {
        writer.write_sample(sample).unwrap();
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}
