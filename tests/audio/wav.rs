//! Generated WAV files: every layout, loose headers, cuts and noise.

use std::io::Cursor;

use genrelens::audio::{AudioError, Clip, decode};
use hound::{SampleFormat, WavSpec, WavWriter};

use crate::helpers::{assert_close, chunk, decode_with_warnings, fmt_chunk, random, sample, tone};

fn spec(channels: u16, sample_rate: u32, bits_per_sample: u16, sample_format: SampleFormat) -> WavSpec {
    WavSpec { channels, sample_rate, bits_per_sample, sample_format }
}

fn integers(bits: u16) -> WavSpec {
    spec(1, 22_050, bits, SampleFormat::Int)
}

const FLOATS: WavSpec =
    WavSpec { channels: 1, sample_rate: 22_050, bits_per_sample: 32, sample_format: SampleFormat::Float };

/// A WAV file in memory, of samples in −1..1, channels interleaved.
fn wav(spec: WavSpec, samples: &[f32]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut bytes, spec).unwrap();
    let full_scale = 2.0_f64.powi(i32::from(spec.bits_per_sample) - 1);
    for &sample in samples {
        match spec.sample_format {
            SampleFormat::Float => writer.write_sample(sample).unwrap(),
            SampleFormat::Int => {
                let scaled = (f64::from(sample) * full_scale).round().min(full_scale - 1.0);
                writer.write_sample(scaled as i32).unwrap();
            }
        }
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk(b"RIFF", &[b"WAVE".to_vec(), chunks.concat()].concat())
}

#[test]
fn every_depth_channel_count_and_rate_is_read() {
    let depths = [(8, SampleFormat::Int), (16, SampleFormat::Int), (24, SampleFormat::Int), (32, SampleFormat::Int)];
    for (bits, kind) in depths.into_iter().chain([(32, SampleFormat::Float)]) {
        for channels in 1..=8 {
            for rate in [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000] {
                let mono = tone(440.0, rate, 200);
                // Channels of different loudness around the tone, so that only their mean is the tone.
                let loudness = |channel: u16| 2.0 * f32::from(channel + 1) / f32::from(channels + 1);
                let interleaved: Vec<f32> =
                    mono.iter().flat_map(|sample| (0..channels).map(move |c| 0.9 * sample * loudness(c))).collect();
                let clip = decode(&wav(spec(channels, rate, bits, kind), &interleaved)).unwrap();
                assert_eq!(clip.sample_rate, rate);
                let step = if kind == SampleFormat::Float { 0.0 } else { 2.0_f32.powi(1 - i32::from(bits)) };
                let expected: Vec<f32> = mono.iter().map(|sample| 0.9 * sample).collect();
                assert_close(&clip.samples, &expected, 0.5 * step + 1e-6);
            }
        }
    }
}

#[test]
fn full_scale_is_one() {
    for bits in [8, 16, 24, 32] {
        let clip = decode(&wav(integers(bits), &[-1.0, 0.0, 0.5])).unwrap();
        assert_eq!(clip.samples, [-1.0, 0.0, 0.5], "{bits} bits");
    }
    assert_eq!(decode(&wav(FLOATS, &[-1.5, 0.25, 2.0])).unwrap().samples, [-1.5, 0.25, 2.0]);
}

#[test]
fn a_clip_knows_its_length() {
    assert_eq!(Clip { samples: vec![0.0; 33_075], sample_rate: 22_050 }.duration_seconds(), 1.5);
}

#[test]
fn non_finite_floats_become_silence() {
    let clip = decode(&wav(FLOATS, &[0.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.5])).unwrap();
    assert_eq!(clip.samples, [0.5, 0.0, 0.0, 0.0, -0.5]);
}

/// Spectra square and sum: the largest floats must not overflow there.
#[test]
fn huge_floats_give_finite_samples_and_spectra() {
    use genrelens::dsp::{FrontEnd, MelPlan, segments};
    let clip = decode(&wav(spec(2, 22_050, 32, SampleFormat::Float), &[f32::MAX; 8192])).unwrap();
    assert!(clip.samples.iter().all(|sample| sample.is_finite()));
    let mel = MelPlan::new(&FrontEnd::NET1).spectrogram(&clip.samples);
    assert!(mel.values.iter().all(|value| value.is_finite()));
    assert!(segments(&mel, &FrontEnd::NET1)[0].values.iter().all(|value| (0.0..=1.0).contains(value)));
}

#[test]
fn other_chunks_are_skipped_also_odd_ones() {
    let samples = [1_000_i16, -2_000, 3_000];
    let data = chunk(b"data", &samples.map(i16::to_le_bytes).concat());
    let format = fmt_chunk(1, 1, 22_050, 16, &[]);
    let expected = samples.map(|sample| f32::from(sample) / 32_768.0);
    let list = chunk(b"LIST", b"INFOIART\x04\0\0\0\x41\x42\x43\0");
    let odd = [chunk(b"LIST", b"odd"), vec![0]].concat();
    let odd_without_its_pad_byte = chunk(b"LIST", b"odd");
    let fact = chunk(b"fact", &3_u32.to_le_bytes());
    for other in [list, odd, odd_without_its_pad_byte, fact, chunk(b"JUNK", &[])] {
        let before = riff(&[other.clone(), format.clone(), data.clone()]);
        let between = riff(&[format.clone(), other.clone(), data.clone()]);
        let after = riff(&[format.clone(), data.clone(), other]);
        for bytes in [before, between, after] {
            assert_eq!(decode(&bytes).unwrap().samples, expected);
        }
    }
}

