//! Vectors of four floats, complex numbers of them, and short inverse Fourier transforms (e^{+2πi·kn/N}, not divided by N).

use std::f32::consts::FRAC_1_SQRT_2;

/// Four floats: one register of SSE, NEON and WebAssembly's SIMD.
pub(super) use wide::f32x4 as Vector;

/// Floats in a [`Vector`].
pub(super) const LANES: usize = 4;

/// The first four floats of a slice.
///
/// # Panics
///
/// If there are fewer.
#[inline(always)]
pub(super) fn load(from: &[f32]) -> Vector {
    Vector::new([from[0], from[1], from[2], from[3]])
}

/// Writes into the first four floats of a slice.
///
/// # Panics
///
/// If there are fewer.
#[inline(always)]
pub(super) fn store(to: &mut [f32], values: Vector) {
    to[..LANES].copy_from_slice(&values.to_array());
}

/// c + a·b
#[inline(always)]
pub(super) fn add_product(a: Vector, b: Vector, c: Vector) -> Vector {
    a.mul_add(b, c)
}

/// c − a·b
#[inline(always)]
pub(super) fn sub_product(a: Vector, b: Vector, c: Vector) -> Vector {
    a.mul_neg_add(b, c)
}

/// The largest of some numbers. By comparison: `f32::max` is a call in WebAssembly, for its rules on NaN.
#[inline(always)]
pub(super) fn largest<'a>(values: impl IntoIterator<Item = &'a f32>) -> f32 {
    values.into_iter().fold(f32::MIN, |most, &value| if value > most { value } else { most })
}

/// Four complex numbers.
#[derive(Clone, Copy)]
pub(super) struct Complex {
    pub re: Vector,
    pub im: Vector,
}

impl Complex {
    pub(super) const ZERO: Self = Self { re: Vector::ZERO, im: Vector::ZERO };
    /// Below every sum: the start of a search for the largest.
    pub(super) const LOWEST: Self = Self { re: Vector::splat(f32::MIN), im: Vector::splat(f32::MIN) };

    #[inline(always)]
    pub(super) fn new(re: Vector, im: Vector) -> Self {
        Self { re, im }
    }

    #[inline(always)]
    pub(super) fn add(self, other: Self) -> Self {
        Self::new(self.re + other.re, self.im + other.im)
    }

    #[inline(always)]
    pub(super) fn sub(self, other: Self) -> Self {
        Self::new(self.re - other.re, self.im - other.im)
    }

    /// self + i·other
    #[inline(always)]
    fn add_turned(self, other: Self) -> Self {
        Self::new(self.re - other.im, self.im + other.re)
    }

    /// self − i·other
    #[inline(always)]
    fn sub_turned(self, other: Self) -> Self {
        Self::new(self.re + other.im, self.im - other.re)
    }

    #[inline(always)]
    pub(super) fn times(self, re: Vector, im: Vector) -> Self {
        Self::new(sub_product(self.im, im, self.re * re), add_product(self.im, re, self.re * im))
    }

    /// The conjugate of self, times the other.
    #[inline(always)]
    pub(super) fn conjugate_times(self, re: Vector, im: Vector) -> Self {
        Self::new(add_product(self.im, im, self.re * re), sub_product(self.im, re, self.re * im))
    }

    /// The larger real parts and the larger imaginary parts.
    #[inline(always)]
    pub(super) fn larger(self, other: Self) -> Self {
        // `fast_max` is one instruction everywhere; `max` is several, for its rules on NaN.
        Self::new(self.re.fast_max(other.re), self.im.fast_max(other.im))
    }

    /// Turned by an eighth of the circle.
    #[inline(always)]
    fn eighth(self) -> Self {
        let half = Vector::splat(FRAC_1_SQRT_2);
        Self::new(half * (self.re - self.im), half * (self.re + self.im))
    }

    /// Turned by a quarter of the circle.
    #[inline(always)]
    fn quarter(self) -> Self {
        Self::new(-self.im, self.re)
    }
}

/// The transform of 4.
#[inline(always)]
pub(super) fn transform_4(x: [Complex; 4]) -> [Complex; 4] {
    let (a, b, c, d) = (x[0].add(x[2]), x[0].sub(x[2]), x[1].add(x[3]), x[1].sub(x[3]));
    [a.add(c), b.add_turned(d), a.sub(c), b.sub_turned(d)]
}

/// The transform of 8.
#[inline(always)]
pub(super) fn transform_8(x: [Complex; 8]) -> [Complex; 8] {
    let even = transform_4([x[0], x[2], x[4], x[6]]);
    let odd = transform_4([x[1], x[3], x[5], x[7]]);
    let (odd_1, odd_3) = (odd[1].eighth(), odd[3].eighth());
    [
        even[0].add(odd[0]),
        even[1].add(odd_1),
        even[2].add_turned(odd[2]),
        even[3].add_turned(odd_3),
        even[0].sub(odd[0]),
        even[1].sub(odd_1),
        even[2].sub_turned(odd[2]),
        even[3].sub_turned(odd_3),
    ]
}

/// The transform of 16.
#[inline(always)]
pub(super) fn transform_16(x: [Complex; 16]) -> [Complex; 16] {
    /// The cosine and the sine of π/8.
    const C: f32 = 0.923_879_5;
    const S: f32 = 0.382_683_43;
    let [a, b, c, d] = [0, 1, 2, 3].map(|i| transform_4([x[i], x[i + 4], x[i + 8], x[i + 12]]));
    let turn = |z: Complex, re: f32, im: f32| z.times(Vector::splat(re), Vector::splat(im));
    let y = [
        transform_4([a[0], b[0], c[0], d[0]]),
        transform_4([a[1], turn(b[1], C, S), c[1].eighth(), turn(d[1], S, C)]),
        transform_4([a[2], b[2].eighth(), c[2].quarter(), d[2].eighth().quarter()]),
        transform_4([a[3], turn(b[3], S, C), c[3].eighth().quarter(), turn(d[3], -C, -S)]),
    ];
    std::array::from_fn(|i| y[i % 4][i / 4])
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// Every output of a transform of these lengths beside the sum that defines it.
    fn check<const N: usize>(transform: fn([Complex; N]) -> [Complex; N]) {
        let input: [(f64, f64); N] = std::array::from_fn(|n| ((n as f64 * 1.7).sin(), (n as f64 * 0.9).cos()));
        let splat = |value: f64| Vector::splat(value as f32);
        let found = transform(input.map(|(re, im)| Complex::new(splat(re), splat(im))));
        for (k, found) in found.into_iter().enumerate() {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, (a, b)) in input.into_iter().enumerate() {
                let (sin, cos) = (TAU * (k * n) as f64 / N as f64).sin_cos();
                re += a * cos - b * sin;
                im += a * sin + b * cos;
            }
            let difference = (f64::from(found.re.to_array()[1]) - re).hypot(f64::from(found.im.to_array()[2]) - im);
            assert!(difference < 1e-5, "{N}, {k}: {difference}");
        }
    }

    #[test]
    fn transforms_are_the_sums_that_define_them() {
        check(transform_4);
        check(transform_8);
        check(transform_16);
    }
}
