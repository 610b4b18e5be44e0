//! The row of a cell, and its bytes.

/// What became of a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its index.
    pub cell: u64,
    /// Its seed.
    pub seed: u64,
    /// SHA-256 of its scenario; zeros where there was none.
    pub scenario: [u8; 32],
    /// How it ended, in one word: `stopped`, `attained`, `step_limit`, `refused`, `panicked`, …
    pub outcome: String,
    /// More about a failure, in one sentence; else empty.
    pub message: String,
    /// The numbers, in the order of [`Columns::numbers`](super::Columns::numbers); NaN where there is none.
    pub numbers: Vec<f64>,
    /// Elapsed seconds, which are no result.
    pub seconds: f64,
}

/// Longest text of a row in bytes.
const MAX_TEXT: usize = 2000;

/// Outcomes of cells that gave what they were asked for.
const GOOD: [&str; 3] = ["stopped", "attained", "not_attained"];

impl Row {
    /// Whether the cell failed: its numbers are then not those of a finished run.
    #[must_use]
    pub fn failed(&self) -> bool {
        is_failure(&self.outcome)
    }

    /// The bytes, little-endian.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(96 + 8 * self.numbers.len());
        bytes.extend_from_slice(&self.cell.to_le_bytes());
        bytes.extend_from_slice(&self.seed.to_le_bytes());
        bytes.extend_from_slice(&self.seconds.to_le_bytes());
        bytes.extend_from_slice(&self.scenario);
        for text in [&self.outcome, &self.message] {
            let text = shortened(text);
            // at most MAX_TEXT
            bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        for number in &self.numbers {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// A row with `count` numbers from its bytes.
    pub(super) fn decode(bytes: &[u8], count: usize) -> Option<Self> {
        let mut rest = bytes;
        let cell = u64::from_le_bytes(take(&mut rest)?);
        let seed = u64::from_le_bytes(take(&mut rest)?);
        let seconds = f64::from_le_bytes(take(&mut rest)?);
        let scenario = take::<32>(&mut rest)?;
        let mut text = || {
            let length = u32::from_le_bytes(take(&mut rest)?) as usize;
            let (text, after) = rest.split_at_checked(length)?;
            rest = after;
            Some(std::str::from_utf8(text).ok()?.to_owned())
        };
        let (outcome, message) = (text()?, text()?);
        if rest.len() != 8 * count {
            return None;
        }
        let numbers = (0..count)
            .map(|_| take(&mut rest).map(f64::from_le_bytes))
            .collect::<Option<_>>()?;
        Some(Self {
            cell,
            seed,
            scenario,
            outcome,
            message,
            numbers,
            seconds,
        })
    }
}

/// Whether an outcome is a failure.
pub(super) fn is_failure(outcome: &str) -> bool {
    !GOOD.contains(&outcome)
}

/// The index of the cell of an encoded row.
pub(super) fn cell_of(bytes: &[u8]) -> Option<u64> {
    let mut rest = bytes;
    take(&mut rest).map(u64::from_le_bytes)
}

/// Whether two encoded rows are the same but for their seconds, which stand behind cell and seed.
pub(super) fn same_result(one: &[u8], other: &[u8]) -> bool {
    let parts = |bytes: &'_ [u8]| Some((bytes.get(..16)?.to_vec(), bytes.get(24..)?.to_vec()));
    parts(one).is_some() && parts(one) == parts(other)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}

/// The longest beginning that is short enough and ends between characters.
fn shortened(text: &str) -> &str {
    if text.len() <= MAX_TEXT {
        return text;
    }
    let end = (0..=MAX_TEXT)
        .rev()
        .find(|&end| text.is_char_boundary(end))
        .unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_and_nothing_shorter_or_longer_passes() {
        let row = Row {
            cell: 7,
            seed: u64::MAX >> 1,
            scenario: [9; 32],
            outcome: "stopped".into(),
            message: "é".repeat(5000),
            numbers: vec![1.5, f64::NEG_INFINITY, -0.0],
            seconds: 0.25,
        };
        let bytes = row.encode();
        let back = Row::decode(&bytes, 3).unwrap();
        assert_eq!(
            back,
            Row {
                message: "é".repeat(1000),
                ..row
            }
        );
        assert_eq!(cell_of(&bytes), Some(7));
        assert!(!back.failed());
        assert_eq!(Row::decode(&bytes, 2), None);
        assert_eq!(Row::decode(&bytes, 4), None);
        for end in 0..bytes.len() {
            assert_eq!(Row::decode(&bytes[..end], 3), None);
        }
    }
}
