//! Where half of the trials succeed, from counts k_i of N_i at places x_i, if success becomes more frequent along them (or
//! rarer: then with failures in place of successes):
//!
//! ```text
//! a maximum of the likelihood    −a/b ± z·se, if it lies between the first place and the last
//! failures below, successes from the next place on        the middle of the two places, in between
//! one place x_j with both, rate r; failures below it, successes above
//!                                r ≥ ½: x_{j−1} + (x_j − x_{j−1})/(2r);  r < ½: x_j + (x_{j+1} − x_j)(½ − r)/(1 − r)
//!                                in [x_{j−1}, x_{j+1}]
//! the same at an end             the half of this on the side of the other places, if Wilson's interval of r excludes ½
//! ```
//!
//! The third line is the straight line between the rates 0, r and 1. Nothing is said of places beyond those that were tried.

use hadaflow_core::error::Result;

use super::{EmpiricalTransition, Interval, logistic_fit, wilson_interval};

/// Where half succeed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Half {
    /// The place.
    pub place: f64,
    /// An interval of positive length around it: at the confidence asked for where a fit gives it, otherwise between places
    /// that were tried.
    pub interval: Interval,
}

/// The place where half of the trials succeed, if success `rises` along x and the data show the place.
///
/// # Errors
/// If the counts do not belong together, or the confidence does not lie strictly between 0 and 1.
pub fn half(x: &[f64], successes: &[u64], trials: &[u64], rises: bool, confidence: f64) -> Result<Option<Half>> {
    let found = logistic_fit(x, successes, trials)?;
    let mut places: Vec<Place> = (0..x.len())
        .filter(|&i| trials[i] > 0)
        .map(|i| Place {
            x: x[i],
            reached: if rises { successes[i] } else { trials[i] - successes[i] },
            trials: trials[i],
        })
        .collect();
    places.sort_by(|a, b| a.x.total_cmp(&b.x));
    let (Some(first), Some(last)) = (places.first(), places.last()) else {
        return Ok(None);
    };
    match found {
        EmpiricalTransition::Fitted(fit) => {
            let shown = (fit.slope > 0.0) == rises && first.x <= fit.half && fit.half <= last.x;
            let interval = fit.half_interval(confidence)?;
            Ok(shown.then_some(Half {
                place: fit.half,
                interval,
            }))
        }
        EmpiricalTransition::Separated { low, high, rising } if rising == rises => {
            if low < high {
                let place = f64::midpoint(low, high);
                let interval = Interval { low, high };
                return Ok(Some(Half { place, interval }));
            }
            within(&places, low, confidence)
        }
        _ => Ok(None),
    }
}

/// Trials at one place, and how many of them reached what becomes more frequent.
struct Place {
    x: f64,
    reached: u64,
    trials: u64,
}

