//! The sentences about networks: what can be chosen, what is on its way, what the one in use is.

use crate::card::Card;
use crate::protocol::TagPrediction;
use crate::view::classify::engine::Choice;
use crate::view::classify::networks::{Arriving, Catalogue, InUse, Selection};
use crate::view::classify::state::Again;
use crate::view::classify::words::progress;
use crate::view::format::{NBSP, genre, list, percent, sentence, size};

/// A network in the choice box: its name, its size and its part.
pub fn option(list: &Catalogue, name: &str) -> String {
    let part = match name {
        _ if list.offer(name).is_some_and(|offer| offer.own) => " · your own",
        _ if name == list.default => " · the page's choice",
        _ if name == list.first => " · answers first",
        _ => "",
    };
    format!("{name} · {}{part}", size(list.bytes(name)))
}

/// What is being fetched. Of what is there already, nothing is to be seen.
pub fn arriving(arriving: &Arriving) -> String {
    let Arriving { name, selection, fetched, total } = arriving;
    let purpose = if *selection == Selection::Refine { ", to refine the answer" } else { "" };
    if fetched < total {
        format!("Fetching {name}{purpose}: {} of {}…", size(*fetched), size(*total))
    } else {
        format!("Preparing {name}{purpose}…")
    }
}

/// A network could not be taken into use; the name of the one that stays, where there is one.
pub fn refused(name: &str, reason: &str, stays: Option<&str>) -> String {
    let reason = sentence(reason.to_owned());
    match stays {
        Some(stays) => format!("{name} is not in use: {reason} {stays} stays."),
        None => format!("{name} is not in use: {reason}"),
    }
}

/// The line about another network's listening to a file that has its answer.
pub fn again(again: &Again, browser_decodes: bool) -> String {
    let purpose = if again.selection == Selection::Refine { " to refine the answer" } else { "" };
    format!("{} listens{purpose}. {}", again.network, progress(again.progress, browser_decodes, &Choice::UserChoice))
}

/// The rows of a network's card: a heading and a text each.
pub fn facts(network: &InUse, bytes: u64) -> Vec<(&'static str, String)> {
    let InUse { card, architecture } = network;
    let backbones: Vec<String> = card.backbones.iter().map(|backbone| backbone.name.clone()).collect();
    let size = format!("{} learned numbers, {} to fetch", thousands(architecture.parameters), size(bytes));
    let size = if backbones.is_empty() { size } else { format!("{size} with its feature extractors") };
    let rows = [
        ("What it is", sentence(card.summary.clone())),
        (
            "Built as",
            if architecture.summary == card.summary { String::new() } else { sentence(architecture.summary.clone()) },
        ),
        ("After", sentence(architecture.source.clone())),
        ("Feature extractors", if backbones.is_empty() { String::new() } else { sentence(list(&backbones)) }),
        ("Size", sentence(size)),
        ("Knows", known(card)),
        ("Learned from", if card.data.is_empty() { String::new() } else { sentence(card.data.clone()) }),
        ("How good it is", figures(card)),
        ("Licence", card.licence.clone()),
    ];
    rows.into_iter().filter(|(_, text)| !text.trim_end_matches('.').is_empty()).collect()
}

/// A count with its thousands apart: `870 090`.
fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(&NBSP.to_string())
}

fn known(card: &Card) -> String {
    let labels: Vec<String> = card.labels.iter().map(|label| genre(label)).collect();
    let kind = if card.multi_label { "tags, of which any number may fit" } else { "genres, of which it names one" };
    format!("{} {kind}: {}.", labels.len(), list(&labels))
}

/// How often a network of genres is right, in words; how its training went is none of a visitor's.
fn figures(card: &Card) -> String {
    let figure = |name: &str| card.figures.get(name).map(|&value| percent(value as f32));
    let accuracy = |(name, &value): (&String, &f64)| {
        let part = name.strip_suffix("_song_accuracy")?;
        let how = match part {
            "valid" => ", by which its best moment was chosen",
            "folds" => ", each judged by one that was trained without it",
            _ => "",
        };
        let likely = figure(&format!("{name}_low")).zip(figure(&format!("{name}_high")));
        let likely = likely.map_or(String::new(), |(low, high)| format!("; of others, likely {low} to {high}"));
        let balanced = figure(&format!("{part}_song_balanced_accuracy"));
        let balanced = balanced.map_or(String::new(), |mean| format!(" As a mean over its genres, {mean} are right."));
        let (tenths, exact) = (value * 10.0, percent(value as f32));
        Some(format!(
            "Of songs it had not learned from{how}, it names about {tenths:.0} in 10 rightly ({exact}{likely}).{balanced}"
        ))
    };
    card.figures.iter().filter_map(accuracy).collect::<Vec<_>>().join(" ")
}