/// Headers of real writers: a length that was never filled in, a wrong byte rate, the longer forms of `fmt `.
#[test]
fn loose_headers_are_read() {
    let data = chunk(b"data", &[0, 64, 0, 192]);
    let plain = riff(&[fmt_chunk(1, 1, 22_050, 16, &[]), data.clone()]);
    let mut streamed = plain.clone();
    let length_at = streamed.len() - 8;
    streamed[length_at..length_at + 4].fill(0xFF);
    let mut wrong_byte_rate = plain.clone();
    wrong_byte_rate[28..32].fill(0);
    let extended = riff(&[fmt_chunk(1, 1, 22_050, 16, &[0, 0]), data.clone()]);
    let guid_tail = b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71";
    let extensible = |tag: u16| [&[22, 0, 16, 0, 4, 0, 0, 0], tag.to_le_bytes().as_slice(), guid_tail].concat();
    let extensible = riff(&[fmt_chunk(0xFFFE, 1, 22_050, 16, &extensible(1)), data]);
    for bytes in [plain, streamed, wrong_byte_rate, extended, extensible] {
        assert_eq!(decode(&bytes).unwrap().samples, [0.5, -0.5]);
    }
}

/// Valid bits are left-justified in their container (Microsoft, `WAVEFORMATEXTENSIBLE`).
#[test]
fn twenty_bits_in_a_container_of_24_and_24_in_32_are_read() {
    let guid = b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71";
    let extensible = |valid_bits: u8| [&[22, 0, valid_bits, 0, 4, 0, 0, 0], guid.as_slice()].concat();
    let twenty = riff(&[fmt_chunk(0xFFFE, 1, 22_050, 24, &extensible(20)), chunk(b"data", &[0, 0, 64, 0, 0, 192])]);
    let wide = chunk(b"data", &[0, 0, 0, 64, 0, 0, 0, 192]);
    let twenty_four = riff(&[fmt_chunk(0xFFFE, 1, 22_050, 32, &extensible(24)), wide]);
    for bytes in [twenty, twenty_four] {
        assert_eq!(decode(&bytes).unwrap().samples, [0.5, -0.5]);
    }
}

#[test]
fn the_whole_frames_of_a_file_cut_off_anywhere_are_decoded() {
    for (spec, frame_bytes) in
        [(integers(8), 1), (spec(2, 44_100, 16, SampleFormat::Int), 4), (integers(24), 3), (FLOATS, 4)]
    {
        let samples: Vec<f32> = tone(440.0, 22_050, 100);
        let bytes = wav(spec, &samples);
        let whole = decode(&bytes).unwrap();
        let data_at = bytes.len() - whole.samples.len() * frame_bytes;
        for cut in 0..bytes.len() {
            let frames = cut.saturating_sub(data_at) / frame_bytes;
            match decode(&bytes[..cut]) {
                Ok(clip) => assert_eq!(clip.samples, whole.samples[..frames], "cut at {cut}"),
                Err(error) => {
                    assert!(frames == 0 && matches!(error, AudioError::Malformed { .. }), "cut at {cut}: {error}");
                }
            }
        }
    }
}

#[test]
fn no_bytes_panic() {
    for seed in 0..2_000 {
        let mut random = random(seed);
        // The top 8 of 31 bits.
        let noise: Vec<u8> = (0..200).map(|_| (random() >> 23) as u8).collect();
        let _ = decode(&noise);
        // Noise that gets further: behind a valid beginning, and in single bytes of a valid header.
        let _ = decode(&[b"RIFF\x80\0\0\0WAVE".as_slice(), &noise].concat());
        let _ = decode(&[b"RIFF\x80\0\0\0WAVEfmt \x10\0\0\0\x01\0".as_slice(), &noise].concat());
        let mut damaged = wav(integers(16), &[0.5; 20]);
        for pair in noise.chunks_exact(2).take(1 + seed as usize % 5) {
            damaged[usize::from(pair[0]) % 44] = pair[1];
        }
        if let Ok(clip) = decode(&damaged) {
            assert!(clip.samples.len() <= 80 && clip.samples.iter().all(|sample| sample.is_finite()));
        }
    }
}

/// No memory is allocated for a length in the header: this would be 4 GB.
#[test]
fn a_length_beyond_the_file_allocates_no_memory() {
    let mut bytes = wav(integers(8), &[0.0; 10]);
    bytes[40..44].copy_from_slice(&(u32::MAX - 1).to_le_bytes());
    let clip = decode(&bytes).unwrap();
    assert!(clip.samples.len() == 10 && clip.samples.capacity() < 100);
}