/// A single place `at` has both outcomes; below it there is only one, above it only the other.
fn within(places: &[Place], at: f64, confidence: f64) -> Result<Option<Half>> {
    // the same place may be listed several times
    let here = places.iter().filter(|place| place.x == at);
    let (reached, trials) = here.fold((0, 0), |(k, n), place| (k + place.reached, n + place.trials));
    let below = places.iter().map(|place| place.x).rfind(|x| *x < at);
    let above = places.iter().map(|place| place.x).find(|x| *x > at);
    let rate = reached as f64 / trials as f64; // counts far below 2⁵³
    let sure = !wilson_interval(reached, trials, confidence)?.contains(0.5);
    let place = if rate < 0.5 {
        above.map(|above| at + (above - at) * (0.5 - rate) / (1.0 - rate))
    } else {
        below.map(|below| below + (at - below) * 0.5 / rate)
    };
    let interval = match (below, above) {
        (Some(low), Some(high)) => Some(Interval { low, high }),
        (Some(low), None) if sure => Some(Interval { low, high: at }),
        (None, Some(high)) if sure => Some(Interval { low: at, high }),
        _ => None,
    };
    Ok(place.zip(interval).map(|(place, interval)| Half { place, interval }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(x: &[f64], successes: &[u64], trials: &[u64], rises: bool) -> Option<(f64, f64, f64)> {
        let found = half(x, successes, trials, rises, 0.95).unwrap();
        // the mirror image says the same of failures
        let failures: Vec<u64> = trials.iter().zip(successes).map(|(n, k)| n - k).collect();
        let mirrored = half(x, &failures, trials, !rises, 0.95).unwrap();
        assert_eq!(found.is_some(), mirrored.is_some());
        if let (Some(a), Some(b)) = (found, mirrored) {
            assert!((a.place - b.place).abs() < 1e-9 * a.place.abs());
        }
        // nor does the order of places matter
        let back = |values: &[u64]| values.iter().rev().copied().collect::<Vec<_>>();
        let x_back: Vec<f64> = x.iter().rev().copied().collect();
        let reversed = half(&x_back, &back(successes), &back(trials), rises, 0.95).unwrap();
        assert_eq!(reversed.is_some(), found.is_some());
        found.map(|half| (half.place, half.interval.low, half.interval.high))
    }

    #[test]
    fn one_place_with_both_outcomes_has_the_interval_of_its_neighbours() {
        let x = [10.0, 20.0, 30.0];
        // 15 of 60 at 20: the line from (20, ¼) to (30, 1) is at ½ a third of the way
        let (place, low, high) = of(&x, &[0, 15, 60], &[60; 3], true).unwrap();
        assert!((place - (20.0 + 10.0 / 3.0)).abs() < 1e-12, "{place}");
        assert_eq!((low, high), (10.0, 30.0));
        // 45 of 60: from (10, 0) to (20, ¾), two thirds of the way
        let (place, ..) = of(&x, &[0, 45, 60], &[60; 3], true).unwrap();
        assert!((place - (10.0 + 20.0 / 3.0)).abs() < 1e-12, "{place}");
        assert_eq!(of(&x, &[0, 30, 60], &[60; 3], true), Some((20.0, 10.0, 30.0)));
    }

    /// At the end of what was tried, half lies inside only if the rate there says so.
    #[test]
    fn ends_of_the_grid_speak_for_one_side() {
        let x = [3.0, 4.0, 5.0];
        for (last, shown) in [(1, false), (30, false), (35, false), (45, true), (59, true)] {
            let found = of(&x, &[0, 0, last], &[60; 3], true);
            assert_eq!(found.is_some(), shown, "{last}");
            if let Some((place, low, high)) = found {
                assert_eq!((low, high), (4.0, 5.0));
                assert!((place - (4.0 + 30.0 / last as f64)).abs() < 1e-12, "{place}");
            }
            let first = of(&x, &[60 - last, 60, 60], &[60; 3], true);
            assert_eq!(first.is_some(), shown, "{last}");
            if let Some((_, low, high)) = first {
                assert_eq!((low, high), (3.0, 4.0));
            }
        }
    }

    #[test]
    fn fits_count_where_they_stay_inside_and_go_the_right_way() {
        let x = [10.0, 20.0, 30.0, 40.0];
        let inside = half(&x, &[1, 3, 8, 10], &[10; 4], true, 0.95).unwrap().unwrap();
        let EmpiricalTransition::Fitted(fit) = logistic_fit(&x, &[1, 3, 8, 10], &[10; 4]).unwrap() else {
            panic!("no fit");
        };
        assert_eq!(
            (inside.place, inside.interval),
            (fit.half, fit.half_interval(0.95).unwrap())
        );
        assert_eq!(of(&x, &[1, 3, 8, 10], &[10; 4], false), None);
        assert_eq!(of(&x, &[0, 1, 1, 2], &[10; 4], true), None, "beyond the last");
        assert_eq!(of(&x, &[8, 9, 9, 10], &[10; 4], true), None, "before the first");
        assert_eq!(of(&x, &[0, 0, 10, 10], &[10; 4], true), Some((25.0, 20.0, 30.0)));
        for nothing in [[0; 4], [10; 4]] {
            assert_eq!(of(&x, &nothing, &[10; 4], true), None);
        }
        assert_eq!(of(&[5.0], &[3], &[10], true), None);
        assert_eq!(of(&[], &[], &[], true), None);
        assert!(
            half(&x, &[0; 4], &[1; 4], true, 1.0).is_ok() && half(&x, &[1, 3, 8, 10], &[10; 4], true, 1.0).is_err()
        );
    }
}
