use super::*;

fn fitted(x: &[f64], successes: &[u64], trials: &[u64]) -> LogisticFit {
    match logistic_fit(x, successes, trials).unwrap() {
        EmpiricalTransition::Fitted(fit) => fit,
        other => panic!("{other:?}"),
    }
}

fn near(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance * expected.abs(),
        "{found} instead of {expected}"
    );
}

const MEASUREMENTS: [f64; 6] = [10.0, 14.0, 18.0, 22.0, 26.0, 30.0];
const SUCCESSES: [u64; 6] = [0, 3, 18, 37, 49, 50];
const FIFTY: [u64; 6] = [50; 6];

/// Computed by Newton's method with 50 digits: half, its error, slope, its error, Λ.
#[test]
fn fits_have_their_known_values() {
    let million = 1_000_000;
    let singles = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    for (x, successes, trials, expected) in [
        (
            &MEASUREMENTS[..],
            &SUCCESSES[..],
            &FIFTY[..],
            [
                19.436712034607945,
                0.3945468026015307,
                0.5166445793732761,
                0.05962764232855693,
                -78.83026873310229,
            ],
        ),
        (
            &[1.0, 2.0, 3.0],
            &[9, 5, 2],
            &[10, 10, 10],
            [
                2.11390549089078,
                0.2559346724139752,
                -1.748461879908546,
                0.6308793897829256,
                -15.286359785867738,
            ],
        ),
        (
            &[1000001.0, 1000002.0, 1000003.0, 1000004.0],
            &[1, 0, 3, 4],
            &[4, 4, 4, 4],
            [
                1000002.5,
                0.3894282545820868,
                1.7419118034063915,
                0.8002155675737359,
                -6.8469953022796927,
            ],
        ),
        (
            &[0.1, 0.2, 0.3, 0.4],
            &[1000, 1000, 1, 999_999],
            &[million, million, 1, million],
            [
                0.28814806227393396,
                0.0003338127120542443,
                67.96047020439721,
                0.2448243861599338,
                -21786.632402148968,
            ],
        ),
        (
            &singles,
            &[0, 0, 0, 1, 0, 1, 1, 1],
            &[1; 8],
            [
                4.5,
                0.8880025938230068,
                1.2822934116202717,
                0.8604127050525181,
                -2.5030496984679163,
            ],
        ),
    ] {
        let fit = fitted(x, successes, trials);
        // Newton's last step squares what is left: only rounding of the sums remains.
        let found = [fit.half, fit.half_error, fit.slope, fit.slope_error, fit.log_likelihood];
        for (found, expected) in found.into_iter().zip(expected) {
            near(found, expected, 1e-9);
        }
        near(fit.half, expected[0], 1e-12);
        near(fit.probability(fit.half), 0.5, 1e-15);
    }
}

/// Another route to the maximum: the written-out likelihood over half and slope, minimised by shrinking crosses; the
/// error of half from its profile likelihood, which a standard error away is ½ lower (to the order of the sample size).
#[test]
fn the_fit_maximises_the_likelihood() {
    let value = |half: f64, slope: f64| -> f64 {
        (0..6)
            .map(|i| {
                let p = 1.0 / (1.0 + (-slope * (MEASUREMENTS[i] - half)).exp());
                let (k, n) = (SUCCESSES[i] as f64, FIFTY[i] as f64);
                k * p.ln() + (n - k) * (1.0 - p).ln()
            })
            .sum()
    };
    let best_slope = |half: f64| {
        let (mut low, mut high) = (0.01, 3.0);
        for _ in 0..200 {
            let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
            if value(half, a) < value(half, b) {
                low = a;
            } else {
                high = b;
            }
        }
        low
    };
    let profile = |half: f64| value(half, best_slope(half));
    let (mut low, mut high) = (10.0, 30.0);
    for _ in 0..100 {
        let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if profile(a) < profile(b) {
            low = a;
        } else {
            high = b;
        }
    }
    let fit = fitted(&MEASUREMENTS, &SUCCESSES, &FIFTY);
    // A maximum is located to the root of the rounding of its value.
    near(fit.half, low, 1e-6);
    near(fit.slope, best_slope(low), 1e-5);
    near(fit.log_likelihood, profile(low), 1e-12);
    let loss = fit.log_likelihood - 0.5 * (profile(fit.half - fit.half_error) + profile(fit.half + fit.half_error));
    near(loss, 0.5, 0.02);
}

/// Intervals of the nominal confidence cover the true place that often.
#[test]
fn intervals_cover_as_often_as_they_say() {
    use rand::{RngExt, SeedableRng};
    let mut rng = rand_chacha::ChaCha12Rng::seed_from_u64(3);
    let places: Vec<f64> = (0..12).map(f64::from).collect();
    let (mut covered, mut draws) = (0, 0);
    while draws < 2000 {
        let mut successes = [0; 12];
        for (x, k) in places.iter().zip(&mut successes) {
            let p = 1.0 / (1.0 + (-1.2 * (x - 5.3)).exp());
            *k = (0..30).filter(|_| rng.random::<f64>() < p).count() as u64;
        }
        let fit = fitted(&places, &successes, &[30; 12]);
        covered += usize::from(fit.half_interval(0.9).unwrap().contains(5.3));
        draws += 1;
    }
    // 1800 ± 4 standard deviations of 13.4, and what 360 trials are short of infinitely many
    assert!((1735..=1865).contains(&covered), "{covered}");
}

