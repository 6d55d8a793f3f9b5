//! The page's behaviour: inputs go to the engines, the engines' updates go into [`State`], and the next animation frame
//! draws it.

mod arrivals;
mod dataset;
mod dataset_export;
mod dataset_import;
mod engines;
mod figures;
mod input;
mod listen;
mod network_card;
mod offline;
mod persistence;
mod record;
mod tags;
mod text;
mod training;
mod training_panel;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use web_sys::{Document, File};

pub use self::engines::{Engines, Unpacking};
use self::figures::Figures;
use self::input::Inputs;
use self::network_card::NetworkCard;
use self::offline::OfflineSection;
use self::persistence::{Persistence, StorageSection};
use self::tags::Tags;
use self::text::Texts;
use self::training_panel::TrainingPanel;
use super::client::{Client, ClientEvent, Options};
use super::dom::{self, DomError, Frame};
use super::files::path_of;
use crate::training_job::ClipId;
use crate::view::Theme;
use crate::view::classify::engine::Preference;
use crate::view::classify::state::{Phase, State};
use crate::view::classify::words;
use crate::view::draw::reading::Position;
use crate::view::offline::state::OfflineState;
use crate::view::storage::state::{StorageState, StorageStatus};
use crate::view::train::file_names::is_sound;
use crate::view::train::state::TrainingState;
use crate::view::train::words::dataset as dataset_words;

/// The position of the pointer or of the keyboard cursor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cursor {
    position: Position,
    /// True on the spectrogram, where the height is a frequency; false on the strip.
    on_spectrogram: bool,
}

/// The page: its elements, its state and its listeners. Clones share them.
#[derive(Clone)]
pub struct Page(Rc<Inner>);

struct Inner {
    document: Document,
    texts: Texts,
    network_card: NetworkCard,
    offline_section: OfflineSection,
    offline: RefCell<OfflineState>,
    tags: Tags,
    figures: RefCell<Figures>,
    state: RefCell<State>,
    training_panel: TrainingPanel,
    training: RefCell<TrainingState>,
    /// True once the engine was asked which architectures can be trained.
    asked_registry: Cell<bool>,
    /// The files of the dataset's clips, also of removed ones: a removal can be undone.
    clips: RefCell<HashMap<ClipId, File>>,
    storage_section: StorageSection,
    storage: RefCell<StorageState>,
    persistence: Persistence,
    /// The number of the current task on the dataset, such as an import: an older task's results no longer count.
    task: Cell<u32>,
    /// Set to stop the recording.
    recording: RefCell<Rc<Cell<bool>>>,
    cursor: Cell<Option<Cursor>>,
    engines: RefCell<Option<Rc<dyn Engines>>>,
    frame: OnceCell<Frame>,
    inputs: OnceCell<Inputs>,
}

impl Page {
    /// Finds the elements of `index.html` in a document. Without [`Page::connect`] it shows updates and computes nothing.
    pub fn attach(document: &Document) -> Result<Self, DomError> {
        let inner = Rc::new(Inner {
            document: document.clone(),
            texts: Texts::find(document)?,
            network_card: NetworkCard::find(document)?,
            offline_section: OfflineSection::find(document)?,
            offline: RefCell::default(),
            tags: Tags::find(document)?,
            figures: RefCell::new(Figures::find(document)?),
            state: RefCell::default(),
            training_panel: TrainingPanel::find(document)?,
            training: RefCell::default(),
            asked_registry: Cell::default(),
            clips: RefCell::default(),
            storage_section: StorageSection::find(document)?,
            storage: RefCell::default(),
            persistence: Persistence::default(),
            task: Cell::default(),
            recording: RefCell::default(),
            cursor: Cell::default(),
            engines: RefCell::default(),
            frame: OnceCell::new(),
            inputs: OnceCell::new(),
        });
        // The page owns the frame callback, which must not own the page.
        let weak = Rc::downgrade(&inner);
        let frame = Frame::new(move || {
            if let Some(inner) = weak.upgrade() {
                Page(inner).draw();
            }
        })?;
        let page = Self(inner);
        let inputs = Inputs::listen(&page)?;
        // Both cells are new, so setting them cannot fail.
        page.0.frame.set(frame).ok();
        page.0.inputs.set(inputs).ok();
        page.request_frame();
        Ok(page)
    }

