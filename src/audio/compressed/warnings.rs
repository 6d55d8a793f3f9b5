//! Warnings that several formats share. Lengths are in frames of a sample rate in Hz.

/// The file could only be decoded up to a frame, and why.
pub(in crate::audio) fn damaged_after(frames: u64, sample_rate: u32, found: &str) -> String {
    let moment = seconds(frames, sample_rate);
    format!("The file cannot be decoded beyond {moment} ({found}); only the part before that was used.")
}

/// The file is shorter than its header says; `None` if the difference is no more than rounding.
pub(in crate::audio) fn shorter_than_declared(decoded: u64, declared: u64, sample_rate: u32) -> Option<String> {
    let (all, there) = (seconds(declared, sample_rate), seconds(decoded, sample_rate));
    // A tenth of a second: containers count in units of their own, and encoders pad.
    let short = declared > decoded + u64::from(sample_rate) / 10;
    short
        .then(|| format!("The file's header says that it lasts {all}, but only {there} are there; these were decoded."))
}

/// The sample rate in Hz changes to another after these frames; the seconds at other rates were left out.
pub(in crate::audio) fn rate_changes(frames: u64, sample_rate: u32, other: u32, left_out: f64) -> String {
    let moment = seconds(frames, sample_rate);
    format!(
        "The file's sample rate changes from {sample_rate} to {other} Hz at {moment}; {left_out:.1} s were left out."
    )
}

/// Damaged places that were skipped: how many, their bytes, and the frames of silence that replace them.
pub(in crate::audio) fn damage_skipped(places: u64, bytes: u64, silence: u64, sample_rate: u32) -> String {
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let (places, places_end, bytes_end) = (places, plural(places), plural(bytes));
    let silence = match silence {
        0 => String::new(),
        silence => format!(" and replaced by {} of silence", seconds(silence, sample_rate)),
    };
    format!("The file is damaged in {places} place{places_end}: {bytes} byte{bytes_end} were skipped{silence}.")
}

fn seconds(frames: u64, sample_rate: u32) -> String {
    format!("{:.1} s", frames as f64 / f64::from(sample_rate))
}
