//! Weights files of torchvision and timm with made-up weights, by the formula of `tests/data/transfer/make.py`.

use burn::tensor::{Device, f16};
use genrelens::card::Structure;
use genrelens::model::registry::entry;
use genrelens::model::{Build, Network, Shape};
use safetensors::{Dtype, serialize, tensor::TensorView};

/// A network in this project and in the program that it is compared with.
pub struct Subject {
    pub id: &'static str,
    pub theirs: &'static str,
    pub side: usize,
}

pub const RESNET50: Subject = Subject { id: "resnet50-transfer", theirs: "resnet50", side: 224 };
pub const XCEPTION: Subject = Subject { id: "xception-transfer", theirs: "xception", side: 299 };

impl Subject {
    pub fn network(&self, classes: usize, structure: Structure, device: &Device) -> Network {
        let shape = Shape { bands: self.side, frames: self.side, classes };
        (entry(self.id).unwrap().init)(&Build { structure, ..Build::from(shape) }, device)
    }

    /// Names and shapes of a weights file of the other program.
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let lines =
            include_str!("../../data/transfer/tensors.txt").lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let own = lines.filter(|words| words[0] == self.theirs);
        let tensor = |words: Vec<&str>| {
            (words[1].to_owned(), words[2..].iter().map(|size| size.parse().unwrap()).collect::<Vec<usize>>())
        };
        own.map(tensor).collect()
    }

    /// The weights of the formula as a file of the other program.
    pub fn file(&self) -> Vec<u8> {
        self.file_with(|_, tensor| Some(tensor))
    }

    /// The same with a tensor more, as a deeper network of the kind has.
    pub fn deeper_file(&self, more: &str) -> Vec<u8> {
        self.tensors_to_file(|_, tensor| Some(tensor), Some(more))
    }

    /// The same with some tensors changed or left out.
    pub fn file_with(&self, change: impl Fn(&str, Stored) -> Option<Stored>) -> Vec<u8> {
        self.tensors_to_file(change, None)
    }

    fn tensors_to_file(&self, change: impl Fn(&str, Stored) -> Option<Stored>, more: Option<&str>) -> Vec<u8> {
        let stored = |(name, shape): (String, Vec<usize>)| {
            let tensor = match name.ends_with("num_batches_tracked") {
                // A counter of PyTorch's batch norms that no network here has.
                true => Stored { dtype: Dtype::I64, shape, bytes: vec![0; 8] },
                false => Stored::f32(&formula(&name, &shape), shape),
            };
            change(&name, tensor).map(|tensor| (name, tensor))
        };
        let more = more.map(|name| (name.to_owned(), vec![1, 1, 1, 1]));
        let stored: Vec<(String, Stored)> = self.tensors().into_iter().chain(more).filter_map(stored).collect();
        let views = stored.iter().map(|(name, Stored { dtype, shape, bytes })| {
            (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        serialize(views, None).unwrap()
    }
}

pub struct Stored {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl Stored {
    fn f32(values: &[f32], shape: Vec<usize>) -> Self {
        Self { dtype: Dtype::F32, shape, bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect() }
    }

    /// The same in two bytes a value.
    pub fn halved(self) -> Self {
        if self.dtype != Dtype::F32 {
            return self;
        }
        let half = |four: &[u8; 4]| f16::from_f32(f32::from_le_bytes(*four)).to_le_bytes();
        let bytes = self.bytes.as_chunks().0.iter().flat_map(half).collect();
        Self { dtype: Dtype::F16, bytes, ..self }
    }
}

fn splitmix64(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// -1 to below 1.
pub fn uniform(stream: u32, index: usize) -> f64 {
    (splitmix64((u64::from(stream) << 32) + index as u64) >> 40) as f64 / f64::from(1 << 23) - 1.0
}

fn fnv1a(name: &str) -> u32 {
    name.bytes().fold(0x811C_9DC5, |state: u32, byte| (state ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// A tensor's values by `make.py`'s formula.
fn formula(name: &str, shape: &[usize]) -> Vec<f32> {
    let is_weight = name.ends_with("weight");
    let fan_in = shape.iter().skip(1).product::<usize>() as f64;
    let depthwise_or_dense = shape.len() == 2 || shape.get(1) == Some(&1);
    let scale = ((if depthwise_or_dense { 3.0 } else { 6.0 }) / fan_in).sqrt();
    let value = |u: f64| match shape.len() {
        _ if name.ends_with("running_var") => 1.0 + u / 2.0,
        2.. if is_weight => u * scale,
        _ if is_weight => 0.8 + u / 5.0,
        _ => u / 5.0,
    };
    // A stream of its own for every tensor, whatever the order of the file.
    let stream = fnv1a(name);
    (0..shape.iter().product()).map(|index| value(uniform(stream, index)) as f32).collect()
}
