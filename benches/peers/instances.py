"""The instances of the comparison: random matrices with planted sparse vectors, as .npy files that both sides read."""
import pathlib

import numpy as np

# name: n, m, sparsity, signed
SIZES = {
    "small": (200, 80, 5, False),
    "medium": (1000, 250, 15, False),
    "large": (4000, 600, 30, False),
    "huge": (20000, 500, 20, False),
    "small-signed": (200, 80, 5, True),
    "medium-signed": (1000, 250, 15, True),
}
# depth: alpha, t_end
RUNS = {2: (1e-3, 1e6), 3: (1e-2, 1e7)}
STOP = 1e-10

# the grid of the sweep: positive vectors, L = 2, success below a relative error
DIMENSION = 100
MEASUREMENTS = range(10, 101, 10)
SPARSITIES = range(2, 39, 4)
TRIALS = 10
SUCCESS = 1e-2

# What our side of the sweep reads: the k-th matrix, measurements and truth of each file.
SWEEP = f"""Sweep(
    title: "Recovery of sparse vectors, one file per number of measurements",
    template: Scenario(
        problem: Files(matrix: "A_m10.npy", measurements: "y_m10.npy", truth: "wstar_m10.npy", index: 0),
        model: (depth: 2, sign: Positive, initialization: Identical({RUNS[2][0]:g})),
        integrate: (method: Bdf, tolerance: 1e-6, stop: [LossBelow({STOP:g}), TimeReached({RUNS[2][1]:g})]),
    ),
    axes: [
        (name: "m", values: {list(MEASUREMENTS)}, set: {{
            "problem.matrix": "A_m{{}}.npy", "problem.measurements": "y_m{{}}.npy", "problem.truth": "wstar_m{{}}.npy",
        }}),
        (name: "k", field: "problem.index", values: Range(from: 0, to: {len(SPARSITIES) * TRIALS - 1})),
    ],
    measure: [loss, l1_norm],
    success: DistanceBelow({SUCCESS:g}),
)
"""


def draw(seed, n, m, sparsity, signed):
    """A with entries N(0, 1/m), A w* and w*, whose nonzero entries are N(0, 1), or their absolute values."""
    random = np.random.default_rng(seed)
    a = random.standard_normal((m, n)) / np.sqrt(m)
    w = np.zeros(n)
    values = np.abs(random.standard_normal(sparsity))
    w[random.choice(n, sparsity, replace=False)] = values * random.choice([-1, 1], sparsity) if signed else values
    return a, a @ w, w


def save(folder, ending, instance):
    for name, content in zip(("A", "y", "wstar"), instance):
        np.save(folder / f"{name}{ending}.npy", content)


def make(folder, sizes=SIZES):
    """Writes FOLDER/NAME/{A,y,wstar}.npy for each name."""
    for name, (n, m, sparsity, signed) in sizes.items():
        where = pathlib.Path(folder, name)
        where.mkdir(parents=True, exist_ok=True)
        save(where, "", draw([7, n, m, signed], n, m, sparsity, signed))


def make_sweep(folder):
    """Writes FOLDER/sweep/{A,y,wstar}_mM.npy, stacks with the trial fastest, and FOLDER/sweep/sweep.ron."""
    where = pathlib.Path(folder, "sweep")
    where.mkdir(parents=True, exist_ok=True)
    for m in MEASUREMENTS:
        cells = [(s, trial) for s in SPARSITIES for trial in range(TRIALS)]
        drawn = [draw([11, DIMENSION, m, s, trial], DIMENSION, m, s, False) for s, trial in cells]
        save(where, f"_m{m}", [np.array(stack) for stack in zip(*drawn)])
    (where / "sweep.ron").write_text(SWEEP)
