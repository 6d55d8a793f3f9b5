//! Files that are refused, and the exact messages. Each follows the file's name and a colon.

use std::io::{Cursor, ErrorKind, Read, Seek, SeekFrom};

use genrelens::audio::{AudioError, decode, open};

use crate::helpers::{sample, with_box_changed};

const AGAIN: &str = "; export it again, if possible as a 16-bit PCM WAV file, and choose the new file";
const OTHERWISE: &str = "; save it as a 16-bit PCM WAV file and choose that file";
const SUPPORTED: &str = "only WAV, RF64, AU, AIFF, FLAC, MP3, AAC and M4A files are supported";

/// A sample file with some bytes written over.
fn with(name: &str, changes: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = sample(name);
    for &(at, change) in changes {
        bytes[at..at + change.len()].copy_from_slice(change);
    }
    bytes
}

/// `wav-s16.wav` with some bytes written over; its format begins at byte 20, its data at byte 44.
fn wav(changes: &[(usize, &[u8])]) -> Vec<u8> {
    with("wav-s16.wav", changes)
}

fn malformed() -> Vec<(Vec<u8>, &'static str)> {
    let no_fmt = [&wav(&[])[..12], &wav(&[])[36..]].concat();
    vec![
        (Vec::new(), "the file is empty"),
        (b"R".to_vec(), "expected audio, but the file has only 1 byte"),
        (b"RIFF".to_vec(), "expected audio, but the file has only 4 bytes"),
        (
            b"This is a text, not a sound.".to_vec(),
            "it is not a known audio file; only WAV, RF64, AU, AIFF, FLAC, MP3, AAC and M4A files are supported",
        ),
        (wav(&[])[..12].to_vec(), "expected a 'fmt ' chunk, but the file has none"),
        (no_fmt, "expected a 'fmt ' chunk, but the file has none"),
        (wav(&[])[..36].to_vec(), "expected a 'data' chunk, but the file has none"),
        (wav(&[])[..30].to_vec(), "expected a 'fmt ' chunk of 16 bytes or more, but it has 10"),
        (wav(&[])[..44].to_vec(), "the file contains no audio"),
        (wav(&[])[..47].to_vec(), "the file contains no audio"),
        (wav(&[(22, &[0, 0])]), "expected 1 to 32 channels, but the file says it has none"),
        (wav(&[(34, &[0, 0])]), "the file's header says that samples of 0 bits are stored in 2 bytes"),
        (wav(&[(34, &[17, 0])]), "the file's header says that samples of 17 bits are stored in 2 bytes"),
        (
            wav(&[(20, &[0xFE, 0xFF]), (34, &[32, 0])]),
            "expected a 'fmt ' chunk of 40 bytes, as extensible formats have, but it has 16",
        ),
        (
            wav(&[(20, &[0x11, 0]), (32, &[7, 0]), (34, &[4, 0])]),
            "blocks of 7 bytes are too small for 2 channels of ADPCM",
        ),
        (sample("au-s16.au")[..20].to_vec(), "expected an AU header of 24 bytes, but the file has 20"),
        (
            with("au-s16.au", &[(4, &[0, 0, 0, 8])]),
            "expected the sound of an AU file at byte 24 or later, but it is at 8",
        ),
        (sample("au-s16.au")[..33].to_vec(), "the file contains no audio"),
        (sample("aiff-s16.aiff")[..12].to_vec(), "expected a 'COMM' chunk, but the file has none"),
        (sample("aiff-s16.aiff")[..38].to_vec(), "expected a 'SSND' chunk, but the file has none"),
        (sample("aiff-s16.aiff")[..24].to_vec(), "expected a 'COMM' chunk of 18 bytes or more, but it has 4"),
        (with("aiff-s16.aiff", &[(26, &[0, 33])]), "expected samples of 1 to 32 bits, but the file says 33"),
        (sample("flac.flac")[..20].to_vec(), "it is a FLAC file with a damaged beginning (it ends)"),
        (b"ID3\x04\0\0\0\0\0\0".to_vec(), "it is an MP3 file with nothing after its tag"),
        (sample("mp3.mp3")[..300].to_vec(), "it begins like an MP3 file, but has no complete audio frame"),
        (sample("aac.aac")[..6].to_vec(), "it begins like an AAC file, but has no complete audio frame"),
        (sample("m4a.m4a").replace_all(b"stsd", b"free"), "it is an M4A or MP4 file without its 'stsd' box"),
        (sample("m4a.m4a").replace_all(b"stco", b"free"), "it is an M4A or MP4 file without its 'stco' box"),
        (
            with_box_changed(sample("m4a.m4a"), b"stsz", 8, &[0, 0x20, 0, 0]),
            "it is an M4A or MP4 file with a damaged beginning (its table says that a packet has 2097152 bytes)",
        ),
        (
            with_box_changed(sample("m4a-moov-first.m4a"), b"mdat", 4, &[0x10; 10_000]),
            "it is an M4A or MP4 file with a damaged beginning (aac: invalid data)",
        ),
        (sample("m4a.m4a").replace_all(b"esds", b"free"), "it is an M4A or MP4 file with a damaged 'stsd' box"),
    ]
}

