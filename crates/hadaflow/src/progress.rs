//! A progress line on standard error, only on a terminal, at most ten times a second; and Ctrl-C.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hadaflow::core::integrate::Progress;

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
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = interrupted.clone();
        // Without a handler an interrupt ends the process at once: less kind, but not wrong.
        let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
        Self {
            interrupted,
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
