//! What becomes of figures that were taken again and again.

use serde::Serialize;

/// What a number was in several rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The one in the middle.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Spread {
    /// Of at least one number.
    pub fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        let at = |number: Option<&f64>| number.copied().unwrap_or(f64::NAN);
        let upper = numbers.get(numbers.len() / 2);
        let lower = numbers.get(numbers.len().saturating_sub(1) / 2);
        Self {
            // Of an even number of figures, between the two in the middle.
            median: f64::midpoint(at(lower), at(upper)),
            least: at(numbers.first()),
            most: at(numbers.last()),
        }
    }
}

/// The figure that this part of all did not exceed; NaN of none.
pub fn quantile(numbers: &[f64], part: f64) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_the_middle_and_the_ends() {
        assert_eq!(Spread::of(vec![3.0, 1.0, 10.0]), Spread { median: 3.0, least: 1.0, most: 10.0 });
        assert_eq!(Spread::of(vec![4.0, 1.0, 10.0, 2.0]), Spread { median: 3.0, least: 1.0, most: 10.0 });
        assert_eq!(Spread::of(vec![5.0]), Spread { median: 5.0, least: 5.0, most: 5.0 });
        assert!(Spread::of(Vec::new()).median.is_nan());
    }

    #[test]
    fn a_quantile_is_one_of_the_figures() {
        let numbers: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(quantile(&numbers, 0.5), 100.0);
        assert_eq!(quantile(&numbers, 0.99), 198.0);
        assert_eq!(quantile(&numbers, 1.0), 200.0);
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
