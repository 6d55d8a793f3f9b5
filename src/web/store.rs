//! What is stored on the device from one visit to the next, in the browser's IndexedDB.
//!
//! Files and weights are stored as blobs and returned by reference: they are not in memory before they are read.
//!
//! The browser's interface is used directly and not through the crate `idb`, which (0.6.5) ends an aborted transaction
//! as `TransactionResult::Aborted` and drops the reason with it. A full disk (`QuotaExceededError`) shows in no other
//! way.

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

/// Kind and version of the database, an old name that visitors' databases have. The version is raised if the contents
/// can no longer be read.
const KIND: &str = "taught-1";
/// How long a browser may take to open it, in milliseconds: some never answer.
const OPEN_TIMEOUT_MILLISECONDS: i32 = 10_000;
/// How often the lock is requested, and the pause between, in milliseconds: a page that is reloaded meets its
/// predecessor on its way out.
const LOCK_TRIES: usize = 10;
const LOCK_RETRY_MILLISECONDS: i32 = 200;

/// An object store of the database, with keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectStore {
    /// The dataset's files, by clip.
    Clips,
    /// The user's own networks, by name.
    Networks,
    /// Training runs, by the time they ended.
    Runs,
    /// Everything else: one value per key.
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

/// A change of the database.
#[derive(Debug, Clone)]
pub struct Change {
    object_store: ObjectStore,
    key: String,
    /// `None` deletes the key.
    value: Option<JsValue>,
}

impl Change {
    /// Stores a value under a key, and replaces the one before.
    pub fn put(object_store: ObjectStore, key: &str, value: impl Into<JsValue>) -> Self {
        Self { object_store, key: key.to_owned(), value: Some(value.into()) }
    }

    /// Deletes a key, if it is there.
    pub fn delete(object_store: ObjectStore, key: &str) -> Self {
        Self { object_store, key: key.to_owned(), value: None }
    }
}

/// The open database. Clones are the same connection.
#[derive(Debug, Clone)]
pub struct Store(IdbDatabase);

/// Takes a lock of this name until the page ends; false if another page has it. If the browser has no locks, or
/// refuses them, the page counts as alone.
async fn acquire_lock(name: &str) -> bool {
    let locks = dom::window().ok().and_then(|window| js::object(window.navigator().as_ref(), "locks"));
    let Some(locks) = locks else { return true };
    for _ in 0..LOCK_TRIES {
        match lock(&locks, name).await {
            Ok(true) => return true,
            Ok(false) => dom::sleep(LOCK_RETRY_MILLISECONDS).await,
            Err(error) => {
                log::warn!("cannot tell whether the page is open twice: {}", reason(&error));
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
        // Fails only if nobody waits any more.
        let _ = sender.send(!lock.is_null());
        // The browser holds the lock until the promise that is returned here resolves: this one never does.
        if lock.is_null() { JsValue::NULL } else { Promise::new(&mut |_, _| {}).into() }
    });
    let options = js::plain_object(&[("ifAvailable", JsValue::TRUE)])?;
    js::call(locks, "request", &[&name.into(), &options, &granted])?;
    taken.await.map_err(|_| "the browser does not answer".into())
}

impl Store {
    /// Opens the database for this page alone, and creates it if it is not there.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] or [`StorageError::OtherTab`].
    pub(crate) async fn open() -> Result<Self, StorageError> {
        let name = site_scoped_name(KIND).map_err(|error| StorageError::Unavailable(reason(&error)))?;
        if !acquire_lock(&name).await {
            return Err(StorageError::OtherTab);
        }
        Self::open_named(&name).await
    }

    /// As [`open`](Self::open), under another name and without a lock: for tests.
    pub async fn open_named(name: &str) -> Result<Self, StorageError> {
        let unavailable = |error: JsValue| StorageError::Unavailable(reason(&error));
        let request = request_to_open(name).map_err(unavailable)?;
        let making = request.clone();
        // Must happen within the event: after it the upgrade is over.
        let make = Closure::once(move || {
            let made = making.result().and_then(|made| create_object_stores(made.unchecked_ref()));
            if let Err(error) = made {
                log::warn!("the database could not be created: {}", reason(&error));
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
            // What was requested before the error must not be done alone. Fails only if it is aborted already.
            let _ = transaction.abort();
            return Err(storage_error(&error));
        }
        finished(&transaction).await
    }

    /// Deletes everything.
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

    /// The keys of an object store, in their order.
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

    /// Everything in an object store, by key.
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
        // Both are requested before either is awaited: a transaction ends when nothing more is requested of it.
        let (keys, values) = (result_of(&keys, None), result_of(&values, None));
        let [keys, values] = [keys.await, values.await].map(|result| result.map_err(|error| storage_error(&error)));
        let (keys, values) = (Array::from(&keys?), Array::from(&values?));
        Ok(keys.iter().zip(values.iter()).filter_map(|(key, value)| Some((key.as_string()?, value))).collect())
    }

    fn transaction(&self, mode: IdbTransactionMode) -> Result<IdbTransaction, JsValue> {
        // All of them, so that one transaction can change several together.
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

/// The result of a request; its error if it fails, or does not answer within `timeout` milliseconds. The handlers are
/// set at once and not only when the future is awaited, because the request may answer before that.
fn result_of(request: &IdbRequest, timeout: Option<i32>) -> impl Future<Output = Result<JsValue, JsValue>> + use<> {
    let settled = JsFuture::from(Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
        if let (Some(window), Some(timeout)) = (web_sys::window(), timeout) {
            // Without a timer it waits as long as it takes.
            let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&reject, timeout);
        }
    }));
    let request = request.clone();
    async move {
        match (settled.await, request.error()) {
            (Ok(_), _) => request.result(),
            (Err(_), Ok(Some(error))) => Err(error.into()),
            (Err(_), _) => Err("the browser does not answer".into()),
        }
    }
}

/// Waits until a transaction is complete: only then its data is on the disk.
async fn finished(transaction: &IdbTransaction) -> Result<(), StorageError> {
    let settled = Promise::new(&mut |resolve, reject| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(&reject));
    });
    match JsFuture::from(settled).await {
        Ok(_) => Ok(()),
        Err(_) => Err(transaction
            .error()
            .map_or_else(|| StorageError::Other("the transaction was aborted".to_owned()), |e| storage_error(&e))),
    }
}

