//! The GPU engine: started if there is an adapter, and compared with the CPU engine on every network before it is used.

use std::rc::Rc;

use super::engine::Engine;
use super::{Client, GPU_SCRIPT, site};
use crate::protocol::EngineKind;
use crate::view::classify::engine::{Choice, GpuState, NoGpu, Preference, choose};
use crate::web::gpu::{self, AdapterSearch};

/// The state of the GPU engine.
#[derive(Default)]
pub(crate) enum GpuEngine {
    #[default]
    NotRequested,
    /// The adapter is being requested, or the engine downloaded.
    Starting,
    /// Running; with the network on which it was last compared with the CPU engine, and the result.
    Ready { engine: Engine, compared: Option<(Rc<str>, Choice)> },
    /// It cannot or must not be used.
    Refused(NoGpu),
}

impl GpuEngine {
    /// The state as far as the network in use is concerned.
    pub(crate) fn state(&self, in_use: Option<&Rc<str>>) -> GpuState {
        match self {
            Self::NotRequested => GpuState::NotProbed,
            Self::Starting => GpuState::Pending(Choice::FetchingGpu),
            Self::Ready { compared: Some((network, choice)), .. } if Some(network) == in_use => {
                GpuState::Compared(choice.clone())
            }
            Self::Ready { .. } => GpuState::Pending(Choice::TestingGpu),
            Self::Refused(reason) => GpuState::Unavailable(Choice::OnlyCpu { reason: reason.clone() }),
        }
    }
}

impl Client {
    /// Requests an adapter and starts the GPU engine, if that was not done, and compares it on the network in use. Does
    /// nothing before the CPU engine runs. If the browser saves data, only the user's choice downloads it.
    pub(super) async fn start_gpu(self) {
        let ready = self.0.cpu.borrow().is_some() && matches!(*self.0.gpu.borrow(), GpuEngine::NotRequested);
        if ready && self.0.options.borrow().preference == Preference::Auto && site::saves_data() {
            self.set_gpu(GpuEngine::Refused(NoGpu::SavesData));
        } else if ready {
            self.set_gpu(GpuEngine::Starting);
            let found = match gpu::find_adapter().await {
                AdapterSearch::NoWebGpu => GpuEngine::Refused(NoGpu::NoWebGpu),
                AdapterSearch::NoAdapter => GpuEngine::Refused(NoGpu::NoAdapter),
                AdapterSearch::Found(adapter) if adapter.software && !self.0.options.borrow().allow_software => {
                    GpuEngine::Refused(NoGpu::SoftwareAdapter)
                }
                AdapterSearch::Found(_) => match self.fetch_gpu().await {
                    Ok(engine) => GpuEngine::Ready { engine, compared: None },
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
        let engine = Engine::start(GPU_SCRIPT).await?;
        let client = self.clone();
        engine.worker.on_failure(move |message| client.abandon_gpu(message));
        Ok(engine)
    }

    /// Compares the GPU engine with the CPU engine until it was compared on the network in use, which may change
    /// meanwhile.
    pub(super) async fn compare_engines(&self) {
        if self.0.comparing_engines.replace(true) {
            return;
        }
        while let Some((engine, network)) = self.uncompared() {
            self.emit_engine();
            let Some(choice) = self.compare(&engine, &network).await else { continue };
            if let GpuEngine::Ready { compared, .. } = &mut *self.0.gpu.borrow_mut() {
                *compared = Some((network, choice));
            }
            self.emit_engine();
            self.dispatch();
        }
        self.0.comparing_engines.set(false);
        self.next_thumbnail();
    }

    /// The GPU engine and the network in use, if they have still to be compared.
    fn uncompared(&self) -> Option<(Engine, Rc<str>)> {
        let network = self.network().filter(|network| self.is_steady(network))?;
        match &*self.0.gpu.borrow() {
            _ if self.0.options.borrow().preference == Preference::Cpu => None,
            GpuEngine::Ready { compared: Some((compared, _)), .. } if *compared == network => None,
            GpuEngine::Ready { engine, .. } => Some((engine.clone(), network)),
            _ => None,
        }
    }

    /// True while the CPU engine has this network and no other is being loaded.
    fn is_steady(&self, network: &Rc<str>) -> bool {
        let switch = self.0.switch.borrow();
        self.0.cpu.borrow().is_some()
            && !switch.is_loading()
            && switch.active().is_some_and(|(name, _)| name == network)
    }

    /// The result of comparing the engines on a network; `None` if the network has changed meanwhile.
    async fn compare(&self, engine: &Engine, network: &Rc<str>) -> Option<Choice> {
        let unable = |message| Choice::OnlyCpu { reason: NoGpu::Network(message) };
        let on_gpu = async {
            engine.load(&self.network_with_backbones(network).await?).await?;
            engine.self_test().await
        };
        let on_gpu = match on_gpu.await {
            Ok(result) => result,
            Err(message) => return Some(unable(message)),
        };
        // One after the other, because they would slow each other down. A busy CPU engine queues the self-test.
        let cpu = self.0.cpu.borrow().clone().filter(|_| self.is_steady(network))?;
        match cpu.self_test().await {
            Ok(on_cpu) => Some(choose(&on_cpu, &on_gpu)),
            // If the CPU engine died, the GPU is not to blame: they are compared again once another has started.
            Err(message) => self.is_steady(network).then(|| unable(message)),
        }
    }

    fn set_gpu(&self, gpu: GpuEngine) {
        *self.0.gpu.borrow_mut() = gpu;
        self.emit_engine();
    }

    /// The GPU engine failed: the CPU engine takes over its classification.
    fn abandon_gpu(&self, message: String) {
        log::warn!("the GPU engine failed and is no longer used: {message}");
        self.set_gpu(GpuEngine::Refused(NoGpu::Failed(message)));
        if let Some(classification) = self.0.classification.borrow_mut().as_mut()
            && matches!(classification.running, Some((EngineKind::Gpu, _)))
        {
            classification.requeue();
        }
        self.dispatch();
    }
}
