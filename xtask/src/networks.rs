//! The list of the networks that lie in a folder of weights, which the page reads first.
//!
//! It is made after every build, so that it is of what is really there: the networks that a build fetches may be missing,
//! and what listens through them is then left out.

use crate::workspace::{Result, read_json};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The name of the list.
const LIST: &str = "networks.json";
/// Small enough to answer at once.
const FIRST: &str = "first-answer";
/// What the page chooses where it is there, the best first.
const DEFAULTS: [&str; 2] = ["genre-head", "scratch-best"];

/// What the list needs to know of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Network {
    name: String,
    summary: String,
    /// Of the weights file.
    bytes: u64,
    sha256: String,
    /// Name and SHA-256 of what it listens through.
    bases: Vec<(String, String)>,
    /// True where it names tags instead of genres.
    many_labels: bool,
}

/// Writes the list into a folder of weights.
pub fn write(folder: &Path) -> Result {
    let list = list(read(folder)?)?;
    let file = folder.join(LIST);
    fs::write(&file, format!("{list:#}\n")).map_err(|error| format!("{}: {error}", file.display()))
}

/// Every network of the folder: a card with its weights beside it.
fn read(folder: &Path) -> Result<Vec<Network>> {
    let trouble = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let entries = fs::read_dir(folder).map_err(|error| trouble(folder, &error))?;
    let mut networks = Vec::new();
    for card in entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "json"))
    {
        let Ok(weights) = fs::metadata(card.with_extension("safetensors")) else { continue };
        let value = read_json(&card)?;
        let network = network(&value, weights.len()).ok_or_else(|| trouble(&card, &"it is not a network's card"))?;
        // The page finds the files by the name.
        if card.file_stem().is_none_or(|stem| *stem != *network.name) {
            return Err(trouble(&card, &format!("its name is '{}', not that of the file", network.name)));
        }
        networks.push(network);
    }
    Ok(networks)
}

fn network(card: &Value, bytes: u64) -> Option<Network> {
    let text = |value: &Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
    let base = |base: &Value| Some((text(base, "name")?, text(base, "sha256")?));
    let bases = card.get("bases").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Some(Network {
        name: text(card, "name")?,
        summary: text(card, "summary")?,
        bytes,
        sha256: text(card, "sha256").unwrap_or_default(),
        bases: bases.iter().map(base).collect::<Option<_>>()?,
        many_labels: card.get("many_labels").and_then(Value::as_bool).unwrap_or_default(),
    })
}

/// The list: what may answer first, what the page chooses, and all that can be chosen, the page's own choice first and
/// what names only tags last.
fn list(all: Vec<Network>) -> Result<Value> {
    let is_there = |(name, sha256): &(String, String)| all.iter().any(|n| n.name == *name && n.sha256 == *sha256);
    let (mut networks, without): (Vec<Network>, Vec<Network>) =
        all.iter().cloned().partition(|network| network.bases.iter().all(is_there));
    for network in without {
        println!("{} is not offered: what it listens through is not there, or of another version.", network.name);
    }
    let named = |name: &str| networks.iter().find(|network| network.name == name);
    // What has to fetch others besides, or names no genre, is no first answer.
    let alone = networks.iter().filter(|network| network.bases.is_empty() && !network.many_labels);
    let first = named(FIRST).or_else(|| alone.min_by_key(|network| network.bytes));
    let first = first.ok_or("there is no network that names genres by itself")?.name.clone();
    let default =
        DEFAULTS.iter().find_map(|name| named(name)).map_or_else(|| first.clone(), |found| found.name.clone());
    networks.sort_by(|a, b| {
        let rank = |network: &Network| (network.name != default, network.name != first, network.many_labels);
        rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name))
    });
    let offer = |network: &Network| {
        let Network { name, summary, bytes, bases, .. } = network;
        let bases: Vec<&String> = bases.iter().map(|(base, _)| base).collect();
        json!({ "name": name, "summary": summary, "bytes": bytes, "bases": bases })
    };
    let networks: Vec<Value> = networks.iter().map(offer).collect();
    Ok(json!({ "first": first, "default": default, "networks": networks }))
}

/// What a built site offers.
pub struct List {
    /// The name of the network that answers first.
    pub first: String,
    pub networks: Vec<Offered>,
}

