//! `cargo xtask weights`: converts MusiCNN's weights from its Python package to safetensors files.
//!
//! The package is a zip archive with TensorFlow checkpoints; `musicnn-tensors.json` holds the offset, length and shape of
//! every tensor in them. So TensorFlow is not needed, and no code of the package runs. The files are not in the
//! repository because they are the work of others (ISC licence); only networks that use them as backbones need them.

use crate::tools;
use crate::workspace::{Result, Workspace, run};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

const LAYOUT: &str = include_str!("../musicnn-tensors.json");
const WHEEL: &str = "musicnn-0.1.0-py3-none-any.whl";
const LICENCE_FILE: &str = "musicnn-0.1.0.dist-info/LICENSE.md";

/// One of the package's checkpoints, and the network made from it.
struct Checkpoint {
    /// Its name in the package.
    name: &'static str,
    /// The key of its labels in `musicnn-tensors.json`.
    tags: &'static str,
    /// The name on the card and of the files.
    network: &'static str,
    trained_on: &'static str,
    /// The authors' figures on their test split.
    reported: &'static str,
    /// SHA-256 of the safetensors file. Cards of networks that use it as a backbone name this hash.
    sha256: &'static str,
}

const CHECKPOINTS: [Checkpoint; 2] = [
    Checkpoint {
        name: "MSD_musicnn",
        tags: "MSD",
        network: "musicnn-msd",
        trained_on: "the Million Song Dataset with 50 tags of Last.fm",
        reported: "ROC-AUC 0.880 and PR-AUC 0.289",
        sha256: "ef6f1eed6d3551c53ef291e9fe4c6ba156b18bda688936a5dd487d18921345f9",
    },
    Checkpoint {
        name: "MTT_musicnn",
        tags: "MTT",
        network: "musicnn-mtt",
        trained_on: "MagnaTagATune with its 50 most frequent tags",
        reported: "ROC-AUC 0.907 and PR-AUC 0.383",
        sha256: "8c98b81252bf8315ec5e2dedd731bce613a673251ede7cfbfcfb576bb541fd18",
    },
];

/// The layers' names in the package and in the safetensors file, in the order of the network. A slash stands between a
/// convolution or dense layer and the batch norm after it.
const LAYERS: [(&str, &str); 12] = [
    ("batch_normalization", "input_norm"),
    ("conv2d/batch_normalization_1", "timbre_low"),
    ("conv2d_1/batch_normalization_2", "timbre_high"),
    ("conv2d_2/batch_normalization_3", "rhythm_long"),
    ("conv2d_3/batch_normalization_4", "rhythm_middle"),
    ("conv2d_4/batch_normalization_5", "rhythm_short"),
    ("conv2d_5/batch_normalization_6", "middle_1"),
    ("conv2d_6/batch_normalization_7", "middle_2"),
    ("conv2d_7/batch_normalization_8", "middle_3"),
    ("batch_normalization_9", "pooled_norm"),
    ("dense/batch_normalization_10", "dense"),
    ("dense_1", "output"),
];

