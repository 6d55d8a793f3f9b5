//! A worker, and what was loaded into it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use web_sys::File;

use super::site::NetworkFiles;
use crate::card::Card;
use crate::protocol::{Architecture, Event, Payload, Request, SelfTest};
use crate::web::worker_handle::WorkerHandle;

/// A running engine. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Engine {
    pub worker: WorkerHandle,
    /// The SHA-256 of what others listen through, by its name.
    backbones: Rc<RefCell<HashMap<String, String>>>,
}

impl Engine {
    /// Starts the engine of this script.
    ///
    /// # Errors
    ///
    /// As [`WorkerHandle::start`].
    pub(crate) async fn start(script: &str) -> Result<Self, String> {
        Ok(Self { worker: WorkerHandle::start(script).await?, backbones: Rc::default() })
    }

    /// Takes a network into use, the last of these parts; those before it are what it listens through. On the way the
    /// network used before stays in use.
    ///
    /// # Errors
    ///
    /// The engine's sentence. The network used before is still in use.
    pub(crate) async fn load(&self, networks: &[Rc<NetworkFiles>]) -> Result<Architecture, String> {
        let Some((network, backbones)) = networks.split_last() else {
            return Err("there is nothing to load".to_owned());
        };
        self.load_backbones(backbones).await?;
        self.send(Request::Load { card: Box::new(network.card.clone()) }, network).await
    }

    /// Keeps networks for others to listen through, where it does not have them.
    ///
    /// # Errors
    ///
    /// The engine's sentence.
    pub(crate) async fn load_backbones(&self, backbones: &[Rc<NetworkFiles>]) -> Result<(), String> {
        for backbone in backbones {
            let Card { name, sha256, .. } = &backbone.card;
            // By its name alone, one that was forgotten would be used for another that was taught in its place.
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

    /// Runs the loaded network on the fixed input.
    ///
    /// # Errors
    ///
    /// The engine's sentence.
    pub(crate) async fn self_test(&self) -> Result<SelfTest, String> {
        match self.worker.ask(Request::SelfTest, Payload::None).await {
            Event::SelfTested(result) => Ok(result),
            other => Err(failure_message(other)),
        }
    }
}

/// The sentence of an event that is not the one hoped for.
pub(crate) fn failure_message(event: Event) -> String {
    match event {
        Event::Failed { message } => message,
        other => format!("it answered {other:?}"),
    }
}
