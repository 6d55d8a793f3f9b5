//! What is kept on the device from one visit to the next, in the browser's IndexedDB.
//!
//! Files and weights are kept by the browser and handed over by reference: they are in nobody's memory before they are
//! read. The browser's own interface is used, and no crate around it: those at hand lose why a transaction was aborted,
//! and a full disk is told in no other way.

use std::collections::BTreeMap;

use futures_channel::oneshot;
use js_sys::{Array, Function, Promise, Reflect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DomException, IdbDatabase, IdbOpenDbRequest, IdbRequest, IdbTransaction, IdbTransactionMode, StorageEstimate,
};

use super::weights_cache::site_scoped_name;
use super::{dom, js};
use crate::view::storage::state::{StorageError, Usage};

/// Kind and version of the database; the version is raised where what is in it can no longer be read.
const KIND: &str = "taught-1";
/// How long a browser may take to open it, in milliseconds: some never answer.
const OPEN_TIMEOUT_MILLISECONDS: i32 = 10_000;
/// How often the lock is asked for, and the time between, in milliseconds: a page that is loaded anew meets the one before
/// it on its way out.
const LOCK_TRIES: usize = 10;
const LOCK_RETRY_MILLISECONDS: i32 = 200;

/// A part of the store, with keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectStore {
    /// The collection's files, by their clips.
    Clips,
    /// The user's own networks, by their names.
    Networks,
    /// Lessons that were held, by the time they ended.
    Runs,
    /// Everything else: one value a key.
    Values,
}

impl ObjectStore {
    const ALL: [Self; 4] = [Self::Clips, Self::Networks, Self::Runs, Self::Values];

    fn name(self) -> &'static str {
        match self {
            Self::Clips => "clips",
            Self::Networks => "networks",
            Self::Runs => "runs",
            Self::Values => "values",
        }
    }
}

/// A change of the store.
#[derive(Debug, Clone)]
pub struct Change {
    object_store: ObjectStore,
    key: String,
    /// `None` where the key goes.
    value: Option<JsValue>,
}

impl Change {
    /// Keeps a value under a key, in place of the one before.
    pub fn put(object_store: ObjectStore, key: &str, value: impl Into<JsValue>) -> Self {
        Self { object_store, key: key.to_owned(), value: Some(value.into()) }
    }

    /// Takes a key out, where it is there.
    pub fn delete(object_store: ObjectStore, key: &str) -> Self {
        Self { object_store, key: key.to_owned(), value: None }
    }
}

/// The store, open. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Store(IdbDatabase);

/// Takes a lock of this name until the page ends; false where another page has it. Where the browser has no locks,
/// nobody can tell.
async fn acquire_lock(name: &str) -> bool {
    let locks = dom::window().ok().and_then(|window| js::object(window.navigator().as_ref(), "locks"));
    let Some(locks) = locks else { return true };
    for _ in 0..LOCK_TRIES {
        match lock(&locks, name).await {
            Ok(true) => return true,
            Ok(false) => dom::sleep(LOCK_RETRY_MILLISECONDS).await,
            Err(error) => {
                log::warn!("whether the page is open twice is not known: {}", reason(&error));
                return true;
            }
        }
    }
    false
}

/// Takes the lock of this name if it is free; false if another page has it.
async fn lock(locks: &JsValue, name: &str) -> Result<bool, JsValue> {
    let (sender, taken) = oneshot::channel();
    let granted = Closure::once_into_js(move |lock: JsValue| {
        // Fails only where nobody waits any more.
        let _ = sender.send(!lock.is_null());
        // The browser holds the lock until the promise that is returned here resolves: this one never does.
        if lock.is_null() { JsValue::NULL } else { Promise::new(&mut |_, _| {}).into() }
    });
    let options = js::plain(&[("ifAvailable", JsValue::TRUE)])?;
    js::call(locks, "request", &[&name.into(), &options, &granted])?;
    taken.await.map_err(|_| "the browser does not say".into())
}

impl Store {
    /// Opens it for this page alone, and makes it where it is not there.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] or [`StorageError::Elsewhere`].
    pub(crate) async fn open() -> Result<Self, StorageError> {
        let name = site_scoped_name(KIND).map_err(|error| StorageError::Unavailable(reason(&error)))?;
        if !acquire_lock(&name).await {
            return Err(StorageError::Elsewhere);
        }
        Self::open_named(&name).await
    }

