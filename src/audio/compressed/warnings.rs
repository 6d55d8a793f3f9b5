//! Warnings that several formats share.

/// Where a recording that could not be read to its end ends, after so many frames of a sample rate in Hz, and why.
pub(in crate::audio) fn damaged_after(frames: u64, sample_rate: u32, found: &str) -> String {
    let moment = seconds(frames, sample_rate);
    format!("The file cannot be read on after {moment} ({found}); what comes before is heard.")
}

/// How much is missing, where it is more than rounding. Both lengths are in frames of a sample rate in Hz.
pub(in crate::audio) fn shorter_than_said(given: u64, said: u64, sample_rate: u32) -> Option<String> {
    let (all, there) = (seconds(said, sample_rate), seconds(given, sample_rate));
    let short = said > given + u64::from(sample_rate) / 10;
    short.then(|| format!("The file says that it lasts {all}, but only {there} are there; these are heard."))
}

/// What was damaged in a file and passed over: so many places and bytes, and so many frames of silence for them.
pub(in crate::audio) fn passed_over(places: u64, bytes: u64, silence: u64, sample_rate: u32) -> String {
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let (places, places_end, bytes_end) = (places, plural(places), plural(bytes));
    let silence = match silence {
        0 => String::new(),
        silence => format!("; {} of silence are heard instead", seconds(silence, sample_rate)),
    };
    format!(
        "The file is damaged in {places} place{places_end}, where {bytes} byte{bytes_end} are passed over{silence}."
    )
}

fn seconds(frames: u64, sample_rate: u32) -> String {
    format!("{:.1} s", frames as f64 / f64::from(sample_rate))
}
