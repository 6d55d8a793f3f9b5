//! Training that starts from pretrained weights instead of fresh ones.

use std::path::PathBuf;

use clap::Args;

use super::recipe_file::{PretrainedFile, RecipeFile};
use super::{CliError, read};
use crate::model::Blueprint;
use crate::model::weights::sha256_hex;
use crate::train::fit::Start;

#[derive(Args)]
pub(super) struct PretrainedArguments {
    /// Weights to start from (.safetensors): ImageNet weights of torchvision or timm, for a network that can take them,
    /// or weights of this same network as this program writes them
    #[arg(long, alias = "trunk")]
    pretrained: Option<PathBuf>,
    /// Train the last layers alone, on features that are computed once, without augmentation
    #[arg(long, requires = "pretrained")]
    freeze: bool,
}

/// Weights that a run starts from.
pub(super) struct Pretrained {
    bytes: Vec<u8>,
    freeze: bool,
}

/// The start of a run: these weights, or fresh ones.
pub(super) fn start<'a>(blueprint: &'a Blueprint, pretrained: Option<&'a Pretrained>) -> Start<'a> {
    match pretrained {
        Some(Pretrained { bytes, freeze }) => Start::File { blueprint, bytes, freeze: *freeze },
        None => Start::Fresh(blueprint),
    }
}

impl PretrainedArguments {
    /// Reads the weights and notes them in the recipe, which the card will carry.
    pub(super) fn weights(&self, file: &mut RecipeFile) -> Result<Option<Pretrained>, CliError> {
        let Some(path) = &self.pretrained else {
            return match &file.pretrained {
                Some(PretrainedFile { file, sha256, .. }) => Err(CliError::Usage(format!(
                    "this recipe starts from '{file}' (SHA-256 {sha256}); name that file with --pretrained"
                ))),
                None => Ok(None),
            };
        };
        if file.structure.members != 1 {
            let message = "--pretrained is for single networks; this recipe has several members";
            return Err(CliError::Usage(message.to_owned()));
        }
        let bytes = read(path)?;
        let found = sha256_hex(&bytes);
        let freeze = match &file.pretrained {
            Some(PretrainedFile { sha256, .. }) if *sha256 != found => {
                return Err(CliError::content(path, format!("SHA-256 is {found}; the recipe starts from {sha256}")));
            }
            Some(pretrained) => pretrained.freeze || self.freeze,
            None => self.freeze,
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        file.pretrained = Some(PretrainedFile { file: name, sha256: found, freeze });
        Ok(Some(Pretrained { bytes, freeze }))
    }
}
