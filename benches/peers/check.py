"""What the comparison itself does, checked on 10 x 20 matrices by NumPy and SciPy; CVODE takes part where it is."""
import functools
import importlib.util
import os
import pathlib
import tempfile
import time
import unittest

import numpy as np

import cvode
import descent
import instances
import paired
import scipy_ivp
import sparse
import sweep
from flow import Flow, error
from limited import Failed, limited

CVODE = importlib.util.find_spec("sksundae") is not None


def small(depth, signed, stop=1e-6):
    a, y, w = instances.draw([3, depth, signed], 20, 10, 2, signed)
    return Flow(a, y, depth, signed, stop), w


def both(check):
    """The check for each depth, positive and signed."""

    def checks(self):
        for depth in instances.RUNS:
            for signed in (False, True):
                with self.subTest(depth=depth, signed=signed):
                    check(self, *small(depth, signed))

    return checks


def differences(function, x, h):
    """The Jacobian of a function by central differences, with steps relative to x."""
    steps = h * np.diag(x)
    return np.stack([(function(x + e) - function(x - e)) / (2 * h * size) for e, size in zip(steps, x)], axis=-1)


class Mathematics(unittest.TestCase):
    @both
    def test_velocity_is_minus_the_gradient_over_the_depth(self, flow, _w):
        x = np.random.default_rng(5).uniform(0.5, 1.5, len(flow.x0))
        gradient = differences(flow.loss, x, 1e-6)
        np.testing.assert_allclose(flow.velocity(x), -gradient / flow.depth, rtol=1e-6, atol=1e-7)

    @both
    def test_jacobian_is_that_of_the_velocity(self, flow, _w):
        x = np.random.default_rng(6).uniform(0.5, 1.5, len(flow.x0))
        np.testing.assert_allclose(flow.jacobian(x), differences(flow.velocity, x, 1e-6), rtol=1e-5, atol=1e-6)


class Contenders(unittest.TestCase):
    @both
    def test_scipy_agrees_with_its_most_accurate(self, flow, _w):
        truth = scipy_ivp.path(flow, 1e-10, "LSODA", exact=False)
        self.assertLess(len(truth.t), len(flow.times), "the loss stops it")
        for method in ("BDF", "LSODA", "Radau"):
            found = scipy_ivp.path(flow, 1e-7, method)
            self.assertEqual(len(found.t), len(truth.t))
            self.assertLess(error(found, truth), 1e-3, method)
            if method != "LSODA":  # which needs none where it is not stiff
                self.assertGreater(found.counts["jacobians"], 0)

    @unittest.skipUnless(CVODE, "scikit-sundae is not installed")
    @both
    def test_cvode_agrees_with_scipy(self, flow, _w):
        truth = scipy_ivp.path(flow, 1e-10, "LSODA", exact=False)
        for linear in (cvode.dense, cvode.gmres, cvode.gmres_diagonal):
            self.assertLess(error(cvode.path(flow, 1e-8, linear), truth), 1e-3, linear.__name__)

    def test_error_is_that_of_a_shifted_loss(self):
        flow, _ = small(2, False)
        run = scipy_ivp.path(flow, 1e-6, "LSODA")
        shifted = scipy_ivp.path(flow, 1e-6, "LSODA")
        shifted.loss += 0.01 * run.loss[0]
        self.assertAlmostEqual(error(shifted, run), 0.01, places=12)

    def test_dense_jacobians_are_refused_where_they_do_not_fit(self):
        flow = Flow(np.ones((1, paired.DENSE + 1)), np.ones(1), 2, False)
        with self.assertRaisesRegex(Failed, "dense Jacobian of 5001 unknowns"):
            limited(functools.partial(paired.contender("SciPy BDF", None), flow, 1e-6), 5.0)

    def test_the_usual_ones_run_unless_others_are_named(self):
        self.assertEqual(tuple(paired.chosen([], [])), paired.USUAL)
        self.assertEqual(paired.chosen(["SciPy BDF"], ["Ndf", "Bdf", "CVODE gmres"]),
                         ["CVODE gmres + diagonal", "SciPy BDF"])