    /// As [`open`](Self::open), under another name: for tests.
    pub async fn open_named(name: &str) -> Result<Self, StorageError> {
        let unavailable = |error: JsValue| StorageError::Unavailable(reason(&error));
        let request = request_to_open(name).map_err(unavailable)?;
        let making = request.clone();
        // Within the event, or the browser takes it for finished.
        let make = Closure::once(move || {
            let made = making.result().and_then(|made| create_object_stores(made.unchecked_ref()));
            if let Err(error) = made {
                log::warn!("the store was not made: {}", reason(&error));
            }
        });
        request.set_onupgradeneeded(Some(make.as_ref().unchecked_ref()));
        result_of(&request, Some(OPEN_TIMEOUT_MILLISECONDS))
            .await
            .map(|database| Self(database.unchecked_into()))
            .map_err(unavailable)
    }

    /// Makes some changes, all of them or none.
    ///
    /// # Errors
    ///
    /// [`StorageError::Full`] or [`StorageError::Other`].
    pub async fn write(&self, changes: &[Change]) -> Result<(), StorageError> {
        let transaction = self.transaction(IdbTransactionMode::Readwrite).map_err(|error| storage_error(&error))?;
        let asked = changes.iter().try_for_each(|change| {
            let (object_store, key) =
                (transaction.object_store(change.object_store.name())?, JsValue::from(&change.key));
            match &change.value {
                Some(value) => object_store.put_with_key(value, &key),
                None => object_store.delete(&key),
            }
            .map(drop)
        });
        if let Err(error) = asked {
            // What was asked before the error must not be done alone. It fails only where it is aborted already.
            let _ = transaction.abort();
            return Err(storage_error(&error));
        }
        finished(&transaction).await
    }

    /// Takes everything out.
    ///
    /// # Errors
    ///
    /// [`StorageError::Other`].
    pub async fn clear(&self) -> Result<(), StorageError> {
        let transaction = self.transaction(IdbTransactionMode::Readwrite).map_err(|error| storage_error(&error))?;
        for object_store in ObjectStore::ALL {
            let cleared = transaction.object_store(object_store.name()).and_then(|object_store| object_store.clear());
            cleared.map_err(|error| storage_error(&error))?;
        }
        finished(&transaction).await
    }

    /// The keys of a drawer, in their order.
    ///
    /// # Errors
    ///
    /// [`StorageError::Other`].
    pub async fn keys(&self, object_store: ObjectStore) -> Result<Vec<String>, StorageError> {
        let asked = self.transaction(IdbTransactionMode::Readonly);
        let asked = asked.and_then(|transaction| transaction.object_store(object_store.name())?.get_all_keys());
        let keys = result_of(&asked.map_err(|error| storage_error(&error))?, None)
            .await
            .map_err(|error| storage_error(&error))?;
        Ok(Array::from(&keys).iter().filter_map(|key| key.as_string()).collect())
    }

    /// Everything in a drawer, by key.
    ///
    /// # Errors
    ///
    /// [`StorageError::Other`].
    pub async fn all(&self, object_store: ObjectStore) -> Result<BTreeMap<String, JsValue>, StorageError> {
        let asked = || {
            let object_store = self.transaction(IdbTransactionMode::Readonly)?.object_store(object_store.name())?;
            Ok((object_store.get_all_keys()?, object_store.get_all()?))
        };
        let (keys, values) = asked().map_err(|error: JsValue| storage_error(&error))?;
        // Both were asked for before either is waited for: a transaction ends when nothing more is asked of it.
        let (keys, values) = (result_of(&keys, None), result_of(&values, None));
        let [keys, values] = [keys.await, values.await].map(|result| result.map_err(|error| storage_error(&error)));
        let (keys, values) = (Array::from(&keys?), Array::from(&values?));
        Ok(keys.iter().zip(values.iter()).filter_map(|(key, value)| Some((key.as_string()?, value))).collect())
    }

    fn transaction(&self, mode: IdbTransactionMode) -> Result<IdbTransaction, JsValue> {
        let names: Array = ObjectStore::ALL.iter().map(|object_store| JsValue::from(object_store.name())).collect();
        self.0.transaction_with_str_sequence_and_mode(&names, mode)
    }
}