/// A network of a built site.
pub struct Offered {
    pub name: String,
    /// The names of what it listens through.
    pub bases: Vec<String>,
}

/// The list of a built site.
pub fn offered(dist: &Path) -> Result<List> {
    let file = dist.join("model-weights").join(LIST);
    let trouble = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let list = read_json(&file)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let network = |offer: &Value| {
        Some(Offered { name: text(&offer["name"])?, bases: all(&offer["bases"]).iter().filter_map(text).collect() })
    };
    let first = text(&list["first"]).ok_or_else(|| trouble(&"it names no first network"))?;
    Ok(List { first, networks: all(&list["networks"]).iter().filter_map(network).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(name: &str, bytes: u64) -> Network {
        let (summary, sha256) = (format!("{name}."), format!("sha of {name}"));
        Network { name: name.to_owned(), summary, bytes, sha256, bases: Vec::new(), many_labels: false }
    }

    fn tags(name: &str) -> Network {
        Network { many_labels: true, ..network(name, 300) }
    }

    fn head() -> Network {
        let base = |name: &str| (name.to_owned(), format!("sha of {name}"));
        Network { bases: vec![base("musicnn-msd"), base("musicnn-mtt")], ..network("genre-head", 4) }
    }

    /// First, default, and the names in their order.
    fn roles(all: &[Network]) -> (String, String, Vec<String>) {
        let list = list(all.to_vec()).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let names = list["networks"].as_array().unwrap().iter().map(|offer| text(&offer["name"])).collect();
        (text(&list["first"]), text(&list["default"]), names)
    }

    #[test]
    fn the_head_is_chosen_where_all_that_it_needs_is_there() {
        let own = [network("net1-gtzan", 1700), network("scratch-best", 900), network("first-answer", 700)];
        let bases = [tags("musicnn-msd"), tags("musicnn-mtt")];
        let (first, default, names) = roles(&[&own[..], &bases, &[head()]].concat());
        assert_eq!((first.as_str(), default.as_str()), ("first-answer", "genre-head"));
        let order = ["genre-head", "first-answer", "net1-gtzan", "scratch-best", "musicnn-msd", "musicnn-mtt"];
        assert_eq!(names, order);

        let (_, default, names) = roles(&[&own[..], &bases[..1], &[head()]].concat());
        assert_eq!((default.as_str(), names.contains(&"genre-head".to_owned())), ("scratch-best", false));
        let other = Network { sha256: "another".to_owned(), ..tags("musicnn-mtt") };
        assert_eq!(roles(&[&own[..], &bases[..1], &[other, head()]].concat()).1, "scratch-best");
    }

    #[test]
    fn without_the_known_names_the_smallest_does_both() {
        let all = [network("a", 900), network("b", 700), tags("t")];
        assert_eq!(roles(&all).0, "b");
        assert_eq!(roles(&all).1, "b");
        assert!(list(vec![tags("t")]).is_err() && list(Vec::new()).is_err());
    }

    #[test]
    fn the_list_is_of_the_files_that_are_there() {
        let folder = std::env::temp_dir().join(format!("xtask-networks-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for name in ["a", "no-weights"] {
            let card = json!({ "name": name, "summary": "One.", "sha256": "00", "many_labels": false });
            fs::write(folder.join(format!("{name}.json")), card.to_string()).unwrap();
        }
        fs::write(folder.join("a.safetensors"), [0; 7]).unwrap();
        // Twice: its own list is no network.
        for _ in 0..2 {
            write(&folder).unwrap();
        }
        let written: Value = serde_json::from_slice(&fs::read(folder.join(LIST)).unwrap()).unwrap();
        let offer = json!({ "name": "a", "summary": "One.", "bytes": 7, "bases": [] });
        assert_eq!(written, json!({ "first": "a", "default": "a", "networks": [offer] }));
        fs::write(folder.join("other.json"), fs::read(folder.join("a.json")).unwrap()).unwrap();
        fs::write(folder.join("other.safetensors"), [0; 7]).unwrap();
        assert!(write(&folder).unwrap_err().contains("not that of the file"));
        fs::remove_dir_all(folder).unwrap();
    }
}