    /// Connects the engines.
    pub fn connect(&self, engines: Rc<dyn Engines>) {
        *self.0.engines.borrow_mut() = Some(engines);
    }

    /// Takes an event of the engines.
    pub fn receive(&self, event: ClientEvent) {
        let event = match event {
            ClientEvent::Training(news) => return self.receive_training(news),
            ClientEvent::OwnNetworkAdded { file, on_card, name } => return self.add_own(&file, &on_card, &name),
            ClientEvent::OwnNetworkRenamed { network, name } => return self.rename_own(&network, &name),
            ClientEvent::OwnNetworkRefused(sentence) => return self.refuse_own(sentence),
            ClientEvent::Architectures(architectures) => {
                return self.change_training(|training| training.architectures = architectures);
            }
            ClientEvent::Offline(news) => return self.receive_offline(news),
            event => event,
        };
        let is_catalogue = matches!(event, ClientEvent::Catalogue(_));
        self.change(|state| match event {
            ClientEvent::Classification(event, payload) => state.apply(event, payload),
            ClientEvent::Reclassifying { network, selection } => state.classify_again(network, selection),
            ClientEvent::EngineInUse { info, choice } => state.set_engine(info, choice),
            ClientEvent::Catalogue(list) => state.catalogue = Some(list),
            ClientEvent::NetworkArriving(arriving) => state.set_download(arriving),
            ClientEvent::NetworkInUse(network) => state.network = Some(network),
            ClientEvent::NetworkRefused(sentence) => state.network_error = Some(sentence),
            ClientEvent::BrowserDecodes => state.browser_decodes = true,
            ClientEvent::Fatal(reason) => state.break_down(reason),
            // The others have returned above.
            _ => {}
        });
        if is_catalogue {
            self.save_soon();
        }
    }

    /// Classifies the first of some files, after importing those that are weights as the user's own networks. While the
    /// training view is shown, all files go into the dataset instead.
    pub fn open(&self, files: Vec<File>) {
        self.open_into(files, None);
    }

    /// As [`open`](Self::open); in the training view they go into this class.
    fn open_into(&self, files: Vec<File>, class: Option<String>) {
        let any = !files.is_empty();
        let files = self.import_among(files);
        if any && files.is_empty() {
            return;
        }
        if self.0.training_panel.is_shown() {
            return if any {
                self.collect(files, class)
            } else {
                self.change_training(|training| training.notice = Some(dataset_words::NO_FILES.to_owned()))
            };
        }
        // Of a folder the first audio file; a single file is tried whatever its name is.
        let sound = files.iter().find(|file| is_sound(&path_of(file)));
        let Some(file) = sound.or(files.first()).cloned() else {
            return self.change(|state| state.notice = Some(words::NO_FILE));
        };
        self.0.cursor.set(None);
        // The state first: an engine may answer synchronously.
        self.change(|state| state.open(file.name()));
        let others: Vec<String> = files.iter().filter(|&other| *other != file).map(File::name).collect();
        if !others.is_empty() {
            self.change(|state| state.warnings.push(words::only_one(&file.name(), &others)));
        }
        if !self.0.state.borrow().broken {
            self.with_engines(|engines| engines.classify(file));
        }
    }

    /// Cancels the current file if it has no result yet, or else its analysis by another network.
    pub fn cancel(&self) {
        let state = self.0.state.borrow();
        if state.phase != Phase::Working && state.reclassification.is_none() {
            return;
        }
        drop(state);
        self.change(State::cancel);
        self.with_engines(|engines| engines.cancel());
    }

    /// Uses the engine that the user wants.
    pub fn prefer(&self, preference: Preference) {
        self.with_engines(|engines| engines.prefer(preference));
    }

