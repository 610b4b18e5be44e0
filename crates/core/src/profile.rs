//! Where the time of an integration goes, on demand.
//!
//! Between [`start`] and [`stop`] the thread keeps a clock for each [`Part`] of the work. Time counts for the innermost part
//! only, so that the clocks add up to the whole; what belongs to none is the stepping itself. Otherwise a part costs the
//! reading of one flag.
//!
//! ```
//! use hadaflow_core::measurement::{DenseOperator, MeasurementOperator};
//! use hadaflow_core::profile::{self, Part};
//!
//! let operator = DenseOperator::new(nalgebra::DMatrix::identity(3, 3))?;
//! profile::start();
//! operator.apply(&[1.0; 3], &mut [0.0; 3]);
//! let profile = profile::stop();
//! assert_eq!(profile.calls(Part::Pass), 1);
//! assert!(profile.seconds(Part::Pass) <= profile.total());
//! # Ok::<(), hadaflow_core::error::CoreError>(())
//! ```

use std::cell::{Cell, RefCell};
use std::time::Instant;

/// A part of the work of an integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The steps themselves: histories, error control, events.
    Steps,
    /// Products A w or Aᵀ r, each half of a pass over A.
    Pass,
    /// The same in single precision.
    SinglePass,
    /// Making Newton matrices.
    Matrix,
    /// Solving with them.
    Solve,
    /// Observables and records at output times.
    Output,
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 6] = [
        Self::Pass,
        Self::SinglePass,
        Self::Matrix,
        Self::Solve,
        Self::Output,
        Self::Steps,
    ];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Steps => "steps and their control",
            Self::Pass => "products with A",
            Self::SinglePass => "products in single precision",
            Self::Matrix => "Newton matrices",
            Self::Solve => "Newton solves",
            Self::Output => "observables and records",
        }
    }
}

/// Seconds and calls of each part.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Profile {
    parts: [(f64, usize); Part::ALL.len()],
}

impl Profile {
    /// Elapsed seconds in that part and in none within it.
    pub fn seconds(&self, part: Part) -> f64 {
        self.parts[part as usize].0
    }

    /// How often it was entered.
    pub fn calls(&self, part: Part) -> usize {
        self.parts[part as usize].1
    }

    /// Elapsed seconds from start to stop.
    pub fn total(&self) -> f64 {
        self.parts.iter().map(|part| part.0).sum()
    }
}

struct Clock {
    profile: Profile,
    part: Part,
    since: Instant,
}

impl Clock {
    /// The time since the last change belongs to the part that was; returns that part.
    fn change(&mut self, part: Part) -> Part {
        let now = Instant::now();
        self.profile.parts[self.part as usize].0 += (now - self.since).as_secs_f64();
        self.since = now;
        std::mem::replace(&mut self.part, part)
    }
}

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
    static CLOCK: RefCell<Option<Clock>> = const { RefCell::new(None) };
}

/// Starts the clocks of this thread at zero.
pub fn start() {
    let clock = Clock {
        profile: Profile::default(),
        part: Part::Steps,
        since: Instant::now(),
    };
    CLOCK.with_borrow_mut(|kept| *kept = Some(clock));
    RUNNING.set(true);
}

/// Stops the clocks of this thread; all zero if they were not started.
pub fn stop() -> Profile {
    RUNNING.set(false);
    CLOCK.take().map_or_else(Profile::default, |mut clock| {
        clock.change(Part::Steps);
        clock.profile
    })
}

/// What the clocks of this thread say, which begin again at zero; `None` if they were not started.
pub fn lap() -> Option<Profile> {
    RUNNING.get().then(|| {
        let profile = stop();
        start();
        profile
    })
}

/// Does some work on the clock of a part.
pub(crate) fn within<T>(part: Part, work: impl FnOnce() -> T) -> T {
    if !RUNNING.get() {
        return work();
    }
    let enter = |part: Part| CLOCK.with_borrow_mut(|clock| clock.as_mut().map(|clock| clock.change(part)));
    let outer = enter(part);
    let result = work();
    if let Some(outer) = outer {
        enter(outer);
        CLOCK.with_borrow_mut(|clock| {
            if let Some(clock) = clock {
                clock.profile.parts[part as usize].1 += 1;
            }
        });
    }
    result
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn time_counts_for_the_innermost_part() {
        let wait = |milliseconds| std::thread::sleep(Duration::from_millis(milliseconds));
        start();
        within(Part::Output, || {
            wait(2);
            within(Part::Pass, || wait(30));
        });
        within(Part::Pass, || wait(30));
        let profile = stop();
        assert_eq!((profile.calls(Part::Output), profile.calls(Part::Pass)), (1, 2));
        assert!(profile.seconds(Part::Pass) >= 0.06 && profile.seconds(Part::Output) >= 0.002);
        assert!(profile.seconds(Part::Output) < profile.seconds(Part::Pass));
        assert_eq!((stop(), lap()), (Profile::default(), None), "stopped is stopped");
        within(Part::Pass, || ());
        assert_eq!(stop(), Profile::default());
    }
}
