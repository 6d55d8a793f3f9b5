//! The card inside a weights file, read and written without Burn, as the page does with files that people bring.
//!
//! A safetensors file is the length of its header (8 bytes, little-endian), the header (JSON), and the tensors' bytes.
//! The header names every tensor with its type, shape and place; its `__metadata__` holds the card, as JSON in a string.
//! Only the header is looked at, so that a file of any size costs no more memory than that.

use std::ops::Range;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Card;

/// Metadata key of the card.
pub const KEY: &str = "genrelens";
/// Bytes of the header's length, with which a file begins.
pub const PREFIX: usize = 8;
/// Longer headers are refused, in bytes. Those written here have some kilobytes.
const LONGEST_HEADER: u64 = 4 << 20;
const METADATA: &str = "__metadata__";

/// Why a file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoCard {
    /// It does not begin as such files do.
    #[error("it is no safetensors file ({0}); expected one that GenreLens saved, choose another")]
    Malformed(String),
    /// It has another length than its header tells.
    #[error(
        "it is cut off or damaged: its header tells of {expected} bytes of weights, and {found} are there; save or fetch it again"
    )]
    Length {
        /// By its header.
        expected: u64,
        /// In the file.
        found: u64,
    },
    /// A file of another program.
    #[error(
        "it is a safetensors file without a GenreLens card; expected the metadata key '{KEY}', as GenreLens writes it"
    )]
    Missing,
    /// The card cannot be read.
    #[error("its card cannot be read ({0}); it may be of a newer GenreLens")]
    Unreadable(String),
}

/// Where the header lies in a file of this many bytes that begins with these [`PREFIX`].
///
/// # Errors
///
/// [`NoCard::Malformed`] where there cannot be one.
pub fn header_range(prefix: &[u8], file_bytes: u64) -> Result<Range<u64>, NoCard> {
    let malformed = |what: &str| Err(NoCard::Malformed(what.to_owned()));
    let Ok(prefix) = <[u8; PREFIX]>::try_from(prefix) else { return malformed("it has less than 8 bytes") };
    let (start, length) = (PREFIX as u64, u64::from_le_bytes(prefix));
    match length {
        length if length < 2 || length > file_bytes.saturating_sub(start) => malformed("its header is not in it"),
        length if length > LONGEST_HEADER => malformed("its header is too long"),
        length => Ok(start..start + length),
    }
}

/// The card in a header, after which the file has this many bytes. [`Card::sha256`] is left as it is there: empty.
///
/// # Errors
///
/// [`NoCard`], where there is none or the tensors do not fill the file.
pub fn card(header: &[u8], body_bytes: u64) -> Result<Card, NoCard> {
    let entries = parse(header)?;
    let expected = tensor_bytes(&entries)?;
    if expected != body_bytes {
        return Err(NoCard::Length { expected, found: body_bytes });
    }
    let json = entries.get(METADATA).and_then(|metadata| metadata.get(KEY)).ok_or(NoCard::Missing)?;
    let json = json.as_str().ok_or_else(|| NoCard::Unreadable("it is no text".to_owned()))?;
    serde_json::from_str(json).map_err(|error| NoCard::Unreadable(error.to_string()))
}

/// What a file begins with in place of its length and this header, so that this card is in it: the new length and header.
/// The tensors' bytes after it stay as they are.
///
/// # Errors
///
/// [`NoCard::Malformed`] where it is no header.
pub fn with_card(header: &[u8], card: &Card) -> Result<Vec<u8>, NoCard> {
    let mut entries = parse(header)?;
    // A file cannot hold its own hash.
    let unsigned = Card { sha256: String::new(), ..card.clone() };
    let malformed = |error: serde_json::Error| NoCard::Malformed(error.to_string());
    let json = serde_json::to_string(&unsigned).map_err(malformed)?;
    let metadata = entries.entry(METADATA).or_insert_with(|| Value::Object(Map::new()));
    metadata.as_object_mut().ok_or_else(no_metadata)?.insert(KEY.to_owned(), Value::String(json));
    let mut header = serde_json::to_vec(&entries).map_err(malformed)?;
    // Tensors are to begin on eight bytes.
    header.resize(header.len().next_multiple_of(PREFIX), b' ');
    Ok([(header.len() as u64).to_le_bytes().as_slice(), &header].concat())
}

