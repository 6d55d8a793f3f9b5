//! The connection to the database. The browser may close it at any time.

use wasm_bindgen::prelude::*;
use web_sys::{DomException, Event, IdbDatabase, IdbOpenDbRequest};

use super::requests::{reason, result_of};
use crate::view::storage::state::StorageError;
use crate::web::dom::{DomError, Listener};

/// How long a browser may take to open it, in milliseconds: some never answer.
const OPEN_TIMEOUT_MILLISECONDS: i32 = 10_000;

/// An object store of the database, with keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectStore {
    /// The dataset's files, by clip.
    Clips,
    /// The user's own networks, by their name unless its key was taken.
    Networks,
    /// Training runs, by the time they ended.
    Runs,
    /// Everything else: one value per key.
    Values,
}

impl ObjectStore {
    pub(super) const ALL: [Self; 4] = [Self::Clips, Self::Networks, Self::Runs, Self::Values];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Clips => "clips",
            Self::Networks => "networks",
            Self::Runs => "runs",
            Self::Values => "values",
        }
    }
}

/// An open connection.
pub(super) struct Connection {
    pub(super) database: IdbDatabase,
    _listeners: [Listener; 2],
}

impl Connection {
    /// Calls `on_lost` when something else than this page closes the connection.
    pub(super) fn of(database: IdbDatabase, on_lost: impl Fn() + Clone + 'static) -> Result<Self, DomError> {
        let lost = |closes: Option<IdbDatabase>| {
            let on_lost = on_lost.clone();
            move |_: Event| {
                if let Some(database) = &closes {
                    database.close();
                }
                on_lost();
            }
        };
        // A later version of the page, or the browser's tools, want to change or delete it, and wait for this page.
        let version = Listener::new(&database, "versionchange", lost(Some(database.clone())))?;
        let close = Listener::new(&database, "close", lost(None))?;
        Ok(Self { database, _listeners: [version, close] })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Nobody would let go of it when another page asks.
        self.database.close();
    }
}

/// Opens a database, and creates it if it is not there.
pub(super) async fn open(name: &str) -> Result<IdbDatabase, StorageError> {
    let failed = |error: JsValue| match error.dyn_ref::<DomException>() {
        Some(error) if error.name() == "VersionError" => StorageError::LaterVersion,
        _ => StorageError::Unavailable(reason(&error)),
    };
    let request = request_to_open(name).map_err(failed)?;
    let making = request.clone();
    // Must happen within the event: after it the upgrade is over.
    let make = Closure::once(move || {
        let made = making.result().and_then(|made| create_object_stores(made.unchecked_ref()));
        if let Err(error) = made {
            log::warn!("the database could not be created: {}", reason(&error));
        }
    });
    request.set_onupgradeneeded(Some(make.as_ref().unchecked_ref()));
    let opened = result_of(&request, Some(OPEN_TIMEOUT_MILLISECONDS)).await;
    if opened.is_err() {
        // It may answer later, after it has created the object stores. Nobody would close that connection when another
        // page asks.
        make.forget();
        let late = request.clone();
        let close = Closure::once_into_js(move || {
            if let Ok(database) = late.result() {
                database.unchecked_into::<IdbDatabase>().close();
            }
        });
        request.set_onsuccess(Some(close.unchecked_ref()));
    }
    Ok(opened.map_err(failed)?.unchecked_into())
}

fn request_to_open(name: &str) -> Result<IdbOpenDbRequest, JsValue> {
    let window = web_sys::window().ok_or("there is no window")?;
    window.indexed_db()?.ok_or("there is no IndexedDB")?.open_with_u32(name, 1)
}

fn create_object_stores(database: &IdbDatabase) -> Result<(), JsValue> {
    ObjectStore::ALL.iter().try_for_each(|object_store| database.create_object_store(object_store.name()).map(drop))
}
