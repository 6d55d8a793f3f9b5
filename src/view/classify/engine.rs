//! The choice between the CPU and the GPU engine.

use crate::protocol::{EngineKind, SelfTest};
use crate::view::classify::networks::NetworkIdentity;

/// The engine that the user prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preference {
    /// The faster one.
    #[default]
    Auto,
    /// The CPU engine.
    Cpu,
    /// The GPU engine, if there is one.
    Gpu,
}

impl Preference {
    /// Every preference, in the order the page offers them.
    pub(crate) const ALL: [Self; 3] = [Self::Auto, Self::Cpu, Self::Gpu];

    /// Its name in the page's address and its choice box.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
        }
    }

    /// The preference of this name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preference| preference.name() == name)
    }
}

/// Why the GPU engine is not available.
#[derive(Debug, Clone, PartialEq)]
pub enum NoGpu {
    /// The browser does not support WebGPU, or blocks it for this page.
    NoWebGpu,
    /// The browser supports WebGPU but found no graphics adapter.
    NoAdapter,
    /// The adapter has less of something than the engine needs: what, as a part of a sentence.
    Lacks(String),
    /// The only adapter is emulated on the CPU.
    SoftwareAdapter,
    /// The browser is set to save data, and the user has not chosen the GPU.
    SavesData,
    /// `cargo xtask serve` is still building it.
    NotBuilt,
    /// It could not be downloaded or started: the reason, as a sentence or part of one.
    Failed(String),
    /// It ran, and failed or fell silent: the reason, as a sentence or part of one.
    Stopped(String),
    /// It could not run the network in use: the reason, as a sentence or part of one.
    Network(String),
}

/// How long a step of training takes, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepTimes {
    /// On the CPU engine.
    pub cpu_ms: f64,
    /// On the GPU engine.
    pub gpu_ms: f64,
}

/// Why the present engine is used.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Choice {
    /// No engine runs yet: the CPU engine and the network are being loaded.
    #[default]
    Starting,
    /// No engine runs: the CPU engine could not be started.
    Broken,
    /// The CPU engine runs; the GPU engine is being downloaded.
    FetchingGpu,
    /// The CPU engine runs; the GPU engine is being compared with it.
    TestingGpu,
    /// There is no GPU engine.
    OnlyCpu {
        /// Why not.
        reason: NoGpu,
    },
    /// The GPU engine runs because it is faster.
    GpuFaster {
        /// The CPU engine's time for 30 s of sound, in milliseconds.
        cpu_ms: f64,
        /// The GPU engine's.
        gpu_ms: f64,
        /// Their times for a step of training, if both were timed.
        steps: Option<StepTimes>,
    },
    /// The CPU engine runs because it is faster.
    CpuFaster {
        /// The CPU engine's time for 30 s of sound, in milliseconds.
        cpu_ms: f64,
        /// The GPU engine's.
        gpu_ms: f64,
        /// Their times for a step of training, if both were timed.
        steps: Option<StepTimes>,
    },
    /// The CPU engine runs because the GPU engine's logits differ from its own.
    SelfTestMismatch {
        /// The largest difference of two logits; infinite if they cannot be compared.
        difference: f32,
    },
    /// The user chose this engine.
    UserChoice,
}

impl Choice {
    /// Its name in the page's `data-choice`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Broken => "broken",
            Self::FetchingGpu => "fetching-gpu",
            Self::TestingGpu => "testing-gpu",
            Self::OnlyCpu { .. } => "only-cpu",
            Self::GpuFaster { .. } => "gpu-faster",
            Self::CpuFaster { .. } => "cpu-faster",
            Self::SelfTestMismatch { .. } => "self-test-mismatch",
            Self::UserChoice => "user-choice",
        }
    }
}