#[test]
fn separated_counts_have_no_fit_and_say_where_the_transition_lies() {
    use EmpiricalTransition::{Absent, OnePlace, Separated};
    let (low, high) = (2.0, 3.0);
    for (x, k, n, expected) in [
        (
            vec![4.0, 1.0, 3.0, 2.0],
            vec![5, 0, 5, 0],
            vec![5; 4],
            Separated {
                low,
                high,
                rising: true,
            },
        ),
        (
            vec![1.0, 2.0, 3.0],
            vec![5, 5, 0],
            vec![5; 3],
            Separated {
                low,
                high,
                rising: false,
            },
        ),
        // one place has both, and all others obey the threshold there
        (
            vec![1.0, 2.0, 3.0],
            vec![0, 2, 5],
            vec![5; 3],
            Separated {
                low,
                high: low,
                rising: true,
            },
        ),
        (
            vec![1.0, 2.0],
            vec![2, 5],
            vec![5, 5],
            Separated {
                low: 1.0,
                high: 1.0,
                rising: true,
            },
        ),
        // a place without trials says nothing
        (
            vec![1.0, 2.0, 2.5, 3.0],
            vec![0, 0, 0, 1],
            vec![1, 1, 0, 1],
            Separated {
                low,
                high,
                rising: true,
            },
        ),
        (vec![1.0, 2.0], vec![5, 5], vec![5, 5], Absent { succeeded: true }),
        (vec![1.0, 2.0], vec![0, 0], vec![5, 5], Absent { succeeded: false }),
        (vec![], vec![], vec![], Absent { succeeded: false }),
        (vec![7.0, 7.0], vec![1, 3], vec![5, 5], OnePlace),
    ] {
        assert_eq!(logistic_fit(&x, &k, &n).unwrap(), expected, "{x:?} {k:?}");
    }
}

/// Where numbers of trials differ much, full Newton steps from the start go down, or to where I is singular. Computed with
/// 50 digits as above.
#[test]
fn unbalanced_counts_need_damped_steps() {
    let million = 1_000_000;
    for (x, successes, trials, expected) in [
        (
            vec![5.0, 11.0, 30.0, 48.0],
            vec![1, 100, 0, 10_000],
            vec![10_000, 100, 2, 10_000],
            [9.503664681892525, 0.1789575601708193, 1.6025119796217677],
        ),
        (
            vec![20.0, 35.0, 37.0, 49.0],
            vec![9, 1, 0, 0],
            vec![10, million, 1, 10_000],
            [22.05825990508255, 0.8615763063735541, -1.067515619761458],
        ),
        (
            vec![11.0, 36.0, 37.0, 39.0],
            vec![0, 1, 1, 1],
            vec![2, 2, million, 2],
            [39.186195922067114, 0.30269504215890175, 5.90030253194613],
        ),
    ] {
        let fit = fitted(&x, &successes, &trials);
        near(fit.half, expected[0], 1e-9);
        near(fit.half_error, expected[1], 1e-7);
        near(fit.slope, expected[2], 1e-9);
    }
}

/// A place without trials does not count, not even for the scale on which the fit is computed.
#[test]
fn places_without_trials_change_nothing() {
    let fit = fitted(&MEASUREMENTS, &SUCCESSES, &FIFTY);
    let (mut x, mut successes, mut trials) = (MEASUREMENTS.to_vec(), SUCCESSES.to_vec(), FIFTY.to_vec());
    x.insert(2, 1e15);
    successes.insert(2, 0);
    trials.insert(2, 0);
    assert_eq!(fitted(&x, &successes, &trials), fit);
}

/// Nearly separated counts: the likelihood is flat, but it has a maximum, and the fit finds it or says so.
#[test]
fn nearly_separated_counts_have_a_steep_fit() {
    for count in [10, 1000, 1_000_000_000] {
        let fit = fitted(&[1.0, 2.0, 3.0, 4.0], &[0, 1, count - 1, count], &[count; 4]);
        near(fit.half, 2.5, 1e-9);
        assert!(fit.slope > (count as f64).ln() && fit.half_error > 0.0 && fit.half_error < 0.5);
    }
    // A single failure far beyond the transition makes the fit shallow, not wrong.
    let far = fitted(&[1.0, 2.0, 1e6], &[0, 50, 49], &[50, 50, 50]);
    assert!(
        far.half < 2.0 && far.half_error > 0.0 && far.slope.is_finite(),
        "{far:?}"
    );
}

#[test]
fn wrong_counts_are_named() {
    let text = |x: &[f64], k: &[u64], n: &[u64]| logistic_fit(x, k, n).unwrap_err().to_string();
    assert!(text(&[1.0], &[2], &[1]).contains("2 of 1 trials"));
    assert!(text(&[1.0, 2.0], &[1], &[1, 1]).contains("successes"));
    assert!(text(&[1.0, 2.0], &[1, 1], &[1]).contains("trials"));
    assert!(text(&[1.0, f64::NAN], &[1, 1], &[1, 1]).contains("entry 1"));
}
