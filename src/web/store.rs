//! What is stored on the device from one visit to the next, in the browser's IndexedDB.
//!
//! Files and weights are stored as blobs and returned by reference: they are not in memory before they are read.
//!
//! The browser's interface is used directly and not through the crate `idb`, which (0.6.5) ends an aborted transaction
//! as `TransactionResult::Aborted` and drops the reason with it. A full disk (`QuotaExceededError`) shows in no other
//! way.

mod connection;
mod lock;
mod records;
mod requests;
mod space;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{IdbTransaction, IdbTransactionMode};

pub use self::connection::ObjectStore;
use self::connection::{Connection, open};
pub(crate) use self::records::{field, is_known_version, with_version};
pub use self::records::{from_value, to_value};
use self::requests::{finished, reason, result_of, storage_error};
pub(crate) use self::space::{request_persistence, usage};
use super::weights_cache::site_scoped_name;
use crate::view::storage::state::StorageError;

/// Kind and version of the database, an old name that visitors' databases have. The version is raised if the contents
/// can no longer be read.
const KIND: &str = "taught-1";

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

/// The database. Clones are the same connection. The browser may close it at any time, for example when the user
/// clears the site's data; [`reconnect`](Self::reconnect) opens it again.
#[derive(Clone)]
pub struct Store(Rc<Inner>);

struct Inner {
    name: String,
    connection: RefCell<Option<Connection>>,
    /// True if the connection was closed by something else than this page.
    lost: Cell<bool>,
    on_lost: RefCell<Option<Box<dyn Fn()>>>,
}

/// The name of this site's database, which is also the name of its lock.
///
/// # Errors
///
/// [`StorageError::Unavailable`], if the page has no address.
pub(crate) fn name() -> Result<String, StorageError> {
    site_scoped_name(KIND).map_err(|error| StorageError::Unavailable(reason(&error)))
}

impl Store {
    /// Opens a database for this page alone, and creates it if it is not there.
    ///
    /// # Errors
    ///
    /// As [`open_named`](Self::open_named), or [`StorageError::OtherTab`].
    pub(crate) async fn open_alone(name: &str) -> Result<Self, StorageError> {
        if lock::acquire(name).await { Self::open_named(name).await } else { Err(StorageError::OtherTab) }
    }

    /// As [`open_alone`](Self::open_alone), but waits until every other page that has it is closed.
    ///
    /// # Errors
    ///
    /// As [`open_named`](Self::open_named).
    pub(crate) async fn open_after_others(name: &str) -> Result<Self, StorageError> {
        lock::wait(name).await;
        Self::open_named(name).await
    }

    /// Opens a database without a lock.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] or [`StorageError::LaterVersion`].
    pub async fn open_named(name: &str) -> Result<Self, StorageError> {
        let store = Self(Rc::new(Inner {
            name: name.to_owned(),
            connection: RefCell::default(),
            lost: Cell::new(true),
            on_lost: RefCell::default(),
        }));
        store.connect().await?;
        Ok(store)
    }

    /// Sets what is called when the browser closes the connection.
    pub(crate) fn on_lost(&self, listener: impl Fn() + 'static) {
        *self.0.on_lost.borrow_mut() = Some(Box::new(listener));
    }

    /// True if the browser has closed the connection.
    pub(crate) fn is_lost(&self) -> bool {
        self.0.lost.get()
    }

    /// Opens the database again if the browser has closed it; true if it had. Its contents may then be gone.
    ///
    /// # Errors
    ///
    /// As [`open_named`](Self::open_named).
    pub(crate) async fn reconnect(&self) -> Result<bool, StorageError> {
        if !self.is_lost() {
            return Ok(false);
        }
        self.connect().await?;
        Ok(true)
    }

    async fn connect(&self) -> Result<(), StorageError> {
        let database = open(&self.0.name).await?;
        let store = Rc::downgrade(&self.0);
        let connection = Connection::of(database, move || {
            if let Some(store) = store.upgrade() {
                store.lose();
            }
        });
        let connection = connection.map_err(|error| StorageError::Unavailable(error.to_string()))?;
        self.0.connection.replace(Some(connection));
        self.0.lost.set(false);
        Ok(())
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

    /// Deletes everything, also what this version cannot read.
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

    /// Everything in an object store, by key; [`JsValue::UNDEFINED`] for what the browser cannot read.
    ///
    /// # Errors
    ///
    /// [`StorageError::Other`].
    pub async fn all(&self, object_store: ObjectStore) -> Result<BTreeMap<String, JsValue>, StorageError> {
        let error = match self.all_at_once(object_store).await {
            Ok(all) => return Ok(all),
            Err(error) => error,
        };
        log::warn!("{} is read one by one: {error:?}", object_store.name());
        let mut all = BTreeMap::new();
        for key in self.keys(object_store).await? {
            // One that cannot be read fails all that are asked for with it.
            let value = self.some(object_store, &[&key]).await.map(|mut values| values.pop().flatten());
            all.insert(key, value.ok().flatten().unwrap_or(JsValue::UNDEFINED));
        }
        if all.values().all(JsValue::is_undefined) { Err(error) } else { Ok(all) }
    }

    async fn all_at_once(&self, object_store: ObjectStore) -> Result<BTreeMap<String, JsValue>, StorageError> {
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

    /// What is stored under some keys, in their order; `None` for a key that is not there.
    ///
    /// # Errors
    ///
    /// [`StorageError::Other`], if any of it cannot be read.
    pub(crate) async fn some(
        &self,
        object_store: ObjectStore,
        keys: &[&str],
    ) -> Result<Vec<Option<JsValue>>, StorageError> {
        let asked = self.transaction(IdbTransactionMode::Readonly);
        let asked = asked.and_then(|transaction| transaction.object_store(object_store.name()));
        let object_store = asked.map_err(|error| storage_error(&error))?;
        // All are requested before any is awaited, as above.
        let requests: Result<Vec<_>, JsValue> =
            keys.iter().map(|key| Ok(result_of(&object_store.get(&JsValue::from(*key))?, None))).collect();
        let mut values = Vec::new();
        for request in requests.map_err(|error| storage_error(&error))? {
            let value = request.await.map_err(|error| storage_error(&error))?;
            values.push(Some(value).filter(|value| !value.is_undefined()));
        }
        Ok(values)
    }

    fn transaction(&self, mode: IdbTransactionMode) -> Result<IdbTransaction, JsValue> {
        let connection = self.0.connection.borrow();
        let database = connection.as_ref().filter(|_| !self.is_lost()).map(|connection| &connection.database);
        let database = database.ok_or("the connection to the database was lost")?;
        // All of them, so that one transaction can change several together.
        let names: Array = ObjectStore::ALL.iter().map(|object_store| JsValue::from(object_store.name())).collect();
        let begun = database.transaction_with_str_sequence_and_mode(&names, mode);
        // Some browsers close a connection without an event.
        begun.inspect_err(|_| self.0.lose())
    }
}

impl Inner {
    fn lose(&self) {
        self.lost.set(true);
        if let Some(on_lost) = &*self.on_lost.borrow() {
            on_lost();
        }
    }
}
