"""Limits of the flow on small instances, computed with 200 digits (400 where alpha = 1e-60): limits_200_digits.json.

The dual problem min Phi(q) = sum (u^2 + v^2)/2 - y.q (arXiv 2112.11027; s = A^T q,
u = x0 e^s or (x0^(2-L) - (L-2) s)^(-1/(L-2)), v the same at -s, w = u^L - v^L or u^L) by Newton's method with a line
search, following the start from 1 to its value. With this many digits the pure dual iteration needs none of the devices
of the library: it shares nothing with it. A, y and x0 are written as the doubles they are.

    python3 limits_200_digits.py        (needs mpmath 1.4)
"""

import json
import os
import random

from mpmath import mp, mpf, matrix, lu_solve, log, exp, nstr


def factor(base, s, depth):
    """u at s, None beyond the barrier."""
    if depth == 2:
        return base * exp(s)
    z = base ** (2 - depth) - (depth - 2) * s
    return z ** (mpf(-1) / (depth - 2)) if z > 0 else None


def state(A, y, depth, signed, x0, q):
    """Phi, its gradient y - A w, its Hessian, u and v; None outside the domain."""
    m, n = len(A), len(A[0])
    value = -sum(y[i] * q[i] for i in range(m))
    residual, hessian = matrix(y), matrix(m, m)
    us, vs = [], []
    for j in range(n):
        s = sum(A[i][j] * q[i] for i in range(m))
        u, v = factor(x0[j], s, depth), factor(x0[j], -s, depth) if signed else mpf(0)
        if u is None or v is None:
            return None
        value += (u * u + v * v) / 2
        slope = depth * (u ** (2 * depth - 2) + v ** (2 * depth - 2))
        for i in range(m):
            residual[i] -= A[i][j] * (u**depth - v**depth)
            for k in range(m):
                hessian[i, k] += slope * A[i][j] * A[k][j]
        us.append(u)
        vs.append(v)
    return value, residual, hessian, us, vs


def newton(A, y, depth, signed, x0, q, digits):
    """Minimise Phi from q until a Newton step changes every factor by less than 10^-digits."""
    for _ in range(2000):
        value, residual, hessian, us, vs = state(A, y, depth, signed, x0, q)
        step = lu_solve(hessian, residual)
        slope = sum(step[i] * residual[i] for i in range(len(y)))
        t = mpf(1)
        while True:
            new = state(A, y, depth, signed, x0, q + t * step)
            if new is not None and new[0] <= value - t * slope / 10:
                break
            # Close to the minimum Phi no longer resolves the decrease: the step is then a full one.
            if t < mpf(10) ** -60:
                t = mpf(1)
                new = state(A, y, depth, signed, x0, q + step)
                break
            t /= 2
        q = q + t * step
        changes = [abs(log(a / b)) for a, b in zip(new[3], us)]
        changes += [abs(log(a / b)) for a, b in zip(new[4], vs)] if signed else []
        if max(changes) < mpf(10) ** -digits:
            return q, new
    raise ArithmeticError("Newton did not converge")


def limit(instance, digits=60):
    depth, signed = instance["depth"], instance["signed"]
    exact = lambda numbers: [mpf(float(x)) for x in numbers]
    A, y, end = [exact(row) for row in instance["A"]], exact(instance["y"]), exact(instance["x0"])
    # x0 = scale * end/max(end), scale from 1 downwards by powers of ten (depth 2: by factors of the logarithm).
    largest = max(end)
    shape = [x / largest for x in end]
    q, scale, ratio = matrix(len(y), 1), mpf(1), mpf(10)
    while True:
        q, new = newton(A, y, depth, signed, [scale * x for x in shape], q, 5 if scale > largest else digits)
        if scale == largest:
            return new[3], new[4]
        next_scale = max(largest, scale / ratio)
        if depth == 2:
            ratio = ratio ** mpf("1.5")
            q = q * (log(next_scale) / log(scale)) if scale < 1 else q
        else:
            q = q * (next_scale / scale) ** (2 - depth)
        scale = next_scale