/// The state of the GPU engine with the active network.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum GpuState {
    /// The browser has not been asked for an adapter yet.
    NotProbed,
    /// It is being downloaded or tested: the reason to show in the meantime.
    Pending(Choice),
    /// It was compared with the CPU engine on this network, with this result.
    Compared(Choice),
    /// It is not available.
    Unavailable(Choice),
}

/// On which network the engines were last compared, and the result.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Comparison(Option<(NetworkIdentity, Choice)>);

impl Comparison {
    /// The GPU engine is about to load a network: from now on it may have any.
    pub(crate) fn begin(&mut self) {
        self.0 = None;
    }

    /// The GPU engine has this network, and the comparison on it this result.
    pub(crate) fn end(&mut self, network: NetworkIdentity, result: Choice) {
        self.0 = Some((network, result));
    }

    /// The result on this network; `None` if the GPU engine has another one, or they were not compared.
    pub(crate) fn result(&self, network: &NetworkIdentity) -> Option<&Choice> {
        self.0.as_ref().filter(|(compared, _)| compared == network).map(|(_, result)| result)
    }
}

/// Which engine classifies, and why. `None` if recordings have to wait; one that has a result and is to be refined does not.
pub(crate) fn decide(preference: Preference, gpu: &GpuState, refines: bool) -> (Option<EngineKind>, Choice) {
    let cpu = Some(EngineKind::Cpu);
    // A user who chose the GPU waits for it; in the automatic mode the CPU starts at once.
    let waits = preference == Preference::Gpu && !refines;
    match (gpu, preference) {
        (_, Preference::Cpu) => (cpu, Choice::UserChoice),
        (GpuState::Compared(Choice::GpuFaster { .. } | Choice::CpuFaster { .. }), Preference::Gpu) => {
            (Some(EngineKind::Gpu), Choice::UserChoice)
        }
        (GpuState::Compared(faster @ Choice::GpuFaster { .. }), Preference::Auto) => {
            (Some(EngineKind::Gpu), faster.clone())
        }
        (GpuState::Compared(reason) | GpuState::Unavailable(reason), _) => (cpu, reason.clone()),
        (GpuState::Pending(choice), _) => (cpu.filter(|_| !waits), choice.clone()),
        (GpuState::NotProbed, _) => (cpu.filter(|_| !waits), Choice::FetchingGpu),
    }
}

/// Which engine trains: the one that takes less for a step, where both were timed.
pub(crate) fn decide_training(preference: Preference, gpu: &GpuState) -> EngineKind {
    match (gpu, preference) {
        (
            GpuState::Compared(
                Choice::GpuFaster { steps: Some(StepTimes { cpu_ms, gpu_ms }), .. }
                | Choice::CpuFaster { steps: Some(StepTimes { cpu_ms, gpu_ms }), .. },
            ),
            Preference::Auto,
        ) => {
            if gpu_ms < cpu_ms {
                EngineKind::Gpu
            } else {
                EngineKind::Cpu
            }
        }
        _ => decide(preference, gpu, false).0.unwrap_or(EngineKind::Cpu),
    }
}

/// The tolerance between the engines' logits, relative to 1 plus the largest of them. The engines sum in different
/// orders; a genre's probability changes by at most about this much.
const TOLERANCE: f32 = 0.01;

