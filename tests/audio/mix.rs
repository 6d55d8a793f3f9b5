//! The mix of a file's channels.

use genrelens::audio::{Clip, decode};

use crate::helpers::{chunk, fmt_chunk, random, tone};

/// A stereo file of 16 bits at 22 050 Hz, whose right channel is `share` of the left one.
fn stereo(left: &[f32], share: f32) -> Vec<u8> {
    let integer = |sample: f32| (sample * 32_767.0).round() as i16;
    let data = left.iter().flat_map(|&sample| [integer(sample), integer(share * sample)]).flat_map(i16::to_le_bytes);
    let chunks = [fmt_chunk(1, 2, 22_050, 16, &[]), chunk(b"data", &data.collect::<Vec<_>>())];
    chunk(b"RIFF", &[b"WAVE".to_vec(), chunks.concat()].concat())
}

fn mono(samples: &[f32]) -> Clip {
    let samples = samples.iter().map(|sample| (sample * 32_767.0).round() / 32_768.0).collect();
    Clip { samples, sample_rate: 22_050 }
}

/// One microphone was wired the wrong way round: a listener hears the recording, and the mean is silent.
#[test]
fn channels_of_opposite_sign_are_not_silence() {
    let left = tone(440.0, 22_050, 60_000);
    for share in [-1.0, -0.98, -0.8] {
        assert_eq!(decode(&stereo(&left, share)).unwrap(), mono(&left), "{share}");
    }
    // The right one is the louder.
    let soft: Vec<f32> = left.iter().map(|sample| 0.9 * sample).collect();
    let right: Vec<f32> = left.iter().map(|sample| -sample).collect();
    let (mixed, expected) = (decode(&stereo(&soft, -1.0 / 0.9)).unwrap(), mono(&right));
    assert_eq!(mixed.samples.len(), expected.samples.len());
    assert!(mixed.samples.iter().zip(&expected.samples).all(|(a, b)| (a - b).abs() < 1e-4));
}

#[test]
fn noise_in_both_channels_is_averaged_to_the_bit() {
    let mut number = random(5);
    let mut noise = || (number() >> 15) as i16;
    let frames: Vec<[i16; 2]> = (0..60_000).map(|_| [noise(), noise()]).collect();
    let data: Vec<u8> = frames.iter().flatten().flat_map(|sample| sample.to_le_bytes()).collect();
    let chunks = [fmt_chunk(1, 2, 22_050, 16, &[]), chunk(b"data", &data)];
    let file = chunk(b"RIFF", &[b"WAVE".to_vec(), chunks.concat()].concat());
    let scaled = |sample: i16| f32::from(sample) / 32_768.0;
    let mean: Vec<f32> = frames.iter().map(|&[left, right]| (scaled(left) + scaled(right)) / 2.0).collect();
    assert_eq!(decode(&file).unwrap().samples, mean);
}
