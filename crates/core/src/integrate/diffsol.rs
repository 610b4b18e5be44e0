//! The implicit integrators of `diffsol`, driven step by step. This is the only file that knows the solver library.
//!
//! diffsol sees the flow as equations whose Jacobian is a *placeholder*: a diagonal matrix −κI, κ of the size of the true
//! Jacobian. From the Newton matrix I + cκI it would build of it, our linear solver reads off c and solves with the true
//! I − cJ through the flow's own [`NewtonSolver`]. No n×n matrix is ever formed.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use diffsol::error::OdeSolverError;
use diffsol::op::ParameterisedOp;
use diffsol::op::unit::UnitCallable;
use diffsol::{
    ConstantOp, DiffsolError, FaerContext, FaerSparseMat, FaerVec, LaError, LaLinearOp, Matrix, MatrixCommon,
    NonLinearOp, NonLinearOpJacobian, OdeBuilder, OdeEquations, OdeEquationsRef, OdeSolverMethod, OdeSolverProblem,
    OdeSolverState, Op, Vector, VectorCommon,
};

use diffsol_la::MatrixSparsity;

use super::session::{DenseOutput, Session, Verdict, integral_floor, integrands, outputs};
use super::{Integration, Integrator, Method, Progress, Task};
use crate::error::Result;
use crate::flow::Evaluation;
use crate::newton::NewtonSolver;
use crate::outcome::Outcome;
use crate::record::Recorder;

type M = FaerSparseMat<f64>;
type V = FaerVec<f64>;

/// Failed steps in a row (each followed by a restart at the last good state) after which the run ends.
const MAX_RETRIES: usize = 3;

/// BDF, ESDIRK34, TR-BDF2 or Tsit45 through diffsol.
#[derive(Debug, Clone, Copy)]
pub struct DiffsolIntegrator {
    method: Method,
}

impl DiffsolIntegrator {
    /// An integrator of the given method.
    pub fn new(method: Method) -> Self {
        Self { method }
    }
}

impl Integrator for DiffsolIntegrator {
    fn name(&self) -> &'static str {
        self.method.name()
    }

    fn integrate(
        &self,
        task: &Task,
        recorder: &mut dyn Recorder,
        control: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<Integration> {
        let shared = Rc::new(Shared::new(task));
        let mut session = Session::new(task, recorder, control);
        let outcome = match session.begin() {
            Some(outcome) => outcome,
            None => self.run(&shared, &mut session),
        };
        shared.account(&mut session);
        Ok(session.finish(outcome))
    }
}

impl DiffsolIntegrator {
    /// Segments of the local clock until the run ends.
    fn run(&self, shared: &Rc<Shared>, session: &mut Session) -> Outcome {
        let mut retries = 0;
        loop {
            let before = session.statistics.steps;
            match self.segment(shared, session) {
                Ok(Verdict::End(outcome)) => return outcome,
                Ok(_) => retries = 0,
                Err(error) => {
                    retries = if session.statistics.steps > before {
                        0
                    } else {
                        retries + 1
                    };
                    if retries >= MAX_RETRIES {
                        return outcome_of(&error);
                    }
                }
            }
        }
    }

    /// One segment: from the session's state with the local clock at zero.
    fn segment(&self, shared: &Rc<Shared>, session: &mut Session) -> std::result::Result<Verdict, DiffsolError> {
        let mut problem = build(shared, session)?;
        let h = shared.first_step(session.state(), &problem.atol, problem.rtol);
        problem.out_atol = Some(shared.output_tolerance(session.state(), h, session.task().tolerance));
        session.restarted(h);
        HANDOVER.with(|slot| slot.replace(Some(shared.clone())));
        match self.method {
            Method::Bdf => walk(
                problem.bdf_solver::<StructuredSolver>(start(&problem, h)?)?,
                shared,
                session,
            ),
            Method::Esdirk34 => walk(
                problem.esdirk34_solver::<StructuredSolver>(start(&problem, h)?)?,
                shared,
                session,
            ),
            Method::TrBdf2 => walk(
                problem.tr_bdf2_solver::<StructuredSolver>(start(&problem, h)?)?,
                shared,
                session,
            ),
            Method::Tsit45 => walk(problem.tsit45_solver(start(&problem, h)?)?, shared, session),
        }
    }
}

/// A solver state at the problem's initial value whose first step is h.
fn start<S: OdeSolverState<V>>(problem: &OdeSolverProblem<Equations>, h: f64) -> std::result::Result<S, DiffsolError> {
    let mut state = S::new_without_initialise(problem)?;
    *state.as_mut().h = h;
    Ok(state)
}

