//! The client as the page's [`Engines`]: what each request of the page leads to.

use std::collections::HashMap;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::File;

use super::classification::Classification;
use super::gpu_engine::GpuEngine;
use super::own_networks::OwnNetwork;
use super::training_run::TrainingRun;
use super::{Client, ClientEvent};
use crate::protocol::{Event, Payload, Request, TrainControl};
use crate::training_job::{ClipId, TrainingJob};
use crate::view::classify::engine::{NoGpu, Preference};
use crate::view::classify::networks::Selection;
use crate::view::offline::state::OfflineRequest;
use crate::view::storage::words;
use crate::view::train::state::{ResumePoint, TrainingEvent};
use crate::web::page::{Engines, Unpacking};

impl Engines for Client {
    fn classify(&self, file: File) {
        self.interrupt();
        self.postpone_thumbnail();
        *self.0.classification.borrow_mut() = Some(Classification::new(file));
        self.run_next();
    }

    fn cancel(&self) {
        self.interrupt();
        let mut slot = self.0.classification.borrow_mut();
        let Some(classification) = slot.as_mut() else { return };
        // As if the network in use had finished with it, so that it is not sent to an engine again.
        classification.sent_for = self.network();
        if !classification.finish(false) {
            slot.take();
        }
        drop(slot);
        self.emit(ClientEvent::Classification(Event::Cancelled, Payload::None));
        self.run_next();
    }

    fn prefer(&self, preference: Preference) {
        let mut options = self.0.options.borrow_mut();
        options.preference = preference;
        // Choosing the GPU by hand allows an emulated one, and its download even if the browser saves data.
        let allows_more = preference == Preference::Gpu && !options.allow_software;
        options.allow_software |= preference == Preference::Gpu;
        drop(options);
        let try_again = match &*self.0.gpu.borrow() {
            GpuEngine::Refused(NoGpu::SoftwareAdapter) => allows_more,
            GpuEngine::Refused(NoGpu::SavesData | NoGpu::Stopped(_)) => preference == Preference::Gpu,
            _ => false,
        };
        if try_again {
            *self.0.gpu.borrow_mut() = GpuEngine::NotRequested;
        }
        self.emit_engine();
        self.dispatch();
        if preference != Preference::Cpu {
            spawn_local(self.clone().start_gpu());
        }
    }

    fn use_network(&self, name: &str) {
        self.0.keeps_network.set(true);
        self.switch_to(name, Selection::User);
    }

    fn train(&self, job: TrainingJob, files: Vec<File>, share: f64) {
        self.begin_training(TrainingRun::new(job, files, Some(share), None));
    }

    fn resume(&self, checkpoint: Rc<ResumePoint>, files: Vec<File>) {
        self.begin_training(TrainingRun::new(checkpoint.job.clone(), files, None, Some(checkpoint)));
    }

    fn control(&self, control: TrainControl) {
        if let Some(training_worker) = &*self.0.training_worker.borrow()
            && let Some(request) = training_worker.running
        {
            training_worker.engine.worker.post(Request::Control { request, control });
        }
    }

    fn cancel_training(&self) {
        // The same button ends the unpacking of an archive.
        self.stop_unpacking();
        self.interrupt_training();
        self.emit(ClientEvent::Training(TrainingEvent::Cancelled));
    }

    fn ask_registry(&self) {
        self.0.registry_wanted.set(true);
        self.emit_architectures();
    }

    fn offline(&self, request: OfflineRequest) {
        match request {
            OfflineRequest::Enable => {
                let client = self.clone();
                spawn_local(async move {
                    client.store_fetched().await;
                    client.install_offline().await;
                });
            }
            OfflineRequest::Download(name) => spawn_local(self.clone().store_network(name)),
            OfflineRequest::Update => self.update(),
        }
    }

    fn own(&self, name: &str) -> Option<OwnNetwork> {
        self.own_network(name)
    }

    fn restore_own(&self, networks: Vec<OwnNetwork>) {
        self.add_own_networks(networks);
    }

    fn import(&self, file: File) {
        let mut waiting = self.0.imports.borrow_mut();
        waiting.push_back(file);
        // One after the other, so that their names are given in their order.
        if waiting.len() == 1 {
            spawn_local(self.clone().import_waiting());
        }
    }

    fn rename_own(&self, network: &str, name: &str) {
        let (client, network, name) = (self.clone(), network.to_owned(), name.to_owned());
        spawn_local(async move {
            let event = match client.rename(&network, &name).await {
                Ok(name) => ClientEvent::OwnNetworkRenamed { network, name },
                Err(reason) => ClientEvent::OwnNetworkRefused(words::not_renamed(&network, &reason)),
            };
            client.emit(event);
        });
    }

    fn delete_own(&self, name: &str) {
        self.0.own_networks.borrow_mut().retain(|own| own.card.name != name);
        self.0.network_files.borrow_mut().remove(name);
        self.refresh_catalogue();
        // If it was in use, the first network takes its place.
        let first = self.0.catalogue.borrow().as_ref().map(|list| list.first.clone());
        if let Some(first) = first.filter(|_| self.is_used(name)) {
            self.switch_to(&first, Selection::User);
        }
    }

    fn unpack(&self, file: File, on_file: Box<dyn Fn(usize)>) -> Unpacking {
        let client = self.clone();
        Box::pin(async move { client.unpack_archive(file, on_file).await })
    }

    fn make_thumbnails(&self, clips: Vec<(ClipId, File)>) {
        // Reversed onto the stack, so that the first of them is the next.
        self.0.thumbnails.borrow_mut().waiting.extend(clips.into_iter().rev());
        self.next_thumbnail();
    }

    fn replace_files(&self, files: &HashMap<ClipId, File>) {
        self.0.thumbnails.borrow_mut().replace_files(files);
    }
}
