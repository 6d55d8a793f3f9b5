//! The page's behaviour: what people do goes to the engines, what the engines say goes into [`State`], and the next
//! animation frame draws it.

mod arrivals;
mod dataset;
mod dataset_export;
mod dataset_import;
mod figures;
mod input;
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
use std::pin::Pin;
use std::rc::Rc;

use web_sys::{Document, File};

use self::figures::Figures;
use self::input::Inputs;
use self::network_card::NetworkCard;
use self::offline::OfflineSection;
use self::persistence::{Persistence, StorageSection};
use self::tags::Tags;
use self::text::Texts;
use self::training_panel::TrainingPanel;
use super::client::{Client, ClientEvent, Options, OwnNetwork, UnpackError, Unpacked};
use super::dom::{self, DomError, Frame};
use super::files::path_of;
use crate::protocol::TrainControl;
use crate::training_job::{ClipId, TrainingJob};
use crate::view::Theme;
use crate::view::classify::engine::Preference;
use crate::view::classify::state::{Phase, State};
use crate::view::classify::words;
use crate::view::draw::reading::Place;
use crate::view::offline::state::{Offline, OfflineRequest};
use crate::view::storage::state::{StorageState, StorageStatus};
use crate::view::train::file_names::is_sound;
use crate::view::train::state::{ResumePoint, TrainingState};

/// The files of an archive, once they are there.
pub type Unpacking = Pin<Box<dyn Future<Output = Result<Unpacked, UnpackError>>>>;

/// What computes for the page. [`Client`] is the real one.
pub trait Engines {
    /// Names the genre of a file; supersedes the file before.
    fn classify(&self, file: File);
    /// Gives the current file up.
    fn cancel(&self);
    /// Uses the engine that the user wants.
    fn prefer(&self, preference: Preference);
    /// Uses the network that the user wants, once it is there.
    fn use_network(&self, name: &str);
    /// Holds a lesson on the files of its clips; about `share` of them are for validation.
    fn train(&self, job: TrainingJob, files: Vec<File>, share: f64);
    /// Steers the lesson's training.
    fn control(&self, control: TrainControl);
    /// Gives the lesson up.
    fn cancel_training(&self);
    /// Tells which networks can learn from fresh weights, once an engine can say.
    fn ask_registry(&self);
    /// Does what the user wants about working without a connection.
    fn offline(&self, request: OfflineRequest);
    /// Goes on with a lesson that was interrupted, on the files of its clips.
    fn resume(&self, checkpoint: Rc<ResumePoint>, files: Vec<File>);
    /// One of the user's own networks.
    fn own(&self, name: &str) -> Option<OwnNetwork>;
    /// Puts networks of the user's own into the list.
    fn bring_own(&self, networks: Vec<OwnNetwork>);
    /// Takes a weights file as a network of the user's own.
    fn import(&self, file: File);
    /// Gives one of the user's own networks another name.
    fn rename_own(&self, network: &str, name: &str);
    /// Takes one of the user's own networks out of the list.
    fn forget_own(&self, name: &str);
    /// Takes the files out of an archive; `tell` hears how many there are so far.
    fn unpack(&self, file: File, tell: Box<dyn Fn(usize)>) -> Unpacking;
    /// Looks at clips in the background. Their lengths and pictures come as news.
    fn make_thumbnails(&self, clips: Vec<(ClipId, File)>);
}

/// Where the pointer is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cursor {
    place: Place,
    /// On the spectrogram, where its height means something, and not on the strip.
    on_spectrogram: bool,
}

/// The page: its elements, its state and its listeners. Clones are the same page.
#[derive(Clone)]
pub struct Page(Rc<Inner>);

struct Inner {
    document: Document,
    texts: Texts,
    network_card: NetworkCard,
    offline_section: OfflineSection,
    offline: RefCell<Offline>,
    tags: Tags,
    figures: RefCell<Figures>,
    state: RefCell<State>,
    training_panel: TrainingPanel,
    training: RefCell<TrainingState>,
    /// True once it was asked which networks can be taught.
    asked_registry: Cell<bool>,
    /// The files of the collection's clips, also of those that were removed: a removal can be taken back.
    clips: RefCell<HashMap<ClipId, File>>,
    storage_section: StorageSection,
    storage: RefCell<StorageState>,
    persistence: Persistence,
    /// Numbers what takes its time in the collection: an older one is over.
    task: Cell<u32>,
    /// Set where the recording should stop.
    recording: RefCell<Rc<Cell<bool>>>,
    cursor: Cell<Option<Cursor>>,
    engines: RefCell<Option<Rc<dyn Engines>>>,
    frame: OnceCell<Frame>,
    inputs: OnceCell<Inputs>,
}