/// Steps until the session wants something else.
fn walk<'a, S: OdeSolverMethod<'a, Equations>>(
    mut solver: S,
    shared: &Rc<Shared>,
    session: &mut Session,
) -> std::result::Result<Verdict, DiffsolError> {
    loop {
        let stepped = solver.step();
        let mut verdict = Verdict::Continue;
        if stepped.is_ok() {
            verdict = session.advance(&Dense {
                solver: &solver,
                shared,
            });
        }
        if stepped.is_err() || verdict != Verdict::Continue {
            let counts = solver.get_statistics();
            session.statistics.newton_failures += counts.number_of_nonlinear_solver_fails;
            session.statistics.error_test_failures += counts.number_of_error_test_failures;
        }
        match stepped {
            Err(error) => {
                session.fall_back(&Dense {
                    solver: &solver,
                    shared,
                });
                return Err(error);
            }
            Ok(_) if verdict == Verdict::Continue => {}
            Ok(_) => return Ok(verdict),
        }
    }
}

fn outcome_of(error: &DiffsolError) -> Outcome {
    match error {
        DiffsolError::OdeSolverError(OdeSolverError::StepSizeTooSmall { .. }) => Outcome::StepSizeUnderflow,
        other => Outcome::SolverFailure {
            message: other.to_string(),
        },
    }
}

fn build(shared: &Rc<Shared>, session: &Session) -> std::result::Result<OdeSolverProblem<Equations>, DiffsolError> {
    let task = session.task();
    let tolerance = task.flow.state_tolerance(task.tolerance);
    let mut problem = OdeBuilder::<M>::new()
        .rtol(tolerance.relative)
        .atol([tolerance.absolute])
        .integrate_out(true)
        .out_rtol(task.tolerance / (shared.outputs as f64).sqrt()) // the norm averages over all integrals
        .out_atol(vec![0.0; shared.outputs]) // set once the first step is known
        .build_from_eqn(Equations::new(shared.clone(), session.state().to_vec()))?;
    // The session has its own limits; the clock is local, so steps may be as small as doubles allow.
    problem.ode_options.max_nonlinear_solver_failures = usize::MAX;
    problem.ode_options.min_timestep = 1e-290;
    Ok(problem)
}

/// What the equations, the linear solver and the dense output of one integration have in common.
struct Shared {
    flow: std::sync::Arc<dyn crate::flow::Flow>,
    mismatches: Vec<Vec<f64>>,
    outputs: usize,
    cache: RefCell<Cache>,
    newton: RefCell<Box<dyn NewtonSolver>>,
    rhs: Cell<usize>,
    jacobians: Cell<usize>,
}

/// The evaluation at the state last asked for: step, quadrature, event and Jacobian mostly want the same one.
struct Cache {
    state: Vec<f64>,
    evaluation: Evaluation,
    valid: bool,
}

impl Shared {
    fn new(task: &Task) -> Self {
        let problem = task.flow.problem();
        let evaluation = Evaluation::new(problem.operator.rows(), problem.operator.cols());
        Self {
            flow: task.flow.clone(),
            mismatches: task.mismatches.clone(),
            outputs: outputs(task),
            cache: RefCell::new(Cache {
                state: vec![0.0; task.flow.dim()],
                evaluation,
                valid: false,
            }),
            newton: RefCell::new(task.flow.newton()),
            rhs: Cell::new(0),
            jacobians: Cell::new(0),
        }
    }

    /// Calls `use_it` with the evaluation at `state`.
    fn at<T>(&self, state: &[f64], use_it: impl FnOnce(&Evaluation) -> T) -> T {
        let mut cache = self.cache.borrow_mut();
        let Cache {
            state: cached,
            evaluation,
            valid,
        } = &mut *cache;
        if !*valid || cached != state {
            self.flow.evaluate(state, evaluation);
            cached.copy_from_slice(state);
            *valid = true;
            self.rhs.set(self.rhs.get() + 1);
        }
        use_it(evaluation)
    }

    /// Step with which a first-order method makes an error of about a tenth of the tolerance: h² |y″| = 0.2, y″ = J y′.
    fn first_step(&self, state: &[f64], atol: &V, rtol: f64) -> f64 {
        let mut velocity = vec![0.0; state.len()];
        let mut curvature = vec![0.0; state.len()];
        self.at(state, |evaluation| {
            self.flow.velocity(state, evaluation, &mut velocity);
            let mut newton = self.newton.borrow_mut();
            newton.linearize(state, evaluation);
            newton.apply_jacobian(&velocity, &mut curvature);
        });
        let atol = slice(atol);
        let norm = |v: &[f64]| {
            let terms = v
                .iter()
                .zip(state)
                .zip(atol)
                .map(|((v, y), a)| (v / (rtol * y.abs() + a)).powi(2));
            (terms.sum::<f64>() / v.len() as f64).sqrt()
        };
        let (speed, curvature) = (norm(&velocity), norm(&curvature));
        // Without curvature the state moves by at most a thousand tolerances, and never so far that h overflows.
        let by_curvature = (0.2 / curvature).sqrt();
        let by_speed = if curvature > 0.0 { 1e6 / speed } else { 1e3 / speed };
        let h = by_curvature.min(by_speed);
        if h.is_finite() && h > 0.0 { h } else { 1.0 }
    }

