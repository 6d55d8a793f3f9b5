//! Exports the dataset as one `.zip` file. The blob refers to the clips, so that they are not copied into memory.

use js_sys::{Array, Uint8Array};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, BlobPropertyBag, File};

use super::Page;
use super::dataset_import::DatasetTask;
use crate::archive::MOST_FILE_BYTES;
use crate::archive::pack::Packer;
use crate::view::train::dataset_file::{self, DatasetFile};
use crate::view::train::stage::Stage;
use crate::view::train::words::dataset as words;
use crate::web::dom;
use crate::web::files::{read_in_pieces, save};

/// The file name that is suggested to the browser.
const NAME: &str = "genrelens-set.zip";

/// The parts of the file: headers, and clips between them.
#[derive(Default)]
struct Parts {
    packer: Packer,
    parts: Array,
}

impl Parts {
    /// Adds a file; an error if it does not fit into the archive.
    fn push(&mut self, path: &str, crc: u32, length: f64, file: &wasm_bindgen::JsValue) -> Result<(), String> {
        let header = self.packer.header(path, crc, length as u64).map_err(|error| error.to_string())?;
        self.parts.push(&Uint8Array::from(header.as_slice()));
        self.parts.push(file);
        Ok(())
    }

    fn finish(self) -> Result<Blob, String> {
        self.parts.push(&Uint8Array::from(self.packer.finish().as_slice()));
        let kind = BlobPropertyBag::new();
        kind.set_type("application/zip");
        let blob = Blob::new_with_blob_sequence_and_options(&self.parts, &kind);
        blob.map_err(|error| dom::describe(&error))
    }
}

impl Page {
    /// Exports the dataset as one file.
    pub(super) fn export_dataset(&self) {
        if self.0.training.borrow().dataset.is_empty() {
            return;
        }
        let Some(task) = DatasetTask::begin(self) else { return };
        let total = self.0.training.borrow().dataset.clips();
        self.change_training(|training| training.stage = Stage::Packing { done: 0, total });
        spawn_local(async move {
            // `None` if it was cancelled: there is nothing to report.
            pack(&task, total).await;
        });
    }
}

async fn pack(task: &DatasetTask, total: usize) -> Option<()> {
    let page = task.page()?;
    let description = DatasetFile::of(&page.0.training.borrow().dataset);
    // A page that is held over an await would stay alive after it was closed.
    drop(page);
    let (mut parts, mut lost) = (Parts::default(), Vec::new());
    for (done, (id, path)) in description.files().enumerate() {
        task.report(Stage::Packing { done, total })?;
        let file = task.page()?.file(id);
        // A larger file could not be unpacked again.
        let small = file.filter(|file| file.size() <= MOST_FILE_BYTES as f64);
        let summed = match small {
            Some(file) => crc_of(&file).await.map(|crc| (crc, file)),
            None => None,
        };
        match summed.map(|(crc, file)| parts.push(path, crc, file.size(), &file)) {
            Some(Ok(())) => {}
            Some(Err(reason)) => return task.end(&[words::could_not_export(&reason)]),
            None => lost.push(path.to_owned()),
        }
    }
    let page = task.page()?;
    let saved = finished(parts, &description)
        .and_then(|blob| save(&page.0.document, NAME, &blob).map_err(|error| error.to_string()));
    let mut notes = vec![match saved {
        Ok(()) => words::exported(total - lost.len(), NAME),
        Err(reason) => words::could_not_export(&reason),
    }];
    if !lost.is_empty() {
        notes.push(words::not_exported(&lost, MOST_FILE_BYTES));
    }
    task.end(&notes)
}

/// The whole file, its description last.
fn finished(mut parts: Parts, description: &DatasetFile) -> Result<Blob, String> {
    let json = description.to_json().map_err(|error| error.to_string())?;
    let bytes = Uint8Array::from(json.as_slice());
    // Import finds the clips by the paths in it.
    parts.push(dataset_file::NAME, rawzip::crc32(&json), json.len() as f64, &bytes)?;
    parts.finish()
}

/// The CRC-32 of a file; `None` if it cannot be read any more.
async fn crc_of(file: &File) -> Option<u32> {
    let mut crc = rawzip::Crc32::new();
    read_in_pieces(file, |piece| crc.update(piece)).await.ok()?;
    Some(crc.checksum())
}