    /// Uses the network that the user wants.
    pub fn use_network(&self, name: &str) {
        self.change(|state| state.network_error = None);
        self.with_engines(|engines| engines.use_network(name));
    }

    /// Draws the current state. Animation frames do this automatically; tests call it.
    pub fn render(&self) -> Result<(), DomError> {
        let window = dom::window()?;
        // Read in every frame, because the user can switch the scheme at any time.
        let dark = window.match_media(input::DARK)?.is_some_and(|query| query.matches());
        let state = self.0.state.borrow();
        self.0.texts.render(&state, Theme::of(dark))?;
        self.0.network_card.render(&state)?;
        self.0.tags.render(state.prediction.as_ref())?;
        let (training, storage) = (self.0.training.borrow(), self.0.storage.borrow());
        let loading = storage.status == StorageStatus::Loading;
        self.0.offline_section.render(&self.0.offline.borrow(), &state, &training.stage)?;
        self.0.training_panel.render(&training, &state, loading, dark, window.device_pixel_ratio())?;
        self.0.storage_section.render(&storage, &training, state.catalogue.as_deref())?;
        self.0.figures.borrow_mut().render(&state, dark, window.device_pixel_ratio())?;
        self.render_cursor()
    }

    fn with_engines(&self, act: impl FnOnce(&dyn Engines)) {
        // Cloned, so that an engine may call back while it is used.
        let engines = self.0.engines.borrow().clone();
        if let Some(engines) = engines {
            act(engines.as_ref());
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.state.borrow_mut());
        self.request_frame();
    }

    fn change_training(&self, change: impl FnOnce(&mut TrainingState)) {
        change(&mut self.0.training.borrow_mut());
        if let Err(error) = self.0.training_panel.show_whether_busy(self.0.training.borrow().is_locked()) {
            log::warn!("an update may interrupt what the page does: {error}");
        }
        self.save_soon();
        self.request_frame();
    }

    fn request_frame(&self) {
        if let Some(frame) = self.0.frame.get() {
            frame.request();
        }
    }

    fn draw(&self) {
        if let Err(error) = self.render() {
            log::error!("the page could not be drawn: {error}");
        }
    }

    fn point_at(&self, cursor: Option<Cursor>) {
        self.0.cursor.set(cursor);
        if let Err(error) = self.render_cursor() {
            log::error!("the cursor could not be drawn: {error}");
        }
    }

    fn render_cursor(&self) -> Result<(), DomError> {
        self.0.figures.borrow().render_cursor(&self.0.state.borrow(), self.0.cursor.get())
    }
}

/// The options in the page's address: `?engine=auto|cpu|gpu`, `?software=1`, `?network=NAME` and, for tests and benchmarks,
/// `?workers=N`.
fn options_from_address() -> Result<Options, DomError> {
    let query = web_sys::UrlSearchParams::new_with_str(&dom::window()?.location().search()?)?;
    let preference = query.get("engine").and_then(|name| Preference::of(&name)).unwrap_or_default();
    let allow_software = query.get("software").as_deref() == Some("1");
    let workers = query.get("workers").and_then(|count| count.parse().ok());
    Ok(Options { preference, allow_software, network: query.get("network"), workers })
}

/// Starts the page and its engines.
pub fn run() {
    if let Err(error) = start() {
        // For `start.js`, which says so on the page.
        wasm_bindgen::throw_str(&format!("the page does not start: {error}"));
    }
}

fn start() -> Result<(), DomError> {
    let document = dom::document()?;
    let page = Page::attach(&document)?;
    let options = options_from_address()?;
    page.0.texts.show_preference(options.preference);
    let (listening, network) = (page.clone(), options.network.clone());
    page.connect(Rc::new(Client::start(options, move |event| listening.receive(event))));
    page.start_persistence(network);
    page.open_chosen_early();
    page.open_external();
    // The page lives as long as its document.
    std::mem::forget(page);
    Ok(())
}