fn request_to_open(name: &str) -> Result<IdbOpenDbRequest, JsValue> {
    let window = web_sys::window().ok_or("there is no window")?;
    window.indexed_db()?.ok_or("there is no IndexedDB")?.open_with_u32(name, 1)
}

fn create_object_stores(database: &IdbDatabase) -> Result<(), JsValue> {
    ObjectStore::ALL.iter().try_for_each(|object_store| database.create_object_store(object_store.name()).map(drop))
}

/// What a request brings; its error where it fails, or does not answer within so many milliseconds. It is listened to at
/// once and not only when the future is waited for: it may answer before that.
fn result_of(request: &IdbRequest, patience: Option<i32>) -> impl Future<Output = Result<JsValue, JsValue>> + use<> {
    let settled = JsFuture::from(Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
        if let (Some(window), Some(patience)) = (web_sys::window(), patience) {
            // Without a timer it waits as long as it takes.
            let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&reject, patience);
        }
    }));
    let request = request.clone();
    async move {
        match (settled.await, request.error()) {
            (Ok(_), _) => request.result(),
            (Err(_), Ok(Some(error))) => Err(error.into()),
            (Err(_), _) => Err("it does not answer".into()),
        }
    }
}

/// Waits until a transaction is done: only then is what it wrote on the disk.
async fn finished(transaction: &IdbTransaction) -> Result<(), StorageError> {
    let settled = Promise::new(&mut |resolve, reject| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(&reject));
    });
    match JsFuture::from(settled).await {
        Ok(_) => Ok(()),
        Err(_) => Err(transaction
            .error()
            .map_or_else(|| StorageError::Other("it was given up".to_owned()), |e| storage_error(&e))),
    }
}

fn storage_error(error: &JsValue) -> StorageError {
    let is_full = error.dyn_ref::<DomException>().is_some_and(|error| error.name() == "QuotaExceededError");
    if is_full { StorageError::Full } else { StorageError::Other(reason(error)) }
}

/// An error in the browser's words.
fn reason(error: &JsValue) -> String {
    match error.dyn_ref::<DomException>() {
        Some(error) if error.message().is_empty() => error.name(),
        Some(error) => error.message(),
        None => dom::describe(error),
    }
}

/// A value as it is kept. Unlike JSON it keeps numbers that are none, as a training's losses may be.
///
/// # Errors
///
/// [`StorageError::Other`], where it cannot be kept.
pub fn to_value(value: &impl Serialize) -> Result<JsValue, StorageError> {
    value.serialize(&Serializer::json_compatible()).map_err(|error| StorageError::Other(error.to_string()))
}

/// A value as it was kept; nothing where this version cannot read it.
pub fn from_value<T: DeserializeOwned>(what: &str, value: JsValue) -> Option<T> {
    let read = serde_wasm_bindgen::from_value(value);
    read.inspect_err(|error| log::warn!("{what} was kept but cannot be read: {error}")).ok()
}

/// A field of a value that is kept.
pub(crate) fn field(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// Asks the browser not to clear what is kept of its own accord.
pub(crate) async fn request_persistence() {
    if let Some(Err(error)) = ask_storage_manager("persist").await {
        log::warn!("the browser was not asked to keep this: {}", reason(&error));
    }
}

/// How much is kept; nothing where the browser does not tell.
pub(crate) async fn usage() -> Option<Usage> {
    let estimate: StorageEstimate = ask_storage_manager("estimate").await?.ok()?.unchecked_into();
    let lasting =
        ask_storage_manager("persisted").await.and_then(Result::ok).is_some_and(|lasting| lasting.is_truthy());
    Some(Usage { used: estimate.get_usage()?, granted: estimate.get_quota()?, lasting })
}

/// What the browser's storage manager answers; nothing where there is none, as on pages from insecure addresses.
async fn ask_storage_manager(method: &str) -> Option<Result<JsValue, JsValue>> {
    let manager = field(&web_sys::window()?.navigator(), "storage");
    let function: Function = field(&manager, method).dyn_into().ok()?;
    let promise: Promise = function.call0(&manager).ok()?.dyn_into().ok()?;
    Some(JsFuture::from(promise).await)
}
