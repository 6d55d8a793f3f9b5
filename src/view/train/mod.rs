//! Training on the visitor's own clips: the dataset, the settings, the running job, and its results.

pub mod class;
pub(crate) mod clip_queue;
pub mod compare;
pub mod dataset;
pub mod dataset_file;
pub mod file_names;
pub mod model_options;
pub mod recording;
pub mod results;
pub mod settings;
pub mod stage;
pub mod state;
pub mod table;
pub mod table_text;
mod tags;
pub mod warnings;
pub mod words;
