//! When snapshots are taken.

/// Recording times.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// At most this many times over the span where things happen: half of them on a fixed log-spaced lattice of the local
    /// clock, half at the integrator's own steps, which crowd where the flow is fast; both are thinned on the fly. The
    /// clock restarts where the flow becomes fast late (see the session), and the lattice with it, so that a jump of
    /// width 1 at t = 1e48 is resolved.
    LogSpaced(usize),
    /// Exactly these times (nonnegative, increasing), those that are reached.
    Times(Vec<f64>),
    /// Every accepted step.
    EveryStep,
}

/// Lattice points per decade for at most `count` records: eight decades fill their half.
fn per_decade(count: usize) -> f64 {
    (count as f64 / 16.0).max(2.0)
}

/// The schedule at work.
#[derive(Debug, Clone)]
pub(super) struct Clockwork {
    schedule: Schedule,
    /// First local time worth recording.
    earliest: f64,
    /// Whether the lattice counts from the start of the run instead of the local zero.
    absolute: bool,
    /// Only lattice indices divisible by this are kept.
    stride: i64,
    /// Only steps whose number is divisible by this are kept.
    step_stride: usize,
    /// Next entry of `Times`.
    next: usize,
}

/// Why a record stands: lattice points may be thinned out later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// Kept whatever happens.
    Always,
    /// The lattice index.
    Lattice(i64),
    /// The number of the step at whose end it was taken.
    Step(usize),
}

impl Clockwork {
    /// `earliest`: the local time below which nothing happens yet.
    pub(super) fn new(schedule: Schedule, earliest: f64) -> Self {
        Self {
            schedule,
            earliest,
            absolute: false,
            stride: 1,
            step_stride: 1,
            next: 0,
        }
    }

    /// The clock was restarted: lattice times now count from there, starting at `earliest`.
    pub(super) fn restart(&mut self, earliest: f64) {
        self.earliest = earliest;
    }

    /// From now on the lattice counts from the start of the run, wherever the local clock has its zero.
    pub(super) fn count_from_start(&mut self) {
        self.absolute = true;
    }

    /// Recording times in the local interval (from, to] of step number `step`, `base` being the absolute time of the
    /// local zero.
    pub(super) fn due(&mut self, base: f64, step: usize, from: f64, to: f64, out: &mut Vec<(f64, Key)>) {
        out.clear();
        match &self.schedule {
            Schedule::EveryStep => out.push((to, Key::Always)),
            Schedule::Times(times) => {
                while let Some(&t) = times.get(self.next) {
                    let local = t - base;
                    if local > to {
                        break;
                    }
                    self.next += 1;
                    // t = 0 is the initial record; a time blurred by the clock's rounding is taken at the interval's end
                    if t > 0.0 {
                        out.push((local.clamp(from, to), Key::Always));
                    }
                }
            }
            Schedule::LogSpaced(count) => {
                let density = per_decade(*count);
                let zero = if self.absolute { base } else { 0.0 };
                let (start, end) = ((zero + from).max(self.earliest), zero + to);
                if start >= end {
                    return;
                }
                if step.is_multiple_of(self.step_stride) {
                    out.push((to, Key::Step(step)));
                }
                // indices fit i64: |log10| <= 308, density <= 1e6
                let first = (start.log10() * density).floor() as i64 + 1;
                let last = (end.log10() * density).floor() as i64;
                let lattice = |index: i64| 10f64.powf(index as f64 / density) - zero;
                let wanted = (first..=last).filter(|index| index.rem_euclid(self.stride) == 0);
                let inside = wanted.map(|index| (lattice(index), Key::Lattice(index)));
                let inside: Vec<_> = inside.filter(|(t, _)| *t > from && *t < to).collect();
                out.splice(0..0, inside);
            }
        }
    }

