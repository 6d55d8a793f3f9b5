//! MP3 and AAC without a container: damaged, or with other bytes before, between and behind the frames.

use genrelens::audio::AudioError;

use crate::helpers::{decode_with_warnings as decoded, sample};

/// Where the frames of `aac.aac` begin.
fn adts_frames() -> Vec<usize> {
    let (bytes, mut frames) = (sample("aac.aac"), vec![0]);
    while let Some(&at) = frames.last().filter(|&&at| at < bytes.len()) {
        let length =
            usize::from(bytes[at + 3] & 3) << 11 | usize::from(bytes[at + 4]) << 3 | usize::from(bytes[at + 5] >> 5);
        frames.push(at + length);
    }
    frames.pop();
    frames
}

fn loudest(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |loudest, sample| loudest.max(sample.abs()))
}

#[test]
fn adts_continues_after_a_damaged_header() {
    let (whole, frames) = (decoded(&sample("aac.aac")).unwrap().0, adts_frames());
    // The sync word, the rate, the length, and the number of packets.
    for (byte, value) in [(0, 0), (2, 0xFF), (4, 0xFF), (6, 0xFF)] {
        let mut bytes = sample("aac.aac");
        bytes[frames[4] + byte] = value;
        let (samples, warnings) = decoded(&bytes).unwrap();
        assert_eq!(samples.len(), whole.len(), "byte {byte}");
        assert_eq!(samples[..4 * 1_024], whole[..4 * 1_024]);
        assert_eq!(loudest(&samples[4 * 1_024..5 * 1_024]), 0.0);
        // A frame's sound depends on the one before, and some of it is noise that the decoder makes up.
        let other: Vec<f32> = samples.iter().zip(&whole).skip(6 * 1_024).map(|(a, b)| a - b).collect();
        assert!(loudest(&other) < 0.02, "{}", loudest(&other));
        assert_eq!(warnings, ["1 packet of the file is damaged; it is replaced by silence."]);
    }
}

#[test]
fn tags_around_adts_frames_are_no_damage() {
    let whole = decoded(&sample("aac.aac")).unwrap();
    let (bytes, frames) = (sample("aac.aac"), adts_frames());
    let (before, after) = bytes.split_at(frames[5]);
    let first = [b"TAG".as_slice(), &[0xFF; 125]].concat();
    // Radio over HTTP sends one before each piece.
    let second = [b"ID3\x04\0\0\0\0\0\x0A".as_slice(), &[0xFF; 10]].concat();
    assert_eq!(decoded(&[before, &second, after, &first].concat()).unwrap(), whole);
}

#[test]
fn adts_with_several_packets_in_a_frame_is_unsupported() {
    let mut bytes = sample("aac.aac");
    for at in adts_frames() {
        bytes[at + 6] |= 1;
    }
    let error = decoded(&bytes).unwrap_err();
    assert!(matches!(&error, AudioError::Unsupported(_)));
    assert!(error.to_string().starts_with("it is an AAC file with several packets in a frame inside, but"), "{error}");
}

/// Frames of this kind between others are passed over whole: a search in them would read each byte thousands of times.
#[test]
fn adts_frames_of_several_packets_between_others_are_passed_over() {
    let (whole, frames) = (decoded(&sample("aac.aac")).unwrap().0, adts_frames());
    let mut bytes = sample("aac.aac");
    for &at in &frames[3..6] {
        bytes[at + 6] |= 1;
    }
    let (samples, warnings) = decoded(&bytes).unwrap();
    assert_eq!((samples.len(), loudest(&samples[3 * 1_024..6 * 1_024])), (whole.len(), 0.0));
    assert_eq!(warnings, ["3 packets of the file are damaged; they are replaced by silence."]);
    // The shortest frames there are: a header and a byte.
    let mut empty = bytes[..7].to_vec();
    (empty[3], empty[4], empty[5], empty[6]) = (empty[3] & 0xFC, 1, 0x1F, 0xFD);
    let many = [&bytes[..frames[3]], &[empty, vec![0]].concat().repeat(200_000)].concat();
    let started = std::time::Instant::now();
    let _ = decoded(&many);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

/// As of a radio station that changes its rate: the second part's frames are of 48 kHz.
#[test]
fn adts_of_another_rate_is_left_out_and_named_as_such() {
    let (whole, frames) = (decoded(&sample("aac.aac")).unwrap().0, adts_frames());
    let mut other = sample("aac.aac");
    for &at in &frames {
        other[at + 2] = other[at + 2] & 0xC3 | 3 << 2;
    }
    let (samples, warnings) = decoded(&[sample("aac.aac"), other].concat()).unwrap();
    assert_eq!(samples, whole);
    assert!(
        warnings[0].starts_with("The file's sample rate changes from 44100 to 48000 Hz at 0.2 s; 0."),
        "{warnings:?}"
    );
    // A single header of another rate is damage.
    let mut damaged = sample("aac.aac");
    damaged[frames[4] + 2] = damaged[frames[4] + 2] & 0xC3 | 3 << 2;
    let (samples, warnings) = decoded(&damaged).unwrap();
    assert_eq!((samples.len(), warnings.len()), (whole.len(), 1));
}

#[test]
fn the_first_mp3_frame_is_found_behind_other_bytes() {
    let bytes = sample("mp3-without-tags.mp3");
    let whole = decoded(&bytes).unwrap();
    let ape = |length: u32| {
        let body = vec![b'x'; length as usize];
        [b"APETAGEX\xD0\x07\0\0".as_slice(), &length.to_le_bytes(), &[0; 16], &body].concat()
    };
    for before in
        [vec![0; 1], vec![0; 3_000], vec![0; 60_000], b"noise of another kind".to_vec(), ape(64), ape(100_000)]
    {
        assert_eq!(decoded(&[before, bytes.clone()].concat()).unwrap(), whole);
    }
    assert_eq!(decoded(&[ape(40), sample("wav-s16.wav")].concat()), decoded(&sample("wav-s16.wav")));
    // Cut within a frame: frames that depend on the missing one are silent.
    let (samples, _) = decoded(&bytes[100..]).unwrap();
    assert!(samples.len() + 2_304 >= whole.0.len() && loudest(&samples[4_000..]) > 0.3);
}

#[test]
fn mp3_frames_within_other_formats_are_not_found() {
    let frames = sample("mp3-without-tags.mp3");
    for beginning in [b"\x1A\x45\xDF\xA3".as_slice(), b"caff\0\x01\0\0", b"OggS\0\x02\0\0"] {
        assert!(matches!(decoded(&[beginning, &frames].concat()), Err(AudioError::Unsupported(_))));
    }
    assert!(matches!(decoded(&[vec![0; 1 << 16], frames].concat()), Err(AudioError::Malformed(_))));
    assert!(decoded(&[0xFF; 100_000]).is_err());
}

#[test]
fn mp3_continues_after_damage() {
    let bytes = sample("mp3-without-tags.mp3");
    let whole = decoded(&bytes).unwrap().0;
    let mut damaged = bytes;
    damaged[700..720].fill(0);
    let samples = decoded(&damaged).unwrap().0;
    assert!(samples.len() + 1_152 >= whole.len());
    assert_eq!(samples[samples.len() - 2_000..], whole[whole.len() - 2_000..]);
}
