//! A commented scenario with every field and its default, to start from.

/// The text of a valid scenario that names, explains and sets every field to its default.
///
/// The title becomes `name`; fields without a value by default are shown in comments.
#[must_use]
pub fn commented_default(name: &str) -> String {
    TEMPLATE.replacen("\"TITLE\"", &format!("{name:?}"), 1)
}

const TEMPLATE: &str = r#"// A scenario: one gradient flow, integrated, recorded and assessed.
// Every field except `problem` and `model.depth` may be left out; the values below are the defaults.
// Paths are relative to this file.
Scenario(
    title: "TITLE",                     // one line for reports and figures
    seed: 0,                            // master seed of all randomness

    // What is measured: y = A w* + e with an m x n operator A.
    problem: Synthetic(
        measurements: 80,               // m, at least 1
        dimension: 200,                 // n, at least 1
        ensemble: Gaussian,             // entries N(0, 1/m) | Rademacher | SubsampledDct
        signal: Sparse(                 // w*: random support; random signs when the model is signed
            sparsity: 5,                // nonzero entries, 0 to n
            magnitude: Uniform(0.5, 1.5),   // | Constant(c) | Gaussian | PowerLaw(exponent)
        ),
        noise: 0.0,                     // standard deviation of each entry of e
    ),
    // or from .npy, .mtx or .csv files; `truth` and `index` (which problem of a stack) are optional:
    // problem: Files(matrix: "A.npy", measurements: "y.npy", truth: "w.npy", index: 0),

    // The weights as a product of factors.
    model: (
        depth: 2,                       // L, 2 to 64
        sign: Signed,                   // w = u^L - v^L | Positive: w = x^L
        initialization: Identical(1e-4),    // every factor starts at alpha, above 0 and at most 1e6
        // | Vector([..n numbers..]) or Vector("x0.npy")    every factor starts at this vector
        // | PerFactor([..L numbers..])                     each factor has its own alpha
        // | Random(scale: 1e-4, spread: 0.1)               random positive entries around scale
    ),

    integrate: (
        formulation: Auto,              // | Factor | Log | Dual
        method: Bdf,                    // | Ndf (dual flow only, fastest) | Esdirk34 | TrBdf2 | Tsit45
        // | GradientDescent(step: 0.01), which is not the flow
        tolerance: 1e-8,                // the promise on w, 1e-13 to 1e-2
        // The first of these ends the integration:
        // | LossBelow(x) | TimeReached(t) | TimeUnits(k), k characteristic times
        // | CoordinateActive(index: i, threshold: x), once |w_i| reaches x
        stop: [RelativeLossBelow(1e-12), Stationary(1e-9)],
        // mark: [CoordinateActive(index: 0, threshold: 0.1)],     // the same conditions, noted in the report; none by default
        // max_steps: 1000000,          // 10000000 steps of gradient descent
    ),

    record: LogSpaced(400),             // 2 to 1000000 times | Times([0.0, 1.0, 2.5]) | EveryStep
    // The points the trajectory is compared with: | [Truth, BasisPursuit, BregmanProjection], the planted signal, the least
    // l1 norm and the limit of the flow. All leaves out what takes long: those of a large matrix, unless listed.
    references: All,                    // | Everything | [Name, ..] | None
    // What the theory says and the run may refute. All leaves out what takes further runs, families in alpha or the step.
    predictions: All,                   // | Everything | [Name, ..] | None
    figures: All,                       // | [Name, ..] | None
    support_threshold: 1e-3,            // support_size counts |w_i| above this fraction of max |w|
)
"#;