fn unsupported() -> Vec<(Vec<u8>, String)> {
    let file = |name: &str| format!("it is {name}, but {SUPPORTED}");
    let in_wav = |name: &str| {
        let supported = "only PCM, float, A-law, µ-law, IMA ADPCM and Microsoft ADPCM are supported";
        format!("it is a WAV file with {name}, but {supported}")
    };
    let in_mp4 = |name: &str| {
        let supported = "only AAC-LC, ALAC and MP3 are supported in such files";
        format!("it is an M4A or MP4 file with {name} inside, but {supported}")
    };
    let au = "it is an AU file with";
    let au_supported = "but only linear integers, floats, A-law and µ-law are supported";
    let rate = |rate: u32| format!("the file has a sample rate of {rate} Hz, but only 8000 to 192000 Hz are supported");
    vec![
        (sample("refused-webm.webm"), file("a WebM or Matroska file")),
        (sample("refused-wma.wma"), file("a Windows Media file")),
        (sample("refused-mp2.mp2"), file("an MP2 file")),
        (wav(&[(8, b"AVI ")]), file("a RIFF file of another kind")),
        (b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB".to_vec(), file("a Wave64 file")),
        (b"MThd\0\0\0\x06\0\x01\0\x02".to_vec(), file("a MIDI file, which holds notes but no sound")),
        (b"caff\0\x01\0\0desc".to_vec(), file("a Core Audio file")),
        (b"wvpk\0\0\0\0\0\0\0\0".to_vec(), file("a WavPack file")),
        (b"MAC \x96\x0F\0\0\0\0\0\0".to_vec(), file("a Monkey's Audio file")),
        (b"DSD \x1C\0\0\0\0\0\0\0".to_vec(), file("a DSD file")),
        (b"#!AMR\n\0\0\0\0\0\0".to_vec(), file("an AMR file")),
        (b"\0\0\0\x08moov\0\0\0\0".to_vec(), file("an old QuickTime file")),
        (sample("refused-vorbis.ogg"), file("an Ogg file")),
        (sample("refused-opus.opus"), file("an Ogg file")),
        (sample("refused-flac.ogg"), file("an Ogg file")),
        ([b"ID3\x04\0\0\0\0\0\0".to_vec(), sample("refused-vorbis.ogg")].concat(), file("an Ogg file")),
        (
            sample("refused-surround.m4a"),
            in_mp4("AAC other than AAC-LC (such as HE-AAC) or with more than two channels"),
        ),
        (sample("refused-ac3.mp4"), in_mp4("Dolby Digital")),
        (sample("refused-fragments.mp4"), in_mp4("fragments (as in streams)")),
        (sample("m4a.m4a").replace_all(b"soun", b"vide"), in_mp4("no sound")),
        (sample("m4a.m4a").replace_all(b"mp4a", b"drms"), in_mp4("copy protection")),
        (sample("m4a.m4a").replace_all(b"mp4a", b"samr"), in_mp4("the codec 'samr'")),
        (wav(&[(20, &[0x55, 0])]), in_wav("MP3 inside")),
        (wav(&[(20, &[0x31, 0])]), in_wav("GSM 6.10 compression")),
        (wav(&[(20, &[0x61, 1])]), in_wav("Windows Media Audio inside")),
        (wav(&[(20, &[0x34, 0x12])]), in_wav("the unknown compression 0x1234")),
        (
            wav(&[(20, &[0x11, 0]), (34, &[3, 0])]),
            "the file has ADPCM with 3-bit differences, but only 4-bit differences are supported".into(),
        ),
        (wav(&[(20, &[3, 0])]), "the file has 16-bit floats, but only those of 32 or 64 bits are supported".into()),
        (
            wav(&[(32, &[10, 0]), (34, &[40, 0])]),
            "the file has 40-bit integers, but only those of 8 to 32 bits are supported".into(),
        ),
        (wav(&[(22, &[33, 0])]), "the file has 33 channels, but only 1 to 32 are supported".into()),
        (wav(&[(24, &7_999_u32.to_le_bytes())]), rate(7_999)),
        (wav(&[(24, &192_001_u32.to_le_bytes())]), rate(192_001)),
        (with("au-s16.au", &[(12, &[0, 0, 0, 23])]), format!("{au} G.721 ADPCM, {au_supported}")),
        (with("au-s16.au", &[(12, &[0, 0, 0, 99])]), format!("{au} the unknown encoding 99, {au_supported}")),
        (
            with("aifc-sowt.aiff", &[(50, b"ima4")]),
            "it is an AIFF file with the compression 'ima4', but only integers, floats, A-law and µ-law are supported"
                .into(),
        ),
        (
            with("aifc-raw.aiff", &[(39, &[16])]),
            "it is an AIFF file with the compression 'raw' of 16 bits, but only integers, floats, A-law and µ-law are \
             supported"
                .into(),
        ),
    ]
}

trait ReplaceAll {
    fn replace_all(self, from: &[u8; 4], to: &[u8; 4]) -> Self;
}

impl ReplaceAll for Vec<u8> {
    fn replace_all(mut self, from: &[u8; 4], to: &[u8; 4]) -> Self {
        for at in 0..self.len() - 3 {
            if self[at..].starts_with(from) {
                self[at..at + 4].copy_from_slice(to);
            }
        }
        self
    }
}

/// The error and its message. A file must be refused when it is opened.
fn refusal(bytes: &[u8]) -> (AudioError, String) {
    let error = open(Cursor::new(bytes.to_vec())).err().expect("this file should be refused");
    assert_eq!(decode(bytes), Err(error.clone()));
    let sentence = error.to_string();
    assert!(sentence.starts_with(|first: char| first.is_lowercase()) && !sentence.ends_with('.'), "{sentence}");
    (error, sentence)
}

#[test]
fn damaged_files_are_malformed() {
    for (bytes, found) in malformed() {
        let (error, sentence) = refusal(&bytes);
        assert_eq!(sentence, format!("{found}{AGAIN}"));
        assert!(matches!(error, AudioError::Malformed(_)), "{sentence}");
    }
}

#[test]
fn other_formats_and_codecs_are_unsupported() {
    for (bytes, found) in unsupported() {
        let (error, sentence) = refusal(&bytes);
        assert_eq!(sentence, format!("{found}{OTHERWISE}"));
        assert!(matches!(error, AudioError::Unsupported(_)), "{sentence}");
    }
}

#[test]
fn a_recording_that_does_not_fit_in_memory_is_too_large() {
    let sentence = "the recording has more than 100000000 samples per channel (37 minutes at 44.1 kHz), the most that is \
                    kept in memory at once; cut it into parts and choose one of them";
    assert_eq!(AudioError::TooLarge { most: genrelens::audio::MAX_FRAMES }.to_string(), sentence);
}

/// A file on a drive that is removed after some reads.
struct RemovedDrive {
    inner: Cursor<Vec<u8>>,
    reads: usize,
}

impl Read for RemovedDrive {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.reads = self.reads.checked_sub(1).ok_or(std::io::Error::from(ErrorKind::NotConnected))?;
        let length = bytes.len().min(100);
        self.inner.read(&mut bytes[..length])
    }
}

impl Seek for RemovedDrive {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(to)
    }
}

/// The source's own error is reported, whatever the format and the time.
#[test]
fn a_source_that_fails_is_unreadable() {
    let sentence = "the file could not be read (not connected); check that it was not moved or changed, and choose it \
                    again";
    for name in ["wav-s16.wav", "au-s16.au", "aiff-s16.aiff", "flac.flac", "mp3.mp3", "aac.aac", "m4a.m4a"] {
        for reads in 0..8 {
            let mut samples = Vec::new();
            let failed = match open(RemovedDrive { inner: Cursor::new(sample(name)), reads }) {
                Err(error) => error,
                Ok(mut recording) => loop {
                    match recording.next_block(&mut samples) {
                        Ok(true) => {}
                        Ok(false) => panic!("{name} is decoded without its drive"),
                        Err(error) => break error,
                    }
                },
            };
            assert_eq!(failed.to_string(), sentence, "{name} after {reads} reads");
            assert!(matches!(failed, AudioError::Unreadable(_)));
        }
    }
}