def integers(rng, m, n, signed, dense):
    """Small integers, y = A x for an integer x: exact data. Every coordinate can be positive in a positive model."""
    A = [[rng.choice([-3, -2, -1, 1, 2, 3]) for _ in range(n)] for _ in range(m)]
    if not signed:
        for row in A:
            row[-1] = -sum(row[:-1])  # (1, ..., 1) is in the kernel
    x = [0] * n
    for j in rng.sample(range(n), n if dense else 2):
        x[j] = rng.randint(1, 5) * (rng.choice([-1, 1]) if signed else 1)
    return A, [sum(a * b for a, b in zip(row, x)) for row in A]


def gaussian(rng, m, n, signed):
    """Normal entries, y = A x rounded, for x with two entries: the limit sees the rounding."""
    A = [[rng.gauss(0, 1) for _ in range(n)] for _ in range(m)]
    if not signed:
        for row in A:
            row[-1] = -sum(row[:-1])
    x = [0.0] * n
    for j in rng.sample(range(n), 2):
        x[j] = rng.uniform(0.5, 1.5) * (rng.choice([-1, 1]) if signed else 1)
    return A, [sum(a * b for a, b in zip(row, x)) for row in A]


def instances():
    rng = random.Random(2112)
    for depth in (2, 3, 4, 6):
        for signed in (True, False):
            sign = "signed" if signed else "positive"
            for kind in ("sparse", "dense", "rounded"):
                m, n = rng.choice([(4, 10), (5, 12), (6, 14)])
                A, y = gaussian(rng, m, n, signed) if kind == "rounded" else integers(rng, m, n, signed, kind == "dense")
                yield f"{kind}-L{depth}-{sign}", depth, signed, A, y, [1e-10] * n
    for signed in (True, False):
        A, y = integers(rng, 5, 12, signed, False)
        yield f"tiny-L2-{'signed' if signed else 'positive'}", 2, signed, A, y, [1e-60] * 12
    for depth, signed in ((3, True), (4, False), (2, True)):
        A, y = integers(rng, 5, 12, signed, False)
        yield f"vector-L{depth}", depth, signed, A, y, [1e-10 * rng.choice([0.25, 0.5, 1.0, 2.0, 3.0]) for _ in range(12)]
    A = [[3.0, 1.5, 2.0, 0.0], [0.0, 1.5, 1.0, 3.0]]
    for depth in (2, 3, 4, 6):
        yield f"non-unique-L{depth}", depth, False, A, [45.0, 27.0], [1e-10] * 4
    # Two equal columns share their weight.
    yield "duplicate-L4", 4, True, [[1.0, 1.0, 2.0, -1.0], [2.0, 2.0, -1.0, 3.0]], [3.0, 6.0], [1e-10] * 4


def main():
    results = []
    for name, depth, signed, A, y, x0 in instances():
        mp.dps = 400 if min(x0) < 1e-50 else 200
        # Strings: not every JSON reader rounds decimals correctly.
        doubles = lambda numbers: [repr(float(x)) for x in numbers]
        instance = {"name": name, "depth": depth, "signed": signed, "x0": doubles(x0)}
        instance |= {"A": [doubles(row) for row in A], "y": doubles(y)}
        us, vs = limit(instance)
        digits = lambda numbers: [nstr(x, 40, min_fixed=0, max_fixed=0) for x in numbers]
        instance["weights"] = digits(u**depth - v**depth for u, v in zip(us, vs))
        instance["plus"] = digits(u**depth for u in us)
        instance["minus"] = digits(v**depth for v in vs) if signed else []
        print(name, [nstr(u**depth - v**depth, 5) for u, v in zip(us, vs)], flush=True)
        results.append(instance)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "limits_200_digits.json")
    with open(path, "w") as file:
        json.dump({"instances": results}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
