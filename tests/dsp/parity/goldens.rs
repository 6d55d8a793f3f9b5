//! librosa's values, and the signals that they were computed from.

use std::f64::consts::TAU;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use genrelens::dsp::{FrontEnd, MelNorm, MelScale, Padding, Spectrum};
use npyz::NpyFile;
use serde::Deserialize;

/// The numbers and conventions of a case, in librosa's terms.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Conventions {
    sample_rate: u32,
    n_fft: usize,
    hop_length: usize,
    mel_bands: usize,
    f_min: f32,
    f_max: f32,
    mel_scale: String,
    mel_norm: String,
    spectrum: String,
    centred: bool,
    padding: String,
}

impl Conventions {
    /// The front end, with the scaling of `gtzan-logmel`.
    pub fn front_end(&self) -> FrontEnd {
        let one_of = |value: &str, first: &str, second: &str| {
            assert!(value == first || value == second, "{value} is neither {first} nor {second}");
            value == first
        };
        FrontEnd {
            name: "grid",
            sample_rate: self.sample_rate,
            n_fft: self.n_fft,
            hop_length: self.hop_length,
            centred: self.centred,
            padding: if one_of(&self.padding, "constant", "reflect") { Padding::Constant } else { Padding::Reflect },
            spectrum: if one_of(&self.spectrum, "power", "magnitude") { Spectrum::Power } else { Spectrum::Magnitude },
            mel_bands: self.mel_bands,
            f_min: self.f_min,
            f_max: self.f_max,
            mel_scale: if one_of(&self.mel_scale, "slaney", "htk") { MelScale::Slaney } else { MelScale::Htk },
            mel_norm: if one_of(&self.mel_norm, "slaney", "none") { MelNorm::Slaney } else { MelNorm::None },
            ..FrontEnd::GTZAN_LOGMEL
        }
    }
}

/// Frames of a mel-spectrogram.
#[derive(Deserialize, Debug)]
pub struct MelCase {
    pub front_end: Conventions,
    pub signal: String,
    pub length: usize,
    tones: Vec<f64>,
    /// Frames of the whole.
    pub frames: usize,
    /// Which of them are stored.
    pub stored: Vec<usize>,
    /// Mean squared magnitude of the bins of each stored frame.
    pub power_offset: usize,
    pub offset: usize,
}

impl MelCase {
    pub fn samples(&self) -> Vec<f32> {
        signal(&self.signal, self.length, f64::from(self.front_end.sample_rate), &self.tones)
    }
}

/// A preset as a whole.
#[derive(Deserialize)]
pub struct PresetCase {
    pub name: String,
    #[serde(flatten)]
    pub mel: MelCase,
    /// Columns of the one segment.
    pub columns: usize,
    pub scaled_columns: Vec<usize>,
    pub scaled_offset: usize,
    pub images: Vec<ImageCase>,
}

/// Rows of an image, the highest band first, values 0..1.
#[derive(Deserialize)]
pub struct ImageCase {
    pub size: usize,
    pub rows: Vec<usize>,
    pub offset: usize,
}

/// Cepstral coefficients of `music`.
#[derive(Deserialize)]
pub struct MfccCase {
    pub front_end: Conventions,
    pub length: usize,
    pub n_mfcc: usize,
    pub lifter: f32,
    pub stored: Vec<usize>,
    pub offset: usize,
}

/// A filter bank: each band's first bin, how many, and their weights.
#[derive(Deserialize)]
pub struct BankCase {
    pub front_end: Conventions,
    pub first: Vec<usize>,
    pub count: Vec<usize>,
    pub offset: usize,
}

#[derive(Deserialize)]
pub struct Goldens {
    pub grid: Vec<MelCase>,
    pub presets: Vec<PresetCase>,
    pub mfcc: Vec<MfccCase>,
    pub banks: Vec<BankCase>,
    #[serde(skip)]
    pub values: Vec<f32>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/front-ends")
}

/// The values of a `.npy` file, float32.
pub fn npy(name: &str) -> Vec<f32> {
    let file = BufReader::new(File::open(folder().join(name)).unwrap());
    NpyFile::new(file).unwrap().into_vec().unwrap()
}

pub fn goldens() -> Goldens {
    let file = BufReader::new(File::open(folder().join("cases.json")).unwrap());
    Goldens { values: npy("values.npy"), ..serde_json::from_reader(file).unwrap() }
}

/// The formulas of `signal` in make.py.
pub fn signal(kind: &str, length: usize, rate: f64, tones: &[f64]) -> Vec<f32> {
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The highest 16 bits as a signed number, as in make.py.
        ((state >> 48) as f64 - 32_768.0) / 32_768.0
    };
    let sine = |hz: f64, t: f64| (TAU * hz * t).sin();
    let seconds = length as f64 / rate;
    let mut value = |index: usize| {
        let (t, noise) = (index as f64 / rate, noise());
        match kind {
            "noise" => noise,
            "noise-dc" => 0.25 * noise + 0.5,
            "chirp" => 0.9 * sine(20.0 + (rate / 2.0 - 20.0) * t / (2.0 * seconds), t),
            // 1009 is prime: no hop divides it, so clicks fall anywhere in frames.
            "clicks" if index.is_multiple_of(1009) => 1.0 - 2.0 * (index / 1009 % 2) as f64,
            "clicks" | "silence" => 0.0,
            "tones" => tones.iter().map(|&hz| sine(hz, t)).sum::<f64>() * 0.9 / tones.len() as f64,
            "music" => {
                let struck = |hz: f64, decay: f64, rate: f64| sine(hz, t) * (-decay * (rate * t).fract()).exp();
                let steady = 0.1 * sine(60.0, t) + 0.05 * noise * t / seconds;
                steady + 0.4 * struck(220.0, 4.0, 2.0) + 0.2 * struck(1760.0, 8.0, 3.0)
            }
            _ => panic!("no signal {kind}"),
        }
    };
    (0..length).map(|index| ((value(index) * 32_768.0 + 0.5).floor() / 32_768.0) as f32).collect()
}
