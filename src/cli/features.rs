//! `genrelens features`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use npyz::WriterBuilder;

use super::output::Output;
use super::{CliError, read};
use crate::audio::{decode, resample};
use crate::dsp::{FrontEnd, MelPlan, mfcc, segments};

#[derive(Args)]
pub(super) struct Arguments {
    /// A recording
    file: PathBuf,
    /// File to write, .npy: float32, time first, lowest band first
    #[arg(long)]
    out: PathBuf,
    /// Front end, by name
    #[arg(long, default_value = "gtzan-logmel")]
    front_end: String,
    /// Which values to write
    #[arg(long, value_enum, default_value_t = What::Input)]
    what: What,
    /// Cepstral coefficients per frame, for --what mfcc
    #[arg(long, default_value_t = 20)]
    coefficients: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// The scaled mel values that networks get as input
    #[value(alias = "heard")]
    Input,
    /// Mel values of every frame
    Mel,
    /// Mel values of every frame in dB below the maximum
    Db,
    /// Mel-frequency cepstral coefficients of every frame
    Mfcc,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let front_end = FrontEnd::by_name(&arguments.front_end).ok_or_else(|| unknown(&arguments.front_end))?;
    let output = Output::plan(&arguments.out, "a NumPy file", |bytes| bytes.starts_with(b"\x93NUMPY"))?;
    let path = &arguments.file;
    let clip = decode(&read(path)?).and_then(|clip| resample(clip, front_end.sample_rate));
    let clip = clip.map_err(|error| CliError::content(path, error))?;
    let mel = MelPlan::new(front_end).spectrogram(&clip.samples);
    let (values, width) = match arguments.what {
        What::Input => {
            let values = segments(&mel, front_end).into_iter().flat_map(|segment| segment.values).collect();
            (values, mel.bands)
        }
        What::Mel => (mel.values, mel.bands),
        What::Db => (mel.to_db(front_end.top_db), mel.bands),
        What::Mfcc => (mfcc(&mel, arguments.coefficients, None), arguments.coefficients.min(mel.bands)),
    };
    let shape = [values.len() as u64 / width.max(1) as u64, width as u64];
    output.write(&npy(&values, shape).map_err(|source| CliError::File { path: arguments.out.clone(), source })?)?;
    println!("{}: float32 [{}, {}], {}", arguments.out.display(), shape[0], shape[1], front_end.name);
    Ok(())
}

fn unknown(name: &str) -> CliError {
    let known: Vec<&str> = FrontEnd::ALL.iter().map(|front_end| front_end.name).collect();
    CliError::Usage(format!("there is no front end '{name}'; there are {}", known.join(", ")))
}

fn npy(values: &[f32], shape: [u64; 2]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut bytes).begin_nd()?;
    writer.extend(values.iter().copied())?;
    writer.finish()?;
    Ok(bytes)
}
