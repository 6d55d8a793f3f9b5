//! Writes samples as a WAV file.

use std::io::Cursor;

use hound::{SampleFormat, WavSpec, WavWriter};

use super::Clip;

/// A WAV file of 16-bit PCM. Samples beyond full scale are clamped, NaN becomes silence.
///
/// # Errors
///
/// If the samples exceed the 4 GB that such a file can hold.
pub fn to_wav(clip: &Clip) -> Result<Vec<u8>, hound::Error> {
    let spec =
        WavSpec { channels: 1, sample_rate: clip.sample_rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut bytes = Cursor::new(Vec::with_capacity(44 + 2 * clip.samples.len()));
    let mut writer = WavWriter::new(&mut bytes, spec)?;
    for sample in &clip.samples {
        // The cast saturates, and turns NaN into 0.
        writer.write_sample((sample * 32_767.0).round() as i16)?;
    }
    writer.finalize()?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::super::decode;
    use super::*;

    #[test]
    fn a_written_file_is_decoded_to_the_same_samples() {
        let samples: Vec<f32> = (0..9000).map(|index| (index as f32 * 0.05).sin() * 0.9).collect();
        let written = to_wav(&Clip { samples: samples.clone(), sample_rate: 22_050 }).unwrap();
        let read = decode(&written).unwrap();
        assert_eq!((read.sample_rate, read.samples.len()), (22_050, 9000));
        assert!(samples.iter().zip(&read.samples).all(|(a, b)| (a - b).abs() < 1e-4));
    }

    #[test]
    fn samples_beyond_full_scale_are_clamped() {
        let written = to_wav(&Clip { samples: vec![2.0, -2.0, f32::NAN], sample_rate: 8_000 }).unwrap();
        assert_eq!(written[44..], [0xff, 0x7f, 0x00, 0x80, 0, 0]);
    }
}
