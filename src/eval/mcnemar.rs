//! Whether one network predicts the same songs significantly better than another: McNemar's test of paired predictions
//! (1947) in its exact form, which is the sign test (Dixon and Mood 1946) on the songs that only one of them gets right.

/// The two-sided p-value, 0 to 1: the probability of a difference at least this large if both networks are equally good.
/// `only_first` songs are predicted rightly by the first network alone, `only_second` by the second alone.
pub fn sign_test(only_first: usize, only_second: usize) -> f64 {
    let (fewer, all) = (only_first.min(only_second), only_first + only_second);
    if 2 * fewer == all {
        return 1.0;
    }
    // In logarithms: 2⁻²⁰⁰⁰ is 0 in double precision.
    let mut log_term = -(all as f64) * std::f64::consts::LN_2;
    let mut tail = log_term.exp();
    for heads in 1..=fewer {
        log_term += ((all - heads + 1) as f64 / heads as f64).ln();
        tail += log_term.exp();
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_exact_binomial_test() {
        // Worked by hand: twice the sum of C(n, k) / 2ⁿ.
        for (first, second, p) in [
            (0, 5, 2.0 / 32.0),
            (1, 8, 2.0 * 10.0 / 512.0),
            (10, 2, 2.0 * 79.0 / 4096.0),
            (3, 3, 1.0),
            (0, 0, 1.0),
            (4, 5, 1.0),
        ] {
            assert!((sign_test(first, second) - p).abs() < 1e-12, "{first} {second}: {}", sign_test(first, second));
        }
    }

    #[test]
    fn it_is_symmetric_and_does_not_underflow() {
        assert_eq!(sign_test(7, 1), sign_test(1, 7));
        let many = sign_test(900, 1100);
        // The normal approximation with its correction: z = 199 / sqrt(2000) = 4.45.
        assert!((1e-6..2e-5).contains(&many), "{many}");
        assert!((sign_test(5000, 5001) - 1.0).abs() < 1e-6);
    }
}
