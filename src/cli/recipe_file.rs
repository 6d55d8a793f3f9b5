//! A recipe file: everything that a shipped network is trained with besides the data itself, as TOML.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::data::Folder;
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
pub(super) struct RecipeFile {
    /// The network's name on its card.
    pub name: String,
    /// One sentence on what the network is.
    pub summary: String,
    /// The architecture's name in the registry.
    pub architecture: String,
    #[serde(default)]
    pub structure: Structure,
    /// The networks whose features a head uses.
    #[serde(default, alias = "bases", skip_serializing_if = "Vec::is_empty")]
    pub backbones: Vec<BackboneChoice>,
    /// The front end's name.
    pub front_end: String,
    /// Rows of a picture; if not given, the front end's bands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
    /// Columns of a window.
    pub frames: usize,
    /// Splits of the index to train on, joined by a plus.
    pub train: String,
    /// Splits to validate on, joined by a plus; empty for a head on other networks, which is cross-validated instead.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub valid: String,
    /// A sentence on the data, for the card.
    pub data: String,
    /// True to write 32-bit weights instead of 16-bit ones.
    #[serde(default)]
    pub f32: bool,
    /// Weights that training starts from, instead of fresh ones. Cards of earlier versions call them the trunk.
    #[serde(default, alias = "trunk", skip_serializing_if = "Option::is_none")]
    pub pretrained: Option<PretrainedFile>,
    /// The settings of the training.
    #[serde(default, skip_serializing_if = "is_default")]
    pub training: Recipe,
    /// Instead of them, the settings of a linear head on other networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<HeadRecipe>,
}

fn is_default(recipe: &Recipe) -> bool {
    *recipe == Recipe::default()
}

/// The weights that a recipe starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PretrainedFile {
    /// The file's name, for people; the SHA-256 identifies it.
    pub file: String,
    /// Of the whole file, hexadecimal.
    pub sha256: String,
    /// True to train the last layers alone.
    #[serde(default)]
    pub freeze: bool,
}

/// A backbone of a head.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BackboneChoice {
    /// The name on the backbone's card.
    pub name: String,
    /// Which output of it the head uses.
    #[serde(alias = "takes")]
    pub output: BackboneOutput,
}

impl RecipeFile {
    /// Reads a recipe file. The error names the file and the line that is wrong.
    pub(super) fn read(path: &Path) -> Result<Self, CliError> {
        let text = String::from_utf8(read(path)?).map_err(|error| CliError::content(path, error))?;
        let file: Self = toml::from_str(&text).map_err(|error| CliError::content(path, error))?;
        let head = file.head.as_ref().map_or(Ok(()), HeadRecipe::check);
        file.training.check().and(head).map_err(|error| CliError::content(path, error))?;
        Ok(file)
    }

    /// The recipe of a network's own paper, on this data.
    pub(super) fn documented(entry: &Entry, folder: &Folder, front_end: Option<&str>) -> Result<Self, CliError> {
        let preset = (entry.preset)();
        let front_end = front_end.unwrap_or(preset.front_end.name);
        // Pictures are resized to the network's size; windows may have any length.
        let fixed = matches!(entry.input_kind, InputKind::Pictures);
        // Stored features may be shorter than the paper's windows; audio is cut to whatever length is asked for.
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
            // Half precision halves the file.
            f32: false,
            pretrained: None,
            training: preset.recipe,
            head: None,
        })
    }

    pub(super) fn precision(&self) -> Precision {
        if self.f32 { Precision::F32 } else { Precision::F16 }
    }

    /// The card of the network that this recipe makes, without figures and checksums.
    pub(super) fn card(&self, labels: Vec<String>, multi_label: bool) -> Result<Card, CliError> {
        let front_end = FrontEnd::by_name(&self.front_end)
            .ok_or_else(|| CliError::Usage(format!("there is no front end '{}'", self.front_end)))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_of_the_repository_is_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let file = RecipeFile::read(&path).unwrap();
            assert_eq!(file.training.check(), Ok(()), "{}", path.display());
        }
    }

    #[test]
    fn names_of_earlier_versions_are_read() {
        // As cards inside published weights have them.
        let text = "name = 'a'\nsummary = ''\narchitecture = 'head'\nfront_end = 'musicnn'\nframes = 187\n\
                    train = 'train'\ndata = ''\n[[bases]]\nname = 'musicnn-msd'\ntakes = 'features'\n\
                    [trunk]\nfile = 'b.safetensors'\nsha256 = 'c'\nfreeze = true\n[head.copies]\ncount = 2\n";
        let file: RecipeFile = toml::from_str(text).unwrap();
        assert_eq!(file.backbones[0].name, "musicnn-msd");
        assert!(file.pretrained.is_some_and(|pretrained| pretrained.freeze));
        assert_eq!(file.head.unwrap().augmentation.count, 2);
    }
}
