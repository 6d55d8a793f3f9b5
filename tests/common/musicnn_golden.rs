//! MusiCNN against the original TensorFlow graphs, on whatever engine: two patches, their tags and their penultimate
//! activations.

use burn::tensor::Device;
use genrelens::card::Card;
use genrelens::eval::probabilities::probabilities;
use genrelens::model::predict::{Output, outputs};
use genrelens::model::{Frozen, Part, weights};
use safetensors::SafeTensors;

/// The outputs of the original, float32 computed in another order.
const GOLDEN: &[u8] = include_bytes!("../data/musicnn/golden.safetensors");
/// The largest difference of a tag's probability.
const TAG_TOLERANCE: f32 = 1e-4;
/// The largest difference of a penultimate activation; they are up to about 20.
const FEATURE_TOLERANCE: f32 = 1e-3;

/// The same of the CPU engine's kernels beside Burn, which sum in float32 in other orders; the activations' as a share of
/// the largest one.
const KERNEL_TAG_TOLERANCE: f32 = 1e-6;
/// Of windows shorter than the network's own, whose means even out less: each of both is within 1e-6 of double precision
/// (`src/model/frozen.rs`).
const SHORT_KERNEL_TAG_TOLERANCE: f32 = 2e-6;
const KERNEL_FEATURE_TOLERANCE: f32 = 1e-5;

const BANDS: usize = 96;
const FRAMES: usize = 187;

fn golden(name: &str) -> Vec<f32> {
    let file = SafeTensors::deserialize(GOLDEN).unwrap();
    let bytes = file.tensor(name).unwrap().data().to_vec();
    bytes.chunks(4).map(|value| f32::from_le_bytes(value.try_into().unwrap())).collect()
}

/// The patches, `[patch, band, frame]`.
fn patches() -> Vec<f32> {
    let values = golden("patches"); // [patch, frame, band]
    let value = |index: usize| {
        let (patch, band, frame) = (index / (BANDS * FRAMES), index / FRAMES % BANDS, index % FRAMES);
        values[(patch * FRAMES + frame) * BANDS + band]
    };
    (0..values.len()).map(value).collect()
}

fn largest_difference(expected: &[f32], found: &[f32]) -> f32 {
    assert_eq!(expected.len(), found.len());
    // A NaN must not pass as no difference.
    expected
        .iter()
        .zip(found)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |largest, d| if d <= largest { largest } else { d })
}

/// Compares one network, `msd` or `mtt`, on a device.
pub async fn check(which: &str, bytes: Vec<u8>, device: &Device, say: impl Fn(String)) {
    let card: Card = weights::embedded_card(&bytes).unwrap();
    assert!(card.multi_label && card.labels.len() == 50);
    let network = weights::from_bytes(bytes, &card, device).unwrap();
    let expected = ["tags", "pen"].map(|output| golden(&format!("{which}_musicnn_{output}")));
    let of_burn = values(outputs(&network, Part::Whole, patches(), BANDS, FRAMES).await.unwrap());
    let [tags, features] = [0, 1].map(|output| largest_difference(&expected[output], &of_burn[output]));
    say(format!("musicnn-{which}: tags within {tags:.1e}, penultimate activations within {features:.1e}"));
    assert!(tags <= TAG_TOLERANCE, "tags: {tags}");
    assert!(features <= FEATURE_TOLERANCE, "penultimate activations: {features}");
    let frozen = Frozen::new(network, [BANDS, FRAMES]);
    assert_eq!(frozen.has_kernels(), *device == Device::flex());
    if !frozen.has_kernels() {
        return;
    }
    for frames in [FRAMES, 60, 7] {
        let patches: Vec<f32> = patches().chunks_exact(FRAMES).flat_map(|band| band[..frames].to_vec()).collect();
        let of_burn = values(outputs(frozen.network(), Part::Whole, patches.clone(), BANDS, frames).await.unwrap());
        let of_kernels = values(frozen.outputs(patches, BANDS, frames).await.unwrap());
        if frames == FRAMES {
            let [tags, features] = [0, 1].map(|output| largest_difference(&expected[output], &of_kernels[output]));
            say(format!("  kernels: tags within {tags:.1e}, penultimate activations within {features:.1e}"));
            assert!(tags <= TAG_TOLERANCE && features <= FEATURE_TOLERANCE, "{tags}, {features}");
        }
        let [tags, features] = [0, 1].map(|output| largest_difference(&of_burn[output], &of_kernels[output]));
        let features = features / of_burn[1].iter().fold(0.0, |most: f32, value| most.max(value.abs()));
        say(format!(
            "  kernels beside Burn, {frames} frames: tags within {tags:.1e}, activations within {features:.1e}"
        ));
        let most = if frames == FRAMES { KERNEL_TAG_TOLERANCE } else { SHORT_KERNEL_TAG_TOLERANCE };
        assert!(tags <= most, "{frames} frames, tags: {tags}");
        assert!(features <= KERNEL_FEATURE_TOLERANCE, "penultimate activations: {features}");
    }
}

/// The tags' probabilities and the penultimate activations of all windows.
fn values(outputs: Vec<Output>) -> [Vec<f32>; 2] {
    let tags = outputs.iter().flat_map(|output| probabilities(&output.logits, true)).collect();
    [tags, outputs.into_iter().flat_map(|output| output.features).collect()]
}

/// The weights that `cargo xtask weights` makes, or a loud line if they are missing. The server of the browser's tests also
/// serves the project's folder.
#[cfg(target_family = "wasm")]
pub async fn bytes(which: &str) -> Option<Vec<u8>> {
    use wasm_bindgen::JsCast;
    use wasm_bindgen_futures::JsFuture;
    let worker: web_sys::WorkerGlobalScope = js_sys::global().unchecked_into();
    let path = format!("{}/model-weights/musicnn-{which}.safetensors", worker.origin());
    let response: web_sys::Response = JsFuture::from(worker.fetch_with_str(&path)).await.unwrap().unchecked_into();
    if !response.ok() {
        web_sys::console::error_1(&format!("SKIPPED: {path} is not there; run `cargo xtask weights`").into());
        return None;
    }
    let buffer = JsFuture::from(response.array_buffer().unwrap()).await.unwrap();
    Some(js_sys::Uint8Array::new(&buffer).to_vec())
}

/// The weights that `cargo xtask weights` makes, or a loud line if they are missing.
#[cfg(not(target_family = "wasm"))]
pub async fn bytes(which: &str) -> Option<Vec<u8>> {
    use std::io::Write;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("model-weights");
    let path = folder.join(format!("musicnn-{which}.safetensors"));
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        // Not by `eprintln!`, which the test runner swallows.
        let said = format!("SKIPPED: {} is not there; run `cargo xtask weights`", path.display());
        let _ = writeln!(std::io::stderr(), "{said}");
    }
    bytes
}
