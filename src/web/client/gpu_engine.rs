//! The client's GPU engine: looked for, fetched, and compared with the CPU engine on every network before it is used.

use std::rc::Rc;

use super::engine::Engine;
use super::{Client, GPU_SCRIPT, site};
use crate::protocol::EngineKind;
use crate::view::classify::engine::{Choice, GpuState, NoGpu, Preference, choose};
use crate::web::gpu::{self, Found};

/// How far the GPU engine has come.
#[derive(Default)]
pub enum Gpu {
    #[default]
    NotLooked,
    /// Being fetched.
    Coming,
    /// There; with the network it was last compared on, and what came of it.
    There { engine: Engine, compared: Option<(Rc<str>, Choice)> },
    /// Not to be used.
    Refused(NoGpu),
}

impl Gpu {
    /// How far it is with the network in use.
    pub fn state(&self, in_use: Option<&Rc<str>>) -> GpuState {
        match self {
            Self::NotLooked => GpuState::NotLooked,
            Self::Coming => GpuState::Coming(Choice::FetchingGpu),
            Self::There { compared: Some((network, choice)), .. } if Some(network) == in_use => {
                GpuState::Compared(choice.clone())
            }
            Self::There { .. } => GpuState::Coming(Choice::TestingGpu),
            Self::Refused(reason) => GpuState::Refused(Choice::OnlyCpu { reason: reason.clone() }),
        }
    }
}

impl Client {
    /// Looks for an adapter and fetches the GPU engine, where that was not done, and compares it on the network in use.
    /// Does nothing before the CPU engine stands. Where the browser saves data, only the user's choice fetches it.
    pub(super) async fn find_gpu(self) {
        let ready = self.0.cpu.borrow().is_some() && matches!(*self.0.gpu.borrow(), Gpu::NotLooked);
        if ready && self.0.options.borrow().preference == Preference::Auto && site::saves_data() {
            self.set_gpu(Gpu::Refused(NoGpu::SavesData));
        } else if ready {
            self.set_gpu(Gpu::Coming);
            let found = match gpu::find().await {
                Found::NoWebGpu => Gpu::Refused(NoGpu::NoWebGpu),
                Found::NoAdapter => Gpu::Refused(NoGpu::NoAdapter),
                Found::Adapter(adapter) if adapter.software && !self.0.options.borrow().allow_software => {
                    Gpu::Refused(NoGpu::SoftwareAdapter)
                }
                Found::Adapter(_) => match self.fetch_gpu().await {
                    Ok(engine) => Gpu::There { engine, compared: None },
                    Err(message) => Gpu::Refused(NoGpu::Failed(message)),
                },
            };
            // Where it died meanwhile, it was refused for that.
            if matches!(*self.0.gpu.borrow(), Gpu::Coming) {
                self.set_gpu(found);
            }
        }
        self.fit_gpu().await;
        self.run_classification();
    }

    async fn fetch_gpu(&self) -> Result<Engine, String> {
        let engine = Engine::start(GPU_SCRIPT).await?;
        let client = self.clone();
        engine.worker.on_trouble(move |message| client.drop_gpu(message));
        Ok(engine)
    }

    /// Compares the GPU engine with the CPU engine on the network in use, until it has been on that very one.
    pub(super) async fn fit_gpu(&self) {
        if self.0.fitting.replace(true) {
            return;
        }
        while let Some((engine, network)) = self.uncompared() {
            self.tell_engine();
            let Some(choice) = self.compare(&engine, &network).await else { continue };
            if let Gpu::There { compared, .. } = &mut *self.0.gpu.borrow_mut() {
                *compared = Some((network, choice));
            }
            self.tell_engine();
            self.run_classification();
        }
        self.0.fitting.set(false);
        self.look_on();
    }

    /// The GPU engine, where it is to be compared on the network in use, and that network.
    fn uncompared(&self) -> Option<(Engine, Rc<str>)> {
        let network = self.network().filter(|network| self.is_steady(network))?;
        match &*self.0.gpu.borrow() {
            _ if self.0.options.borrow().preference == Preference::Cpu => None,
            Gpu::There { compared: Some((compared, _)), .. } if *compared == network => None,
            Gpu::There { engine, .. } => Some((engine.clone(), network)),
            _ => None,
        }
    }

    /// True while the CPU engine stands with this network, and is not about to have another.
    fn is_steady(&self, network: &Rc<str>) -> bool {
        let switch = self.0.switch.borrow();
        self.0.cpu.borrow().is_some()
            && !switch.is_loading()
            && switch.in_use().is_some_and(|(name, _)| name == network)
    }

    /// What comes of comparing the engines on a network; `None` where the network has changed meanwhile.
    async fn compare(&self, engine: &Engine, network: &Rc<str>) -> Option<Choice> {
        let unable = |message| Choice::OnlyCpu { reason: NoGpu::Network(message) };
        let on_gpu = async {
            engine.load(&self.parts(network).await?).await?;
            engine.self_test().await
        };
        let on_gpu = match on_gpu.await {
            Ok(result) => result,
            Err(message) => return Some(unable(message)),
        };
        // One after the other: at once they would slow each other down. The CPU engine may be busy; it queues.
        let cpu = self.0.cpu.borrow().clone().filter(|_| self.is_steady(network))?;
        match cpu.self_test().await {
            Ok(on_cpu) => Some(choose(&on_cpu, &on_gpu)),
            // No fault of the GPU's, where the other died: it is compared again once another stands.
            Err(message) => self.is_steady(network).then(|| unable(message)),
        }
    }

    fn set_gpu(&self, gpu: Gpu) {
        *self.0.gpu.borrow_mut() = gpu;
        self.tell_engine();
    }

    /// The GPU engine failed: the CPU engine takes over what it was doing.
    fn drop_gpu(&self, message: String) {
        log::warn!("the GPU engine is given up: {message}");
        self.set_gpu(Gpu::Refused(NoGpu::Failed(message)));
        if let Some(classification) = self.0.classification.borrow_mut().as_mut()
            && matches!(classification.running, Some((EngineKind::Gpu, _)))
        {
            classification.take_back();
        }
        self.run_classification();
    }
}
