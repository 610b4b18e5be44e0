#!/usr/bin/env python3
"""Time one flow with this project's integrators and with CVODE, in turn, at equal tolerance, and compare their errors.

  pip install numpy scipy scikit-sundae
  cargo build --release -p hadaflow --example peer
  python compare.py make DIR                       instances: A.npy, y.npy, wstar.npy in DIR/NAME
  python compare.py run DIR CASE... [--rounds 3] [--peer target/release/examples/peer]

A case is a name and a depth, such as `large-2`. Each round runs every contender once, in an order that turns from round to
round; CPU seconds are medians over the rounds. Both sides start from w = 0 (all factors alpha), keep w at t = 0
and at 199 log-spaced times up to t_end, and stop at loss 1e-10. Errors are the largest differences of loss/loss(0) over the
common times before the stop from a run of ours at tolerance 1e-10 by the general solver (`--reference lsoda`: SciPy's
LSODA at 1e-10 instead, slow beyond a few hundred unknowns).
"""
import argparse
import json
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
    "small-signed": (200, 80, 5, True),
    "medium-signed": (1000, 250, 15, True),
}
# depth: alpha, t_end
RUNS = {2: (1e-3, 1e6), 3: (1e-2, 1e7)}
STOP = 1e-10


def make(folder):
    for k, (name, (n, m, s, signed)) in enumerate(SIZES.items()):
        draw = np.random.default_rng([7, k])
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
    return seconds, np.asarray(result.t), np.array([flow.loss(x) for x in result.y])


def lsoda(flow):
    from scipy.integrate import solve_ivp

    event = lambda _t, x: flow.loss(x) - STOP  # noqa: E731
    event.terminal = True
    result = solve_ivp(lambda _t, x: flow.velocity(x), (0, flow.t_end), flow.x0, method="LSODA", t_eval=flow.times,
                       events=event, rtol=1e-10, atol=1e-10 * flow.alpha)
    return 0.0, result.t, np.array([flow.loss(x) for x in result.y.T])


def ours(program, method, where, flow, tolerance, repeats):
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "path.json")
        sign = "signed" if flow.signed else "positive"
        words = [method, where, flow.depth, sign, flow.alpha, flow.t_end, tolerance, repeats, path]
        told = subprocess.run([program, *map(str, words)], check=True, capture_output=True, text=True)
        report = json.loads(told.stdout)
        path = json.loads(pathlib.Path(path).read_text())
    return report["cpu_s"], np.array(path["t"]), np.array(path["loss"])


def error(run, reference):
    """max |loss - reference|/loss(0) over the times both have, but for the last, which is the stop."""
    common = min(len(run[1]), len(reference[1])) - 1
    return np.max(np.abs(run[2][:common] - reference[2][:common])) / reference[2][0]


def compare(folder, case, arguments):
    name, _, depth = case.rpartition("-")
    where = pathlib.Path(folder, name)
    flow = Flow(where, int(depth), SIZES[name][3] if name in SIZES else arguments.signed)
    repeats = 5 if flow.n <= 1000 else 1
    if arguments.reference == "lsoda":
        reference = lsoda(flow)
    else:
        reference = ours(arguments.peer, "Bdf", where, flow, 1e-10, 1)
    tolerance = arguments.tolerance
    contenders = {
        "Ndf": lambda: ours(arguments.peer, "Ndf", where, flow, tolerance, repeats),
        "Bdf": lambda: ours(arguments.peer, "Bdf", where, flow, tolerance, repeats),
        "CVODE gmres": lambda: cvode(flow, tolerance, False),
        "CVODE gmres + diagonal": lambda: cvode(flow, tolerance, True),
    }
    runs = {contender: [] for contender in contenders}
    order = list(contenders)
    for _ in range(arguments.rounds):
        for contender in order:
            runs[contender].append(contenders[contender]())
        order.append(order.pop(0))
    seconds = {contender: statistics.median(run[0] for run in runs[contender]) for contender in runs}
    best = min(value for contender, value in seconds.items() if contender.startswith("CVODE"))
    for contender, value in seconds.items():
        deviation = error(runs[contender][0], reference)
        print(f"| {case} | {contender} | {1e3 * value:.2f} | {deviation:.1e} | {best / value:.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("make").add_argument("folder")
    run = commands.add_parser("run")
    run.add_argument("folder")
    run.add_argument("cases", nargs="+")
    run.add_argument("--rounds", type=int, default=3)
    run.add_argument("--tolerance", type=float, default=1e-6)
    run.add_argument("--peer", default="target/release/examples/peer")
    run.add_argument("--reference", choices=("ours", "lsoda"), default="ours")
    run.add_argument("--signed", action="store_true", help="for a folder that is none of the names above")
    arguments = parser.parse_args()
    if arguments.command == "make":
        make(arguments.folder)
        return
    print("| case | solver | CPU ms | path error | best CVODE / it |\n|---|---|---|---|---|")
    for case in arguments.cases:
        compare(arguments.folder, case, arguments)


if __name__ == "__main__":
    sys.exit(main())
