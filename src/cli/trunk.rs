//! Training that begins with weights which are there already, instead of fresh ones.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::recipe_file::RecipeFile;
use super::{CliError, device, read};
use crate::dataset::labelled_set::LabelledSet;
use crate::model::weights::{WeightsError, embedded_card, fill, sha256_hex};
use crate::model::{Blueprint, Network, Part, imagenet};
use crate::recipe::Recipe;
use crate::train::fit::{FittedNetwork, fit, fit_from, fit_part, fresh};
use crate::train::observer::{FitError, TrainObserver};

#[derive(Args)]
pub struct Beginning {
    /// Weights to begin with: ImageNet's of torchvision or timm (.safetensors) for a network that has such a trunk, or
    /// weights of this very network as this program writes them
    #[arg(long)]
    trunk: Option<PathBuf>,
    /// Train the last layers alone, on features that are computed once; no augmentation
    #[arg(long, requires = "trunk")]
    freeze: bool,
}

/// What a recipe says of the weights that it begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trunk {
    /// Their file's name, for people.
    pub file: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// True to train the last layers alone.
    #[serde(default)]
    pub freeze: bool,
}

/// Where a run begins.
pub struct Start {
    bytes: Option<Vec<u8>>,
    freeze: bool,
}

impl Beginning {
    /// Reads the weights and notes them in the recipe.
    ///
    /// # Errors
    ///
    /// [`CliError`] where they cannot be read, or are not those of the recipe.
    pub fn start(&self, file: &mut RecipeFile) -> Result<Start, CliError> {
        let Some(path) = &self.trunk else {
            return match &file.trunk {
                Some(Trunk { file, sha256, .. }) => Err(CliError::Usage(format!(
                    "this recipe begins with '{file}' (SHA-256 {sha256}); name it with --trunk"
                ))),
                None => Ok(Start { bytes: None, freeze: false }),
            };
        };
        if file.structure.members != 1 {
            return Err(CliError::Usage("--trunk is for single networks; this recipe has several members".to_owned()));
        }
        let bytes = read(path)?;
        let found = sha256_hex(&bytes);
        let freeze = match &file.trunk {
            Some(Trunk { sha256, .. }) if *sha256 != found => {
                return Err(CliError::content(path, format!("SHA-256 is {found}; the recipe begins with {sha256}")));
            }
            Some(trunk) => trunk.freeze || self.freeze,
            None => self.freeze,
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        file.trunk = Some(Trunk { file: name, sha256: found, freeze });
        Ok(Start { bytes: Some(bytes), freeze })
    }
}

impl Start {
    /// Trains from here on.
    ///
    /// # Errors
    ///
    /// [`CliError`] where the weights are not those of the network, or the run cannot be made.
    pub fn fit(
        &self,
        blueprint: &Blueprint,
        recipe: &Recipe,
        train: &LabelledSet,
        valid: &LabelledSet,
        observer: &mut impl TrainObserver,
    ) -> Result<FittedNetwork, CliError> {
        let failed = |error: FitError| CliError::Usage(error.to_string());
        let Some(bytes) = &self.bytes else {
            return pollster::block_on(fit(blueprint, recipe, train, valid, &device(), observer)).map_err(failed);
        };
        let network = begun(blueprint, recipe, bytes).map_err(|error| CliError::Usage(format!("--trunk: {error}")))?;
        let windowing = blueprint.windowing();
        // A column of features is a whole window.
        let outcome = match self.freeze {
            true => pollster::block_on(fit_part(network, Part::Head, &windowing, recipe, train, valid, observer)),
            false => pollster::block_on(fit_from(network, &windowing, recipe, train, valid, observer)),
        };
        outcome.map_err(failed)
    }
}

/// A network for training with these weights and, where they bring none, fresh last layers.
fn begun(blueprint: &Blueprint, recipe: &Recipe, bytes: &[u8]) -> Result<Network, WeightsError> {
    let mut network = fresh(blueprint, recipe, &device());
    match embedded_card(bytes) {
        Ok(_) => fill(&mut network, bytes.to_vec(), blueprint.entry.id).map(|()| network),
        Err(_) => imagenet::load(network, bytes),
    }
}
