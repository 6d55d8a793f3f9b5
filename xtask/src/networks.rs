//! The list of the networks of a built site, which the page reads first.
//!
//! Every build makes it anew from the weights that are present: networks that a build could not fetch may be missing,
//! and then the networks that use them as backbones are left out too.

use crate::workspace::{Result, read_json};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const LIST_FILE: &str = "networks.json";
/// The network that the page loads first: a small one, for a quick first answer.
const FIRST_NETWORK: &str = "first-answer";
/// The networks that the page selects by default, in order of preference.
const DEFAULTS: [&str; 2] = ["genre-head", "scratch-best"];

/// The fields of a network's card that the list depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Network {
    name: String,
    summary: String,
    /// Size of the weights file.
    bytes: u64,
    sha256: String,
    /// Name and SHA-256 of every network that this one uses as feature extractor.
    backbones: Vec<(String, String)>,
    /// True if the network predicts tags, of which any number may apply, instead of one genre.
    multi_label: bool,
}

/// Writes the list into a folder of weights.
pub fn write(folder: &Path) -> Result {
    let list = network_list(&read_cards(folder)?)?;
    let file = folder.join(LIST_FILE);
    fs::write(&file, format!("{list:#}\n")).map_err(|error| format!("{}: {error}", file.display()))
}

/// Every network of the folder that has both a card and weights.
fn read_cards(folder: &Path) -> Result<Vec<Network>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let files = entries.flatten().map(|entry| entry.path());
    let mut networks = Vec::new();
    for card in files.filter(|file| file.extension().is_some_and(|extension| extension == "json")) {
        let Ok(weights) = fs::metadata(card.with_extension("safetensors")) else { continue };
        let network = network(&read_json(&card)?, weights.len());
        let network = network.ok_or_else(|| format!("{}: this is not a network's card", card.display()))?;
        // The page derives the file names from the network's name.
        if card.file_stem().is_none_or(|stem| *stem != *network.name) {
            return Err(format!("{}: the card's name is '{}', not that of the file", card.display(), network.name));
        }
        networks.push(network);
    }
    Ok(networks)
}

fn network(card: &Value, bytes: u64) -> Option<Network> {
    let text = |value: &Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
    // The second name of a field is the one that older cards have.
    let field = |names: [&str; 2]| names.into_iter().find_map(|name| card.get(name));
    let backbone = |value: &Value| Some((text(value, "name")?, text(value, "sha256")?));
    let backbones = field(["backbones", "bases"]).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Some(Network {
        name: text(card, "name")?,
        summary: text(card, "summary")?,
        bytes,
        sha256: text(card, "sha256").unwrap_or_default(),
        backbones: backbones.iter().map(backbone).collect::<Option<_>>()?,
        multi_label: field(["multi_label", "many_labels"]).and_then(Value::as_bool).unwrap_or_default(),
    })
}

/// The list as JSON: the first network, the default one, and all usable networks. The default comes first, networks that
/// predict only tags come last.
fn network_list(all: &[Network]) -> Result<Value> {
    let mut networks = usable(all);
    let (first, default) = first_and_default(&networks)?;
    networks.sort_by(|a, b| {
        let rank = |network: &Network| (network.name != default, network.name != first, network.multi_label);
        rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name))
    });
    let entry = |network: &&Network| {
        let Network { name, summary, bytes, backbones, .. } = network;
        let backbones: Vec<&String> = backbones.iter().map(|(backbone, _)| backbone).collect();
        // The page reads the backbones under this key.
        json!({ "name": name, "summary": summary, "bytes": bytes, "backbones": backbones })
    };
    let networks: Vec<Value> = networks.iter().map(entry).collect();
    Ok(json!({ "first": first, "default": default, "networks": networks }))
}

/// The networks whose backbones are all present in the right version.
fn usable(all: &[Network]) -> Vec<&Network> {
    let is_present = |(name, sha256): &(String, String)| all.iter().any(|n| n.name == *name && n.sha256 == *sha256);
    let (usable, incomplete): (Vec<&Network>, Vec<&Network>) =
        all.iter().partition(|network| network.backbones.iter().all(is_present));
    for network in incomplete {
        println!("{} is left out: a backbone of it is missing or of another version.", network.name);
    }
    usable
}

/// The names of the first and the default network.
fn first_and_default(networks: &[&Network]) -> Result<(String, String)> {
    let find = |name: &str| networks.iter().find(|network| network.name == name);
    // Backbones would be a second download before the first answer, and tags are no genre.
    let candidates = networks.iter().filter(|network| network.backbones.is_empty() && !network.multi_label);
    let first = find(FIRST_NETWORK).or_else(|| candidates.min_by_key(|network| network.bytes));
    let first = first.ok_or("no network predicts genres without a backbone")?;
    let default = DEFAULTS.iter().find_map(|name| find(name)).unwrap_or(first);
    Ok((first.name.clone(), default.name.clone()))
}

