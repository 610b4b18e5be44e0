"""The gradient flow of the factors, as a careful user of NumPy would write it."""
import dataclasses
import functools
import statistics
import time

import numpy as np

from instances import RUNS, STOP


class Flow:
    """x' = -x^(L-1) A^T(A w - y), w = u^L or u^L - v^L; x = u or (u, v) starts at alpha, |A w - y|^2/2 ends it."""

    def __init__(self, a, y, depth, signed, stop=STOP):
        self.a, self.y, self.depth, self.signed, self.n, self.stop = a, y, depth, signed, a.shape[1], stop
        self.alpha, self.t_end = RUNS[depth]
        self.x0 = np.full(self.n * (2 if signed else 1), self.alpha)
        self.times = np.concatenate([[0.0], np.geomspace(1e-2, self.t_end, 199)])
        self.squares = self.pair(np.einsum("ij,ij->j", self.a, self.a), 1)

    @classmethod
    def load(cls, where, depth, signed, stop=STOP):
        """The flow of a folder with A.npy and y.npy."""
        flow = cls(np.load(where / "A.npy"), np.load(where / "y.npy"), depth, signed, stop)
        flow.where = where
        return flow

    def fold(self, v):
        return v[: self.n] - v[self.n :] if self.signed else v

    def pair(self, g, sign=-1):
        return np.concatenate([g, sign * g]) if self.signed else g

    def weights(self, x):
        return self.fold(x**self.depth)

    def residual(self, x):
        return self.a @ self.weights(x) - self.y

    def loss(self, x):
        r = self.residual(x)
        return 0.5 * r @ r

    def velocity(self, x):
        return -(x ** (self.depth - 1)) * self.pair(self.a.T @ self.residual(x))

    def jacobian_parts(self, x):
        """p = x^(L-1) and c = (L-1) x^(L-2) A^T r: the Jacobian is -diag(c) - L diag(p) A^T A diag(p)."""
        curvature = (self.depth - 1) * x ** (self.depth - 2) * self.pair(self.a.T @ self.residual(x))
        return x ** (self.depth - 1), curvature

    @functools.cached_property
    def gram(self):
        """A^T A, of (A, -A) for pairs: what every dense Jacobian needs."""
        a = np.hstack([self.a, -self.a]) if self.signed else self.a
        return a.T @ a

    def jacobian(self, x):
        power, curvature = self.jacobian_parts(x)
        jacobian = (-self.depth * power)[:, None] * self.gram * power
        jacobian[np.diag_indices_from(jacobian)] -= curvature
        return jacobian


@dataclasses.dataclass
class Run:
    """What a contender took, and its losses at those of the flow's times that it reached; its stop may be one more."""

    seconds: float
    t: np.ndarray
    loss: np.ndarray
    counts: dict


def of_states(flow, seconds, t, states, rhs, jacobians, **more):
    """The run with these states, one a row."""
    losses = np.array([flow.loss(x) for x in states])
    return Run(seconds, np.asarray(t), losses, {"rhs": int(rhs), "jacobians": int(jacobians), **more})


def error(run, reference):
    """max |loss - reference|/loss(0) over the times both have, but for the last, which is the stop."""
    common = min(len(run.t), len(reference.t)) - 1
    return float(np.max(np.abs(run.loss[:common] - reference.loss[:common])) / reference.loss[0])


def pass_seconds(flow):
    """The median time of one A w and one A^T r by the BLAS that NumPy has."""
    r, times = np.ones(flow.a.shape[0]), []
    w = np.ones(flow.n)
    while len(times) < 5 or sum(times) < 0.2:
        start = time.perf_counter()
        flow.a @ w, flow.a.T @ r
        times.append(time.perf_counter() - start)
    return statistics.median(times)
