//! Sentences about networks: which can be chosen, which is being downloaded, and what the active one is.

use crate::card::Card;
use crate::protocol::TagPrediction;
use crate::view::classify::engine::Choice;
use crate::view::classify::networks::{ActiveNetwork, Catalogue, NetworkDownload, Selection};
use crate::view::classify::state::Reclassification;
use crate::view::classify::words::progress;
use crate::view::format::{NBSP, genre, list, percent, sentence, size};

/// A network in the choice box: its name, its download size and its role.
pub(crate) fn option(list: &Catalogue, name: &str) -> String {
    let role = match name {
        _ if list.entry(name).is_some_and(|offer| offer.own) => " · your own",
        _ if name == list.default => " · default",
        _ if name == list.first => " · loads first",
        _ => "",
    };
    format!("{name} · {}{role}", size(list.bytes(name)))
}

/// The download of a network, or its preparation once all bytes are there.
pub(crate) fn download(download: &NetworkDownload) -> String {
    let NetworkDownload { name, selection, fetched, total } = download;
    let purpose = if *selection == Selection::Refine { " to refine the result" } else { "" };
    if fetched < total {
        format!("Downloading {name}{purpose}: {} of {}…", size(*fetched), size(*total))
    } else {
        format!("Preparing {name}{purpose}…")
    }
}

/// A network could not be activated; `active` names the one that stays in use, if any.
pub(crate) fn refused(name: &str, reason: &str, active: Option<&str>) -> String {
    let reason = sentence(reason.to_owned());
    match active {
        Some(active) => format!("{name} cannot be used: {reason} {active} stays active."),
        None => format!("{name} cannot be used: {reason}"),
    }
}

/// The line about another network's analysis of a file that already has a result.
pub(crate) fn reclassification(again: &Reclassification, browser_decodes: bool) -> String {
    let purpose = if again.selection == Selection::Refine { " to refine the result" } else { "" };
    format!(
        "Analyzing again with {}{purpose}. {}",
        again.network,
        progress(again.progress, browser_decodes, &Choice::UserChoice)
    )
}

/// The rows of a network's card, each a heading and a text; `bytes` is the size of its download.
pub(crate) fn facts(network: &ActiveNetwork, bytes: u64) -> Vec<(&'static str, String)> {
    let ActiveNetwork { card, architecture } = network;
    let backbones: Vec<String> = card.backbones.iter().map(|backbone| backbone.name.clone()).collect();
    let size = format!("{} parameters, {} to download", thousands(architecture.parameters), size(bytes));
    let size = if backbones.is_empty() { size } else { format!("{size} including its feature extractors") };
    let rows = [
        ("Summary", sentence(card.summary.clone())),
        (
            "Architecture",
            // Some cards repeat the architecture's summary.
            if architecture.summary == card.summary { String::new() } else { sentence(architecture.summary.clone()) },
        ),
        ("Source", sentence(architecture.source.clone())),
        ("Feature extractors", if backbones.is_empty() { String::new() } else { sentence(list(&backbones)) }),
        ("Size", sentence(size)),
        (if card.multi_label { "Tags" } else { "Genres" }, labels(card)),
        ("Training data", if card.data.is_empty() { String::new() } else { sentence(card.data.clone()) }),
        ("Accuracy", figures(card)),
        ("Licence", card.licence.clone()),
    ];
    rows.into_iter().filter(|(_, text)| !text.trim_end_matches('.').is_empty()).collect()
}

/// A count with its thousands apart: `870 090`.
fn thousands(count: usize) -> String {
    let digits = count.to_string();
    // Digits are ASCII, so every chunk is valid UTF-8.
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(&NBSP.to_string())
}

fn labels(card: &Card) -> String {
    let labels: Vec<String> = card.labels.iter().map(|label| genre(label)).collect();
    let kind = if card.multi_label { "tags; any number of them may apply" } else { "genres; exactly one is predicted" };
    format!("{} {kind}: {}.", labels.len(), list(&labels))
}

/// The accuracy of a network of genres, in words. Other figures of the card, such as the best epoch, are left out.
fn figures(card: &Card) -> String {
    let figure = |name: &str| card.figures.get(name).map(|&value| percent(value as f32));
    let accuracy = |(name, &value): (&String, &f64)| {
        // The names of figures on cards: `valid_song_accuracy`, `folds_song_accuracy`, and their `_low` and `_high` bounds.
        let part = name.strip_suffix("_song_accuracy")?;
        let how = match part {
            // Some networks keep their best epoch on it, others their last; the card's data says which.
            "valid" => " (validation set, on which its epoch or its settings may have been chosen)",
            "folds" => " (cross-validation)",
            _ => "",
        };
        let interval = figure(&format!("{name}_low")).zip(figure(&format!("{name}_high")));
        let interval =
            interval.map_or(String::new(), |(low, high)| format!("; 95 % confidence interval {low} to {high}"));
        let balanced = figure(&format!("{part}_song_balanced_accuracy"));
        let balanced = balanced.map_or(String::new(), |mean| format!(" The mean over the genres is {mean}."));
        let (tenths, exact) = (value * 10.0, percent(value as f32));
        Some(format!(
            "Of songs that were not used for training{how}, about {tenths:.0} in 10 are classified correctly \
             ({exact}{interval}).{balanced}"
        ))
    };
    card.figures.iter().filter_map(accuracy).collect::<Vec<_>>().join(" ")
}