/// Compares two engines by the same self-test: the GPU engine is chosen if it agrees and is faster.
pub(crate) fn choose(cpu: &SelfTest, gpu: &SelfTest) -> Choice {
    let difference = largest_difference(&cpu.logits, &gpu.logits);
    // The tolerance is relative, because sums of large numbers differ more.
    let largest = cpu.logits.iter().fold(0.0_f32, |largest, logit| largest.max(logit.abs()));
    let (cpu_ms, gpu_ms) = (cpu.milliseconds, gpu.milliseconds);
    let steps = cpu.step_milliseconds.zip(gpu.step_milliseconds).map(|(cpu_ms, gpu_ms)| StepTimes { cpu_ms, gpu_ms });
    // With an infinite logit the tolerance would allow any difference.
    if !largest.is_finite() || difference > TOLERANCE * (1.0 + largest) {
        Choice::SelfTestMismatch { difference }
    } else if gpu_ms < cpu_ms {
        Choice::GpuFaster { cpu_ms, gpu_ms, steps }
    } else {
        Choice::CpuFaster { cpu_ms, gpu_ms, steps }
    }
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    if a.is_empty() || a.len() != b.len() {
        return f32::INFINITY;
    }
    let difference = |(a, b): (&f32, &f32)| {
        let difference = (a - b).abs();
        // `f32::max` ignores NaN, which must count as a mismatch.
        if difference.is_nan() { f32::INFINITY } else { difference }
    };
    a.iter().zip(b).map(difference).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(logits: &[f32], milliseconds: f64) -> SelfTest {
        SelfTest { logits: logits.to_vec(), milliseconds, step_milliseconds: None }
    }

    #[test]
    fn the_faster_engine_is_chosen_if_they_agree() {
        let cpu = test(&[1.0, -3.0], 20.0);
        assert_eq!(
            choose(&cpu, &test(&[1.02, -3.02], 5.0)),
            Choice::GpuFaster { cpu_ms: 20.0, gpu_ms: 5.0, steps: None }
        );
        assert_eq!(
            choose(&cpu, &test(&[1.0, -3.0], 40.0)),
            Choice::CpuFaster { cpu_ms: 20.0, gpu_ms: 40.0, steps: None }
        );
        assert_eq!(
            choose(&cpu, &test(&[1.0, -3.0], 20.0)),
            Choice::CpuFaster { cpu_ms: 20.0, gpu_ms: 20.0, steps: None }
        );
    }

    #[test]
    fn a_wrong_gpu_is_refused_even_if_it_is_faster() {
        // Allowed here: 0.01 · (1 + 3) = 0.04.
        let found = choose(&test(&[1.0, -3.0], 20.0), &test(&[1.0, -3.05], 1.0));
        assert!(matches!(found, Choice::SelfTestMismatch { difference } if (difference - 0.05).abs() < 1e-5));
    }

    #[test]
    fn logits_that_cannot_be_compared_are_refused() {
        for (cpu, gpu) in [
            (vec![1.0], vec![f32::NAN]),
            (vec![1.0], vec![f32::INFINITY]),
            (vec![f32::INFINITY], vec![1.0]),
            (vec![f32::NAN], vec![f32::NAN]),
            (vec![1.0], vec![1.0, 2.0]),
            (vec![], vec![]),
        ] {
            let found = choose(&test(&cpu, 20.0), &test(&gpu, 1.0));
            assert!(matches!(found, Choice::SelfTestMismatch { .. }), "{cpu:?} {gpu:?}: {found:?}");
        }
    }

    #[test]
    fn the_chosen_engine_runs_if_it_agrees_with_the_other() {
        let faster = Choice::GpuFaster { cpu_ms: 20.0, gpu_ms: 5.0, steps: None };
        let slower = Choice::CpuFaster { cpu_ms: 5.0, gpu_ms: 20.0, steps: None };
        let wrong = Choice::SelfTestMismatch { difference: 1.0 };
        let (cpu, gpu) = (Some(EngineKind::Cpu), Some(EngineKind::Gpu));
        for (choice, chosen_gpu, chosen_auto) in [(faster, gpu, gpu), (slower, gpu, cpu), (wrong, cpu, cpu)] {
            let state = GpuState::Compared(choice.clone());
            assert_eq!(decide(Preference::Gpu, &state, false).0, chosen_gpu, "{choice:?}");
            assert_eq!(decide(Preference::Auto, &state, false), (chosen_auto, choice.clone()));
            assert_eq!(decide(Preference::Cpu, &state, false), (cpu, Choice::UserChoice));
        }
    }

    #[test]
    fn training_and_classification_each_run_where_they_are_faster() {
        let with_step = |milliseconds, step| SelfTest { step_milliseconds: step, ..test(&[1.0], milliseconds) };
        let choice = |cpu, gpu| GpuState::Compared(choose(&cpu, &gpu));
        // Songs are faster on the CPU, steps on the GPU; and the other way round.
        for (songs, steps, trains) in
            [([10.0, 20.0], [50.0, 5.0], EngineKind::Gpu), ([20.0, 10.0], [5.0, 50.0], EngineKind::Cpu)]
        {
            let state = choice(with_step(songs[0], Some(steps[0])), with_step(songs[1], Some(steps[1])));
            assert_eq!(decide_training(Preference::Auto, &state), trains);
            assert_ne!(decide(Preference::Auto, &state, false).0, Some(trains));
            assert_eq!(decide_training(Preference::Gpu, &state), EngineKind::Gpu);
            assert_eq!(decide_training(Preference::Cpu, &state), EngineKind::Cpu);
        }
        // Without both steps: where songs are faster.
        let state = choice(with_step(20.0, None), with_step(10.0, Some(90.0)));
        assert_eq!(decide_training(Preference::Auto, &state), EngineKind::Gpu);
        let wrong = GpuState::Compared(choose(&test(&[1.0], 9.0), &test(&[5.0], 1.0)));
        assert_eq!(decide_training(Preference::Gpu, &wrong), EngineKind::Cpu);
        assert_eq!(decide_training(Preference::Gpu, &GpuState::NotProbed), EngineKind::Cpu);
    }

    #[test]
    fn only_a_user_who_chose_the_gpu_waits_for_it() {
        for state in [GpuState::NotProbed, GpuState::Pending(Choice::TestingGpu)] {
            assert_eq!(decide(Preference::Gpu, &state, false).0, None);
            assert_eq!(decide(Preference::Auto, &state, false).0, Some(EngineKind::Cpu));
        }
        let refused = GpuState::Unavailable(Choice::OnlyCpu { reason: NoGpu::NoWebGpu });
        assert_eq!(decide(Preference::Gpu, &refused, false).0, Some(EngineKind::Cpu));
    }

    #[test]
    fn a_self_test_of_the_gpu_does_not_hold_back_the_refined_result() {
        let state = GpuState::Pending(Choice::TestingGpu);
        assert_eq!(decide(Preference::Gpu, &state, true), (Some(EngineKind::Cpu), Choice::TestingGpu));
        let compared = GpuState::Compared(Choice::GpuFaster { cpu_ms: 20.0, gpu_ms: 5.0, steps: None });
        assert_eq!(decide(Preference::Gpu, &compared, true).0, Some(EngineKind::Gpu));
    }

    #[test]
    fn a_gpu_engine_that_loads_another_network_answers_for_none() {
        let network = |name: &str, sha256: &str| {
            let card = crate::view::classify::words::tests::in_use().card;
            NetworkIdentity::of(&crate::card::Card { name: name.to_owned(), sha256: sha256.to_owned(), ..card })
        };
        let (first, second) = (network("a", "11"), network("b", "22"));
        let mut comparison = Comparison::default();
        comparison.end(first.clone(), Choice::UserChoice);
        assert_eq!(comparison.result(&first), Some(&Choice::UserChoice));
        assert_eq!(comparison.result(&second), None);
        // Another one that was trained under the same name.
        assert_eq!(comparison.result(&network("a", "33")), None);
        // To the second and back to the first, while the second is still being tested.
        comparison.begin();
        assert_eq!(comparison.result(&first), None);
        comparison.end(second, Choice::UserChoice);
        assert_eq!(comparison.result(&first), None);
    }

    #[test]
    fn preferences_have_names() {
        assert!(Preference::ALL.into_iter().all(|preference| Preference::of(preference.name()) == Some(preference)));
        assert_eq!(Preference::of("quantum"), None);
    }
}
