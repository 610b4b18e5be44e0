"""One flow by several contenders in turn, at equal tolerance: seconds, evaluations and errors as rows of a table."""
import functools
import json
import math
import pathlib
import sys

import cvode
import kvaerno
import ours
import scipy_ivp
from flow import Flow, error, pass_seconds
from instances import RUNS, SIZES
from limited import Failed, limited

# Dense Jacobians of more unknowns than these are not tried.
DENSE = 5000
USUAL = ("Ndf", "Bdf", "CVODE gmres", "CVODE gmres + diagonal")
OURS = ("Ndf", "Bdf", "Esdirk34", "TrBdf2")
MORE = ("Esdirk34", "TrBdf2", "CVODE dense", "SciPy BDF", "SciPy LSODA", "SciPy Radau", "diffrax Kvaerno5")
HEADER = ("| case | tolerance | solver | CPU ms | path error | right-hand sides | Jacobians | of the pass limit "
          "| best CVODE / it |\n|---|---|---|---|---|---|---|---|---|")


def contender(name, program):
    """(flow, tolerance) -> Run."""
    kind, _, method = name.partition(" ")
    if kind in OURS:
        return functools.partial(ours.path, program=program, method=kind)
    if kind == "CVODE":
        linear = {"gmres": cvode.gmres, "gmres + diagonal": cvode.gmres_diagonal, "dense": dense(cvode.dense)}[method]
        return functools.partial(cvode.path, linear=linear)
    if kind == "SciPy":
        return dense(functools.partial(scipy_ivp.path, method=method))
    return dense(kvaerno.path)


def dense(solve):
    """The same, refused where its dense matrices would not fit."""

    def guarded(flow, *tolerance):
        if len(flow.x0) > DENSE:
            raise Failed(f"a dense Jacobian of {len(flow.x0)} unknowns")
        return solve(flow, *tolerance)

    return guarded


def chosen(with_these, without):
    """The usual contenders and those named, without those named, in the order of the lists above."""
    return [name for name in USUAL + MORE if (name in USUAL or name in with_these) and name not in without]


def race(contenders, rounds, limit):
    """Runs every contender once a round, in an order that turns; ({name: runs}, {name: why it failed})."""
    runs, failures, order = {name: [] for name in contenders}, {}, list(contenders)
    for _ in range(rounds):
        for name in order:
            if name in failures:
                continue
            try:
                runs[name].append(limited(contenders[name], limit))
            except Failed as failure:
                failures[name] = str(failure)
        order.append(order.pop(0))
    return {name: taken for name, taken in runs.items() if name not in failures}, failures


def reference(flow, options):
    """A run far below the tolerances that are compared; without it there are no errors to tell."""
    if options.reference == "lsoda":
        return limited(lambda: scipy_ivp.path(flow, 1e-10, "LSODA", exact=False))
    return limited(lambda: ours.path(flow, options.reference_tolerance, options.peer, "Bdf"))


def compare(case, flow, tolerance, names, options):
    """One case at one tolerance: the rows of those that ran, and of those that failed."""
    truth = reference(flow, options)
    contenders = {name: functools.partial(contender(name, options.peer), flow, tolerance) for name in names}
    runs, failures = race(contenders, options.rounds, options.limit)
    seconds = {name: min(run.seconds for run in taken) for name, taken in runs.items()}
    best = min((value for name, value in seconds.items() if name.startswith("CVODE")), default=math.nan)
    a_pass = pass_seconds(flow)
    rows, missing = [], []
    for name in names:
        row = {"case": case, "solver": name, "tolerance": tolerance}
        if name in failures:
            missing.append({**row, "failed": failures[name]})
            print(f"| {case} | {tolerance:g} | {name} | {failures[name]} | | | | | |", flush=True)
            continue
        counts = runs[name][0].counts
        row |= {"cpu_s": seconds[name], **counts, "error": error(runs[name][0], truth),
                "best_cvode": best / seconds[name], "of_pass_limit": seconds[name] / (counts["rhs"] * a_pass)}
        rows.append(row)
        print(f"| {case} | {tolerance:g} | {name} | {1e3 * row['cpu_s']:.2f} | {row['error']:.1e} | {counts['rhs']} "
              f"| {counts['jacobians']} | {row['of_pass_limit']:.1f} | {row['best_cvode']:.1f} |", flush=True)
        if "compile_s" in counts:
            print(f"{name}: compiled in {counts['compile_s']:.1f} s, which are not counted", file=sys.stderr)
    return rows, missing


def load(folder, case, signed):
    """The flow of a case: a name and a depth."""
    name, _, depth = case.rpartition("-")
    where = pathlib.Path(folder, name)
    if not where.is_dir() or depth not in map(str, RUNS):
        raise Failed(f"no case {case}: one is a folder in {folder}, as `make` writes them, and a depth of {[*RUNS]}")
    return Flow.load(where, int(depth), SIZES[name][3] if name in SIZES else signed)


def run(options):
    """Prints the table; `--save` keeps the rows, and the failures, if any, in a file of their own beside them."""
    print(HEADER)
    rows, missing = [], []
    for case in options.cases:
        flow = load(options.folder, case, options.signed)
        for tolerance in options.tolerances:
            found, failed = compare(case, flow, tolerance, chosen(options.more, options.without), options)
            rows, missing = rows + found, missing + failed
            if options.save:
                options.save.write_text(json.dumps(rows, indent=1))
                if missing:
                    options.save.with_suffix(".failed.json").write_text(json.dumps(missing, indent=1))
