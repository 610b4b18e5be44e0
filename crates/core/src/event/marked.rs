//! Any event as a mark: its time is noted and the integration goes on.

use super::{Action, Event, EventView};

/// Turns an event that would stop into one that marks.
pub struct Marked(pub Box<dyn Event>);

impl Event for Marked {
    fn name(&self) -> String {
        self.0.name()
    }

    fn value(&self, view: &EventView) -> f64 {
        self.0.value(view)
    }

    fn reads_weights(&self) -> bool {
        self.0.reads_weights()
    }

    fn action(&self) -> Action {
        Action::Mark
    }
}
