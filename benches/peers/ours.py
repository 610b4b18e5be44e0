"""This project's side: the example `peer` for one flow."""
import json
import pathlib
import subprocess
import tempfile

import numpy as np

from flow import Run
from instances import STOP
from limited import Failed


def report(program, method, flow, tolerance, repeats=1):
    """What the example prints of one flow, and what it keeps of its path."""
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch, "path.json")
        sign = "signed" if flow.signed else "positive"
        words = [method, flow.where, flow.depth, sign, flow.alpha, flow.t_end, tolerance, repeats, path]
        stop = [] if flow.stop == STOP else ["--stop", flow.stop]
        told = subprocess.run([program, *map(str, words + stop)], capture_output=True, text=True)
        if told.returncode:
            raise Failed(told.stderr.strip() or f"{program} ended with {told.returncode}")
        return json.loads(told.stdout), json.loads(path.read_text())


def path(flow, tolerance, program, method):
    told, kept = report(program, method, flow, tolerance)
    counts = {name: told[name] for name in ("rhs", "jacobians")}
    return Run(told["cpu_s"], np.array(kept["t"]), np.array(kept["loss"]), counts)
