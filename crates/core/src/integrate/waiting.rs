//! Records that wait for their evaluations, so that one reading of A serves several of them.

use std::cell::OnceCell;

use crate::flow::{Evaluation, Flow};
use crate::record::{Recorder, Snapshot};
use crate::special::DoubleDouble;

/// What a record holds beside its evaluation: see [`Snapshot`].
#[derive(Default)]
pub(super) struct Record {
    pub(super) t: DoubleDouble,
    pub(super) steps: usize,
    pub(super) state: Vec<f64>,
    pub(super) loss_integral: DoubleDouble,
    /// Empty where the state is q.
    pub(super) dual: Vec<f64>,
    pub(super) increments: Vec<f64>,
}

/// Records in the order of time, in places that are used again and again.
#[derive(Default)]
pub(super) struct Waiting {
    records: Vec<Record>,
    evaluations: Vec<Evaluation>,
    count: usize,
}

impl Waiting {
    /// The place of the next record, still filled with an earlier one.
    pub(super) fn next(&mut self, flow: &dyn Flow) -> (&mut Record, &mut Evaluation) {
        let place = self.count;
        self.count += 1;
        if place == self.records.len() {
            let problem = flow.problem();
            self.records.push(Record::default());
            self.evaluations.push(Evaluation::new(problem.rows(), problem.cols()));
        }
        (&mut self.records[place], &mut self.evaluations[place])
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The states of the records and their evaluations, which `complete` is to complete; then they are recorded.
    pub(super) fn release(
        &mut self,
        flow: &dyn Flow,
        recorder: &mut dyn Recorder,
        complete: impl FnOnce(&[Record], &mut [Evaluation]),
    ) {
        let count = std::mem::take(&mut self.count);
        let (records, evaluations) = (&self.records[..count], &mut self.evaluations[..count]);
        complete(records, evaluations);
        for (record, evaluation) in records.iter().zip(evaluations) {
            recorder.record(&Snapshot {
                flow,
                t: record.t,
                steps: record.steps,
                state: &record.state,
                loss: evaluation.loss(),
                evaluation,
                loss_integral: record.loss_integral,
                dual: if flow.state_is_dual() {
                    &record.state
                } else {
                    &record.dual
                },
                increments: &record.increments,
                place: OnceCell::new(),
            });
        }
    }
}