/// Where the tags of a network come from.
pub fn tag_source(tags: &TagPrediction) -> String {
    match tags.model.as_str() {
        "musicnn-msd" => "In the words of Last.fm's listeners (Million Song Dataset)".to_owned(),
        "musicnn-mtt" => "In the words of the players of a listening game (MagnaTagATune)".to_owned(),
        model => format!("In the words of {model}"),
    }
}

/// The heading of the table of a network's tags.
pub fn tag_caption(tags: &TagPrediction) -> String {
    format!("{} tags of {}, each for itself", tags.labels.len(), tags.model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::{Backbone, BackboneOutput};
    use crate::protocol::Progress;
    use crate::view::classify::networks::tests::catalogue;
    use crate::view::classify::words::tests::{in_use, plain};

    #[test]
    fn sizes_have_units() {
        let shown = [0, 820_400, 999_600, 3_240_000].map(|bytes| plain(size(bytes)));
        assert_eq!(shown, ["1 KB", "820 KB", "1.0 MB", "3.2 MB"]);
        assert_eq!(["7", "870 090", "1 001 162"], [7, 870_090, 1_001_162].map(|count| plain(thousands(count))));
    }

    #[test]
    fn the_choice_box_tells_sizes_and_parts() {
        let options = ["head", "small", "base"].map(|name| plain(option(&catalogue(), name)));
        assert_eq!(options, ["head · 3.2 MB · the page's choice", "small · 700 KB · answers first", "base · 3.2 MB"]);
    }

    #[test]
    fn what_is_on_its_way_is_told_in_bytes() {
        let told = |selection, fetched| {
            plain(arriving(&Arriving { name: "head".to_owned(), selection, fetched, total: 3_240_000 }))
        };
        assert_eq!(told(Selection::User, 1_100_000), "Fetching head: 1.1 MB of 3.2 MB…");
        assert_eq!(told(Selection::Refine, 0), "Fetching head, to refine the answer: 1 KB of 3.2 MB…");
        assert_eq!(told(Selection::User, 3_240_000), "Preparing head…");
        assert_eq!(refused("head", "no answer", Some("small")), "head is not in use: no answer. small stays.");
        assert_eq!(refused("head", "no answer.", None), "head is not in use: no answer.");
    }

    #[test]
    fn a_second_listening_is_told_quietly() {
        let mut state = crate::view::classify::state::State {
            phase: crate::view::classify::state::Phase::Done,
            ..Default::default()
        };
        state.classify_again("head".to_owned(), Selection::Refine);
        let mut second = state.again.unwrap();
        assert_eq!(again(&second, false), "head listens to refine the answer. Waiting for the engine…");
        second.progress = Some(Progress { processed_seconds: 3.0, duration_seconds: Some(30.0), fraction: 0.1 });
        second.selection = Selection::User;
        assert_eq!(again(&second, false), "head listens. Listening: 0:03 of 0:30…");
    }

    #[test]
    fn a_card_is_told_in_words() {
        let rows = facts(&in_use(), 1_744_000);
        let row = |heading| rows.iter().find(|row| row.0 == heading).map(|row| plain(&row.1)).unwrap_or_default();
        assert_eq!(row("Size"), "870 090 learned numbers, 1.7 MB to fetch.");
        assert!(row("Knows").starts_with("10 genres, of which it names one: blues, classical, "), "{}", row("Knows"));
        assert!(row("How good it is").contains("about 6 in 10 rightly (61 %)"), "{}", row("How good it is"));
        assert!(!row("How good it is").contains("87"), "the epoch is nobody's business");
        assert!(rows.iter().all(|row| row.0 != "Feature extractors"));

        let mut head = in_use();
        let backbone =
            |name: &str| Backbone { name: name.to_owned(), sha256: String::new(), output: BackboneOutput::Features };
        head.card.backbones = ["a", "b", "c"].map(backbone).to_vec();
        let rows = facts(&head, 1);
        assert!(rows.contains(&("Feature extractors", "a, b and c.".to_owned())), "{rows:?}");

        let measured = [("accuracy", 0.7591), ("accuracy_low", 0.7142), ("accuracy_high", 0.8017)];
        head.card.figures = measured.map(|(name, value)| (format!("folds_song_{name}"), value)).into();
        let told = "Of songs it had not learned from, each judged by one that was trained without it, it names about 8 in \
                    10 rightly (76 %; of others, likely 71 % to 80 %).";
        assert_eq!(plain(figures(&head.card)), told);
    }
}
