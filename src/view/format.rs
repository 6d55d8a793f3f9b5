//! Numbers with units, names and lists, formatted for every part of the page.

/// A no-break space, which keeps a number and its unit on one line.
pub const NBSP: char = '\u{a0}';

/// A probability as a percentage: `62 %`. Only exactly 0 and 1 are shown as 0 % and 100 %.
pub fn percent(probability: f32) -> String {
    let rounded = (f64::from(probability) * 100.0).round();
    match rounded {
        _ if probability.is_nan() => "?".to_owned(),
        value if value < 1.0 && probability > 0.0 => format!("<{NBSP}1{NBSP}%"),
        value if value > 99.0 && probability < 1.0 => format!(">{NBSP}99{NBSP}%"),
        value => format!("{value}{NBSP}%"),
    }
}

/// The name of a genre in running text, from its label.
pub fn genre(label: &str) -> String {
    match label {
        "hiphop" => "hip-hop".to_owned(),
        other => other.replace('_', " "),
    }
}

/// A computing time: `4.2 ms`, `346 ms`, `1.2 s`.
pub fn milliseconds(milliseconds: f64) -> String {
    match milliseconds {
        ms if ms < 9.95 => format!("{ms:.1}{NBSP}ms"),
        ms if ms < 999.5 => format!("{ms:.0}{NBSP}ms"),
        ms => format!("{:.1}{NBSP}s", ms / 1000.0),
    }
}

/// A frequency: `440 Hz`, `1.25 kHz`.
pub fn frequency(hz: f32) -> String {
    if hz < 999.5 { format!("{hz:.0}{NBSP}Hz") } else { format!("{:.2}{NBSP}kHz", hz / 1000.0) }
}

/// A sentence with a full stop. Errors come without one, because they may become part of a longer sentence.
pub fn sentence(mut text: String) -> String {
    if !text.ends_with(['.', '!', '?', '…']) {
        text.push('.');
    }
    text
}

/// A count with singular or plural: `1 clip`, `3 clips`.
pub fn count(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1{NBSP}{thing}"),
        _ => format!("{number}{NBSP}{thing}s"),
    }
}

/// A size in bytes: `820 KB`, `3.2 MB`; at least `1 KB`.
pub fn size(bytes: u64) -> String {
    match bytes {
        bytes if bytes < 999_500 => format!("{:.0}{NBSP}KB", (bytes as f64 / 1e3).max(1.0)),
        bytes => format!("{:.1}{NBSP}MB", bytes as f64 / 1e6),
    }
}

/// Items joined as in a sentence: `a, b and c`.
pub fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