/// Makes the files, unless they are present with the right hashes.
pub fn command(workspace: &mut Workspace) -> Result {
    let folder = workspace.root.join("model-weights");
    if CHECKPOINTS.iter().all(|checkpoint| is_present(&folder, checkpoint)) {
        println!("MusiCNN's weights are in model-weights/.");
        return Ok(());
    }
    let layout: Value = serde_json::from_str(LAYOUT).map_err(|error| error.to_string())?;
    let wheel = wheel(workspace, text(&layout["sha256"])?)?;
    let unpacked = workspace.cache.join("musicnn").join("unpacked");
    run(workspace.command("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&unpacked))?;
    for checkpoint in &CHECKPOINTS {
        write(&folder, &unpacked, checkpoint, &layout)?;
    }
    let licence = read(&unpacked.join(LICENCE_FILE))?;
    fs::write(folder.join("musicnn.LICENSE.md"), licence).map_err(|error| error.to_string())?;
    let _ = fs::remove_dir_all(unpacked);
    println!("Wrote MusiCNN's weights (ISC licence) to model-weights/.");
    Ok(())
}

/// Like [`command`], but a failure is only a warning.
pub fn if_possible(workspace: &mut Workspace) {
    if let Err(reason) = command(workspace) {
        println!(
            "WARNING: MusiCNN's weights could not be fetched ({reason}). Networks that use it as a backbone, and their \
             tests, are left out. `cargo xtask weights` tries again."
        );
    }
}

fn is_present(folder: &Path, checkpoint: &Checkpoint) -> bool {
    let file = folder.join(checkpoint.network).with_extension("safetensors");
    let right = fs::read(&file).is_ok_and(|bytes| sha256_hex(&bytes) == checkpoint.sha256);
    right && file.with_extension("json").is_file() && folder.join("musicnn.LICENSE.md").is_file()
}

/// The package's file, from the cache or downloaded by pip.
fn wheel(workspace: &mut Workspace, sha256: &str) -> Result<PathBuf> {
    let folder = workspace.cache.join("musicnn");
    let wheel = folder.join(WHEEL);
    let is_right = || fs::read(&wheel).is_ok_and(|bytes| sha256_hex(&bytes) == sha256);
    if is_right() {
        return Ok(wheel);
    }
    let _ = fs::remove_file(&wheel);
    tools::pip(workspace)?;
    println!("Fetching the package musicnn 0.1.0 (29 MB, ISC licence), by pip, into {}.", folder.display());
    let mut pip = workspace.command("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest"]);
    run(pip.arg(&folder).arg("musicnn==0.1.0"))?;
    if is_right() {
        Ok(wheel)
    } else {
        Err(format!("{} is not the expected package: its SHA-256 is another", wheel.display()))
    }
}

fn write(folder: &Path, unpacked: &Path, checkpoint: &Checkpoint, layout: &Value) -> Result {
    let checkpoint_layout = &layout["checkpoints"][checkpoint.name];
    let data = read(&unpacked.join(text(&checkpoint_layout["file"])?))?;
    let tensors = tensors(&data, checkpoint_layout)?;
    let card = card(checkpoint, &layout["labels"][checkpoint.tags]);
    let bytes = safetensors(&tensors, &card_text(&card, None));
    let sha256 = sha256_hex(&bytes);
    if sha256 != checkpoint.sha256 {
        return Err(format!("{} has the SHA-256 {sha256}, not the expected one", checkpoint.network));
    }
    let file = folder.join(checkpoint.network).with_extension("safetensors");
    let written = fs::write(&file, bytes);
    let card = card_text(&card, Some(&sha256));
    written.and_then(|()| fs::write(file.with_extension("json"), card)).map_err(|error| error.to_string())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// A tensor of a safetensors file: float32, little-endian.
struct Tensor {
    name: String,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// All tensors of a checkpoint, with the names and the order of dimensions of the safetensors file.
fn tensors(data: &[u8], checkpoint_layout: &Value) -> Result<Vec<Tensor>> {
    let mut tensors = Vec::new();
    for (package_layers, layer) in LAYERS {
        for package_layer in package_layers.split('/') {
            for (variable, name) in variables_of(package_layer, layer, package_layers.contains('/')) {
                tensors.push(tensor(data, checkpoint_layout, &variable, name)?);
            }
        }
    }
    Ok(tensors)
}

/// The variables of a layer of the package, each with its name in the safetensors file. `is_pair` tells that `layer`
/// combines two layers of the package.
fn variables_of(package_layer: &str, layer: &str, is_pair: bool) -> Vec<(String, String)> {
    let norm =
        [("gamma", "gamma"), ("beta", "beta"), ("moving_mean", "running_mean"), ("moving_variance", "running_var")];
    let weights = [("kernel", "weight"), ("bias", "bias")];
    let is_norm = package_layer.starts_with("batch");
    let module = match (is_pair, is_norm, layer) {
        (true, true, "dense") => "dense_norm".to_owned(),
        (true, true, _) => format!("{layer}.norm"),
        (true, false, layer) if layer != "dense" => format!("{layer}.convolution"),
        _ => layer.to_owned(),
    };
    let names = if is_norm { norm.to_vec() } else { weights.to_vec() };
    let full = |(variable, name)| (format!("{package_layer}/{variable}"), format!("{module}.{name}"));
    names.into_iter().map(full).collect()
}

fn tensor(data: &[u8], checkpoint_layout: &Value, variable: &str, name: String) -> Result<Tensor> {
    let list = checkpoint_layout["tensors"].as_array().ok_or("musicnn-tensors.json has no tensors")?;
    let entry = list.iter().find(|entry| entry["name"] == variable);
    let entry = entry.ok_or_else(|| format!("musicnn-tensors.json has no entry for {variable}"))?;
    let number = |value: &Value| value.as_u64().map(|number| number as usize).ok_or("a number was expected");
    let (offset, length) = (number(&entry["offset"])?, number(&entry["bytes"])?);
    let shape = entry["shape"].as_array().ok_or("a shape was expected")?;
    let shape = shape.iter().map(number).collect::<std::result::Result<Vec<usize>, _>>()?;
    let bytes = data.get(offset..offset + length).ok_or_else(|| format!("{variable} lies beyond the file's end"))?;
    let (shape, bytes) = match shape[..] {
        [frames, bands, 1, channels] => {
            let reversed = reverse_dimensions(bytes, [frames, bands, channels]);
            // TensorFlow stores [frames, bands, in, out], Burn [out, in, bands, frames]. The kernels of the middle layers
            // span all bands, so ours are convolutions over time alone.
            let shape = if name.starts_with("middle") {
                vec![channels, bands, frames]
            } else {
                vec![channels, 1, bands, frames]
            };
            (shape, reversed)
        }
        _ => (shape, bytes.to_vec()),
    };
    Ok(Tensor { name, shape, bytes })
}

/// Reverses the dimensions of an array of four-byte values: `[a, b, c]` → `[c, b, a]`.
fn reverse_dimensions(bytes: &[u8], [a, b, c]: [usize; 3]) -> Vec<u8> {
    let mut reversed = Vec::with_capacity(bytes.len());
    for z in 0..c {
        for y in 0..b {
            for x in 0..a {
                let at = 4 * ((x * b + y) * c + z);
                reversed.extend_from_slice(&bytes[at..at + 4]);
            }
        }
    }
    reversed
}

/// A safetensors file: the length of the JSON header in eight bytes, the header, the values.
fn safetensors(tensors: &[Tensor], card: &str) -> Vec<u8> {
    let mut header = format!("{{\"__metadata__\":{}", json!({ "genrelens": card }));
    let mut start = 0;
    for Tensor { name, shape, bytes } in tensors {
        let end = start + bytes.len();
        header += &format!(",\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}");
        start = end;
    }
    header.push('}');
    // The format asks for values that begin at a multiple of eight bytes.
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    tensors.iter().for_each(|tensor| file.extend_from_slice(&tensor.bytes));
    file
}

/// The card's fields, in the order in which they are written. The hash of the file covers these texts: they must not
/// change.
fn card(checkpoint: &Checkpoint, tags: &Value) -> Vec<(&'static str, Value)> {
    let Checkpoint { network, trained_on, reported, .. } = checkpoint;
    vec![
        ("name", json!(network)),
        ("summary", json!(format!("MusiCNN, which tags music; it learned from {trained_on}."))),
        ("architecture", json!(network)),
        ("bands", json!(96)),
        ("frames", json!(187)),
        ("front_end", json!("musicnn")),
        ("labels", tags.clone()),
        ("many_labels", json!(true)),
        ("data", json!(format!("{trained_on}; its authors report {reported} on their test part"))),
        ("recipe", json!("Trained by its authors: the Python package musicnn 0.1.0")),
        ("licence", json!("ISC, Copyright (c) Music Technology Group, Universitat Pompeu Fabra 2019")),
    ]
}

/// The card as JSON. Its bytes must not change: they are a part of the file whose hash other cards name.
fn card_text(card: &[(&str, Value)], sha256: Option<&str>) -> String {
    let sha256 = sha256.map(|sum| ("sha256", json!(sum)));
    let fields = card.iter().chain(&sha256).map(|(name, value)| format!("  \"{name}\": {value}"));
    format!("{{\n{}\n}}\n", fields.collect::<Vec<_>>().join(",\n"))
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().ok_or_else(|| "musicnn-tensors.json: a text was expected".to_owned())
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_reversed() {
        let values: Vec<u8> = (0..24_u32).flat_map(u32::to_le_bytes).collect();
        let reversed = reverse_dimensions(&values, [2, 3, 4]);
        let value = |index: usize| u32::from(reversed[4 * index]);
        // [x, y, z] = [1, 2, 3] is the last of both; [1, 0, 0] is the 12th of one and the second of the other.
        assert_eq!((value(0), value(1), value(2), value(23)), (0, 12, 4, 23));
    }

    #[test]
    fn every_tensor_of_the_package_gets_a_name_of_its_own() {
        let layout: Value = serde_json::from_str(LAYOUT).unwrap();
        for checkpoint in &CHECKPOINTS {
            let checkpoint_layout = &layout["checkpoints"][checkpoint.name];
            let data = vec![0; 9_465_596];
            let tensors = tensors(&data, checkpoint_layout).unwrap();
            let names: std::collections::BTreeSet<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
            assert_eq!((tensors.len(), names.len()), (64, 64));
            assert_eq!(checkpoint_layout["tensors"].as_array().unwrap().len(), 64);
            assert_eq!(tensors.iter().map(|tensor| tensor.bytes.len() / 4).sum::<usize>(), 792_079);
            assert_eq!(layout["labels"][checkpoint.tags].as_array().unwrap().len(), 50);
        }
    }

    #[test]
    fn a_safetensors_file_is_its_header_and_its_values() {
        let tensor = Tensor { name: "a".to_owned(), shape: vec![2], bytes: vec![1, 2, 3, 4, 5, 6, 7, 8] };
        let file = safetensors(&[tensor], "{}");
        let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        let header: Value = serde_json::from_slice(&file[8..8 + length]).unwrap();
        assert_eq!(header["a"], json!({ "dtype": "F32", "shape": [2], "data_offsets": [0, 8] }));
        assert_eq!(header["__metadata__"]["genrelens"], "{}");
        assert_eq!((length % 8, file[8 + length..].len()), (0, 8));
    }
}