/// The list of a built site.
pub struct NetworkList {
    /// The name of the first network.
    pub first: String,
    pub networks: Vec<ListedNetwork>,
}

pub struct ListedNetwork {
    pub name: String,
    /// The names of its backbones.
    pub backbones: Vec<String>,
}

/// Reads the list of a built site.
pub fn read_list(dist: &Path) -> Result<NetworkList> {
    let file = dist.join("model-weights").join(LIST_FILE);
    let list = read_json(&file)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let network = |entry: &Value| {
        let backbones = all(&entry["backbones"]).iter().filter_map(text).collect();
        Some(ListedNetwork { name: text(&entry["name"])?, backbones })
    };
    let first = text(&list["first"]).ok_or_else(|| format!("{}: it names no first network", file.display()))?;
    Ok(NetworkList { first, networks: all(&list["networks"]).iter().filter_map(network).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(name: &str, bytes: u64) -> Network {
        let (summary, sha256) = (format!("{name}."), format!("sha of {name}"));
        Network { name: name.to_owned(), summary, bytes, sha256, backbones: Vec::new(), multi_label: false }
    }

    fn tags(name: &str) -> Network {
        Network { multi_label: true, ..network(name, 300) }
    }

    fn head() -> Network {
        let backbone = |name: &str| (name.to_owned(), format!("sha of {name}"));
        Network { backbones: vec![backbone("musicnn-msd"), backbone("musicnn-mtt")], ..network("genre-head", 4) }
    }

    /// The first network, the default one and all names in their order.
    fn roles(all: &[Network]) -> (String, String, Vec<String>) {
        let list = network_list(all).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let names = list["networks"].as_array().unwrap().iter().map(|entry| text(&entry["name"])).collect();
        (text(&list["first"]), text(&list["default"]), names)
    }

    #[test]
    fn the_head_is_the_default_if_its_backbones_are_present() {
        let own = [network("net1-gtzan", 1700), network("scratch-best", 900), network("first-answer", 700)];
        let backbones = [tags("musicnn-msd"), tags("musicnn-mtt")];
        let (first, default, names) = roles(&[&own[..], &backbones, &[head()]].concat());
        assert_eq!((first.as_str(), default.as_str()), ("first-answer", "genre-head"));
        let order = ["genre-head", "first-answer", "net1-gtzan", "scratch-best", "musicnn-msd", "musicnn-mtt"];
        assert_eq!(names, order);

        let (_, default, names) = roles(&[&own[..], &backbones[..1], &[head()]].concat());
        assert_eq!((default.as_str(), names.contains(&"genre-head".to_owned())), ("scratch-best", false));
        let other = Network { sha256: "another".to_owned(), ..tags("musicnn-mtt") };
        assert_eq!(roles(&[&own[..], &backbones[..1], &[other, head()]].concat()).1, "scratch-best");
    }

    #[test]
    fn without_the_known_names_the_smallest_is_first_and_default() {
        let all = [network("a", 900), network("b", 700), tags("t")];
        assert_eq!(roles(&all).0, "b");
        assert_eq!(roles(&all).1, "b");
        assert!(network_list(&[tags("t")]).is_err() && network_list(&[]).is_err());
    }

    #[test]
    fn the_list_follows_the_files_of_the_folder() {
        let folder = std::env::temp_dir().join(format!("xtask-networks-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for name in ["a", "no-weights"] {
            let card = json!({ "name": name, "summary": "One.", "sha256": "00", "many_labels": false });
            fs::write(folder.join(format!("{name}.json")), card.to_string()).unwrap();
        }
        fs::write(folder.join("a.safetensors"), [0; 7]).unwrap();
        // Twice: the list itself must not be read as a card.
        for _ in 0..2 {
            write(&folder).unwrap();
        }
        let written: Value = serde_json::from_slice(&fs::read(folder.join(LIST_FILE)).unwrap()).unwrap();
        let entry = json!({ "name": "a", "summary": "One.", "bytes": 7, "backbones": [] });
        assert_eq!(written, json!({ "first": "a", "default": "a", "networks": [entry] }));
        fs::write(folder.join("other.json"), fs::read(folder.join("a.json")).unwrap()).unwrap();
        fs::write(folder.join("other.safetensors"), [0; 7]).unwrap();
        assert!(write(&folder).unwrap_err().contains("not that of the file"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn cards_are_read_under_both_names_of_a_field() {
        let backbone = json!([{ "name": "b", "sha256": "01" }]);
        for (backbones, multi_label) in [("backbones", "multi_label"), ("bases", "many_labels")] {
            let card = json!({ "name": "a", "summary": "One.", backbones: backbone, multi_label: true });
            let read = super::network(&card, 7).unwrap();
            assert_eq!(read.backbones, [("b".to_owned(), "01".to_owned())], "{backbones}");
            assert!(read.multi_label, "{multi_label}");
        }
    }
}
