//! A progress line on standard error, only on a terminal, at most ten times a second; and Ctrl-C.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hadaflow::core::integrate::Progress;
use hadaflow::experiment::sweep::Progress as SweepProgress;

/// A line that many threads may draw.
struct SharedLine {
    terminal: bool,
    /// When it was last drawn, if ever.
    drawn: Mutex<Option<Instant>>,
}

impl SharedLine {
    fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            drawn: Mutex::new(None),
        }
    }

    fn show(&self, words: impl FnOnce() -> String) {
        if self.terminal
            && let Ok(mut drawn) = self.drawn.try_lock()
            && drawn.is_none_or(|drawn| drawn.elapsed() > Duration::from_millis(100))
        {
            *drawn = Some(Instant::now());
            // a broken terminal must not end the work
            let _ = write!(std::io::stderr(), "\r\x1b[2K{}", words());
        }
    }

    fn clear(&self) {
        if self.drawn.lock().is_ok_and(|drawn| drawn.is_some()) {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}

/// Watches the planning of a sweep.
pub struct PlanWatcher {
    line: SharedLine,
}

impl PlanWatcher {
    /// Starts watching. An interrupt ends the process, as nothing is written yet.
    pub fn new() -> Self {
        Self {
            line: SharedLine::new(),
        }
    }

    /// Called after some points are checked.
    pub fn step(&self, done: u64, points: u64) {
        self.line
            .show(|| format!("{done} of {points} points of the grid checked"));
    }

    /// Clears the line.
    pub fn finish(&self) {
        self.line.clear();
    }
}

/// Watches a sweep: many threads ask it.
pub struct SweepWatcher {
    interrupted: Arc<AtomicBool>,
    start: Instant,
    line: SharedLine,
}

impl SweepWatcher {
    /// Starts watching; from now on an interrupt ends the sweep instead of the process.
    pub fn new() -> Self {
        Self {
            interrupted: catch_interrupts(),
            start: Instant::now(),
            line: SharedLine::new(),
        }
    }

    /// Called after each cell and at each step of one; false once the sweep is to end.
    pub fn step(&self, progress: SweepProgress) -> bool {
        self.line.show(|| self.words(progress));
        !self.interrupted.load(Ordering::Relaxed)
    }

    /// Done, rate, time left, failures.
    fn words(&self, progress: SweepProgress) -> String {
        let SweepProgress {
            done,
            cells,
            fresh,
            failed,
        } = progress;
        let percent = 100.0 * done as f64 / cells.max(1) as f64; // rounded for display only
        let rate = fresh as f64 / self.start.elapsed().as_secs_f64().max(1e-3);
        let left = match fresh {
            0 => "?".to_owned(),
            _ => clock((cells - done) as f64 / rate),
        };
        format!("{done} of {cells} cells ({percent:.1} %)   {rate:.1} per second   {left} left   {failed} failed")
    }

    /// Clears the line.
    pub fn finish(&self) {
        self.line.clear();
    }
}

/// Seconds as h:mm:ss.
fn clock(seconds: f64) -> String {
    let whole = seconds.round() as u64; // saturates
    format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}

/// A flag that an interrupt raises from now on.
fn catch_interrupts() -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    // Without a handler an interrupt ends the process at once: less kind, but not wrong.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    interrupted
}

/// Watches a run.
pub struct Watcher {
    interrupted: Arc<AtomicBool>,
    terminal: bool,
    last: Instant,
    shown: bool,
}

impl Watcher {
    /// Starts watching; from now on an interrupt ends the run instead of the process.
    pub fn new() -> Self {
        Self {
            interrupted: catch_interrupts(),
            terminal: std::io::stderr().is_terminal(),
            last: Instant::now(),
            shown: false,
        }
    }

    /// Called at each step; false once the run is to end.
    pub fn step(&mut self, progress: Progress) -> bool {
        if self.terminal && self.last.elapsed() > Duration::from_millis(100) {
            self.last = Instant::now();
            self.shown = true;
            let Progress { t, loss, steps } = progress;
            // a broken terminal must not end the run
            let _ = write!(
                std::io::stderr(),
                "\r\x1b[2Klog10 t = {:7.3}   loss = {loss:9.3e}   {steps} steps",
                t.log10()
            );
        }
        !self.interrupted.load(Ordering::Relaxed)
    }

    /// Clears the line.
    pub fn finish(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}
