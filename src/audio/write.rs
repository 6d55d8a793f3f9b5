//! Samples to a file: the one format that everything reads.

use std::io::Cursor;

use hound::{SampleFormat, WavSpec, WavWriter};

use super::Clip;

/// A WAV file of 16-bit PCM. What is beyond full scale is cut there, what is no number is silent.
///
/// # Errors
///
/// Where the samples are more than the 4 GB that such a file holds.
pub fn to_wav(clip: &Clip) -> Result<Vec<u8>, hound::Error> {
    let spec =
        WavSpec { channels: 1, sample_rate: clip.sample_rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut bytes = Cursor::new(Vec::with_capacity(44 + 2 * clip.samples.len()));
    let mut writer = WavWriter::new(&mut bytes, spec)?;
    for sample in &clip.samples {
        // The cast holds at both ends, and makes 0 of what is no number.
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
    fn what_is_written_is_read_again() {
        let samples: Vec<f32> = (0..9000).map(|index| (index as f32 * 0.05).sin() * 0.9).collect();
        let written = to_wav(&Clip { samples: samples.clone(), sample_rate: 22_050 }).unwrap();
        let read = decode(&written).unwrap();
        assert_eq!((read.sample_rate, read.samples.len()), (22_050, 9000));
        assert!(samples.iter().zip(&read.samples).all(|(a, b)| (a - b).abs() < 1e-4));
    }

    #[test]
    fn what_does_not_fit_is_cut() {
        let written = to_wav(&Clip { samples: vec![2.0, -2.0, f32::NAN], sample_rate: 8_000 }).unwrap();
        assert_eq!(written[44..], [0xff, 0x7f, 0x00, 0x80, 0, 0]);
    }
}