/// Who assigned the tags that a network was trained on.
pub(crate) fn tag_source(tags: &TagPrediction) -> String {
    match tags.model.as_str() {
        // The two taggers of the MusiCNN package (Pons and Serra 2019).
        "musicnn-msd" => "Tags by Last.fm users (Million Song Dataset)".to_owned(),
        "musicnn-mtt" => "Tags by players of an annotation game (MagnaTagATune)".to_owned(),
        model => format!("Tags from {model}"),
    }
}

/// The heading of the table of a network's tags.
pub(crate) fn tag_caption(tags: &TagPrediction) -> String {
    format!("{} tags of {}; their probabilities are independent", tags.labels.len(), tags.model)
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
        let texts = [0, 820_400, 999_600, 3_240_000].map(|bytes| plain(size(bytes)));
        assert_eq!(texts, ["1 KB", "820 KB", "1.0 MB", "3.2 MB"]);
        assert_eq!(["7", "870 090", "1 001 162"], [7, 870_090, 1_001_162].map(|count| plain(thousands(count))));
    }

    #[test]
    fn the_choice_box_shows_sizes_and_roles() {
        let options = ["head", "small", "base"].map(|name| plain(option(&catalogue(), name)));
        assert_eq!(options, ["head · 3.2 MB · default", "small · 700 KB · loads first", "base · 3.2 MB"]);
    }

    #[test]
    fn downloads_are_shown_in_bytes() {
        let line = |selection, fetched| {
            plain(download(&NetworkDownload { name: "head".to_owned(), selection, fetched, total: 3_240_000 }))
        };
        assert_eq!(line(Selection::User, 1_100_000), "Downloading head: 1.1 MB of 3.2 MB…");
        assert_eq!(line(Selection::Refine, 0), "Downloading head to refine the result: 1 KB of 3.2 MB…");
        assert_eq!(line(Selection::User, 3_240_000), "Preparing head…");
        assert_eq!(refused("head", "no memory", Some("small")), "head cannot be used: no memory. small stays active.");
        assert_eq!(refused("head", "no memory.", None), "head cannot be used: no memory.");
    }

    #[test]
    fn a_second_analysis_has_its_own_line() {
        let mut state = crate::view::classify::state::State {
            phase: crate::view::classify::state::Phase::Done,
            ..Default::default()
        };
        state.classify_again("head".to_owned(), Selection::Refine);
        let mut second = state.reclassification.unwrap();
        assert_eq!(
            reclassification(&second, false),
            "Analyzing again with head to refine the result. Waiting for the engine…"
        );
        second.progress = Some(Progress { processed_seconds: 3.0, duration_seconds: Some(30.0), fraction: 0.1 });
        second.selection = Selection::User;
        assert_eq!(reclassification(&second, false), "Analyzing again with head. Analyzing: 0:03 of 0:30…");
    }

    #[test]
    fn a_card_is_described_in_words() {
        let rows = facts(&in_use(), 1_744_000);
        let row = |heading| rows.iter().find(|row| row.0 == heading).map(|row| plain(&row.1)).unwrap_or_default();
        assert_eq!(row("Size"), "870 090 parameters, 1.7 MB to download.");
        assert!(
            row("Genres").starts_with("10 genres; exactly one is predicted: blues, classical, "),
            "{}",
            row("Genres")
        );
        assert!(row("Accuracy").contains("about 6 in 10 are classified correctly (61 %)"), "{}", row("Accuracy"));
        assert!(!row("Accuracy").contains("87"), "the best epoch is no accuracy");
        assert!(rows.iter().all(|row| row.0 != "Feature extractors"));

        let mut head = in_use();
        let backbone =
            |name: &str| Backbone { name: name.to_owned(), sha256: String::new(), output: BackboneOutput::Features };
        head.card.backbones = ["a", "b", "c"].map(backbone).to_vec();
        let rows = facts(&head, 1);
        assert!(rows.contains(&("Feature extractors", "a, b and c.".to_owned())), "{rows:?}");

        let measured = [("accuracy", 0.7591), ("accuracy_low", 0.7142), ("accuracy_high", 0.8017)];
        head.card.figures = measured.map(|(name, value)| (format!("folds_song_{name}"), value)).into();
        let expected = "Of songs that were not used for training (cross-validation), about 8 in 10 are classified correctly \
                        (76 %; 95 % confidence interval 71 % to 80 %).";
        assert_eq!(plain(figures(&head.card)), expected);
    }
}
