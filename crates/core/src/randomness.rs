//! Random numbers: one independent ChaCha12 stream per purpose, so that a change in one part of a problem (say, the
//! sparsity) leaves every other part (the matrix, the noise) as it was.
//!
//! The numbers are part of the promise "same scenario, same bytes" and pinned by tests.

use rand::SeedableRng;

pub use rand::RngExt;
pub use rand_chacha::ChaCha12Rng;

/// What a stream of random numbers is for. The number of a purpose is its stream and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The measurement operator A.
    Matrix = 0,
    /// Where the truth w* is nonzero.
    Support = 1,
    /// The sizes |w*_i|.
    Magnitudes = 2,
    /// The signs of w*_i.
    Signs = 3,
    /// The noise e in y = A w* + e.
    Noise = 4,
    /// A random initialization of the factors.
    Initialization = 5,
}

/// The stream of that purpose: ChaCha12 with the key from `seed_from_u64(seed)` and the purpose as stream number.
pub fn stream(seed: u64, purpose: Purpose) -> ChaCha12Rng {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64);
    rng
}

/// `count` distinct indices below n, uniformly random in a uniformly random order; all of them if `count >= n`.
///
/// Fisher–Yates, stopped early: starting from 0, 1, …, n − 1, position i is exchanged with a uniform position in i..n for
/// i = 0, …, count − 1, and the first `count` positions are returned (Knuth, The Art of Computer Programming 2, 3.4.2,
/// algorithm P, run upwards). O(n) memory and time.
pub fn sample_indices(n: usize, count: usize, rng: &mut ChaCha12Rng) -> Vec<usize> {
    let count = count.min(n);
    let mut indices: Vec<usize> = (0..n).collect();
    for i in 0..count {
        // u64 on every machine, so that the numbers do not depend on the width of usize; the result is below n
        let j = rng.random_range(i as u64..n as u64) as usize;
        indices.swap(i, j);
    }
    indices.truncate(count);
    indices
}

#[cfg(test)]
mod tests {
    use rand::Rng;
    use rand_distr::StandardNormal;

    use super::*;

    const PURPOSES: [Purpose; 6] = [
        Purpose::Matrix,
        Purpose::Support,
        Purpose::Magnitudes,
        Purpose::Signs,
        Purpose::Noise,
        Purpose::Initialization,
    ];

    #[test]
    fn the_streams_are_pinned() {
        let first: Vec<u64> = PURPOSES.iter().map(|&purpose| stream(7, purpose).next_u64()).collect();
        assert_eq!(first, GOLDEN_STREAMS);
        let normals: Vec<f64> = PURPOSES
            .iter()
            .map(|&purpose| stream(7, purpose).sample(StandardNormal))
            .collect();
        assert_eq!(normals, GOLDEN_NORMALS);
    }

    #[test]
    fn the_sampled_indices_are_pinned() {
        assert_eq!(sample_indices(200, 5, &mut stream(7, Purpose::Support)), GOLDEN_INDICES);
    }

    #[test]
    fn a_smaller_sample_is_the_beginning_of_a_larger_one() {
        let sample = |count| sample_indices(50, count, &mut stream(3, Purpose::Support));
        assert_eq!(sample(8)[..5], sample(5));
        let mut all = sample(60);
        assert_ne!(all, (0..50).collect::<Vec<_>>(), "the order is random");
        all.sort_unstable();
        assert_eq!(all, (0..50).collect::<Vec<_>>(), "a permutation");
    }

    #[test]
    fn every_ordered_pair_is_equally_likely() {
        let mut counts = [[0u32; 4]; 4];
        for seed in 0..6000 {
            let pair = sample_indices(4, 2, &mut stream(seed, Purpose::Support));
            counts[pair[0]][pair[1]] += 1;
        }
        for (i, row) in counts.iter().enumerate() {
            for (j, &count) in row.iter().enumerate() {
                // 12 pairs: 500 each, deviation 21
                let expected = if i == j { 0..=0 } else { 410..=590 };
                assert!(expected.contains(&count), "{counts:?}");
            }
        }
    }

    const GOLDEN_STREAMS: [u64; 6] = [
        559256596868823998,
        2412890669106560871,
        8581553370131974960,
        1914292316431063020,
        534207645282839938,
        12863184964247628953,
    ];
    const GOLDEN_NORMALS: [f64; 6] = [
        -1.0435766267299837,
        -1.2625720402301943,
        -0.15231724935917254,
        -0.5450230498602773,
        -1.4336618501478946,
        0.539714214585086,
    ];
    const GOLDEN_INDICES: [usize; 5] = [26, 73, 176, 97, 159];
}
