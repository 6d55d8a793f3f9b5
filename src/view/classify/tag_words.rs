//! The tags of MusiCNN's two networks as one answer: synonyms together, by family, the most telling first, and a sentence.
//!
//! Their probabilities cannot be compared as they are: "rock" is given to a tenth of all songs, "sitar" to one in two hundred. So
//! each tag is compared with its level on [reference recordings](Word::tags): by how many standard deviations its log-odds
//! are above their mean.

use std::fmt;

use serde::Serialize;

use crate::protocol::TagPrediction;

/// The networks whose tags are known here.
const MSD: &str = "musicnn-msd";
const MTT: &str = "musicnn-mtt";

/// What a tag speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Family {
    /// A style of music.
    Genre,
    /// Instruments, and sounds like them.
    Instruments,
    /// Who sings, if anybody.
    Voice,
    /// Mood, tempo and loudness.
    Mood,
    /// The time that it is from.
    Decade,
}

impl fmt::Display for Family {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Self::Genre => "Genre",
            Self::Instruments => "Instruments",
            Self::Voice => "Voice",
            Self::Mood => "Mood and tempo",
            Self::Decade => "Decade",
        })
    }
}

/// Tags that say the same.
struct Word {
    name: &'static str,
    family: Family,
    /// Network and label; mean and standard deviation of the label's log-odds on the 400 excerpts of GTZAN that training,
    /// validation and tests of the heads use, ten genres alike (`cargo test --release --test cli tag_levels -- --ignored`).
    tags: &'static [(&'static str, &'static str, f32, f32)],
}

/// A word, and how much more it stands out in a recording than in others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Heard {
    /// The word, in a form for the middle of a sentence.
    #[serde(rename = "tag")]
    pub name: &'static str,
    #[serde(skip)]
    pub family: Family,
    /// Standard deviations above the mean of other recordings; negative if it fits less than usual. The mean of its tags.
    pub strength: f32,
    /// The largest probability of its tags, 0 to 1.
    pub probability: f32,
}

impl Heard {
    /// The word by itself, as a label.
    pub(crate) fn label(&self) -> &'static str {
        self.name
            .trim_start_matches("a ")
            .trim_start_matches("the ")
            .trim_start_matches("for a ")
            .trim_start_matches("an ")
    }

    /// About the share of other recordings in which it is weaker, 0 to 1: as many as a normal distribution has below its
    /// strength.
    pub(crate) fn percentile(&self) -> f32 {
        // Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.16: within 1e-5.
        let strength = self.strength.abs();
        let t = 1.0 / (1.0 + 0.332_67 * strength);
        let density = (-0.5 * strength * strength).exp() / std::f32::consts::TAU.sqrt();
        let above = density * t * (0.436_183_6 + t * (-0.120_167_6 + t * 0.937_298));
        if self.strength < 0.0 { above } else { 1.0 - above }
    }
}

/// From this strength on a word is part of the sentence.
const TELLING: f32 = 0.8;
/// Words of every family that are shown, if they fit better than usual.
const SHOWN: usize = 3;

/// The words of a family, the strongest first.
pub(crate) type OfFamily = (Family, Vec<Heard>);

/// True if these are tags of which something is known here.
pub(crate) fn knows(tags: &TagPrediction) -> bool {
    let mut known = WORDS.iter().flat_map(|word| word.tags).filter(|tag| tag.0 == tags.model);
    known.any(|tag| tags.tags.iter().any(|score| score.label == tag.1))
}

/// What the networks heard, by family, the strongest words of each.
pub(crate) fn heard(predictions: &[TagPrediction]) -> Vec<OfFamily> {
    let stronger = |word: &Heard| word.strength > 0.0;
    let mut all: Vec<Heard> = WORDS.iter().filter_map(|word| word.heard(predictions)).filter(stronger).collect();
    all.sort_by(|a, b| {
        (a.family, -a.strength).partial_cmp(&(b.family, -b.strength)).unwrap_or(std::cmp::Ordering::Equal)
    });
    let families = all.chunk_by(|a, b| a.family == b.family);
    families.map(|words| (words[0].family, words.iter().take(SHOWN).cloned().collect())).collect()
}

