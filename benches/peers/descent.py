"""Gradient descent on the factors, with the best constant step, against this project's flow to the same loss."""
import dataclasses
import functools
import json
import math
import sys
import time

import numpy as np

import ours
from limited import Failed, limited
from paired import load, race

# The steps tried, as multiples of the limit of stability at the truth: with larger ones, descent ends nowhere, or at
# another solution than the flow.
GRID = 0.98 ** np.arange(1, 35)
# A step is good if the loss falls at each of the last steps, this part of all.
END = 0.1
# Who has not reached the loss after so many steps never does.
MOST = 10**7
HEADER = ("| case | loss | solver | CPU ms | steps | right-hand sides | t reached | from w* | descent / it |\n"
          "|---|---|---|---|---|---|---|---|---|")


@dataclasses.dataclass
class Descent:
    """How many steps it took, the last of them at which the loss rose, and where it ended."""

    steps: int
    rose: int
    w: np.ndarray


def descend(flow, step, most=MOST):
    """x <- x - step x^(L-1) A^T(A w - y) until the loss is reached; None where that takes more than `most` steps."""
    a, y, pair, power = flow.a, flow.y, flow.pair, flow.depth - 1
    x, steps, rose, before = flow.x0.copy(), 0, 0, math.inf
    while True:
        p = x**power if power > 1 else x
        r = a @ flow.fold(p * x) - y
        loss = 0.5 * (r @ r)
        if loss < flow.stop:
            return Descent(steps, rose, flow.weights(x))
        if not loss <= before:
            rose = steps
        if steps >= most or not math.isfinite(loss):
            return None
        x = x - step * p * pair(a.T @ r)
        before = loss
        steps += 1


def stability(flow, w):
    """2/lambda, lambda the largest eigenvalue of L diag(p) A^T A diag(p), p = |w|^(1-1/L): no larger step ends at w."""
    columns = np.flatnonzero(w)
    scaled = flow.a[:, columns] * np.abs(w[columns]) ** (1 - 1 / flow.depth)
    return 2 / (flow.depth * np.linalg.norm(scaled, 2) ** 2)


def best_step(flow, w, grid=GRID):
    """The largest step of the grid with which the loss is reached, falls at the end, no later than with half the limit.

    Who knows it beforehand has been told by an oracle: the search costs many times what the descent does.
    """
    limit = stability(flow, w)
    half = descend(flow, limit / 2, MOST)
    if half is None:
        raise Failed("with half the limit of stability the loss is not reached")
    with np.errstate(over="ignore", invalid="ignore"):
        for step in grid * limit:
            found = descend(flow, step, half.steps)
            if found and found.rose < (1 - END) * found.steps:
                return step
    return limit / 2


def timed(flow, step):
    """(CPU seconds, Descent) of the descent alone."""
    start = time.process_time()
    found = descend(flow, step)
    return time.process_time() - start, found


def flow_side(flow, options):
    """What the example reports of the flow to the same loss."""
    told, _ = ours.report(options.peer, "Ndf", flow, options.tolerance)
    if not 0.5 * flow.stop < told["loss"] < 1.5 * flow.stop:
        raise Failed(f"ended at loss {told['loss']:.1e}: `peer` is of another version, or t_end comes first")
    return told


def compare(case, flow, options):
    """Rounds of both, after the search: their rows."""
    w = np.load(flow.where / "wstar.npy")
    step = limited(functools.partial(best_step, flow, w), options.limit)
    both = {"descent": functools.partial(timed, flow, step), "Ndf": functools.partial(flow_side, flow, options)}
    runs, failures = race(both, options.rounds, options.limit)
    rows = []
    if "descent" in runs:
        found = runs["descent"][0][1]
        rows.append({
            "solver": "descent", "cpu_s": min(seconds for seconds, _ in runs["descent"]), "steps": found.steps,
            "rhs": found.steps + 1, "t": found.steps * step, "step": step, "of_stability": step / stability(flow, w),
            "from_truth": float(np.linalg.norm(found.w - w) / np.linalg.norm(w)),
        })
    if "Ndf" in runs:
        counts = {name: runs["Ndf"][0][name] for name in ("steps", "rhs", "t")}
        rows.append({"solver": "Ndf", "cpu_s": min(told["cpu_s"] for told in runs["Ndf"]), **counts})
    for row in rows:
        ratio = rows[0]["cpu_s"] / row["cpu_s"] if "descent" in runs else math.nan
        told = "{cpu:.2f} | {steps} | {rhs} | {t:.3g}".format(cpu=1e3 * row["cpu_s"], **row)
        away = f"{row['from_truth']:.1e}" if "from_truth" in row else ""
        print(f"| {case} | {flow.stop:g} | {row['solver']} | {told} | {away} | {ratio:.1f} |", flush=True)
    for name, failure in failures.items():
        print(f"| {case} | {flow.stop:g} | {name} | {failure} | | | | | |", flush=True)
    if "descent" in runs:
        print(f"{case}: step {step:.3g}, {rows[0]['of_stability']:.2f} of the limit of stability", file=sys.stderr)
    return [{"case": case, "loss": flow.stop, **row} for row in rows]


def run(options):
    print(HEADER)
    rows = []
    for case in options.cases:
        flow = load(options.folder, case, options.signed)
        flow.stop = options.stop
        try:
            rows += compare(case, flow, options)
        except Failed as failure:
            print(f"| {case} | {options.stop:g} | descent's step | {failure} | | | | | |", flush=True)
        if options.save:
            options.save.write_text(json.dumps(rows, indent=1))