    /// Absolute tolerances of the integrals: ∫ℓ is under error control, the others follow with the same steps.
    fn output_tolerance(&self, state: &[f64], h: f64, tolerance: f64) -> V {
        let first = self.at(state, |evaluation| {
            integral_floor(self.flow.as_ref(), state, evaluation, h, tolerance)
        });
        let atol = (0..self.outputs).map(|i| if i == 0 { first } else { f64::MAX.sqrt() });
        V::from_vec(atol.collect(), FaerContext::default())
    }

    fn account(&self, session: &mut Session) {
        session.statistics.rhs += self.rhs.get();
        session.statistics.jacobians += self.jacobians.get();
        session.statistics.factorizations += self.newton.borrow().factorizations();
    }
}

fn slice(v: &V) -> &[f64] {
    v.inner().col_as_slice(0)
}

fn slice_mut(v: &mut V) -> &mut [f64] {
    v.inner_mut().col_as_slice_mut(0)
}

/// Interpolation within the solver's last step.
struct Dense<'s, S> {
    solver: &'s S,
    shared: &'s Shared,
}

impl<'a, S: OdeSolverMethod<'a, Equations>> DenseOutput for Dense<'_, S> {
    fn time(&self) -> f64 {
        self.solver.state().t
    }

    fn state(&self, tau: f64, out: &mut [f64]) -> bool {
        let state = self.solver.state();
        if tau >= state.t {
            out.copy_from_slice(slice(state.y));
            return true;
        }
        self.solver.interpolate(tau).is_ok_and(|v| {
            out.copy_from_slice(slice(&v));
            true
        })
    }

    fn integrals(&self, tau: f64, out: &mut [f64]) -> bool {
        let state = self.solver.state();
        if tau >= state.t {
            out.copy_from_slice(slice(state.g));
            return true;
        }
        self.solver.interpolate_out(tau).is_ok_and(|v| {
            out.copy_from_slice(slice(&v));
            true
        })
    }

    fn evaluation<'s>(&'s self, storage: &'s mut Evaluation) -> &'s Evaluation {
        let y = slice(self.solver.state().y);
        self.shared.at(y, |evaluation| storage.copy_from(evaluation));
        storage
    }
}

/// The flow as diffsol sees it.
struct Equations {
    rhs: Rhs,
    out: Out,
    init: Init,
    context: FaerContext,
}

struct Rhs(Rc<Shared>, FaerContext);
struct Out(Rc<Shared>, FaerContext);
struct Init(Vec<f64>, FaerContext);

impl Equations {
    fn new(shared: Rc<Shared>, initial: Vec<f64>) -> Self {
        let context = FaerContext::default();
        let rhs = Rhs(shared.clone(), context);
        let out = Out(shared, context);
        Self {
            rhs,
            out,
            init: Init(initial, context),
            context,
        }
    }
}

/// Op for a type with a state size and an output size.
macro_rules! operator {
    ($type:ty, $this:ident, $states:expr, $outputs:expr, $context:expr) => {
        impl Op for $type {
            type T = f64;
            type V = V;
            type M = M;
            type C = FaerContext;
            fn nstates(&self) -> usize {
                let $this = self;
                $states
            }
            fn nout(&self) -> usize {
                let $this = self;
                $outputs
            }
            fn nparams(&self) -> usize {
                0
            }
            fn context(&self) -> &FaerContext {
                let $this = self;
                $context
            }
        }
    };
}
operator!(Rhs, this, this.0.flow.dim(), this.0.flow.dim(), &this.1);
operator!(Out, this, this.0.flow.dim(), this.0.outputs, &this.1);
operator!(Init, this, this.0.len(), this.0.len(), &this.1);
operator!(Equations, this, this.rhs.nstates(), this.out.nout(), &this.context);

impl NonLinearOp for Rhs {
    fn call_inplace(&self, x: &V, _t: f64, y: &mut V) {
        let state = slice(x);
        self.0.at(state, |evaluation| {
            self.0.flow.velocity(state, evaluation, slice_mut(y))
        });
    }
}

impl NonLinearOpJacobian for Rhs {
    /// J v with a Jacobian of its own, so that the frozen one of the Newton iteration stays as it is.
    fn jac_mul_inplace(&self, x: &V, _t: f64, v: &V, y: &mut V) {
        let mut newton = self.0.flow.newton();
        self.0.at(slice(x), |evaluation| newton.linearize(slice(x), evaluation));
        newton.apply_jacobian(slice(v), slice_mut(y));
    }

