//! Recordings from outside the page: files opened with the installed page, or shared with it by another app.

use std::rc::{Rc, Weak};

use js_sys::Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, File, FilePropertyBag};

use super::listen::with;
use super::{Inner, Page};
use crate::view::offline::state::OfflineEvent;
use crate::web::{dom, js, weights_cache};

impl Page {
    /// Opens the files that come from outside, now and later.
    pub(super) fn open_external(&self) {
        self.open_launched();
        let Some(id) = query("shared") else { return };
        // Opened once, and not again when the page is reloaded.
        if let Err(error) = remove_query("shared") {
            log::warn!("the page's address could not be changed: {}", dom::describe(&error));
        }
        let weak = Rc::downgrade(&self.0);
        spawn_local(async move {
            let files = shared(&id).await.unwrap_or_else(|error| {
                log::warn!("what was shared cannot be read: {}", dom::describe(&error));
                Vec::new()
            });
            with(&weak, |page| page.open_shared(files));
        });
    }

    fn open_shared(&self, files: Vec<File>) {
        if files.is_empty() {
            self.receive_offline(OfflineEvent::NotShared);
        } else {
            self.open(files);
        }
    }

    /// Opens the files that the system passes to the installed page (File Handling API).
    fn open_launched(&self) {
        let Some(queue) = dom::window().ok().and_then(|window| js::object(window.as_ref(), "launchQueue")) else {
            return;
        };
        let weak = Rc::downgrade(&self.0);
        let consume = Closure::<dyn Fn(JsValue)>::new(move |launch: JsValue| {
            spawn_local(open_handles(weak.clone(), js::get(&launch, "files")));
        });
        if let Err(error) = js::call(&queue, "setConsumer", &[consume.as_ref()]) {
            log::warn!("files cannot be opened with this page: {}", dom::describe(&error));
        }
        // The queue needs the closure for as long as the page lives.
        consume.forget();
    }
}

async fn open_handles(page: Weak<Inner>, handles: Result<JsValue, JsValue>) {
    let mut files = Vec::new();
    for handle in handles.map(|handles| Array::from(&handles)).unwrap_or_default().iter() {
        match js::call_async(&handle, "getFile", &[]).await.and_then(JsCast::dyn_into::<File>) {
            Ok(file) => files.push(file),
            Err(error) => log::warn!("a file could not be opened: {}", dom::describe(&error)),
        }
    }
    if !files.is_empty() {
        with(&page, |page| page.open(files));
    }
}

/// Takes the files of a share, which the service worker stored (`share` in `static/service-worker.template.js`); none if
/// it stored none.
async fn shared(id: &str) -> Result<Vec<File>, JsValue> {
    let inbox = weights_cache::open("shared-1").await?;
    let mut files = Vec::new();
    for request in js::call_async(&inbox, "keys", &[]).await?.dyn_into::<Array>()?.iter() {
        // The address ends in the share's id, the file's number and its name.
        let url = js::text(&request, "url");
        let mut parts = url.rsplit('/');
        let (name, share) = (parts.next().unwrap_or_default(), parts.nth(1));
        if share == Some(id) {
            files.push(shared_file(&inbox, &request, name).await);
            // Also if it cannot be read: it would stay for ever.
            js::call_async(&inbox, "delete", &[&request]).await?;
        }
    }
    files.into_iter().collect()
}

async fn shared_file(inbox: &JsValue, request: &JsValue, name: &str) -> Result<File, JsValue> {
    let response = js::call_async(inbox, "match", &[request]).await?;
    let blob: Blob = js::call_async(&response, "blob", &[]).await?.dyn_into()?;
    let name = js_sys::decode_uri_component(name).map_or_else(|_| "shared recording".to_owned(), String::from);
    let options = FilePropertyBag::new();
    options.set_type(&blob.type_());
    File::new_with_blob_sequence_and_options(&Array::of1(&blob), &name, &options)
}

/// Removes a query parameter from the page's address.
fn remove_query(name: &str) -> Result<(), JsValue> {
    let window = dom::window().map_err(|_| JsValue::NULL)?;
    let address = web_sys::Url::new(&window.location().href()?)?;
    address.search_params().delete(name);
    let history = js::get(window.as_ref(), "history")?;
    js::call(&history, "replaceState", &[&JsValue::NULL, &"".into(), &address.href().into()]).map(drop)
}

/// The value of a query parameter in the page's address.
fn query(name: &str) -> Option<String> {
    let query = dom::window().ok()?.location().search().ok()?;
    web_sys::UrlSearchParams::new_with_str(&query).ok()?.get(name)
}
