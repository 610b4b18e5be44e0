//! Random scenarios: sizes, ensembles, depths, signs, starts, noise and tolerances from a seed.

/// A small generator of choices (SplitMix64): reproducible, and independent of the library's own streams.
struct Choices(u64);

impl Choices {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.next() as usize % choices.len()] // any remainder fits
    }
}

/// The scenario of a seed, with depths up to `deepest`: m ≤ 40, n ≤ 120, every kind of start.
pub fn random_scenario(seed: u64, deepest: u64, predictions: &str) -> String {
    let mut choices = Choices(seed);
    let m = choices.between(1, 40);
    let n = choices.between(1, 120);
    let s = choices.between(0, n.min(12));
    let depth = choices.between(2, deepest);
    let ensemble = match choices.of(&["Gaussian", "Gaussian", "Rademacher", "SubsampledDct"]) {
        "SubsampledDct" if m > n => "Gaussian", // it takes m of n rows
        ensemble => ensemble,
    };
    let magnitude = choices.of(&["Uniform(0.5, 1.5)", "Constant(1.0)", "Gaussian"]);
    let sign = choices.of(&["Signed", "Positive"]);
    let noise = choices.of(&["0.0", "0.0", "0.05"]);
    let tolerance = choices.of(&["1e-6", "1e-8", "1e-10"]);
    // Up to 1e-8 at depth 7 the clock runs to 1e40; at depth 2 nothing is too small.
    let exponent = if depth == 2 {
        choices.between(0, 30)
    } else {
        choices.between(0, 8)
    };
    let mantissa = choices.between(1, 9);
    let start = match choices.between(0, 6) {
        0 if n <= 40 => format!("Random(scale: {mantissa}e-{}, spread: 0.3)", exponent.min(3)),
        1 if n <= 40 => {
            let levels = (0..depth).map(|_| format!("{}e-{}", choices.between(1, 9), choices.between(1, 4)));
            format!("PerFactor([{}])", levels.collect::<Vec<_>>().join(", "))
        }
        2 => format!("Identical({mantissa}e{})", choices.between(0, 3)),
        3 => {
            let entries = (0..n).map(|_| format!("{}e-{}", choices.between(1, 99), exponent.min(4)));
            format!("Vector([{}])", entries.collect::<Vec<_>>().join(", "))
        }
        _ => format!("Identical({mantissa}e-{exponent})"),
    };
    format!(
        "Scenario(seed: {seed}, problem: Synthetic(measurements: {m}, dimension: {n}, ensemble: {ensemble}, \
         signal: Sparse(sparsity: {s}, magnitude: {magnitude}), noise: {noise}), \
         model: (depth: {depth}, sign: {sign}, initialization: {start}), \
         integrate: (tolerance: {tolerance}, max_steps: 100000), record: LogSpaced(100), predictions: {predictions}, figures: None)"
    )
}
