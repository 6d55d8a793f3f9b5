//! How many workers of the CPU engine compute side by side.

/// What the browser tells of the computer that it runs on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Machine {
    /// Logical cores; browsers that hide their number state fewer.
    pub cores: usize,
    /// Memory in GiB, rounded; `None` in browsers that do not tell (Firefox, Safari).
    pub memory_gib: Option<f64>,
    /// True if it is used with fingers: a phone or a tablet.
    pub is_handheld: bool,
    /// True if the browser's data saver is on.
    pub saves_data: bool,
}

/// The most workers: beyond it another one brings little, because they share the memory's bandwidth.
const MOST: usize = 8;
/// Memory for each worker, in GiB. One takes a few hundred MB at most; the rest is for the page, the browser and others.
const GIB_PER_WORKER: f64 = 1.0;
/// A handheld with less than this has one worker, in GiB: its system ends pages that take much.
const LEAST_HANDHELD_GIB: f64 = 4.0;
/// The memory that is assumed where the browser does not tell, in GiB.
const ASSUMED_GIB: f64 = 4.0;
const ASSUMED_HANDHELD_GIB: f64 = 2.0;

/// How many workers may compute side by side. One core stays free for the page and for other programs.
pub(crate) fn most_workers(machine: &Machine) -> usize {
    let &Machine { cores, memory_gib, is_handheld, saves_data } = machine;
    let memory = memory_gib.unwrap_or(if is_handheld { ASSUMED_HANDHELD_GIB } else { ASSUMED_GIB });
    if saves_data || (is_handheld && memory < LEAST_HANDHELD_GIB) {
        return 1;
    }
    let fitting = (memory / GIB_PER_WORKER) as usize;
    cores.saturating_sub(1).min(fitting).clamp(1, MOST)
}

/// As many workers as the address asks for, within limits.
pub(crate) fn asked_workers(asked: usize) -> usize {
    asked.clamp(1, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_core_stays_free_and_there_are_never_more_than_eight() {
        let machine = Machine { cores: 1, memory_gib: Some(16.0), is_handheld: false, saves_data: false };
        let counts = [0, 1, 2, 3, 8, 9, 64].map(|cores| most_workers(&Machine { cores, ..machine }));
        assert_eq!(counts, [1, 1, 1, 2, 7, 8, 8]);
        assert_eq!([0, 1, 3, 99].map(asked_workers), [1, 1, 3, 8]);
    }

    #[test]
    fn memory_bounds_them() {
        let machine = Machine { cores: 16, memory_gib: None, is_handheld: false, saves_data: false };
        let of = |memory_gib| most_workers(&Machine { memory_gib, ..machine });
        assert_eq!([Some(0.25), Some(1.0), Some(2.0), Some(4.0), Some(8.0), None].map(of), [1, 1, 2, 4, 8, 4]);
        assert_eq!([Some(f64::NAN), Some(-1.0), Some(f64::INFINITY)].map(of), [1, 1, 8]);
    }

    #[test]
    fn small_phones_and_those_who_save_data_have_one() {
        let phone = Machine { cores: 8, memory_gib: Some(2.0), is_handheld: true, saves_data: false };
        let of = |memory_gib| most_workers(&Machine { memory_gib, ..phone });
        assert_eq!([Some(2.0), None, Some(4.0), Some(8.0)].map(of), [1, 1, 4, 7]);
        let laptop = Machine { is_handheld: false, memory_gib: Some(8.0), saves_data: true, ..phone };
        assert_eq!(most_workers(&laptop), 1);
    }
}
