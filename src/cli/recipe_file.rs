//! A recipe file: everything that a shipped network is trained with besides the data itself, as TOML.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::data::Folder;
use super::trunk::Trunk;
use super::{CliError, read};
use crate::card::{BackboneOutput, Card, Structure};
use crate::dsp::FrontEnd;
use crate::model::registry::{Entry, InputKind};
use crate::model::weights::Precision;
use crate::recipe::Recipe;
use crate::train::linear_probe::HeadRecipe;

/// What `recipes/*.toml` hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeFile {
    /// The network's name on its card.
    pub name: String,
    /// One sentence on what it is.
    pub summary: String,
    /// Its architecture in the registry.
    pub architecture: String,
    /// What it is built with.
    #[serde(default)]
    pub structure: Structure,
    /// What it listens through.
    #[serde(default, alias = "bases", skip_serializing_if = "Vec::is_empty")]
    pub backbones: Vec<BackboneChoice>,
    /// Its front end.
    pub front_end: String,
    /// Rows of a picture; the front end's bands where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
    /// Columns of a window.
    pub frames: usize,
    /// Splits to learn from, joined by a plus.
    pub train: String,
    /// Splits to be judged by; a head on other networks is judged by cross-validation in place of them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub valid: String,
    /// What the data is, for the card.
    pub data: String,
    /// True to keep 32-bit weights.
    #[serde(default)]
    pub f32: bool,
    /// Weights that it begins with, in place of fresh ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trunk: Option<Trunk>,
    /// The training's settings.
    #[serde(default, skip_serializing_if = "is_default")]
    pub training: Recipe,
    /// In place of them, those of a linear head on other networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<HeadRecipe>,
}

fn is_default(recipe: &Recipe) -> bool {
    *recipe == Recipe::default()
}

/// A backbone of a head, by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackboneChoice {
    /// The name on its card.
    pub name: String,
    /// Which output of it the head uses.
    #[serde(alias = "takes")]
    pub output: BackboneOutput,
}

impl RecipeFile {
    /// Reads a recipe file.
    ///
    /// # Errors
    ///
    /// [`CliError`] that names it, with the line that is wrong.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        let text = String::from_utf8(read(path)?).map_err(|error| CliError::content(path, error))?;
        toml::from_str(&text).map_err(|error| CliError::content(path, error))
    }

    /// The document's own training of a network, on this data.
    ///
    /// # Errors
    ///
    /// [`CliError`] where the data cannot be read.
    pub fn documented(entry: &Entry, folder: &Folder, front_end: Option<&str>) -> Result<Self, CliError> {
        let preset = (entry.preset)();
        let front_end = front_end.unwrap_or(preset.front_end.name);
        let fixed = matches!(entry.input_kind, InputKind::Pictures);
        // Stored features have the columns they have; of audio the document's own number is heard.
        let columns = folder.feature_shape()?.map(|(_, columns)| columns);
        let documented = entry.paper_shape.frames;
        Ok(Self {
            name: entry.id.to_owned(),
            summary: entry.summary.to_owned(),
            architecture: entry.id.to_owned(),
            structure: entry.paper_structure,
            backbones: Vec::new(),
            front_end: front_end.to_owned(),
            rows: fixed.then_some(entry.paper_shape.bands),
            frames: columns.filter(|_| !fixed).map_or(documented, |columns| columns.min(documented)),
            train: "train".to_owned(),
            valid: "valid".to_owned(),
            data: String::new(),
            f32: false,
            trunk: None,
            training: preset.recipe,
            head: None,
        })
    }

    /// How its weights are stored.
    pub fn precision(&self) -> Precision {
        if self.f32 { Precision::F32 } else { Precision::F16 }
    }

    /// The card of the network that this makes, without figures and checksums.
    ///
    /// # Errors
    ///
    /// [`CliError`] for a front end that does not exist.
    pub fn card(&self, labels: Vec<String>, multi_label: bool) -> Result<Card, CliError> {
        let front_end = FrontEnd::by_name(&self.front_end)
            .ok_or_else(|| CliError::Usage(format!("there is no front end called '{}'", self.front_end)))?;
        Ok(Card {
            name: self.name.clone(),
            summary: self.summary.clone(),
            architecture: self.architecture.clone(),
            structure: self.structure,
            backbones: Vec::new(),
            bands: self.rows.unwrap_or(front_end.mel_bands),
            frames: self.frames,
            front_end: self.front_end.clone(),
            labels,
            multi_label,
            data: self.data.clone(),
            recipe: String::new(),
            figures: Default::default(),
            licence: "MIT OR Apache-2.0".to_owned(),
            sha256: String::new(),
        })
    }
}
