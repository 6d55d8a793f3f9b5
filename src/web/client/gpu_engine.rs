//! The GPU engine: started if there is an adapter, and compared with the CPU engine on every network before it is used.

use super::engine::Engine;
use super::{Client, GPU_SCRIPT, site};
use crate::protocol::EngineKind;
use crate::view::classify::engine::{Choice, Comparison, GpuState, NoGpu, Preference, choose};
use crate::view::classify::networks::NetworkIdentity;
use crate::web::build_files;
use crate::web::gpu::{self, AdapterSearch};
use crate::web::worker_handle::WorkerEnd;

/// The state of the GPU engine.
#[derive(Default)]
pub(crate) enum GpuEngine {
    #[default]
    NotRequested,
    /// The adapter is being requested, or the engine downloaded.
    Starting,
    /// Running; with the result of comparing it with the CPU engine.
    Ready { engine: Engine, comparison: Comparison },
    /// It cannot or must not be used.
    Refused(NoGpu),
}

impl GpuEngine {
    /// The state as far as the network in use is concerned.
    pub(crate) fn state(&self, in_use: Option<&NetworkIdentity>) -> GpuState {
        match self {
            Self::NotRequested => GpuState::NotProbed,
            Self::Starting => GpuState::Pending(Choice::FetchingGpu),
            Self::Ready { comparison, .. } => match in_use.and_then(|network| comparison.result(network)) {
                Some(choice) => GpuState::Compared(choice.clone()),
                None => GpuState::Pending(Choice::TestingGpu),
            },
            Self::Refused(reason) => GpuState::Unavailable(Choice::OnlyCpu { reason: reason.clone() }),
        }
    }
}

impl Client {
    /// Requests an adapter and starts the GPU engine, if that was not done, and compares it on the network in use. Does
    /// nothing before the CPU engine runs. If the browser saves data, only the user's choice downloads it.
    pub(super) async fn start_gpu(self) {
        let ready = self.0.cpu.borrow().is_some() && matches!(*self.0.gpu.borrow(), GpuEngine::NotRequested);
        if ready && build_files::is_being_built(GPU_SCRIPT) {
            self.set_gpu(GpuEngine::Refused(NoGpu::NotBuilt));
        } else if ready && self.0.options.borrow().preference == Preference::Auto && site::saves_data() {
            self.set_gpu(GpuEngine::Refused(NoGpu::SavesData));
        } else if ready {
            self.set_gpu(GpuEngine::Starting);
            let found = match gpu::find_adapter().await {
                AdapterSearch::NoWebGpu => GpuEngine::Refused(NoGpu::NoWebGpu),
                AdapterSearch::NoAdapter => GpuEngine::Refused(NoGpu::NoAdapter),
                AdapterSearch::Lacks(what) => GpuEngine::Refused(NoGpu::Lacks(what)),
                AdapterSearch::Found(adapter) if adapter.software && !self.0.options.borrow().allow_software => {
                    GpuEngine::Refused(NoGpu::SoftwareAdapter)
                }
                AdapterSearch::Found(_) => match self.fetch_gpu().await {
                    Ok(engine) => GpuEngine::Ready { engine, comparison: Comparison::default() },
                    Err(message) => GpuEngine::Refused(NoGpu::Failed(message)),
                },
            };
            // If it died meanwhile, `abandon_gpu` has set the reason already.
            if matches!(*self.0.gpu.borrow(), GpuEngine::Starting) {
                self.set_gpu(found);
            }
        }
        self.compare_engines().await;
        self.dispatch();
    }

    async fn fetch_gpu(&self) -> Result<Engine, String> {
        let engine = Engine::start(GPU_SCRIPT, None).await?;
        let client = self.clone();
        engine.worker.on_end(move |end| client.abandon_gpu(end));
        Ok(engine)
    }

    /// Compares the GPU engine with the CPU engine until it was compared on the network in use, which may change
    /// meanwhile.
    pub(super) async fn compare_engines(&self) {
        if self.0.comparing_engines.replace(true) {
            return;
        }
        while let Some((engine, network)) = self.begin_comparison() {
            self.emit_engine();
            let Some(choice) = self.compare(&engine, &network).await else { continue };
            if let GpuEngine::Ready { comparison, .. } = &mut *self.0.gpu.borrow_mut() {
                comparison.end(network, choice);
            }
            self.emit_engine();
            self.dispatch();
        }
        self.0.comparing_engines.set(false);
        self.next_thumbnail();
    }

    /// The GPU engine and the network in use, if they have still to be compared. From then on the engine answers for no
    /// network until they were.
    fn begin_comparison(&self) -> Option<(Engine, NetworkIdentity)> {
        let network = self.identity_in_use().filter(|network| self.is_steady(network))?;
        match &mut *self.0.gpu.borrow_mut() {
            _ if self.0.options.borrow().preference == Preference::Cpu => None,
            GpuEngine::Ready { comparison, .. } if comparison.result(&network).is_some() => None,
            GpuEngine::Ready { engine, comparison } => {
                comparison.begin();
                Some((engine.clone(), network))
            }
            _ => None,
        }
    }

    /// The network that the CPU engine classifies with, which is the network in use unless another is being loaded.
    pub(super) fn identity_in_use(&self) -> Option<NetworkIdentity> {
        self.0.cpu.borrow().as_ref().and_then(Engine::network)
    }

    /// True while the CPU engine has this network and no other is being loaded.
    fn is_steady(&self, network: &NetworkIdentity) -> bool {
        !self.0.switch.borrow().is_loading() && self.identity_in_use().as_ref() == Some(network)
    }

    /// The result of comparing the engines on a network; `None` if the network has changed meanwhile. A test run has a time
    /// limit: an engine that does not end it has ended itself.
    async fn compare(&self, engine: &Engine, network: &NetworkIdentity) -> Option<Choice> {
        let unable = |message| Choice::OnlyCpu { reason: NoGpu::Network(message) };
        let on_gpu = async {
            engine.load(&self.network_with_backbones(&network.name).await?).await?;
            if engine.network().as_ref() != Some(network) {
                return Err("its weights have changed".to_owned());
            }
            engine.self_test().await
        };
        let on_gpu = match on_gpu.await {
            Ok(result) => result,
            Err(message) => return Some(unable(message)),
        };
        // One after the other, because they would slow each other down. A busy CPU engine queues the self-test.
        let cpu = self.0.cpu.borrow().clone().filter(|_| self.is_steady(network))?;
        match cpu.self_test().await {
            Ok(on_cpu) if cpu.network().as_ref() == Some(network) => Some(choose(&on_cpu, &on_gpu)),
            Ok(_) => None,
            // Not tried again, even if the CPU engine died of something else: it could die of it each time.
            Err(message) => Some(unable(message)),
        }
    }

    fn set_gpu(&self, gpu: GpuEngine) {
        *self.0.gpu.borrow_mut() = gpu;
        self.emit_engine();
    }

    /// The GPU engine ended: the CPU engine takes over its classification.
    fn abandon_gpu(&self, end: &WorkerEnd) {
        log::warn!("the GPU engine ended and is no longer used: {end}");
        self.set_gpu(GpuEngine::Refused(NoGpu::Stopped(end.to_string())));
        if let Some(classification) = self.0.classification.borrow_mut().as_mut()
            && matches!(classification.running, Some((EngineKind::Gpu, _)))
        {
            classification.requeue();
        }
        self.dispatch();
    }
}