impl Word {
    fn heard(&self, predictions: &[TagPrediction]) -> Option<Heard> {
        let found: Vec<(f32, f32)> = self
            .tags
            .iter()
            .filter_map(|&(network, label, mean, deviation)| {
                let tags = predictions.iter().find(|tags| tags.model == network)?;
                let probability = tags.tags.iter().find(|score| score.label == label)?.probability;
                Some(((log_odds(probability) - mean) / deviation, probability))
            })
            .collect();
        let strength = found.iter().map(|(strength, _)| strength).sum::<f32>() / found.len().max(1) as f32;
        let probability = found.iter().fold(0.0, |most: f32, (_, probability)| most.max(*probability));
        (!found.is_empty()).then_some(Heard { name: self.name, family: self.family, strength, probability })
    }
}

/// Of a probability that is not quite 0 or 1.
fn log_odds(probability: f32) -> f32 {
    let probability = probability.clamp(1e-6, 1.0 - 1e-6);
    (probability / (1.0 - probability)).ln()
}

/// What stands out in one sentence: `Sounds like jazz with piano, without a voice; slow.`
pub(crate) fn sounds_like(heard: &[OfFamily]) -> String {
    let telling = |family: Family, most: usize| -> Vec<&'static str> {
        let words = heard.iter().filter(|(own, _)| *own == family).flat_map(|(_, words)| words);
        words.filter(|word| word.strength >= TELLING).take(most).map(|word| word.name).collect()
    };
    let genres = telling(Family::Genre, 2);
    let mut with = telling(Family::Instruments, 2);
    let voice = telling(Family::Voice, 1);
    let has_no_voice = voice == [NO_VOICE];
    if !has_no_voice {
        with.extend(voice);
    }
    let mut said = if genres.is_empty() { String::new() } else { format!(" like {}", list(&genres)) };
    if !with.is_empty() {
        said += &format!(" with {}", list(&with));
    }
    if has_no_voice {
        said += if with.is_empty() { " without a voice" } else { ", without a voice" };
    }
    let mood = telling(Family::Mood, 2);
    let decade = telling(Family::Decade, 1);
    let rest: Vec<String> =
        mood.iter().map(|&word| word.to_owned()).chain(decade.iter().map(|decade| format!("from {decade}"))).collect();
    if said.is_empty() && rest.is_empty() {
        return "Nothing stands out among the tags.".to_owned();
    }
    let verb = if said.is_empty() { "Sounds " } else { "Sounds" };
    let between = if said.is_empty() || rest.is_empty() { "" } else { "; " };
    format!("{verb}{said}{between}{}.", rest.join(", "))
}

/// `a`, `a and b`, `a, b and c`.
fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

const NO_VOICE: &str = "no voice";