fn storage_error(error: &JsValue) -> StorageError {
    let is_full = error.dyn_ref::<DomException>().is_some_and(|error| error.name() == "QuotaExceededError");
    if is_full { StorageError::Full } else { StorageError::Other(reason(error)) }
}

/// The browser's message for an error.
fn reason(error: &JsValue) -> String {
    match error.dyn_ref::<DomException>() {
        Some(error) if error.message().is_empty() => error.name(),
        Some(error) => error.message(),
        None => dom::describe(error),
    }
}

/// A value in the form in which it is stored. Unlike JSON it can hold NaN and infinities, as a training's losses may
/// be.
///
/// # Errors
///
/// [`StorageError::Other`], if it cannot be stored.
pub fn to_value(value: &impl Serialize) -> Result<JsValue, StorageError> {
    value.serialize(&Serializer::json_compatible()).map_err(|error| StorageError::Other(error.to_string()))
}

/// A stored value; `None`, logged, if this version cannot read it.
pub fn from_value<T: DeserializeOwned>(what: &str, value: JsValue) -> Option<T> {
    let read = serde_wasm_bindgen::from_value(value);
    read.inspect_err(|error| log::warn!("{what} is stored but cannot be read: {error}")).ok()
}

/// A field of a stored value.
pub(crate) fn field(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// Asks the browser not to delete the data by itself when space is short.
pub(crate) async fn request_persistence() {
    if let Some(Err(error)) = ask_storage_manager("persist").await {
        log::warn!("could not ask the browser for persistent storage: {}", reason(&error));
    }
}

/// How much is stored; `None` if the browser does not tell.
pub(crate) async fn usage() -> Option<Usage> {
    let estimate: StorageEstimate = ask_storage_manager("estimate").await?.ok()?.unchecked_into();
    let lasting =
        ask_storage_manager("persisted").await.and_then(Result::ok).is_some_and(|lasting| lasting.is_truthy());
    Some(Usage { used: estimate.get_usage()?, granted: estimate.get_quota()?, lasting })
}

/// The answer of the browser's storage manager; `None` if there is none, as on pages from insecure addresses.
async fn ask_storage_manager(method: &str) -> Option<Result<JsValue, JsValue>> {
    let manager = field(&web_sys::window()?.navigator(), "storage");
    let function: Function = field(&manager, method).dyn_into().ok()?;
    let promise: Promise = function.call0(&manager).ok()?.dyn_into().ok()?;
    Some(JsFuture::from(promise).await)
}
