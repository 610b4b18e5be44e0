#!/usr/bin/env python3
"""Compare this project with other solvers on instances that both sides read: seconds, evaluations, errors, successes.

  pip install numpy scipy scikit-sundae            and for more contenders: diffrax spgl1 polars
  cargo build --release -p hadaflow --example peer && cargo build --release -p hadaflow
  python compare.py make DIR                       instances: A.npy, y.npy, wstar.npy in DIR/NAME; DIR/sweep
  python compare.py run DIR CASE... [--with 'SciPy BDF' ..] [--tolerances 1e-4 1e-6] [--save RESULTS.json]
  python compare.py descent DIR CASE... [--stop 1e-8]
  python compare.py sweep DIR [--threads 1 2] [--trials 10]
  python compare.py check                          its own parts on a small instance; needs NumPy and SciPy only
  cargo run --release -p hadaflow --example work_precision RESULTS.json FOLDER      draws what `run` saved

A case is a name and a depth, such as `large-2`. Each round runs every contender once, in an order that turns from round
to round, each in a process of its own; CPU seconds are the least of the rounds: what else the machine does only adds. A
contender that is not installed, fails or exceeds `--limit` is a row that says so.

run      one flow. All start from w = 0 (all factors alpha), keep w at t = 0 and at 199 log-spaced times up to t_end,
         and stop at loss 1e-10. Errors are the largest differences of loss/loss(0), over the common times before the
         stop, from a run of ours at tolerance 1e-10 by the general solver (`--reference lsoda`: SciPy's LSODA at 1e-10
         instead, slow beyond a few hundred unknowns).
descent  gradient descent on the factors with the best constant step, whose search is not counted, against Ndf.
sweep    1000 instances with n = 100, and how many each solver recovers, by m and s.
"""
import argparse
import os
import pathlib
import sys

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

# after the number of threads is set
import check  # noqa: E402
import descent  # noqa: E402
import instances  # noqa: E402
import paired  # noqa: E402
import sweep  # noqa: E402
from limited import Failed  # noqa: E402

CONTENDERS = paired.USUAL + paired.MORE


def make(options):
    instances.make(options.folder)
    instances.make_sweep(options.folder)


def common(command, call, rounds):
    """What all that measure have in common."""
    command.set_defaults(call=call)
    command.add_argument("folder", help="where `make` wrote")
    command.add_argument("--rounds", type=int, default=rounds)
    command.add_argument("--limit", type=float, metavar="SECONDS", help="stops a contender after these")
    command.add_argument("--save", type=pathlib.Path, help="results as JSON")


def flows(command):
    """What those about single flows have in common."""
    command.add_argument("cases", nargs="+", metavar="CASE", help="a name and a depth, such as large-2")
    command.add_argument("--peer", default="target/release/examples/peer", help="the example of this project")
    command.add_argument("--signed", action="store_true", help="for a folder that is none of the names of `make`")


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("make", help="write the instances")
    command.set_defaults(call=make)
    command.add_argument("folder")

    command = commands.add_parser("run", help="one flow at equal tolerance")
    common(command, paired.run, 3)
    flows(command)
    command.add_argument("--tolerances", type=float, nargs="+", default=[1e-6])
    command.add_argument("--with", dest="more", nargs="*", default=[], choices=CONTENDERS, metavar="NAME",
                         help="more contenders: " + ", ".join(paired.MORE))
    command.add_argument("--without", nargs="*", default=[], choices=CONTENDERS, metavar="NAME",
                         help="contenders to leave out of " + ", ".join(paired.USUAL))
    command.add_argument("--reference-tolerance", type=float, default=1e-10)
    command.add_argument("--reference", choices=("ours", "lsoda"), default="ours")

    command = commands.add_parser("descent", help="gradient descent with its best step")
    common(command, descent.run, 3)
    flows(command)
    command.add_argument("--stop", type=float, default=1e-8, help="the loss at which both stop")
    command.add_argument("--tolerance", type=float, default=1e-6, help="of the flow")

    command = commands.add_parser("sweep", help="recovery of 1000 small instances")
    common(command, sweep.run, 1)
    command.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="of this project's sweeps")
    command.add_argument("--trials", type=int, choices=range(1, instances.TRIALS + 1), default=instances.TRIALS,
                         metavar="N", help=f"of each cell, at most {instances.TRIALS}")
    command.add_argument("--alphas", type=float, nargs="+", default=[1e-3, 1e-6], help="of the limits")
    command.add_argument("--without", nargs="*", default=[], choices=sweep.PROBLEMS, metavar="NAME",
                         help="contenders to leave out of " + ", ".join(sweep.PROBLEMS))
    command.add_argument("--hadaflow", default="target/release/hadaflow", help="the command of this project")

    commands.add_parser("check", help="check the parts of this comparison").set_defaults(call=check.run)
    return parser.parse_args()


if __name__ == "__main__":
    options = parsed()
    try:
        sys.exit(options.call(options))
    except Failed as failure:
        sys.exit(f"error: {failure}")
