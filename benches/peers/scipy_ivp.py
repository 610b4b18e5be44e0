"""The stiff solvers of SciPy's solve_ivp, with the exact dense Jacobian or with the solver's own differences."""
import time

from flow import of_states
from limited import Failed


def path(flow, tolerance, method, exact=True):
    from scipy.integrate import solve_ivp

    def event(_t, x):
        return flow.loss(x) - flow.stop

    event.terminal, event.direction = True, -1
    jacobian = {"jac": lambda _t, x: flow.jacobian(x)} if exact else {}
    start = time.process_time()
    result = solve_ivp(lambda _t, x: flow.velocity(x), (0, flow.t_end), flow.x0, method=method, t_eval=flow.times,
                       events=event, rtol=tolerance, atol=tolerance * flow.alpha, **jacobian)
    seconds = time.process_time() - start
    if not result.success:
        raise Failed(result.message)
    return of_states(flow, seconds, result.t, result.y.T, result.nfev, result.njev)
