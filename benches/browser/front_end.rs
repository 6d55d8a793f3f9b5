//! The front end as a module of its own, for a page that times it beside others'.

#[cfg(target_family = "wasm")]
#[path = "../common/signal.rs"]
mod signal;

fn main() {}

#[cfg(target_family = "wasm")]
mod exported {
    use std::fmt::Debug;

    use crate::signal;
    use genrelens::dsp::{FrontEnd, MelPlan};
    use wasm_bindgen::prelude::wasm_bindgen;

    /// A planned front end.
    #[wasm_bindgen]
    pub struct Planned {
        front_end: &'static FrontEnd,
        plan: MelPlan,
    }

    #[wasm_bindgen]
    impl Planned {
        /// The one of this name, if there is one.
        pub fn by_name(name: &str) -> Option<Self> {
            FrontEnd::by_name(name).map(|front_end| Self { front_end, plan: MelPlan::new(front_end) })
        }

        /// Mel values of mono samples, `[frame, band]`.
        pub fn mel_values(&mut self, samples: &[f32]) -> Vec<f32> {
            self.plan.spectrogram(samples).values
        }

        /// The benchmark's signal, at this front end's rate.
        pub fn signal(&self) -> Vec<f32> {
            signal::chirp(self.front_end.sample_rate)
        }

        /// Its numbers and conventions, for those who are to compute the same.
        pub fn numbers(&self) -> String {
            let FrontEnd { name, sample_rate, n_fft, hop_length, mel_bands, f_min, f_max, .. } = self.front_end;
            let FrontEnd { centred, padding, mel_scale, mel_norm, spectrum, .. } = self.front_end;
            let word = |convention: &dyn Debug| format!("{convention:?}").to_lowercase();
            serde_json::json!({
                "name": name, "sample_rate": sample_rate, "n_fft": n_fft, "hop_length": hop_length,
                "mel_bands": mel_bands, "f_min": f_min, "f_max": f_max, "centred": centred,
                "padding": word(padding), "mel_scale": word(mel_scale), "mel_norm": word(mel_norm),
                "spectrum": word(spectrum),
            })
            .to_string()
        }
    }

    /// The names of all front ends.
    #[wasm_bindgen]
    pub fn names() -> Vec<String> {
        FrontEnd::ALL.iter().map(|front_end| front_end.name.to_owned()).collect()
    }
}