/// What is wrong in headers of real files, where players only read the bits.
#[test]
fn a_wrong_block_align_is_read_as_players_do() {
    let whole = decode(&sample("wav-s16.wav")).unwrap();
    // In bits, missing, of another layout, and of none.
    for block_align in [32_u16, 0, 2, 1, 3, 64] {
        let mut bytes = sample("wav-s16.wav");
        bytes[32..34].copy_from_slice(&block_align.to_le_bytes());
        assert_eq!(decode(&bytes).unwrap(), whole, "{block_align}");
    }
    // The byte rate of a writer that counted the bits agrees.
    let mut bytes = sample("wav-s16.wav");
    bytes[28..32].copy_from_slice(&(8_000_u32 * 32).to_le_bytes());
    bytes[32..34].copy_from_slice(&32_u16.to_le_bytes());
    assert_eq!(decode(&bytes).unwrap(), whole);
    for name in ["wav-alaw.wav", "wav-mulaw.wav"] {
        let whole = decode(&sample(name)).unwrap();
        let mut bytes = sample(name);
        bytes[32..36].copy_from_slice(&[4, 0, 16, 0]);
        assert_eq!(decode(&bytes).unwrap(), whole, "{name}");
    }
}

/// Four bytes for 24 bits, of either byte order, at either end, with or without the sign above them.
#[test]
fn the_end_at_which_24_bits_lie_in_4_bytes_is_told_by_the_samples() {
    let tone: Vec<i32> = tone(440.0, 22_050, 4_000).iter().map(|sample| (sample * 8_388_608.0) as i32).collect();
    let soft: Vec<i32> = tone.iter().map(|sample| sample >> 9).collect();
    // 16 bits in 24.
    let coarse: Vec<i32> = tone.iter().map(|sample| sample & !0xFF).collect();
    let file = |samples: &[i32], place: fn(i32) -> i32| {
        let mut format = fmt_chunk(1, 1, 22_050, 24, &[]);
        format[16..20].copy_from_slice(&88_200_u32.to_le_bytes());
        format[20..22].copy_from_slice(&[4, 0]);
        let data = samples.iter().flat_map(|&sample| place(sample).to_le_bytes()).collect::<Vec<_>>();
        riff(&[format, chunk(b"data", &data)])
    };
    for samples in [&tone, &soft, &coarse] {
        let expected: Vec<f32> = samples.iter().map(|&sample| sample as f32 / 8_388_608.0).collect();
        assert_eq!(decode(&file(samples, |sample| sample)).unwrap().samples, expected);
        assert_eq!(decode(&file(samples, |sample| sample & 0xFF_FFFF)).unwrap().samples, expected);
    }
    for samples in [&tone, &coarse] {
        let expected: Vec<f32> = samples.iter().map(|&sample| sample as f32 / 8_388_608.0).collect();
        assert_eq!(decode(&file(samples, |sample| sample << 8)).unwrap().samples, expected);
        // Silence before it tells nothing.
        let late: Vec<i32> = [vec![0; 100_000], samples.clone()].concat();
        assert_eq!(decode(&file(&late, |sample| sample << 8)).unwrap().samples[100_000..], expected);
    }
}

/// `wav-ima.wav` and `wav-ms.wav` with a `fact` chunk before their data.
#[test]
fn a_fact_chunk_only_cuts_the_padding_of_the_last_block() {
    for (name, frames, block) in [("wav-ima.wav", 2_241, 249), ("wav-ms.wav", 2_196, 244)] {
        let bytes = sample(name);
        let whole = decode(&bytes).unwrap().samples;
        assert_eq!(whole.len(), frames);
        let data = bytes.windows(4).position(|window| window == b"data").unwrap();
        let told = |count: usize| {
            let fact = chunk(b"fact", &(count as u32).to_le_bytes());
            decode(&[&bytes[..12], &chunk(b"JUNK", &[0; 2]), &bytes[12..data], &fact, &bytes[data..]].concat())
                .unwrap()
                .samples
        };
        for count in [0, 1, 700, frames - block, frames + 1, u32::MAX as usize] {
            assert_eq!(told(count), whole, "{name} of {count}");
        }
        for count in [frames - block + 1, frames - 7, frames] {
            assert_eq!(told(count), whole[..count], "{name} of {count}");
        }
    }
}

/// As ffmpeg writes AIFF to a pipe, and with the lengths that others leave.
#[test]
fn an_aiff_file_from_a_pipe_is_heard_to_its_end() {
    let whole = decode(&sample("aiff-s16.aiff")).unwrap();
    for length in [0, u32::MAX, 0x7FFF_FFFF, 0x7FFF_F000] {
        let mut bytes = sample("aiff-sizes-zero.aiff");
        bytes[42..46].copy_from_slice(&u32::to_be_bytes(length));
        assert_eq!(decode_with_warnings(&bytes).unwrap(), (whole.samples.clone(), Vec::new()));
    }
    // A number of frames that is wrong.
    for frames in [7_u32, 4_000] {
        let mut bytes = sample("aiff-s16.aiff");
        bytes[22..26].copy_from_slice(&frames.to_be_bytes());
        assert_eq!(decode(&bytes).unwrap(), whole);
    }
}
