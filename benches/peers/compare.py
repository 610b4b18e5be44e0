#!/usr/bin/env python3
"""Time one flow with this project's integrators and with CVODE, in turn, at equal tolerance, and compare their errors.

  pip install numpy scipy scikit-sundae
  cargo build --release -p hadaflow --example peer
  python compare.py make DIR                       instances: A.npy, y.npy, wstar.npy in DIR/NAME
  python compare.py run DIR CASE... [--rounds 3] [--tolerances 1e-4 1e-6] [--save RESULTS.json]
  cargo run --release -p hadaflow --example work_precision RESULTS.json FOLDER      draws them

A case is a name and a depth, such as `large-2`. Each round runs every contender once, in an order that turns from round to
round; CPU seconds are the least of the rounds: what else the machine does only adds. Both sides start from w = 0 (all
factors alpha), keep w at t = 0 and at 199 log-spaced times up to t_end, and stop at loss 1e-10. Errors are the largest
differences of loss/loss(0) over the common times before the stop from a run of ours at tolerance 1e-10 by the general
solver (`--reference lsoda`: SciPy's LSODA at 1e-10 instead, slow beyond a few hundred unknowns).
"""
import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402  (after the number of threads is set)

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


def make(folder):
    for name, (n, m, s, signed) in SIZES.items():
        draw = np.random.default_rng([7, n, m, signed])
        a = draw.standard_normal((m, n)) / np.sqrt(m)
        w = np.zeros(n)
        values = np.abs(draw.standard_normal(s))
        w[draw.choice(n, s, replace=False)] = values * draw.choice([-1, 1], s) if signed else values
        where = pathlib.Path(folder, name)
        where.mkdir(parents=True, exist_ok=True)
        for file, content in (("A", a), ("y", a @ w), ("wstar", w)):
            np.save(where / f"{file}.npy", content)


class Flow:
    """x' = -x^(L-1) A^T(A w - y), w = u^L or u^L - v^L, as a careful user would write it."""

    def __init__(self, where, depth, signed):
        self.a, self.y = (np.load(where / f"{f}.npy") for f in ("A", "y"))
        self.depth, self.signed, self.n = depth, signed, self.a.shape[1]
        self.alpha, self.t_end = RUNS[depth]
        self.x0 = np.full(self.n * (2 if signed else 1), self.alpha)
        self.times = np.concatenate([[0.0], np.geomspace(1e-2, self.t_end, 199)])
        self.squares = self.pair(np.einsum("ij,ij->j", self.a, self.a), 1)

    def fold(self, v):
        return v[: self.n] - v[self.n :] if self.signed else v

    def pair(self, g, sign=-1):
        return np.concatenate([g, sign * g]) if self.signed else g

    def residual(self, x):
        return self.a @ self.fold(x**self.depth) - self.y

    def loss(self, x):
        r = self.residual(x)
        return 0.5 * r @ r

    def velocity(self, x):
        return -(x ** (self.depth - 1)) * self.pair(self.a.T @ self.residual(x))


def cvode(flow, tolerance, precondition):
    """CVODE, BDF with GMRES, exact Jacobian products, plain or with the diagonal of the Newton matrix."""
    from sksundae.cvode import CVODE, CVODEJacTimes, CVODEPrecond

    depth, frozen = flow.depth, {}

    def velocity(_t, x, out):
        out[:] = flow.velocity(x)

    def event(_t, x, out):
        out[0] = flow.loss(x) - STOP

    event.terminal, event.direction = [True], [-1]

    def parts(x):
        curvature = (depth - 1) * x ** (depth - 2) * flow.pair(flow.a.T @ flow.residual(x))
        return x ** (depth - 1), curvature

    def freeze(_t, x, _velocity):
        frozen["jacobian"] = parts(x)

    def times(_t, _x, _velocity, v, out):
        power, curvature = frozen["jacobian"]
        out[:] = -curvature * v - depth * power * flow.pair(flow.a.T @ (flow.a @ flow.fold(power * v)))

    def set_diagonal(_t, x, _velocity, _ok, new, gamma):
        power, curvature = parts(x)
        frozen["diagonal"] = 1 + gamma * (curvature + depth * power**2 * flow.squares)
        new[0] = 1

    def solve_diagonal(_t, _x, _velocity, r, z, _gamma, _delta, _side):
        z[:] = r / frozen["diagonal"]

    options = {"precond": CVODEPrecond(set_diagonal, solve_diagonal)} if precondition else {}
    solver = CVODE(velocity, rtol=tolerance, atol=tolerance * flow.alpha, method="BDF", eventsfn=event, num_events=1,
                   max_num_steps=10**7, linsolver="gmres", krylov_dim=20, jactimes=CVODEJacTimes(freeze, times),
                   **options)
    start = time.process_time()
    result = solver.solve(flow.times, flow.x0)
    seconds = time.process_time() - start
    counts = {"rhs": int(result.nfev), "jacobians": int(result.njev)}
    return seconds, np.asarray(result.t), np.array([flow.loss(x) for x in result.y]), counts


