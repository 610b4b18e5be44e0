//! Scratch probe.
use hadaflow_core::event::*;
use hadaflow_core::flow::*;
use hadaflow_core::initialization::*;
use hadaflow_core::integrate::*;
use hadaflow_core::measurement::*;
use hadaflow_core::problem::Problem;
use hadaflow_core::record::*;
use hadaflow_core::signal::*;
use hadaflow_core::special::DoubleDouble;
use std::sync::Arc;

struct Obs {
    anchor: hadaflow_core::mirror::Anchor,
    rows: Vec<(DoubleDouble, f64, f64, f64)>,
    inc: Vec<f64>,
}
impl Recorder for Obs {
    fn record(&mut self, s: &Snapshot) {
        let d = s.flow.mirror().divergence(&self.anchor, s.position);
        self.rows.push((s.t, s.loss, d, s.loss_integral.hi));
        self.inc.push(s.increments[0]);
    }
    fn retain(&mut self, keep: &[bool]) {
        let mut k = keep.iter();
        self.rows.retain(|_| *k.next().unwrap());
        hadaflow_core::record::retain_increments(&mut self.inc, 1, keep);
    }
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let get = |i: usize, d: &str| a.get(i).cloned().unwrap_or(d.into());
    let l: usize = get(1, "2").parse().unwrap();
    let alpha: f64 = get(2, "1e-4").parse().unwrap();
    let sign = if get(3, "s") == "s" {
        Sign::Signed
    } else {
        Sign::Positive
    };
    let form = match get(4, "auto").as_str() {
        "log" => Some(Formulation::Log),
        "dual" => Some(Formulation::Dual),
        "factor" => Some(Formulation::Factor),
        _ => None,
    };
    let tol: f64 = get(5, "1e-8").parse().unwrap();
    let m: usize = get(6, "80").parse().unwrap();
    let n: usize = get(7, "200").parse().unwrap();
    let s: usize = get(8, "5").parse().unwrap();
    let method = match get(9, "bdf").as_str() {
        "esdirk" => Method::Esdirk34,
        "trbdf" => Method::TrBdf2,
        "tsit" => Method::Tsit45,
        _ => Method::Bdf,
    };
    let ens = get(10, "Gaussian");
    let signal = SparseSignal {
        sparsity: s,
        magnitude: Magnitude::Uniform(0.5, 1.5),
    };
    let e = by_name(&ens).unwrap();
    let problem = Problem::synthetic(e, m, n, &signal, sign == Sign::Signed, 0.0, 7).unwrap();
    let model = Model {
        depth: l,
        sign,
        initialization: Initialization::Identical(alpha),
    };
    let choice = choose(&problem, &model, 7, form, tol).unwrap();
    let flow = choice.flow.clone();
    let truth = problem.truth.clone().unwrap();
    let anchor = flow.mirror().anchor(&truth).unwrap();
    let mut obs = Obs {
        anchor,
        rows: vec![],
        inc: vec![],
    };
    let events: Vec<Box<dyn Event>> = vec![
        Box::new(LossBelow::relative(1e-12, &problem.measurements)),
        Box::new(Stationary::new(1e-9, sign == Sign::Signed, &problem)),
    ];
    let task = Task {
        flow: flow.clone(),
        tolerance: tol,
        max_steps: 100000,
        schedule: Schedule::LogSpaced(200),
        events,
        mismatches: vec![],
        resume: None,
    };
    let start = std::time::Instant::now();
    let r = DiffsolIntegrator::new(method)
        .integrate(&task, &mut obs, &mut |_| true)
        .unwrap();
    let el = start.elapsed().as_secs_f64();
    let d0 = obs.rows[0].2;
    let last = obs.rows.last().unwrap();
    let total = (d0 - last.2 - 2.0 * last.3) / d0;
    let mut worst = (0.0f64, 0usize);
    for (i, w) in obs.rows.windows(2).enumerate() {
        let int = 2.0 * obs.inc[i + 1];
        let res = (w[0].2 - w[1].2 - int).abs() / w[0].2.max(int);
        if res > worst.0 {
            worst = (res, i);
        }
    }
    if std::env::var("V").is_ok() {
        for (i, w) in obs.rows.windows(2).enumerate() {
            let int = 2.0 * obs.inc[i + 1];
            println!(
                "{:4} {:.17e} {:+.3e} loss {:.3e} D {:.6e} res {:.2e} rel {:.2e} c {:.2e}",
                i,
                w[0].0.hi,
                w[0].0.lo,
                w[0].1,
                w[0].2,
                w[0].2 - w[1].2 - int,
                (w[0].2 - w[1].2 - int) / w[0].2.max(int),
                (w[0].2 - w[1].2 - int).abs() / (tol * (w[0].2.max(int) + (w[0].2 * 5.0).sqrt()))
            );
        }
    }
    let mut wts = vec![0.0; n];
    let mut ev = Evaluation::new(m, n);
    flow.evaluate(&r.end.state, &mut ev);
    wts.copy_from_slice(&ev.weights);
    let dist = wts.iter().zip(&truth).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let l1: f64 = wts.iter().map(|w| w.abs()).sum();
    println!(
        "L{l} a{alpha:e} {:?} {:?} {} t={:e} loss={:e} {:?}\n   total {total:.1e} worst interval {:.1e} at row {} (D={:.2e} t={:e}) of {} dist {dist:.3e} l1-gap {:+.6e} {el:.3}s",
        sign,
        flow.formulation(),
        r.outcome.explain(),
        r.end.t.hi,
        ev.loss(),
        r.statistics,
        worst.0,
        worst.1,
        obs.rows[worst.1].2,
        obs.rows[worst.1].0.hi,
        obs.rows.len(),
        l1 - truth.iter().map(|x| x.abs()).sum::<f64>()
    );
    let _ = Arc::new(0);
}
