//! All runs of a lesson, on all processors.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Lesson, Member};
use crate::error::ExperimentError;

/// How much of a family is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What the chart across the family shows at the start.
    Line,
    /// Every choice of values.
    All,
}

/// The computed members of a lesson.
pub struct Family {
    members: Vec<Member>,
}

impl Family {
    /// Computes members on `threads` threads; `None` if `watch`, which is told how many of how many are done, ended it by
    /// returning false.
    ///
    /// # Errors
    /// If a scenario of the lesson cannot be run.
    pub fn compute(
        lesson: &Lesson,
        name: &str,
        extent: Extent,
        threads: usize,
        watch: &(dyn Fn(usize, usize) -> bool + Sync),
    ) -> Result<Option<Self>, ExperimentError> {
        let choices = match extent {
            Extent::Line => lesson.line_across(&lesson.start()),
            Extent::All => choices(lesson),
        };
        let (next, done, stopped) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
        let found: Vec<Mutex<Option<Member>>> = choices.iter().map(|_| Mutex::new(None)).collect();
        let error: Mutex<Option<ExperimentError>> = Mutex::new(None);
        let going = || {
            let going = watch(done.load(Ordering::Relaxed), choices.len()) && !stopped.load(Ordering::Relaxed);
            stopped.fetch_or(!going, Ordering::Relaxed);
            going
        };
        let work = || loop {
            let k = next.fetch_add(1, Ordering::Relaxed);
            let Some(choice) = choices.get(k).filter(|_| going()) else {
                break;
            };
            match Member::compute(lesson, name, choice, &going) {
                Ok(member) => *unpoisoned(found[k].lock()) = member,
                Err(wrong) => {
                    *unpoisoned(error.lock()) = Some(wrong);
                    stopped.store(true, Ordering::Relaxed);
                }
            }
            done.fetch_add(1, Ordering::Relaxed);
        };
        std::thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                scope.spawn(work);
            }
        });
        if let Some(wrong) = unpoisoned(error.into_inner()) {
            return Err(wrong);
        }
        let members: Option<Vec<Member>> = found
            .into_iter()
            .map(|member| unpoisoned(member.into_inner()))
            .collect();
        Ok(members.map(|members| Self { members }))
    }

    /// The members, the last slider changing fastest.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The member of a choice, if it was computed.
    #[must_use]
    pub fn member(&self, choice: &[usize]) -> Option<&Member> {
        self.members.iter().find(|member| member.choice == choice)
    }
}

/// What a lock guards, also after a panic of another thread, which is raised again when the threads are joined.
fn unpoisoned<T>(locked: Result<T, std::sync::PoisonError<T>>) -> T {
    locked.unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Every choice of values, the last slider changing fastest.
fn choices(lesson: &Lesson) -> Vec<Vec<usize>> {
    lesson.sliders.iter().fold(vec![Vec::new()], |choices, slider| {
        let longer = |choice: &Vec<usize>| {
            let choice = choice.clone();
            (0..slider.values.len()).map(move |k| [&choice[..], &[k]].concat())
        };
        choices.iter().flat_map(longer).collect()
    })
}
