//! What the client tells the page, all of it in one enum.
//!
//! Events of a classification pass through as the engine sent them. A training run has its own enum,
//! [`TrainingEvent`], as has working offline, [`OfflineEvent`]: each is the one input of a state in `crate::view` that
//! is tested natively. They do not repeat the protocol: of the eleven events of a training run two look like the
//! protocol's (a step, an epoch), the others add what only the client knows (which clip, the job that a checkpoint
//! belongs to, the name that a network got).

use std::rc::Rc;

use crate::protocol::{ArchitectureInfo, EngineInfo, Event, Payload};
use crate::view::classify::engine::Choice;
use crate::view::classify::networks::{ActiveNetwork, Catalogue, NetworkDownload, Selection};
use crate::view::offline::state::OfflineEvent;
use crate::view::train::state::TrainingEvent;

/// What the client tells the page.
#[derive(Debug, Clone)]
pub enum ClientEvent {
    /// An engine's event of the current classification, with its payload.
    Classification(Event, Payload),
    /// The recording has its prediction, and is now classified again with another network.
    Reclassifying {
        /// The name of that network.
        network: String,
        /// Who chose it.
        selection: Selection,
    },
    /// The engine that is in use from now on.
    EngineInUse {
        /// `None` before an engine has started.
        info: Option<EngineInfo>,
        /// Why this one.
        choice: Choice,
    },
    /// The networks that can be chosen.
    Catalogue(Rc<Catalogue>),
    /// The network that is being fetched or loaded, and how far; `None` if there is none.
    NetworkArriving(Option<NetworkDownload>),
    /// The network that is in use from now on.
    NetworkInUse(Rc<ActiveNetwork>),
    /// A network that was chosen cannot be used: a sentence.
    NetworkRefused(String),
    /// A weights file of the user is in the list of networks.
    OwnNetworkAdded {
        /// The file's name.
        file: String,
        /// The network's name on its card.
        on_card: String,
        /// Its name in the list, which differs if another network has that name.
        name: String,
    },
    /// One of the user's own networks has another name.
    OwnNetworkRenamed {
        /// The old name.
        network: String,
        /// The new name.
        name: String,
    },
    /// A weights file was not added, or a network not renamed: a sentence.
    OwnNetworkRefused(String),
    /// The engines cannot read the file's format, so the browser decodes it.
    BrowserDecodes,
    /// Progress or the end of a training run, or a clip of the dataset.
    Training(TrainingEvent),
    /// The architectures that can be trained from scratch.
    Architectures(Rc<Vec<ArchitectureInfo>>),
    /// What is stored for working offline.
    Offline(OfflineEvent),
    /// No engine can start, so that nothing can be classified: a sentence.
    Fatal(String),
}
