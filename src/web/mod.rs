//! The browser: the page on one side, the workers on the other, [`wire`] between them.

mod browser_decoder;
mod build_files;
pub mod canvas;
pub mod client;
#[cfg(feature = "gpu")]
mod constructors;
pub mod dom;
#[cfg(feature = "engine")]
pub mod file_source;
pub mod files;
pub mod gpu;
#[cfg(feature = "engine")]
mod host;
mod js;
pub mod page;
mod recorder;
mod service_worker;
pub mod store;
mod weights_cache;
pub mod wire;
mod worker_handle;

/// Makes panics and log lines readable in the browser's console. A second call does nothing.
pub fn report_to_console() {
    console_error_panic_hook::set_once();
    // Fails only if a logger is set already.
    let _ = console_log::init_with_level(log::Level::Warn);
}

/// Takes over the page's elements and starts the engines.
pub fn start_page() {
    report_to_console();
    page::run();
}

/// Starts the worker of the CPU engine.
#[cfg(feature = "cpu")]
pub fn start_cpu_worker() {
    report_to_console();
    match host::scope() {
        Ok(scope) => host::serve(crate::engine::Engine::on_cpu(), scope),
        Err(global) => log::error!("the CPU engine runs in a dedicated worker only, not in {global:?}"),
    }
}

/// Starts the worker of the GPU engine.
#[cfg(feature = "gpu")]
pub fn start_gpu_worker() {
    use crate::engine::Engine;
    use crate::protocol::{EngineInfo, EngineKind, Event};

    report_to_console();
    let scope = match host::scope() {
        Ok(scope) => scope,
        Err(global) => return log::error!("the GPU engine runs in a dedicated worker only, not in {global:?}"),
    };
    wasm_bindgen_futures::spawn_local(async move {
        let failing_scope = scope.clone();
        // Under id 0: the page drops this engine, whatever it is doing.
        let on_failure = move |message| host::announce(&failing_scope, Event::Failed { message });
        match gpu::open(on_failure.clone()).await {
            Ok((device, adapter)) => {
                let info = EngineInfo { kind: EngineKind::Gpu, adapter: Some(adapter) };
                host::serve(Engine::new(info, device), scope);
            }
            Err(message) => on_failure(message),
        }
    });
}
