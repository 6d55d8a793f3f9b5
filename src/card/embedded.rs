//! The card inside a weights file, read and written without Burn: the page does that with files that users open.
//!
//! A safetensors file is the length of its header (8 bytes, little-endian), the header (JSON), and the tensors' bytes.
//! The header names every tensor with its type, shape and position; its `__metadata__` holds the card, as JSON in a string.
//! Only the header is read, so that a file of any size needs no more memory than that.

use std::ops::Range;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Card;

/// Metadata key of the card.
const KEY: &str = "genrelens";
/// A file begins with the length of its header, in this many bytes.
pub(crate) const PREFIX: usize = 8;
// Bytes. Headers that this project writes have some kilobytes; the limit is for the memory that a foreign file may claim.
const LONGEST_HEADER: u64 = 4 << 20;
const METADATA: &str = "__metadata__";

/// Why a file has no readable card.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EmbeddedCardError {
    /// The file does not begin as safetensors files do.
    #[error("it is not a safetensors file ({0}); choose a file that GenreLens saved")]
    Malformed(String),
    /// The file is shorter or longer than its header says.
    #[error(
        "it is cut off or damaged: its header says {expected} bytes of weights, but it has {found}; save or fetch it again"
    )]
    Length {
        /// Bytes, from the header.
        expected: u64,
        /// Bytes after the header.
        found: u64,
    },
    /// The file is of another program.
    #[error(
        "it is a safetensors file without a GenreLens card; expected the metadata key '{KEY}', as GenreLens writes it"
    )]
    Missing,
    /// The card cannot be read.
    #[error("its card cannot be read ({0}); it may be from a newer version of GenreLens")]
    Unreadable(String),
}

/// The byte range of the header in a file of this many bytes that begins with these [`PREFIX`].
///
/// # Errors
///
/// [`EmbeddedCardError::Malformed`] if there cannot be one.
pub(crate) fn header_range(prefix: &[u8], file_bytes: u64) -> Result<Range<u64>, EmbeddedCardError> {
    let malformed = |what: &str| Err(EmbeddedCardError::Malformed(what.to_owned()));
    let Ok(prefix) = <[u8; PREFIX]>::try_from(prefix) else { return malformed("it has fewer than 8 bytes") };
    let (start, length) = (PREFIX as u64, u64::from_le_bytes(prefix));
    match length {
        length if length < 2 || length > file_bytes.saturating_sub(start) => malformed("its header does not fit in it"),
        length if length > LONGEST_HEADER => malformed("its header is too long"),
        length => Ok(start..start + length),
    }
}

/// The card in a header that is followed by this many bytes. Its [`Card::sha256`] is empty, as it is in the file.
///
/// # Errors
///
/// [`EmbeddedCardError`] if there is none, or if the tensors do not fill the file.
pub(crate) fn card(header: &[u8], body_bytes: u64) -> Result<Card, EmbeddedCardError> {
    let entries = parse(header)?;
    let expected = tensor_bytes(&entries)?;
    if expected != body_bytes {
        return Err(EmbeddedCardError::Length { expected, found: body_bytes });
    }
    let json = entries.get(METADATA).and_then(|metadata| metadata.get(KEY)).ok_or(EmbeddedCardError::Missing)?;
    let json = json.as_str().ok_or_else(|| EmbeddedCardError::Unreadable("it is not text".to_owned()))?;
    serde_json::from_str(json).map_err(|error| EmbeddedCardError::Unreadable(error.to_string()))
}

/// The new beginning of a file with this header, so that it contains this card: the length of the new header, and that
/// header. The tensors' bytes after it stay as they are.
///
/// # Errors
///
/// [`EmbeddedCardError::Malformed`] if it is not a header.
pub(crate) fn with_card(header: &[u8], card: &Card) -> Result<Vec<u8>, EmbeddedCardError> {
    let mut entries = parse(header)?;
    // A file cannot hold its own hash.
    let unsigned = Card { sha256: String::new(), ..card.clone() };
    let malformed = |error: serde_json::Error| EmbeddedCardError::Malformed(error.to_string());
    let json = serde_json::to_string(&unsigned).map_err(malformed)?;
    let metadata = entries.entry(METADATA).or_insert_with(|| Value::Object(Map::new()));
    metadata.as_object_mut().ok_or_else(no_metadata)?.insert(KEY.to_owned(), Value::String(json));
    let mut header = serde_json::to_vec(&entries).map_err(malformed)?;
    // The format wants the tensors to begin at a multiple of eight bytes.
    header.resize(header.len().next_multiple_of(PREFIX), b' ');
    Ok([(header.len() as u64).to_le_bytes().as_slice(), &header].concat())
}

