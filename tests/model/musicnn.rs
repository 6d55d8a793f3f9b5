//! MusiCNN with its own weights, on the CPU engine. The same bodies run natively and in the browser.

use burn::tensor::Device;

#[cfg(not(target_family = "wasm"))]
use crate::generator::shared;
use crate::musicnn_golden as golden;

#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test;
async fn agrees_with_the_original(which: &str) {
    let Some(bytes) = golden::bytes(which).await else { return };
    golden::check(which, bytes, &Device::flex(), say).await;
}

#[cfg(target_family = "wasm")]
fn say(line: String) {
    web_sys::console::log_1(&line.into());
}

#[cfg(not(target_family = "wasm"))]
fn say(line: String) {
    println!("{line}");
}

#[cfg(target_family = "wasm")]
#[wasm_bindgen_test]
async fn both_networks_agree_with_the_original() {
    agrees_with_the_original("msd").await;
    agrees_with_the_original("mtt").await;
}

#[cfg(not(target_family = "wasm"))]
#[test]
fn both_networks_agree_with_the_original() {
    let _shared = shared();
    pollster::block_on(agrees_with_the_original("msd"));
    pollster::block_on(agrees_with_the_original("mtt"));
}

#[cfg(not(target_family = "wasm"))]
#[test]
#[ignore = "a measurement: cargo test --release --test model musicnn -- --ignored --nocapture"]
fn time_a_patch() {
    use genrelens::model::predict::outputs;
    use genrelens::model::{Frozen, Part, weights};
    let _shared = shared();
    // Fresh weights would take longer: half of the published ones have decayed.
    let Some(bytes) = pollster::block_on(golden::bytes("msd")) else { return };
    let card = weights::embedded_card(&bytes).unwrap();
    let network = weights::from_bytes(bytes, &card, &Device::flex()).unwrap();
    let frozen = Frozen::new(network, [96, 187]);
    for patches in [1, 10] {
        let input = genrelens::engine::self_test_input(patches, 96, 187);
        let mut times = [Vec::new(), Vec::new()];
        // In turns, so that what else the machine does falls on both.
        for _ in 0..9 {
            for (times, kernels) in times.iter_mut().zip([false, true]) {
                let started = std::time::Instant::now();
                if kernels {
                    pollster::block_on(frozen.outputs(input.clone(), 96, 187)).unwrap();
                } else {
                    pollster::block_on(outputs(frozen.network(), Part::Whole, input.clone(), 96, 187)).unwrap();
                }
                times.push(started.elapsed().as_secs_f64() * 1e3);
            }
        }
        for (mut times, what) in times.into_iter().zip(["Burn", "kernels"]) {
            times.sort_by(f64::total_cmp);
            println!("{patches} patches, {what}: {:.1} ms (best {:.1})", times[4], times[0]);
        }
    }
}
