"""The recovery sweep: 1000 small instances by this project's sweeps, by CVODE one by one, and by l1 solvers."""
import dataclasses
import functools
import json
import pathlib
import resource
import subprocess
import tempfile
import time

import numpy as np

import cvode
import sparse
from flow import Flow
from instances import DIMENSION, MEASUREMENTS, RUNS, SPARSITIES, SUCCESS, TRIALS
from limited import Failed
from paired import race

# contender: what it solves
FLOW = f"the flow at alpha = {RUNS[2][0]:g} until its stop"
LEAST = "least l1 norm"
LIMIT = "the limit of the flow"
PROBLEMS = {"Bdf": FLOW, "Ndf": FLOW, "CVODE dense": FLOW, "Limit": LIMIT, "HiGHS": LEAST, "SPGL1": LEAST}
# whose successes the others are compared with
STANDARDS = {"CVODE dense": ("Bdf", "Ndf"), "HiGHS": ("Limit", "SPGL1")}
HEADER = "| solver | threads | solves | CPU s | wall s | successes | failed |\n|---|---|---|---|---|---|---|"


@dataclasses.dataclass
class Swept:
    """What a sweep took; successes per m, s and trial; how many instances had no answer."""

    seconds: float
    wall: float
    success: np.ndarray
    failed: int


def cells(trials):
    """The places of the first trials of each sparsity in the stack of one number of measurements."""
    return [s * TRIALS + trial for s in range(len(SPARSITIES)) for trial in range(trials)]


def shaped(successes, trials):
    return np.array(successes, bool).reshape(len(MEASUREMENTS), len(SPARSITIES), trials)


def of_cvode(a, y):
    """The weights where CVODE, with a dense Jacobian, reaches the stop; nothing in between is kept."""
    flow = Flow(a, y, 2, False)
    _, result = cvode.solve(flow, 1e-6, cvode.dense, np.array([0.0, flow.t_end]))
    return flow.weights(result.y[-1])


def theirs(solve, folder, trials):
    """One instance after the other, in this process; reading the files is not counted."""
    files = [[np.load(folder / f"{name}_m{m}.npy") for name in ("A", "y", "wstar")] for m in MEASUREMENTS]
    instances = [[stack[k] for stack in stacks] for stacks in files for k in cells(trials)]
    solve(*instances[0][:2])  # imports
    errors = []
    cpu, wall = time.process_time(), time.perf_counter()
    for a, y, truth in instances:
        try:
            errors.append(np.linalg.norm(solve(a, y) - truth) / np.linalg.norm(truth))
        except Failed:
            errors.append(np.nan)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Swept(cpu, wall, shaped(np.array(errors) < SUCCESS, trials), int(np.isnan(errors).sum()))


def ours(settings, threads, program, folder, trials):
    """`hadaflow sweep run` from its start to its end: reading, planning and writing the table are counted."""
    import polars

    with tempfile.TemporaryDirectory() as scratch:
        words = [program, "sweep", "run", folder / "sweep.ron", "--out", scratch + "/out", "--threads", threads,
                 "--set", f"axes[1].values={cells(trials)}"]
        words += [word for setting in settings for word in ("--set", setting)]
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([*map(str, words)], capture_output=True, text=True)
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise Failed(done.stderr.strip())
        table = polars.read_parquet(scratch + "/out/table.parquet").sort("cell")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    answered = table["outcome"].is_in(["stopped", "attained", "not_attained"])
    return Swept(cpu, wall, shaped(table["success"].to_list(), trials), int((~answered).sum()))


def of_ours(options):
    """{name: settings of the sweep}; one limit for each alpha."""
    limits = {f"Limit at {alpha:g}": ["mode=Limit", f"template.model.initialization=Identical({alpha:g})"]
              for alpha in options.alphas}
    return {name: [f"template.integrate.method={name}"] for name in ("Bdf", "Ndf")} | limits


def kind(name):
    """The name in `PROBLEMS`, without the alpha."""
    return name.partition(" at ")[0]


def contenders(options):
    """{(name, threads): () -> Swept}."""
    folder = pathlib.Path(options.folder, "sweep")
    if not folder.is_dir():
        raise Failed(f"there is no {folder}: `compare.py make` writes it")
    found = {}
    for name, settings in of_ours(options).items():
        for threads in options.threads:
            found[name, threads] = functools.partial(ours, settings, threads, options.hadaflow, folder, options.trials)
    for name, solve in {"CVODE dense": of_cvode, "HiGHS": sparse.highs, "SPGL1": sparse.spgl1}.items():
        found[name, 1] = functools.partial(theirs, solve, folder, options.trials)
    return {key: solve for key, solve in found.items() if kind(key[0]) not in options.without}


def summary(runs, failures, trials):
    """A row per contender: the least CPU and wall seconds of the rounds."""
    total = len(MEASUREMENTS) * len(SPARSITIES) * trials
    rows = []
    for (name, threads), taken in runs.items():
        rows.append({
            "solver": name, "threads": threads, "solves": PROBLEMS[kind(name)], "instances": total,
            "cpu_s": min(one.seconds for one in taken), "wall_s": min(one.wall for one in taken),
            "successes": int(taken[0].success.sum()), "failed": taken[0].failed,
            "success": taken[0].success.sum(axis=2).tolist(),
        })
        row = "| {solver} | {threads} | {solves} | {cpu_s:.2f} | {wall_s:.2f} | {successes} of {instances} | {failed} |"
        print(row.format(**rows[-1]))
    for (name, threads), failure in failures.items():
        print(f"| {name} | {threads} | {PROBLEMS[kind(name)]} | {failure} | | | |")
    return rows


def agreement(name, standard, others, trials):
    """The standard's successes per cell, and where others differ from it: by instances, and by numbers in a cell."""
    print(f"\nSuccesses of {name}, of {trials} per cell (n = {DIMENSION}):\n")
    print("| m \\ s | " + " | ".join(map(str, SPARSITIES)) + " |\n" + "|---" * (len(SPARSITIES) + 1) + "|")
    for m, line in zip(MEASUREMENTS, standard.sum(axis=2)):
        print(f"| {m} | " + " | ".join(map(str, line)) + " |")
    print()
    told = {}
    for (other, threads), success in others.items():
        if other in told and np.array_equal(success, told[other]):
            print(f"{other}, threads {threads}: the same")
            continue
        told[other] = success
        places = np.argwhere(success.sum(axis=2) != standard.sum(axis=2))
        instances = (success != standard).sum()
        print(f"{other}, threads {threads}: {instances} instances and {len(places)} cells unlike {name}")
        for i, j in places:
            print(f"    m = {MEASUREMENTS[i]}, s = {SPARSITIES[j]}: {success[i, j].sum()}, not {standard[i, j].sum()}")


def run(options):
    runs, failures = race(contenders(options), options.rounds, options.limit)
    print(HEADER)
    rows = summary(runs, failures, options.trials)
    found = {key: taken[0].success for key, taken in runs.items()}
    for standard, group in STANDARDS.items():
        if (standard, 1) in found:
            others = {key: success for key, success in found.items() if kind(key[0]) in group}
            agreement(standard, found[standard, 1], others, options.trials)
    print("\nSeconds of Bdf, Ndf and Limit are those of the whole command; of the others, of their solutions alone.\n"
          f"{LEAST.capitalize()} is the limit of the flow as alpha goes to 0: Limit may rightly differ from it.")
    if options.save:
        options.save.write_text(json.dumps(rows, indent=1))