fn no_metadata() -> EmbeddedCardError {
    EmbeddedCardError::Malformed("its metadata is not a map of strings".to_owned())
}

fn parse(header: &[u8]) -> Result<Map<String, Value>, EmbeddedCardError> {
    serde_json::from_slice(header)
        .map_err(|error| EmbeddedCardError::Malformed(format!("its header is not JSON: {error}")))
}

// Its type and shape are in the header too, but only its length is needed.
#[derive(Deserialize)]
struct Tensor {
    data_offsets: [u64; 2],
}

/// The bytes of all tensors, which lie one after another without gaps.
fn tensor_bytes(entries: &Map<String, Value>) -> Result<u64, EmbeddedCardError> {
    let tensors = entries.iter().filter(|(name, _)| *name != METADATA);
    let range = |(name, value): (&String, &Value)| {
        let tensor = Tensor::deserialize(value);
        tensor
            .map(|tensor| tensor.data_offsets)
            .map_err(|error| EmbeddedCardError::Malformed(format!("'{name}': {error}")))
    };
    let mut ranges: Vec<[u64; 2]> = tensors.map(range).collect::<Result<_, _>>()?;
    ranges.sort_unstable();
    ranges.iter().try_fold(0, |end, &[from, to]| {
        let follows = from == end && to >= from;
        follows.then_some(to).ok_or_else(|| EmbeddedCardError::Malformed("its tensors overlap or have gaps".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENSOR: &str = r#""w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#;

    fn header(metadata: &str) -> Vec<u8> {
        format!(r#"{{"__metadata__":{metadata},{TENSOR}}}"#).into_bytes()
    }

    fn card_of_a_user() -> Card {
        let json = r#"{"name": "mine \"2\"", "summary": "One.", "architecture": "lens", "bands": 128, "frames": 39,
            "front_end": "gtzan-logmel", "labels": ["a", "b"], "data": "clips", "licence": "mine", "sha256": "00"}"#;
        serde_json::from_str(json).unwrap()
    }

    fn prefix(length: u64) -> [u8; PREFIX] {
        length.to_le_bytes()
    }

    #[test]
    fn a_header_lies_within_its_file() {
        assert_eq!(header_range(&prefix(100), 108), Ok(8..108));
        for (length, file) in [(101, 108), (u64::MAX, 108), (1, 108), (0, 8), (5 << 20, 1 << 40)] {
            let refused = header_range(&prefix(length), file);
            assert!(matches!(refused, Err(EmbeddedCardError::Malformed(_))), "{length} in {file}: {refused:?}");
        }
        assert!(header_range(b"RIFF", 4).is_err());
    }

    #[test]
    fn an_embedded_card_is_read_back() {
        let card = card_of_a_user();
        for before in [header(r#"{"format":"pt"}"#), format!("{{{TENSOR}}}").into_bytes()] {
            let start = with_card(&before, &card).unwrap();
            let range = header_range(&start[..PREFIX], start.len() as u64 + 8).unwrap();
            assert_eq!((range.end, range.end % 8), (start.len() as u64, 0));
            let found = super::card(&start[PREFIX..], 8).unwrap();
            assert_eq!(found, Card { sha256: String::new(), ..card.clone() });
        }
        let kept: Value =
            serde_json::from_slice(&with_card(&header(r#"{"format":"pt"}"#), &card).unwrap()[8..]).unwrap();
        assert_eq!(kept["__metadata__"]["format"], "pt", "other metadata stays");
        assert_eq!(kept["w"]["data_offsets"][1], 8);
    }

    #[test]
    fn every_reason_for_a_missing_card_has_its_message() {
        let message = |header: &[u8], body| card(header, body).unwrap_err().to_string();
        assert_eq!(card(&header("{}"), 8), Err(EmbeddedCardError::Missing));
        assert_eq!(card(&header("{}"), 7), Err(EmbeddedCardError::Length { expected: 8, found: 7 }));
        assert!(message(b"no json", 8).starts_with("it is not a safetensors file"));
        assert!(message(&header(r#"{"genrelens":"{}"}"#), 8).contains("missing field `name`"));
        assert!(message(&header(r#"{"genrelens":7}"#), 8).contains("it is not text"));
        let gap = r#"{"a":{"data_offsets":[0,4]},"b":{"data_offsets":[5,8]}}"#;
        assert!(message(gap.as_bytes(), 8).contains("overlap or have gaps"));
        let backwards = r#"{"a":{"data_offsets":[0,-1]}}"#;
        assert!(message(backwards.as_bytes(), 8).contains("'a'"));
        assert!(with_card(br#"{"__metadata__":7}"#, &card_of_a_user()).is_err());
    }
}
