//! The files that commands write.

use std::path::Path;

use super::CliError;
use crate::card::Card;
use crate::model::Network;
use crate::model::weights::{self, Precision};

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    std::fs::write(path, bytes).map_err(|source| CliError::File { path: path.to_owned(), source })
}

/// Writes a network's weights, and its card beside them.
pub(super) fn save(out: &Path, card: &Card, network: &Network, precision: Precision) -> Result<(), CliError> {
    let wrong = |error: &dyn std::fmt::Display| CliError::content(out, error);
    let bytes = pollster::block_on(weights::to_bytes(network, card, precision)).map_err(|error| wrong(&error))?;
    let card = Card { sha256: weights::sha256_hex(&bytes), ..card.clone() };
    let json = serde_json::to_string_pretty(&card).map_err(|error| wrong(&error))?;
    // The weights carry the card, too; the one beside them adds the checksum, which a file cannot hold of itself.
    write(out, &bytes)?;
    write(&out.with_extension("json"), format!("{json}\n").as_bytes())?;
    eprintln!("wrote {} ({} bytes) and its card", out.display(), bytes.len());
    Ok(())
}

/// Finds out before the training, not after it, that its result could not be written.
pub(super) fn check_writable(out: &Path) -> Result<(), CliError> {
    // A file beside the result: the same folder and rights, and nothing is overwritten.
    let probe = out.with_extension("part");
    write(&probe, &[])?;
    std::fs::remove_file(&probe).map_err(|source| CliError::File { path: probe, source })
}
