"""CVODE of SUNDIALS through scikit-sundae: BDF with a dense Jacobian or with GMRES."""
import time

from flow import of_states
from limited import Failed


def solve(flow, tolerance, linear, times=None):
    """Integrates with the options of a linear solver; keeps `times`, those of the flow where none are given."""
    from sksundae.cvode import CVODE

    def velocity(_t, x, out):
        out[:] = flow.velocity(x)

    def event(_t, x, out):
        out[0] = flow.loss(x) - flow.stop

    event.terminal, event.direction = [True], [-1]
    start = time.process_time()
    solver = CVODE(velocity, rtol=tolerance, atol=tolerance * flow.alpha, method="BDF", eventsfn=event, num_events=1,
                   max_num_steps=10**7, **linear(flow))
    result = solver.solve(flow.times if times is None else times, flow.x0)
    seconds = time.process_time() - start
    if not result.success:
        raise Failed(result.message)
    return seconds, result


def path(flow, tolerance, linear):
    seconds, result = solve(flow, tolerance, linear)
    return of_states(flow, seconds, result.t, result.y, result.nfev, result.njev)


def dense(flow):
    """The exact Jacobian, factorized by LAPACK."""

    def jacobian(_t, x, _velocity, out):
        out[:] = flow.jacobian(x)

    return {"linsolver": "lapackdense", "jacfn": jacobian}


def gmres(flow):
    """GMRES with exact Jacobian products."""
    from sksundae.cvode import CVODEJacTimes

    depth, frozen = flow.depth, {}

    def freeze(_t, x, _velocity):
        frozen["jacobian"] = flow.jacobian_parts(x)

    def times(_t, _x, _velocity, v, out):
        power, curvature = frozen["jacobian"]
        out[:] = -curvature * v - depth * power * flow.pair(flow.a.T @ (flow.a @ flow.fold(power * v)))

    return {"linsolver": "gmres", "krylov_dim": 20, "jactimes": CVODEJacTimes(freeze, times)}


def gmres_diagonal(flow):
    """The same, with the diagonal of the Newton matrix as preconditioner."""
    from sksundae.cvode import CVODEPrecond

    frozen = {}

    def set_diagonal(_t, x, _velocity, _ok, new, gamma):
        power, curvature = flow.jacobian_parts(x)
        frozen["diagonal"] = 1 + gamma * (curvature + flow.depth * power**2 * flow.squares)
        new[0] = 1

    def solve_diagonal(_t, _x, _velocity, r, z, _gamma, _delta, _side):
        z[:] = r / frozen["diagonal"]

    return {**gmres(flow), "precond": CVODEPrecond(set_diagonal, solve_diagonal)}