impl Page {
    /// Takes over the elements of `index.html` in a document. Without [`Page::connect`] it shows what it is told and
    /// computes nothing.
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
        let weak = Rc::downgrade(&inner);
        let frame = Frame::new(move || {
            if let Some(inner) = weak.upgrade() {
                Page(inner).draw();
            }
        })?;
        let page = Self(inner);
        let inputs = Inputs::listen(&page)?;
        // Both cells are new, so neither can be taken.
        page.0.frame.set(frame).ok();
        page.0.inputs.set(inputs).ok();
        page.request_frame();
        Ok(page)
    }

    /// Lets it compute.
    pub fn connect(&self, engines: Rc<dyn Engines>) {
        *self.0.engines.borrow_mut() = Some(engines);
    }

    /// Takes what the engines say.
    pub fn receive(&self, event: ClientEvent) {
        let event = match event {
            ClientEvent::Training(news) => return self.receive_training(news),
            ClientEvent::OwnNetworkAdded { file, on_card, name } => return self.add_own(&file, &on_card, &name),
            ClientEvent::OwnNetworkRenamed { network, name } => {
                return self.change_training(|training| training.rename(&network, &name));
            }
            ClientEvent::OwnNetworkRefused(sentence) => return self.refuse_own(sentence),
            ClientEvent::Architectures(architectures) => {
                return self.change_training(|training| training.architectures = architectures);
            }
            ClientEvent::Offline(news) => return self.receive_offline(news),
            event => event,
        };
        let listed = matches!(event, ClientEvent::Catalogue(_));
        self.change(|state| match event {
            ClientEvent::Classification(event, payload) => state.apply(event, payload),
            ClientEvent::Reclassifying { network, selection } => state.classify_again(network, selection),
            ClientEvent::EngineInUse { info, choice } => state.set_engine(info, choice),
            ClientEvent::Catalogue(list) => state.catalogue = Some(list),
            ClientEvent::NetworkArriving(arriving) => state.set_arriving(arriving),
            ClientEvent::NetworkInUse(network) => state.network = Some(network),
            ClientEvent::NetworkRefused(sentence) => state.network_error = Some(sentence),
            ClientEvent::BrowserDecodes => state.browser_decodes = true,
            ClientEvent::Fatal(reason) => state.break_down(reason),
            // The others have returned above.
            _ => {}
        });
        if listed {
            self.note_change();
        }
    }

    /// Opens the first of some files; those that are weights become networks of the user's own. Where clips are collected,
    /// all of them are taken.
    pub fn open(&self, files: Vec<File>) {
        self.open_into(files, None);
    }

    /// As [`open`](Self::open); where clips are collected, they go into this class.
    fn open_into(&self, files: Vec<File>, class: Option<String>) {
        let brought = !files.is_empty();
        let files = self.import_among(files);
        if brought && files.is_empty() {
            return;
        }
        if self.0.training_panel.is_shown() {
            return self.collect(files, class);
        }
        // Of a folder the first sound; a file alone is tried whatever it is called.
        let sound = files.iter().find(|file| is_sound(&path_of(file)));
        let Some(file) = sound.or(files.first()).cloned() else {
            return self.change(|state| state.notice = Some(words::NO_FILE));
        };
        self.0.cursor.set(None);
        // First the state: an engine may answer at once.
        self.change(|state| state.open(file.name()));
        if files.len() > 1 {
            self.change(|state| state.warnings.push(words::only_the_first(&file.name())));
        }
        if !self.0.state.borrow().broken {
            self.with_engines(|engines| engines.classify(file));
        }
    }

    /// Gives the current file up, if it is not done; or else what another network would say of it.
    pub fn cancel(&self) {
        let state = self.0.state.borrow();
        if state.phase != Phase::Working && state.again.is_none() {
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

    /// Draws the state as it is now. Frames do this by themselves.
    pub fn render(&self) -> Result<(), DomError> {
        let window = dom::window()?;
        let dark = window.match_media(input::DARK)?.is_some_and(|query| query.matches());
        let state = self.0.state.borrow();
        self.0.texts.render(&state, Theme::of(dark))?;
        self.0.network_card.render(&state)?;
        self.0.tags.render(state.prediction.as_ref())?;
        let (training, storage) = (self.0.training.borrow(), self.0.storage.borrow());
        let fetching = storage.status == StorageStatus::Fetching;
        self.0.offline_section.render(&self.0.offline.borrow(), &state, &training.stage)?;
        self.0.training_panel.render(&training, &state, fetching, dark, window.device_pixel_ratio())?;
        self.0.storage_section.render(&storage, &training, state.catalogue.as_deref())?;
        self.0.figures.borrow_mut().render(&state, dark, window.device_pixel_ratio())?;
        self.render_cursor()
    }

    fn with_engines(&self, act: impl FnOnce(&dyn Engines)) {
        // Cloned, so that an engine may call back.
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
        self.note_change();
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

/// What the page's address asks for: `?engine=auto|cpu|gpu`, `?software=1` and `?network=NAME`.
fn options_from_address() -> Result<Options, DomError> {
    let query = web_sys::UrlSearchParams::new_with_str(&dom::window()?.location().search()?)?;
    let preference = query.get("engine").and_then(|name| Preference::of(&name)).unwrap_or_default();
    let allow_software = query.get("software").as_deref() == Some("1");
    Ok(Options { preference, allow_software, network: query.get("network") })
}

/// Brings the page to life, and starts the engines.
pub fn run() {
    if let Err(error) = start() {
        // What is left of the page says after a while that it does not come to life.
        log::error!("the page does not start: {error}");
    }
}

fn start() -> Result<(), DomError> {
    let document = dom::document()?;
    let page = Page::attach(&document)?;
    let options = options_from_address()?;
    page.0.texts.show_preference(options.preference);
    let (listening, network) = (page.clone(), options.network.clone());
    page.connect(Rc::new(Client::start(options, move |event| listening.receive(event))));
    page.begin_keeping(network);
    page.open_waiting();
    page.welcome();
    // The page lives as long as its document.
    std::mem::forget(page);
    Ok(())
}