fn no_metadata() -> NoCard {
    NoCard::Malformed("its metadata is no list of texts".to_owned())
}

fn parse(header: &[u8]) -> Result<Map<String, Value>, NoCard> {
    serde_json::from_slice(header).map_err(|error| NoCard::Malformed(format!("its header is none: {error}")))
}

/// A tensor, as far as its length goes.
#[derive(Deserialize)]
struct Tensor {
    data_offsets: [u64; 2],
}

/// The bytes of all tensors, which lie one after another without gaps.
fn tensor_bytes(entries: &Map<String, Value>) -> Result<u64, NoCard> {
    let tensors = entries.iter().filter(|(name, _)| *name != METADATA);
    let place = |(name, value): (&String, &Value)| {
        let tensor = Tensor::deserialize(value);
        tensor.map(|tensor| tensor.data_offsets).map_err(|error| NoCard::Malformed(format!("'{name}': {error}")))
    };
    let mut places: Vec<[u64; 2]> = tensors.map(place).collect::<Result<_, _>>()?;
    places.sort_unstable();
    places.iter().try_fold(0, |end, &[from, to]| {
        let follows = from == end && to >= from;
        follows.then_some(to).ok_or_else(|| NoCard::Malformed("its tensors overlap or have gaps".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENSOR: &str = r#""w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#;

    fn header(metadata: &str) -> Vec<u8> {
        format!(r#"{{"__metadata__":{metadata},{TENSOR}}}"#).into_bytes()
    }

    fn mine() -> Card {
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
            assert!(matches!(refused, Err(NoCard::Malformed(_))), "{length} in {file}: {refused:?}");
        }
        assert!(header_range(b"RIFF", 4).is_err());
    }

    #[test]
    fn a_card_that_is_put_in_is_found_again() {
        let card = mine();
        for before in [header(r#"{"format":"pt"}"#), format!("{{{TENSOR}}}").into_bytes()] {
            let start = with_card(&before, &card).unwrap();
            let range = header_range(&start[..PREFIX], start.len() as u64 + 8).unwrap();
            assert_eq!((range.end, range.end % 8), (start.len() as u64, 0));
            let found = super::card(&start[PREFIX..], 8).unwrap();
            assert_eq!(found, Card { sha256: String::new(), ..card.clone() });
        }
        let kept: Value =
            serde_json::from_slice(&with_card(&header(r#"{"format":"pt"}"#), &card).unwrap()[8..]).unwrap();
        assert_eq!(kept["__metadata__"]["format"], "pt", "what others wrote stays");
        assert_eq!(kept["w"]["data_offsets"][1], 8);
    }

    #[test]
    fn what_is_no_card_is_told_apart() {
        let said = |header: &[u8], body| card(header, body).unwrap_err().to_string();
        assert_eq!(card(&header("{}"), 8), Err(NoCard::Missing));
        assert_eq!(card(&header("{}"), 7), Err(NoCard::Length { expected: 8, found: 7 }));
        assert!(said(b"no json", 8).starts_with("it is no safetensors file"));
        assert!(said(&header(r#"{"genrelens":"{}"}"#), 8).contains("missing field `name`"));
        assert!(said(&header(r#"{"genrelens":7}"#), 8).contains("it is no text"));
        let gap = r#"{"a":{"data_offsets":[0,4]},"b":{"data_offsets":[5,8]}}"#;
        assert!(said(gap.as_bytes(), 8).contains("overlap or have gaps"));
        let backwards = r#"{"a":{"data_offsets":[0,-1]}}"#;
        assert!(said(backwards.as_bytes(), 8).contains("'a'"));
        assert!(with_card(br#"{"__metadata__":7}"#, &mine()).is_err());
    }
}