    /// Freezes the true Jacobian and writes the placeholder −κI.
    fn jacobian_inplace(&self, x: &V, _t: f64, y: &mut M) {
        let mut newton = self.0.newton.borrow_mut();
        self.0.at(slice(x), |evaluation| newton.linearize(slice(x), evaluation));
        self.0.jacobians.set(self.0.jacobians.get() + 1);
        let scale = newton.scale();
        for block in y.inner_mut() {
            block.val_mut().fill(-scale);
        }
    }

    fn jacobian_sparsity(&self) -> Option<<M as Matrix>::Sparsity> {
        Some(<<M as Matrix>::Sparsity as MatrixSparsity<M>>::new_diagonal(
            self.nstates(),
        ))
    }
}

impl NonLinearOp for Out {
    fn call_inplace(&self, x: &V, _t: f64, y: &mut V) {
        let Shared { flow, mismatches, .. } = &*self.0;
        self.0.at(slice(x), |evaluation| {
            integrands(flow.as_ref(), mismatches, evaluation, slice_mut(y))
        });
    }
}

impl NonLinearOpJacobian for Out {
    fn jac_mul_inplace(&self, _x: &V, _t: f64, _v: &V, y: &mut V) {
        // Only sensitivities would ask, and none are computed.
        slice_mut(y).fill(f64::NAN);
    }
}

impl ConstantOp for Init {
    fn call_inplace(&self, _t: f64, y: &mut V) {
        slice_mut(y).copy_from_slice(&self.0);
    }
}

impl<'a> OdeEquationsRef<'a> for Equations {
    type Rhs = &'a Rhs;
    type Mass = ParameterisedOp<'a, UnitCallable<M>>;
    type Root = ParameterisedOp<'a, UnitCallable<M>>;
    type Init = &'a Init;
    type Out = &'a Out;
    type Reset = ParameterisedOp<'a, UnitCallable<M>>;
}

impl OdeEquations for Equations {
    fn rhs(&self) -> &Rhs {
        &self.rhs
    }
    fn mass(&self) -> Option<ParameterisedOp<'_, UnitCallable<M>>> {
        None
    }
    fn init(&self) -> &Init {
        &self.init
    }
    fn out(&self) -> Option<&Out> {
        Some(&self.out)
    }
    fn set_params(&mut self, _p: &V) {}
    fn get_params(&self, _p: &mut V) {}
}

thread_local! {
    /// diffsol constructs its linear solver by `Default`: the shared data is handed over here.
    static HANDOVER: RefCell<Option<Rc<Shared>>> = const { RefCell::new(None) };
}

/// (I − cJ)⁻¹ by the flow's own solver, with c read off the placeholder I + cκI.
struct StructuredSolver {
    shared: Option<Rc<Shared>>,
    placeholder: Option<M>,
    sound: bool,
}

impl Default for StructuredSolver {
    fn default() -> Self {
        Self {
            shared: HANDOVER.with(|slot| slot.borrow().clone()),
            placeholder: None,
            sound: false,
        }
    }
}

impl diffsol_la::LinearSolver<M> for StructuredSolver {
    fn set_sparsity<C: LaLinearOp<V = V, T = f64, M = M, C = FaerContext>>(&mut self, op: &C) {
        let placeholder = M::new_from_sparsity(op.nrows(), op.ncols(), op.sparsity(), *op.context());
        self.placeholder = Some(placeholder);
        self.sound = false;
    }

    fn set_linearisation<C: LaLinearOp<V = V, T = f64, M = M, C = FaerContext>>(&mut self, op: &C) {
        self.sound = false;
        let (Some(shared), Some(placeholder)) = (&self.shared, &mut self.placeholder) else {
            return;
        };
        op.matrix_inplace(placeholder);
        let mut newton = shared.newton.borrow_mut();
        // Where cκ is below rounding, so is cJ: c may then be lost altogether.
        if let Some(first) = placeholder.inner().first().and_then(|block| block.val().first()) {
            let scale = newton.scale();
            self.sound = newton.factorize((first - 1.0) / scale);
        }
    }

    fn solve_in_place(&self, b: &mut V) -> std::result::Result<(), LaError> {
        let solved = match &self.shared {
            Some(shared) if self.sound => shared.newton.borrow_mut().solve(slice_mut(b)),
            _ => false,
        };
        if solved {
            Ok(())
        } else {
            Err(LaError::Other("the Newton matrix could not be inverted".into()))
        }
    }

    fn solve_transpose_in_place(&self, _b: &mut V) -> std::result::Result<(), LaError> {
        Err(LaError::Other("no adjoint of the flow is ever solved".into()))
    }
}
