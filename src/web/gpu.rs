//! The graphics adapter: as the page sees it before it downloads the GPU engine, and as that engine opens it.

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::{dom, js};
use crate::protocol::Adapter;

/// How long the browser may look for its adapter, in seconds.
const ADAPTER_SECONDS: u32 = 30;

/// The result of asking the browser for an adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdapterSearch {
    /// The browser has no WebGPU.
    NoWebGpu,
    /// WebGPU is there, but no adapter.
    NoAdapter,
    /// An adapter that has less of something than the engine needs: what, as a part of a sentence.
    Lacks(String),
    /// An adapter, real or emulated.
    Found(Adapter),
}

/// The optional feature of WebGPU that the engine cannot do without: in a browser, Burn times programs by it alone, and stops
/// where it is missing. Without `subgroups` and `shader-f16` it does.
const NEEDED_FEATURE: &str = "timestamp-query";

/// The limits of WebGPU that the engine's programs rely on, with the least that it works with: what every adapter has
/// that is no "compatibility" one. Burn asks an adapter for all that it has, and does not check these.
const NEEDED: [(&str, f64); 7] = [
    ("maxComputeInvocationsPerWorkgroup", 256.0),
    ("maxComputeWorkgroupSizeX", 256.0),
    ("maxComputeWorkgroupsPerDimension", 65_535.0),
    ("maxComputeWorkgroupStorageSize", 16_384.0),
    ("maxStorageBuffersPerShaderStage", 8.0),
    // The largest tensor: MusiCNN's first layer for 30 s, of 99 MB.
    ("maxStorageBufferBindingSize", 134_217_728.0),
    ("maxBufferSize", 268_435_456.0),
];

/// The first limit that is too low, as a part of a sentence. `limit` gives an adapter's limit by its name, `None` for one
/// that it does not state.
pub fn too_low(limit: impl Fn(&str) -> Option<f64>) -> Option<String> {
    let low = |(name, least): (&str, f64)| {
        let found = limit(name)?;
        (found < least).then(|| format!("{name} is {found}, and {least} is needed"))
    };
    NEEDED.into_iter().find_map(low)
}

/// Asks the browser for its adapter, without opening it.
///
/// Through reflection: web-sys has WebGPU behind a compiler flag that would rebuild every crate.
pub async fn find_adapter() -> AdapterSearch {
    let field = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED);
    let gpu = field(&field(&js_sys::global(), "navigator"), "gpu");
    let Ok(request) = field(&gpu, "requestAdapter").dyn_into::<Function>() else { return AdapterSearch::NoWebGpu };
    let Some(promise) = request.call0(&gpu).ok().and_then(|promise| promise.dyn_into::<Promise>().ok()) else {
        return AdapterSearch::NoWebGpu;
    };
    match dom::within(ADAPTER_SECONDS, JsFuture::from(promise)).await {
        Some(Ok(adapter)) if adapter.is_object() => {
            let features = field(&adapter, "features");
            let has = js::call(&features, "has", &[&NEEDED_FEATURE.into()]);
            if !has.is_ok_and(|has| has.is_truthy()) {
                return AdapterSearch::Lacks(NEEDED_FEATURE.to_owned());
            }
            let limits = field(&adapter, "limits");
            if let Some(lack) = too_low(|name| field(&limits, name).as_f64()) {
                return AdapterSearch::Lacks(lack);
            }
            let info = field(&adapter, "info");
            let text = |name: &str| field(&info, name).as_string().unwrap_or_default();
            // Newer browsers have it on `info`, older ones on the adapter.
            let fallback =
                field(&info, "isFallbackAdapter").is_truthy() || field(&adapter, "isFallbackAdapter").is_truthy();
            AdapterSearch::Found(adapter_of(&text("vendor"), &text("architecture"), &text("description"), fallback))
        }
        _ => AdapterSearch::NoAdapter,
    }
}

/// An adapter from what the browser tells: most browsers a vendor and an architecture, some a description.
pub fn adapter_of(vendor: &str, architecture: &str, description: &str, fallback: bool) -> Adapter {
    let words = if description.is_empty() { format!("{vendor} {architecture}") } else { description.to_owned() };
    let name = if words.trim().is_empty() { "an unnamed adapter".to_owned() } else { words.trim().to_owned() };
    let emulated = ["swiftshader", "llvmpipe", "software", "basic render"];
    let described = format!("{vendor} {architecture} {description}").to_lowercase();
    Adapter { software: fallback || emulated.iter().any(|mark| described.contains(mark)), name }
}

/// Opens the adapter as Burn's device. Once per worker: a second initialisation is an error.
///
/// `on_failure` is called with every error that nobody else catches, and if the device is lost: on wasm a failing
/// shader leaves stale data behind and causes nothing but such an error.
///
/// # Errors
///
/// A sentence, if there is no adapter or it cannot be opened.
#[cfg(feature = "gpu")]
pub async fn open(on_failure: impl Fn(String) + Clone + 'static) -> Result<(burn::tensor::Device, Adapter), String> {
    use std::sync::Arc;

    use burn::tensor::wgpu::WgpuBackend;
    use burn_wgpu::wgpu::DeviceType;

    super::constructors::run();
    let options = burn::tensor::Device::wgpu_options().graphics_api(WgpuBackend::WebGpu);
    let (device, setup): (_, burn_wgpu::WgpuSetup) =
        options.init_with_setup_async().await.map_err(|error| error.to_string())?;
    let failed = OneThread(on_failure);
    let lost = failed.clone();
    setup.device.on_uncaptured_error(Arc::new(move |error: burn_wgpu::wgpu::Error| failed.call(error.to_string())));
    setup.device.set_device_lost_callback(move |reason, message| {
        lost.call(format!("the graphics device was lost ({reason:?}): {message}"));
    });
    // wgpu passes on little of what the browser tells of its adapter, so the browser itself is asked.
    let emulated = setup.adapter.get_info().device_type == DeviceType::Cpu;
    let adapter = match find_adapter().await {
        AdapterSearch::Found(adapter) => Adapter { software: adapter.software || emulated, ..adapter },
        AdapterSearch::NoAdapter | AdapterSearch::NoWebGpu | AdapterSearch::Lacks(_) => {
            adapter_of("", "", "", emulated)
        }
    };
    Ok((device, adapter))
}

/// A callback that wgpu requires to be sendable between threads.
#[cfg(feature = "gpu")]
#[derive(Clone)]
struct OneThread<Callback>(Callback);

#[cfg(feature = "gpu")]
impl<Callback: Fn(String)> OneThread<Callback> {
    fn call(&self, message: String) {
        (self.0)(message);
    }
}

// SAFETY: in a browser build every worker has one thread and no shared memory, so that nothing is ever sent or shared.
#[cfg(feature = "gpu")]
#[allow(unsafe_code, reason = "wgpu asks for Send and Sync even if there is one thread")]
unsafe impl<Callback> Send for OneThread<Callback> {}
#[cfg(feature = "gpu")]
#[allow(unsafe_code, reason = "wgpu asks for Send and Sync even if there is one thread")]
unsafe impl<Callback> Sync for OneThread<Callback> {}
