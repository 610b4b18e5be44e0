"""Least l1 norm among the nonnegative solutions of A w = y: the flow's limit as alpha goes to 0."""
import numpy as np

from limited import Failed


def highs(a, y):
    """min sum w, A w = y, w >= 0 as a linear program, by HiGHS in SciPy."""
    from scipy.optimize import linprog

    found = linprog(np.ones(a.shape[1]), A_eq=a, b_eq=y, bounds=(0, None), method="highs")
    if found.x is None:
        raise Failed(found.message)
    return found.x


def spgl1(a, y):
    """The same by SPGL1's projected gradients, with its nonnegative l1 norm and both tolerances 1e-6."""
    import spgl1

    found, _, _, _ = spgl1.spg_bp(
        a, y, opt_tol=1e-6, bp_tol=1e-6, iter_lim=10_000, project=spgl1.norm_l1nn_project,
        primal_norm=spgl1.norm_l1nn_primal, dual_norm=spgl1.norm_l1nn_dual)
    return found
