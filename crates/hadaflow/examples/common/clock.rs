//! Processor time of short work.

use std::time::Instant;

/// Work is repeated until it has taken so many seconds: the system's clock ticks too slowly for less.
const LEAST_SECONDS: f64 = 0.03;

/// Seconds of CPU time this thread has used; where the system does not say, seconds since `start`.
pub fn seconds(start: Instant) -> f64 {
    let counter = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = counter.and_then(|line| line.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| start.elapsed().as_secs_f64(), |ns| 1e-9 * ns)
}

/// The result of some work and the mean of the seconds of CPU time it takes.
pub fn timed<T>(mut work: impl FnMut() -> T) -> (T, f64) {
    let start = Instant::now();
    let before = seconds(start);
    let mut times = 0u32;
    loop {
        let result = work();
        times += 1;
        let taken = seconds(start) - before;
        if taken >= LEAST_SECONDS {
            return (result, taken / f64::from(times));
        }
    }
}
