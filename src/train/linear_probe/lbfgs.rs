//! The minimum of a smooth function in double precision: L-BFGS (Nocedal and Wright 2006, algorithms 7.4 and 7.5) with a
//! backtracking line search.
//!
//! Own code, because Burn optimises in single precision on a device; a convex problem with few parameters can be solved
//! to many digits, so that every machine gets the same head.

use std::collections::VecDeque;

/// The number of steps that approximate the curvature.
const MEMORY: usize = 10;
/// The most steps.
const STEPS: usize = 1000;
/// The least share of the linear descent that a step must reach (Armijo's c₁).
const SUFFICIENT: f64 = 1e-4;
/// The shortest step that is tried.
const SHORTEST: f64 = 1e-10;

/// A step, the change of the gradient over it, and one over their dot product (s, y and ρ in the book).
type Remembered = (Vec<f64>, Vec<f64>, f64);

/// Descends from `at` until no component of the gradient exceeds `tolerance`. `function` returns its value and its
/// gradient at a point.
pub(super) fn minimise(
    mut at: Vec<f64>,
    tolerance: f64,
    mut function: impl FnMut(&[f64]) -> (f64, Vec<f64>),
) -> Vec<f64> {
    let (mut value, mut gradient) = function(&at);
    let mut memory: VecDeque<Remembered> = VecDeque::new();
    for _ in 0..STEPS {
        if gradient.iter().all(|component| component.abs() <= tolerance) {
            break;
        }
        let direction = direction(&gradient, &memory);
        let descent = dot(&direction, &gradient);
        // The first direction has no curvature: a step of length 1 at most.
        let mut length = if memory.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt().max(1.0) } else { 1.0 };
        let (next, next_value, next_gradient) = loop {
            let next: Vec<f64> = at.iter().zip(&direction).map(|(at, along)| at + length * along).collect();
            let (found, gradient) = function(&next);
            if found <= value + SUFFICIENT * length * descent {
                break (next, found, gradient);
            }
            length /= 2.0;
            if length < SHORTEST {
                // Rounding errors hide any further descent.
                return at;
            }
        };
        remember(&mut memory, difference(&next, &at), difference(&next_gradient, &gradient));
        (at, value, gradient) = (next, next_value, next_gradient);
    }
    at
}

fn remember(memory: &mut VecDeque<Remembered>, step: Vec<f64>, change: Vec<f64>) {
    let product = dot(&step, &change);
    // Only a positive curvature keeps the approximation positive definite.
    if product <= 0.0 {
        return;
    }
    if memory.len() == MEMORY {
        memory.pop_front();
    }
    memory.push_back((step, change, 1.0 / product));
}

/// The direction of descent: minus the gradient times the inverse curvature (algorithm 7.4, the two-loop recursion).
fn direction(gradient: &[f64], memory: &VecDeque<Remembered>) -> Vec<f64> {
    let mut way = gradient.to_vec();
    let mut shares = Vec::with_capacity(memory.len());
    for (step, change, inverse) in memory.iter().rev() {
        let share = inverse * dot(step, &way);
        add(&mut way, -share, change);
        shares.push(share);
    }
    if let Some((_, change, inverse)) = memory.back() {
        // The initial Hessian of equation 7.20.
        let scale = 1.0 / (inverse * dot(change, change));
        way.iter_mut().for_each(|component| *component *= scale);
    }
    for ((step, change, inverse), share) in memory.iter().zip(shares.into_iter().rev()) {
        let other = inverse * dot(change, &way);
        add(&mut way, share - other, step);
    }
    way.iter_mut().for_each(|component| *component = -*component);
    way
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], factor: f64, vector: &[f64]) {
    to.iter_mut().zip(vector).for_each(|(to, component)| *to += factor * component);
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rosenbrocks_valley_is_followed_to_its_minimum() {
        // Rosenbrock's function: its lowest point is (1, 1).
        let function = |x: &[f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            (a * a + 100.0 * b * b, vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b])
        };
        let found = minimise(vec![-1.2, 1.0], 1e-9, function);
        assert!(found.iter().all(|component| (component - 1.0).abs() < 1e-6), "{found:?}");
    }

    #[test]
    fn an_ill_conditioned_quadratic_is_minimised() {
        let function = |x: &[f64]| {
            let terms = x.iter().enumerate().map(|(index, x)| (10_f64.powi(index as i32 - 3), x - index as f64));
            (terms.clone().map(|(size, x)| size * x * x).sum(), terms.map(|(size, x)| 2.0 * size * x).collect())
        };
        let found = minimise(vec![0.0; 7], 1e-12, function);
        assert!(found.iter().enumerate().all(|(index, x)| (x - index as f64).abs() < 1e-6), "{found:?}");
    }
}