def lsoda(flow):
    from scipy.integrate import solve_ivp

    event = lambda _t, x: flow.loss(x) - STOP  # noqa: E731
    event.terminal = True
    result = solve_ivp(lambda _t, x: flow.velocity(x), (0, flow.t_end), flow.x0, method="LSODA", t_eval=flow.times,
                       events=event, rtol=1e-10, atol=1e-10 * flow.alpha)
    return 0.0, result.t, np.array([flow.loss(x) for x in result.y.T]), {"rhs": result.nfev, "jacobians": result.njev}


def ours(program, method, where, flow, tolerance, repeats):
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "path.json")
        sign = "signed" if flow.signed else "positive"
        words = [method, where, flow.depth, sign, flow.alpha, flow.t_end, tolerance, repeats, path]
        told = subprocess.run([program, *map(str, words)], check=True, capture_output=True, text=True)
        report = json.loads(told.stdout)
        path = json.loads(pathlib.Path(path).read_text())
    counts = {name: report[name] for name in ("rhs", "jacobians")}
    return report["cpu_s"], np.array(path["t"]), np.array(path["loss"]), counts


def error(run, reference):
    """max |loss - reference|/loss(0) over the times both have, but for the last, which is the stop."""
    common = min(len(run[1]), len(reference[1])) - 1
    return np.max(np.abs(run[2][:common] - reference[2][:common])) / reference[2][0]


def pass_seconds(flow):
    """The median time of one A w and one A^T r by the BLAS that NumPy has."""
    r, times = np.ones(flow.a.shape[0]), []
    w = np.ones(flow.n)
    while len(times) < 5 or sum(times) < 0.2:
        start = time.perf_counter()
        flow.a @ w, flow.a.T @ r
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def compare(folder, case, tolerance, arguments):
    """One case at one tolerance: a list of what each contender took."""
    name, _, depth = case.rpartition("-")
    where = pathlib.Path(folder, name)
    flow = Flow(where, int(depth), SIZES[name][3] if name in SIZES else arguments.signed)
    if arguments.reference == "lsoda":
        reference = lsoda(flow)
    else:
        reference = ours(arguments.peer, "Bdf", where, flow, arguments.reference_tolerance, 1)
    contenders = {
        "Ndf": lambda: ours(arguments.peer, "Ndf", where, flow, tolerance, 1),
        "Bdf": lambda: ours(arguments.peer, "Bdf", where, flow, tolerance, 1),
        "CVODE gmres": lambda: cvode(flow, tolerance, False),
        "CVODE gmres + diagonal": lambda: cvode(flow, tolerance, True),
    }
    contenders = {contender: run for contender, run in contenders.items() if contender not in arguments.without}
    runs = {contender: [] for contender in contenders}
    order = list(contenders)
    for _ in range(arguments.rounds):
        for contender in order:
            runs[contender].append(contenders[contender]())
        order.append(order.pop(0))
    seconds = {contender: min(run[0] for run in runs[contender]) for contender in runs}
    best = min((value for contender, value in seconds.items() if contender.startswith("CVODE")), default=math.nan)
    a_pass = pass_seconds(flow)
    found = []
    for contender, value in seconds.items():
        counts = runs[contender][0][3]
        row = {
            "case": case, "solver": contender, "tolerance": tolerance, "cpu_s": value, **counts,
            "error": error(runs[contender][0], reference), "best_cvode": best / value,
            "of_pass_limit": value / (counts["rhs"] * a_pass),
        }
        found.append(row)
        print(f"| {case} | {tolerance:g} | {contender} | {1e3 * value:.2f} | {row['error']:.1e} | {counts['rhs']} "
              f"| {counts['jacobians']} | {row['of_pass_limit']:.1f} | {row['best_cvode']:.1f} |", flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("make").add_argument("folder")
    run = commands.add_parser("run")
    run.add_argument("folder")
    run.add_argument("cases", nargs="+")
    run.add_argument("--rounds", type=int, default=3)
    run.add_argument("--tolerances", type=float, nargs="+", default=[1e-6])
    run.add_argument("--without", nargs="*", default=[], help="contenders to leave out, e.g. 'CVODE gmres'")
    run.add_argument("--save", type=pathlib.Path, help="results as JSON")
    run.add_argument("--reference-tolerance", type=float, default=1e-10)
    run.add_argument("--peer", default="target/release/examples/peer")
    run.add_argument("--reference", choices=("ours", "lsoda"), default="ours")
    run.add_argument("--signed", action="store_true", help="for a folder that is none of the names above")
    arguments = parser.parse_args()
    if arguments.command == "make":
        make(arguments.folder)
        return
    print("| case | tolerance | solver | CPU ms | path error | right-hand sides | Jacobians | of the pass limit "
          "| best CVODE / it |\n|---|---|---|---|---|---|---|---|---|")
    results = []
    for case in arguments.cases:
        for tolerance in arguments.tolerances:
            results += compare(arguments.folder, case, tolerance, arguments)
            if arguments.save:
                arguments.save.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    sys.exit(main())
