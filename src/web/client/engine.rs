//! A worker together with the networks that are loaded in it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use js_sys::WebAssembly::Module;
use web_sys::File;

use super::site::NetworkFiles;
use crate::card::Card;
use crate::protocol::{Architecture, Event, Payload, Request, SelfTest};
use crate::view::classify::networks::NetworkIdentity;
use crate::web::build_files;
use crate::web::worker_handle::WorkerHandle;

/// A running engine. Clones share one worker.
#[derive(Clone)]
pub(crate) struct Engine {
    pub worker: WorkerHandle,
    /// The network that it classifies with.
    network: Rc<RefCell<Option<NetworkIdentity>>>,
    /// Name and SHA-256 of the backbones that are loaded.
    backbones: Rc<RefCell<HashMap<String, String>>>,
}

impl Engine {
    /// Starts the worker whose script this attribute of the page's start script names, with the module that another
    /// worker of the script has compiled if there is one.
    ///
    /// # Errors
    ///
    /// As [`WorkerHandle::start`].
    pub(crate) async fn start(script: &str, module: Option<Module>) -> Result<Self, String> {
        let worker = WorkerHandle::start(&build_files::address(script)?, module.as_ref()).await?;
        Ok(Self { worker, network: Rc::default(), backbones: Rc::default() })
    }

    /// The network that it classifies with; `None` before one is loaded.
    pub(crate) fn network(&self) -> Option<NetworkIdentity> {
        self.network.borrow().clone()
    }

    /// Loads the last of these networks for classification, after its backbones, which precede it. The network used
    /// before stays in use until then.
    ///
    /// # Errors
    ///
    /// The engine's message; the network used before is still in use.
    pub(crate) async fn load(&self, networks: &[Rc<NetworkFiles>]) -> Result<Architecture, String> {
        let Some((network, backbones)) = networks.split_last() else {
            return Err("there is nothing to load".to_owned());
        };
        self.load_backbones(backbones).await?;
        let architecture = self.send(Request::Load { card: Box::new(network.card.clone()) }, network).await?;
        self.network.replace(Some(NetworkIdentity::of(&network.card)));
        Ok(architecture)
    }

    /// Loads backbones that the engine does not have yet.
    ///
    /// # Errors
    ///
    /// The engine's message.
    pub(crate) async fn load_backbones(&self, backbones: &[Rc<NetworkFiles>]) -> Result<(), String> {
        for backbone in backbones {
            let Card { name, sha256, .. } = &backbone.card;
            // By SHA-256: after one of the user's networks was deleted, another may have been trained under its name.
            let there = self.backbones.borrow().get(name) == Some(sha256);
            if !there {
                self.send(Request::LoadBackbone { card: Box::new(backbone.card.clone()) }, backbone).await?;
                self.backbones.borrow_mut().insert(name.clone(), sha256.clone());
            }
        }
        Ok(())
    }

    async fn send(&self, request: Request, network: &NetworkFiles) -> Result<Architecture, String> {
        match self.worker.ask(request, Payload::<File>::Bytes(network.weights.clone())).await {
            Event::Loaded { architecture, .. } => Ok(architecture),
            other => Err(failure_message(other)),
        }
    }

    /// Runs the loaded network on the fixed input, and times it.
    ///
    /// # Errors
    ///
    /// The engine's message.
    pub(crate) async fn self_test(&self) -> Result<SelfTest, String> {
        match self.worker.ask(Request::SelfTest, Payload::None).await {
            Event::SelfTested(result) => Ok(result),
            other => Err(failure_message(other)),
        }
    }
}

/// The message of an event that ended a request in another way than expected.
pub(crate) fn failure_message(event: Event) -> String {
    match event {
        Event::Failed { message } => message,
        other => format!("the engine answered {other:?}"),
    }
}
