"""Kvaerno5 of diffrax, compiled for one processor in float64."""
import os
import time

import numpy as np

from flow import of_states
from limited import Failed


def path(flow, tolerance):
    """The run alone: compiling is told beside it."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # else idle threads of XLA spin, and their time counts
    import diffrax
    import jax

    jax.config.update("jax_enable_x64", True)
    start = time.perf_counter()
    solve = compiled(flow, tolerance, lambda velocity: velocity)
    compiling = time.perf_counter() - start
    start = time.process_time()
    result = jax.block_until_ready(solve(flow.x0))
    seconds = time.process_time() - start
    if result.result not in (diffrax.RESULTS.successful, diffrax.RESULTS.event_occurred):
        raise Failed(str(result.result))
    reached = np.isfinite(np.asarray(result.ts))
    t, states = np.asarray(result.ts)[reached], np.asarray(result.ys)[reached]
    return of_states(flow, seconds, t, states, *evaluations(flow, tolerance), compile_s=compiling)


def compiled(flow, tolerance, wrap):
    """x(0) -> the solution of diffrax, its velocity wrapped; it ends with the step in which the loss is reached."""
    import diffrax
    import jax
    import jax.numpy as jnp

    a, y, depth = jnp.asarray(flow.a), jnp.asarray(flow.y), flow.depth

    def residual(x):
        powers = x**depth
        return a @ (powers[: flow.n] - powers[flow.n :] if flow.signed else powers) - y

    def velocity(x):
        g = a.T @ residual(x)
        return -(x ** (depth - 1)) * (jnp.concatenate([g, -g]) if flow.signed else g)

    def reached(_t, x, _args, **_more):
        r = residual(x)
        return 0.5 * r @ r < flow.stop

    wrapped = wrap(velocity)

    def solve(x):
        return diffrax.diffeqsolve(
            diffrax.ODETerm(lambda _t, x, _args: wrapped(x)), diffrax.Kvaerno5(), 0.0, flow.t_end, None, x,
            saveat=diffrax.SaveAt(ts=flow.times), event=diffrax.Event(reached), max_steps=10**6, throw=False,
            stepsize_controller=diffrax.PIDController(rtol=tolerance, atol=tolerance * flow.alpha))

    return jax.jit(solve).lower(flow.x0).compile()


def evaluations(flow, tolerance):
    """Velocities and Jacobians of a run, in another one that is not timed: diffrax itself counts steps only."""
    import jax

    found = {"velocity": 0, "jacobian": 0}

    def count(what):
        found[what] += 1

    def wrap(velocity):
        @jax.custom_jvp
        def counted(x):
            jax.debug.callback(lambda: count("velocity"))
            return velocity(x)

        @counted.defjvp
        def _(primals, tangents):
            jax.debug.callback(lambda: count("jacobian"))
            return jax.jvp(velocity, primals, tangents)

        return counted

    jax.block_until_ready(compiled(flow, tolerance, wrap)(flow.x0))
    jax.effects_barrier()
    return found["velocity"], found["jacobian"]
