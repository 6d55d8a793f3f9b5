//! The learning rate of every step.

use crate::recipe::{Recipe, Schedule};

/// The share of a run's steps over which a cosine schedule warms up.
const WARM_UP: f64 = 0.05;

/// The learning rate of a run. The plateau schedule depends on the losses and scores so far.
#[derive(Debug, Clone)]
pub(super) struct LearningRate {
    schedule: Schedule,
    largest: f64,
    /// The plateau schedule's factor of the largest rate, 0.01 to 10.
    factor: f64,
    lowest_loss: f64,
    /// Epochs since the lowest loss, or since the factor was last raised.
    epochs_since: usize,
    /// The scores of the last epochs, three at most, from 0 to 1.
    scores: Vec<f64>,
}

impl LearningRate {
    pub(super) fn new(recipe: &Recipe) -> Self {
        Self {
            schedule: recipe.schedule,
            largest: recipe.learning_rate,
            factor: 1.0,
            lowest_loss: f64::INFINITY,
            epochs_since: 0,
            scores: Vec::new(),
        }
    }

    /// The rate at a step, from 0, of a run of `steps` steps.
    pub(super) fn at(&self, step: usize, steps: usize) -> f64 {
        self.largest
            * match self.schedule {
                Schedule::Constant => 1.0,
                Schedule::Cosine => cosine(step as f64 / steps.max(1) as f64),
                Schedule::Plateau => self.factor,
            }
    }

    /// Adjusts the rate to a validated epoch's loss and score.
    pub(super) fn epoch_over(&mut self, train_loss: f64, valid_score: f64) {
        self.epochs_since += 1;
        // The thresholds are those documented at `Schedule::Plateau`.
        if train_loss < 0.99 * self.lowest_loss {
            (self.lowest_loss, self.epochs_since) = (train_loss, 0);
        }
        self.scores.push(valid_score);
        let falls = self.scores.windows(2).filter(|pair| pair[1] < pair[0]).count();
        if self.epochs_since >= 5 {
            (self.factor, self.epochs_since) = ((self.factor * 1.5).min(10.0), 0);
        } else if self.scores.len() > 3 && falls >= 2 {
            self.factor = (self.factor * 0.5).max(0.01);
            // A new decision needs new epochs: the same drops must not halve the rate twice.
            self.scores.drain(..3);
        }
        if self.scores.len() > 3 {
            self.scores.remove(0);
        }
    }
}

/// The factor of the largest rate at a share of the run, 0 to 1: linear warm-up, then half a cosine down to a hundredth.
fn cosine(done: f64) -> f64 {
    if done < WARM_UP {
        return (done / WARM_UP).max(0.01);
    }
    let descent = (done - WARM_UP) / (1.0 - WARM_UP);
    0.01 + 0.99 * 0.5 * (1.0 + (std::f64::consts::PI * descent).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(schedule: Schedule) -> LearningRate {
        LearningRate::new(&Recipe { learning_rate: 2.0, schedule, ..Recipe::default() })
    }

    #[test]
    fn a_cosine_rises_to_the_learning_rate_and_falls_to_a_hundredth() {
        let rate = rate(Schedule::Cosine);
        assert!(rate.at(0, 1000) < 0.03);
        assert!((rate.at(50, 1000) - 2.0).abs() < 0.01);
        assert!((rate.at(1000, 1000) - 0.02).abs() < 1e-9);
        assert!(rate.at(300, 1000) > rate.at(600, 1000));
    }

    #[test]
    fn a_plateau_raises_the_rate() {
        let mut rate = rate(Schedule::Plateau);
        for _ in 0..5 {
            assert_eq!(rate.at(0, 1), 2.0);
            rate.epoch_over(1.0, 0.5);
        }
        rate.epoch_over(1.0, 0.5);
        assert_eq!(rate.at(0, 1), 3.0);
    }

    #[test]
    fn a_fluctuating_accuracy_lowers_the_rate() {
        let mut rate = rate(Schedule::Plateau);
        for (epoch, accuracy) in [0.5, 0.4, 0.6, 0.3].into_iter().enumerate() {
            rate.epoch_over(1.0 / (epoch + 1) as f64, accuracy);
        }
        assert_eq!(rate.at(0, 1), 1.0);
    }
}
