"""Contenders in processes of their own: one that hangs, crashes or is not installed ends itself and nothing else."""
import multiprocessing
import os
import signal

# A fork has the modules and the matrices already: none is imported or copied within the time that is measured.
FORK = multiprocessing.get_context("fork")

# What to install for a module.
PACKAGES = {"sksundae": "scikit-sundae", "scipy": "scipy", "diffrax": "diffrax", "jax": "jax", "spgl1": "spgl1",
            "polars": "polars"}


class Failed(Exception):
    """Why a contender has no result."""


def _answer(pipe, solve):
    os.setpgid(0, 0)  # what it starts ends with it
    try:
        answer = solve()
    except ModuleNotFoundError as missing:
        module = missing.name.partition(".")[0]
        answer = Failed(f"not installed: pip install {PACKAGES.get(module, module)}")
    except Failed as failure:
        answer = failure
    except Exception as failure:  # whatever a solver throws is a result of the comparison
        answer = Failed(f"{type(failure).__name__}: {failure}")
    pipe.send(answer)


def limited(solve, limit=None):
    """What `solve()` returns; `Failed` if it fails or takes more than `limit` seconds in all."""
    here, there = FORK.Pipe(duplex=False)
    process = FORK.Process(target=_answer, args=(there, solve))
    process.start()
    there.close()
    try:
        if not here.poll(limit):
            raise Failed(f"more than {limit:g} s")
        answer = here.recv()
    except EOFError:
        process.join()
        raise Failed(f"its process ended with {process.exitcode}") from None
    finally:
        if process.is_alive():
            end(process)
        process.join()
    if isinstance(answer, Failed):
        raise answer
    return answer


def end(process):
    """Ends a process and what it started; its group exists from its first line on, which it may not have reached."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