    /// If there are too many records of a kind, doubles its stride and says which records stay.
    pub(super) fn thin(&mut self, keys: &[Key]) -> Option<Vec<bool>> {
        let Schedule::LogSpaced(count) = self.schedule else {
            return None;
        };
        let budget = (count / 2).max(1);
        if keys.len() <= budget {
            return None;
        }
        let lattice = keys.iter().filter(|key| matches!(key, Key::Lattice(_))).count();
        let steps = keys.iter().filter(|key| matches!(key, Key::Step(_))).count();
        if lattice <= budget && steps <= budget {
            return None;
        }
        // Every restart of the clock begins a lattice of its own, whose index 0 no stride drops: where nothing else is
        // left of the lattices, every other point goes.
        let coarser = |index: &i64| index.rem_euclid(self.stride.saturating_mul(2)) == 0;
        let crowded = lattice > budget;
        let halve = crowded
            && keys
                .iter()
                .all(|key| !matches!(key, Key::Lattice(index) if !coarser(index)));
        self.stride *= if crowded && !halve { 2 } else { 1 };
        self.step_stride *= if steps > budget { 2 } else { 1 };
        let mut points = 0usize;
        let mut keep = |key: &Key| match key {
            Key::Always => true,
            Key::Lattice(index) => {
                points += 1;
                index.rem_euclid(self.stride) == 0 && !(halve && points.is_multiple_of(2))
            }
            Key::Step(step) => step.is_multiple_of(self.step_stride),
        };
        // The newest record always stays: what the integrals gained up to it must not be lost.
        let last = keys.len() - 1;
        Some(
            keys.iter()
                .enumerate()
                .map(|(row, key)| keep(key) || row == last)
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lattice times of steps that end at `ends`.
    fn lattice_times(clockwork: &mut Clockwork, ends: &[f64]) -> Vec<f64> {
        let (mut from, mut all, mut buffer) = (0.0, Vec::new(), Vec::new());
        for (step, &to) in ends.iter().enumerate() {
            clockwork.due(0.0, step, from, to, &mut buffer);
            all.extend(
                buffer
                    .iter()
                    .filter(|(_, key)| matches!(key, Key::Lattice(_)))
                    .map(|(t, _)| *t),
            );
            from = to;
        }
        all
    }

    #[test]
    fn the_lattice_does_not_depend_on_the_steps() {
        let clockwork = || Clockwork::new(Schedule::LogSpaced(160), 1e-3);
        let whole = lattice_times(&mut clockwork(), &[2e5]);
        assert_eq!(whole, lattice_times(&mut clockwork(), &[0.5, 0.51, 900.0, 2e5]));
        assert_eq!(whole.len(), 83);
    }

    #[test]
    fn thinning_keeps_every_other_record_of_the_crowded_kind() {
        let mut clockwork = Clockwork::new(Schedule::LogSpaced(6), 1e-3);
        let lattice = [-3, -2, 0, 1].map(Key::Lattice);
        let keys: Vec<Key> = [Key::Always, Key::Step(1)].into_iter().chain(lattice).collect();
        assert_eq!(clockwork.thin(&keys), Some(vec![true, true, false, true, true, true]));
        let even = |t: f64| (t.log10() * 2.0).round() as i64 % 2 == 0;
        let due = lattice_times(&mut clockwork, &[1.0, 1e6]);
        assert!(!due.is_empty() && due.iter().all(|&t| even(t)), "{due:?}");
    }

    /// Hundreds of restarts leave hundreds of lattice points with index 0.
    #[test]
    fn points_that_no_stride_drops_are_thinned_all_the_same() {
        let mut clockwork = Clockwork::new(Schedule::LogSpaced(6), 1e-3);
        for _ in 0..200 {
            let keep = clockwork.thin(&[Key::Lattice(0); 5]).unwrap();
            assert_eq!(keep, [true, false, true, false, true]);
        }
        assert_eq!(clockwork.stride, 1);
    }

    #[test]
    fn given_times_are_all_hit_once() {
        let mut clockwork = Clockwork::new(Schedule::Times(vec![0.0, 1.0, 2.5, 9.0]), 0.0);
        let (mut all, mut buffer) = (Vec::new(), Vec::new());
        for (from, to) in [(0.0, 1.0), (1.0, 3.0), (3.0, 8.0)] {
            clockwork.due(0.0, 1, from, to, &mut buffer);
            all.extend(buffer.iter().map(|(t, _)| *t));
        }
        assert_eq!(all, [1.0, 2.5]);
    }
}