class Descent(unittest.TestCase):
    @both
    def test_the_best_step_reaches_the_loss_and_falls_at_the_end(self, flow, w):
        step = descent.best_step(flow, w)
        found = descent.descend(flow, step)
        self.assertLess(found.rose, 0.9 * found.steps)
        self.assertLess(0.5 * np.sum((flow.a @ found.w - flow.y) ** 2), flow.stop)

    @both
    def test_small_steps_reach_the_loss_when_the_flow_does(self, flow, w):
        flow.stop, step = 1e-3, 0.02 * descent.stability(flow, w)
        t = descent.descend(flow, step).steps * step
        kept = scipy_ivp.path(flow, 1e-8, "LSODA").t
        later = flow.times[len(kept)]
        self.assertTrue(0.98 * kept[-1] < t < 1.02 * later, f"{t}, while the flow does between {kept[-1]} and {later}")

    def test_a_step_beyond_the_limit_of_stability_ends_elsewhere(self):
        flow, w = small(2, True, 1e-8)
        limit = descent.stability(flow, w)
        near, far = (np.linalg.norm(descent.descend(flow, part * limit).w - w) for part in (0.98, 1.1))
        self.assertLess(5 * near, far)
        self.assertAlmostEqual(descent.best_step(flow, w), 0.98 * limit)


class Failures(unittest.TestCase):
    def test_each_is_a_failure_that_says_so_and_the_others_go_on(self):
        contenders = {
            "slow": lambda: time.sleep(12), "broken": lambda: 1 / 0, "killed": lambda: os._exit(9),
            "missing": lambda: __import__("diffrax_that_is_not"), "fine": lambda: 42,
        }
        start = time.monotonic()
        runs, failures = paired.race(contenders, 2, 1.0)
        self.assertLess(time.monotonic() - start, 10)
        self.assertEqual(runs, {"fine": [42, 42]})
        self.assertEqual(failures["slow"], "more than 1 s")
        self.assertIn("ZeroDivisionError", failures["broken"])
        self.assertIn("9", failures["killed"])
        self.assertIn("pip install diffrax_that_is_not", failures["missing"])

    def test_what_a_contender_started_ends_with_it(self):
        with tempfile.TemporaryDirectory() as folder:
            late = pathlib.Path(folder, "late")
            with self.assertRaises(Failed):
                limited(functools.partial(os.system, f"sleep 2; touch {late}"), 0.5)
            time.sleep(2.5)
            self.assertFalse(late.exists())


class Sweep(unittest.TestCase):
    def test_both_sides_read_the_same_instances(self):
        with tempfile.TemporaryDirectory() as folder:
            instances.make(folder, {"tiny": (20, 10, 2, True)})
            instances.make_sweep(folder)
            tiny = pathlib.Path(folder, "tiny")
            a, y, w = (np.load(tiny / f"{name}.npy") for name in ("A", "y", "wstar"))
            np.testing.assert_array_equal(a @ w, y)
            a, y, w = (np.load(pathlib.Path(folder, "sweep", f"{name}_m40.npy")) for name in ("A", "y", "wstar"))
            self.assertEqual((a.shape, w.min()), ((100, 40, 100), 0))
            np.testing.assert_allclose(np.einsum("kij,kj->ki", a, w), y, rtol=1e-12, atol=1e-12)
            self.assertEqual([int(np.count_nonzero(w[k])) for k in sweep.cells(1)], list(instances.SPARSITIES))
            many = sweep.theirs(sparse.highs, pathlib.Path(folder, "sweep"), 1)
            self.assertTrue(many.success[-1, 0] and not many.success[0, -1], "2 of 100 measured 100 times, 38 by 10")

    def test_least_norm_recovers_what_is_sparse(self):
        a, y, w = instances.draw(4, 20, 10, 2, False)
        np.testing.assert_allclose(sparse.highs(a, y), w, atol=1e-9)


def run(_options):
    checks = unittest.defaultTestLoader.loadTestsFromModule(__import__(__name__))
    return not unittest.TextTestRunner(verbosity=1).run(checks).wasSuccessful()