#[rustfmt::skip] // A row a word.
const WORDS: &[Word] = &[
    Word { name: "rock", family: Family::Genre, tags: &[(MSD, "rock", -2.66, 1.15), (MTT, "rock", -2.89, 2.13)] },
    Word { name: "pop", family: Family::Genre, tags: &[(MSD, "pop", -2.71, 1.53), (MTT, "pop", -3.03, 1.98)] },
    Word { name: "alternative rock", family: Family::Genre, tags: &[(MSD, "alternative", -3.62, 1.05), (MSD, "alternative rock", -5.04, 1.39)] },
    Word { name: "indie", family: Family::Genre, tags: &[(MSD, "indie", -3.50, 1.34), (MSD, "indie rock", -4.94, 1.49), (MSD, "indie pop", -5.43, 1.45)] },
    Word { name: "electronic", family: Family::Genre, tags: &[(MSD, "electronic", -3.32, 1.63), (MSD, "electronica", -4.62, 1.46), (MSD, "electro", -5.41, 1.87), (MTT, "electronic", -3.57, 1.83)] },
    Word { name: "dance", family: Family::Genre, tags: &[(MSD, "dance", -4.05, 1.90), (MTT, "dance", -4.98, 1.84)] },
    Word { name: "house", family: Family::Genre, tags: &[(MSD, "House", -5.67, 2.00)] },
    Word { name: "techno", family: Family::Genre, tags: &[(MTT, "techno", -3.51, 2.39)] },
    Word { name: "jazz", family: Family::Genre, tags: &[(MSD, "jazz", -3.00, 2.32)] },
    Word { name: "metal", family: Family::Genre, tags: &[(MSD, "metal", -5.67, 2.09), (MSD, "heavy metal", -6.34, 2.14), (MTT, "metal", -6.16, 2.01)] },
    Word { name: "hard rock", family: Family::Genre, tags: &[(MSD, "hard rock", -5.68, 1.90)] },
    Word { name: "classic rock", family: Family::Genre, tags: &[(MSD, "classic rock", -4.53, 1.54)] },
    Word { name: "progressive rock", family: Family::Genre, tags: &[(MSD, "Progressive rock", -4.87, 1.54)] },
    Word { name: "punk", family: Family::Genre, tags: &[(MSD, "punk", -5.32, 2.03)] },
    Word { name: "soul", family: Family::Genre, tags: &[(MSD, "soul", -3.68, 1.78)] },
    Word { name: "R&B", family: Family::Genre, tags: &[(MSD, "rnb", -5.15, 2.14)] },
    Word { name: "funk", family: Family::Genre, tags: &[(MSD, "funk", -4.56, 1.64)] },
    Word { name: "hip-hop", family: Family::Genre, tags: &[(MSD, "Hip-Hop", -5.02, 2.40)] },
    Word { name: "blues", family: Family::Genre, tags: &[(MSD, "blues", -4.29, 1.82)] },
    Word { name: "country", family: Family::Genre, tags: &[(MSD, "country", -5.27, 2.01), (MTT, "country", -4.59, 2.05)] },
    Word { name: "folk", family: Family::Genre, tags: &[(MSD, "folk", -4.22, 1.61)] },
    Word { name: "classical", family: Family::Genre, tags: &[(MTT, "classical", -5.09, 2.78), (MTT, "classic", -6.88, 2.38)] },
    Word { name: "opera", family: Family::Genre, tags: &[(MTT, "opera", -7.23, 2.43)] },
    Word { name: "Indian", family: Family::Genre, tags: &[(MTT, "indian", -3.95, 1.54)] },
    Word { name: "new age", family: Family::Genre, tags: &[(MTT, "new age", -5.62, 1.26)] },
    Word { name: "ambient", family: Family::Genre, tags: &[(MSD, "ambient", -5.02, 1.58), (MTT, "ambient", -5.40, 1.47)] },
    Word { name: "chill-out", family: Family::Genre, tags: &[(MSD, "chillout", -4.43, 1.29), (MSD, "chill", -5.06, 0.96)] },
    Word { name: "easy listening", family: Family::Genre, tags: &[(MSD, "easy listening", -4.99, 1.28)] },
    Word { name: "experimental", family: Family::Genre, tags: &[(MSD, "experimental", -4.32, 1.28), (MTT, "weird", -4.74, 1.15)] },
    Word { name: "guitar", family: Family::Instruments, tags: &[(MSD, "guitar", -5.00, 1.24), (MTT, "guitar", -1.93, 1.56)] },
    Word { name: "acoustic", family: Family::Instruments, tags: &[(MSD, "acoustic", -5.14, 1.45)] },
    Word { name: "drums", family: Family::Instruments, tags: &[(MTT, "drums", -2.52, 1.35)] },
    Word { name: "beats", family: Family::Instruments, tags: &[(MTT, "beat", -3.39, 1.71), (MTT, "beats", -4.79, 1.60)] },
    Word { name: "synthesizer", family: Family::Instruments, tags: &[(MTT, "synth", -4.07, 1.55)] },
    Word { name: "piano", family: Family::Instruments, tags: &[(MTT, "piano", -4.09, 1.65)] },
    Word { name: "strings", family: Family::Instruments, tags: &[(MTT, "strings", -3.93, 1.80)] },
    Word { name: "violin", family: Family::Instruments, tags: &[(MTT, "violin", -5.04, 2.44)] },
    Word { name: "cello", family: Family::Instruments, tags: &[(MTT, "cello", -7.32, 2.44)] },
    Word { name: "harp", family: Family::Instruments, tags: &[(MTT, "harp", -7.41, 1.97)] },
    Word { name: "harpsichord", family: Family::Instruments, tags: &[(MTT, "harpsichord", -6.55, 1.92)] },
    Word { name: "flute", family: Family::Instruments, tags: &[(MTT, "flute", -5.87, 1.99)] },
    Word { name: "sitar", family: Family::Instruments, tags: &[(MTT, "sitar", -5.31, 1.56)] },
    Word { name: "a solo instrument", family: Family::Instruments, tags: &[(MTT, "solo", -5.02, 1.30)] },
    Word { name: "a female voice", family: Family::Voice, tags: &[(MSD, "female vocalists", -2.93, 1.17), (MSD, "female vocalist", -4.99, 1.02), (MTT, "female", -3.04, 1.78), (MTT, "woman", -3.45, 1.85), (MTT, "female vocal", -3.91, 1.86), (MTT, "female voice", -4.20, 1.73)] },
    Word { name: "a male voice", family: Family::Voice, tags: &[(MSD, "male vocalists", -4.77, 0.75), (MTT, "male", -3.88, 1.81), (MTT, "man", -4.41, 1.93), (MTT, "male vocal", -3.89, 1.84), (MTT, "male voice", -4.33, 1.73)] },
    Word { name: "singing", family: Family::Voice, tags: &[(MTT, "vocal", -2.70, 1.46), (MTT, "singing", -3.10, 1.46), (MTT, "vocals", -3.03, 1.39), (MTT, "voice", -3.60, 1.34)] },
    Word { name: "a choir", family: Family::Voice, tags: &[(MTT, "choir", -7.46, 1.90), (MTT, "choral", -7.78, 1.80)] },
    Word { name: "no voice", family: Family::Voice, tags: &[(MSD, "instrumental", -4.10, 1.71), (MTT, "no vocals", -3.44, 0.55), (MTT, "no vocal", -3.58, 0.54), (MTT, "no voice", -4.22, 0.57)] },
    Word { name: "fast", family: Family::Mood, tags: &[(MTT, "fast", -2.31, 1.37)] },
    Word { name: "slow", family: Family::Mood, tags: &[(MTT, "slow", -3.53, 1.50)] },
    Word { name: "loud", family: Family::Mood, tags: &[(MTT, "loud", -3.76, 1.70)] },
    Word { name: "quiet", family: Family::Mood, tags: &[(MTT, "quiet", -5.87, 1.75)] },
    Word { name: "soft", family: Family::Mood, tags: &[(MTT, "soft", -5.12, 1.53)] },
    Word { name: "mellow", family: Family::Mood, tags: &[(MSD, "Mellow", -4.92, 1.04)] },
    Word { name: "beautiful", family: Family::Mood, tags: &[(MSD, "beautiful", -4.76, 0.91)] },
    Word { name: "sad", family: Family::Mood, tags: &[(MSD, "sad", -5.93, 1.04)] },
    Word { name: "happy", family: Family::Mood, tags: &[(MSD, "happy", -6.02, 0.71)] },
    Word { name: "sexy", family: Family::Mood, tags: &[(MSD, "sexy", -5.51, 1.23)] },
    Word { name: "catchy", family: Family::Mood, tags: &[(MSD, "catchy", -5.62, 0.84)] },
    Word { name: "for a party", family: Family::Mood, tags: &[(MSD, "party", -5.63, 1.18)] },
    Word { name: "the 1960s", family: Family::Decade, tags: &[(MSD, "60s", -5.03, 1.68)] },
    Word { name: "the 1970s", family: Family::Decade, tags: &[(MSD, "70s", -4.77, 1.53)] },
    Word { name: "the 1980s", family: Family::Decade, tags: &[(MSD, "80s", -4.21, 1.73)] },
    Word { name: "the 1990s", family: Family::Decade, tags: &[(MSD, "90s", -4.35, 0.96)] },
    Word { name: "the 2000s", family: Family::Decade, tags: &[(MSD, "00s", -4.58, 0.72)] },
    Word { name: "an earlier time", family: Family::Decade, tags: &[(MSD, "oldies", -4.60, 1.71)] },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Score;

    /// Tags of both networks at their usual levels, but for some that are so many deviations above it.
    fn predictions(strong: &[(&str, f32)]) -> Vec<TagPrediction> {
        let probability = |log_odds: f32| 1.0 / (1.0 + (-log_odds).exp());
        let of = |network: &str| {
            let tags = WORDS.iter().flat_map(|word| word.tags.iter().map(move |tag| (word.name, tag)));
            let scores = tags.filter(|(_, tag)| tag.0 == network).map(|(name, &(_, label, mean, deviation))| {
                let above = strong.iter().find(|(word, _)| *word == name).map_or(0.0, |(_, above)| *above);
                Score { label: label.to_owned(), probability: probability(mean + above * deviation) }
            });
            TagPrediction { model: network.to_owned(), labels: Vec::new(), tags: scores.collect(), windows: Vec::new() }
        };
        vec![of(MSD), of(MTT)]
    }

    fn said(strong: &[(&str, f32)]) -> String {
        sounds_like(&heard(&predictions(strong)))
    }

    #[test]
    fn every_tag_of_both_networks_is_of_one_word() {
        let mut tags: Vec<_> = WORDS.iter().flat_map(|word| word.tags).map(|tag| (tag.0, tag.1)).collect();
        tags.sort_unstable();
        let all = tags.len();
        tags.dedup();
        assert_eq!((all, tags.len()), (100, 100));
        assert!(WORDS.iter().flat_map(|word| word.tags).all(|tag| tag.3 > 0.0));
    }

    #[test]
    fn the_sentence_names_what_stands_out() {
        assert_eq!(
            said(&[("jazz", 2.0), ("piano", 1.5), ("no voice", 1.0), ("slow", 1.2)]),
            "Sounds like jazz with piano, without a voice; slow."
        );
        assert_eq!(
            said(&[("pop", 1.0), ("dance", 2.0), ("house", 0.9), ("a female voice", 2.0), ("the 1980s", 1.0)]),
            "Sounds like dance and pop with a female voice; from the 1980s."
        );
        assert_eq!(said(&[("a choir", 3.0)]), "Sounds with a choir.");
        assert_eq!(said(&[("fast", 1.0), ("loud", 1.5)]), "Sounds loud, fast.");
        assert_eq!(said(&[("no voice", 1.0)]), "Sounds without a voice.");
        assert_eq!(said(&[]), "Nothing stands out among the tags.");
    }

    #[test]
    fn families_have_their_strongest_words_first() {
        let found =
            heard(&predictions(&[("sitar", 3.0), ("flute", 2.0), ("guitar", -1.0), ("drums", 0.1), ("piano", 0.2)]));
        let (_, instruments) = &found[0];
        assert_eq!([instruments[0].name, instruments[1].name], ["sitar", "flute"]);
        assert!((instruments[0].strength - 3.0).abs() < 1e-3 && instruments.len() == SHOWN);
        // A rare tag that stands out comes before a common one that does not, though it is less probable.
        let of = |name: &str| {
            predictions(&[("sitar", 1.0)])
                .iter()
                .flat_map(|tags| tags.tags.clone())
                .find(|score| score.label == name)
                .unwrap()
                .probability
        };
        assert!(of("sitar") < of("rock"));
    }

    #[test]
    fn strengths_are_shares_of_other_recordings() {
        let of = |strength| Heard { name: "", family: Family::Mood, strength, probability: 0.5 }.percentile();
        // Of the normal distribution.
        for (strength, share) in [(0.0, 0.5), (1.0, 0.841_34), (-1.0, 0.158_66), (2.0, 0.977_25), (6.0, 1.0)] {
            assert!((of(strength) - share).abs() < 2e-5, "{strength}: {}", of(strength));
        }
    }

    #[test]
    fn a_network_with_other_tags_is_not_spoken_for() {
        let mut other = predictions(&[("jazz", 2.0)]);
        other.iter_mut().for_each(|tags| tags.model = "another".to_owned());
        assert!(heard(&other).is_empty() && !knows(&other[0]));
        assert!(knows(&predictions(&[])[0]));
    }
}
