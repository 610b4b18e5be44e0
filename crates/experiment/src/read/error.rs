//! What can be wrong with a file of numbers, where, and what to try.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where in a file a fault is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// It concerns the whole file.
    #[default]
    Whole,
    /// A line of a text file, and where known the column of text; both counted from 1.
    Line {
        /// Line.
        line: u64,
        /// Character in the line.
        column: Option<usize>,
    },
    /// An entry of an array, by its indices counted from 0.
    Entry(Vec<usize>),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => formatter.write_str(" "),
            Self::Line { line, column: None } => write!(formatter, "{line}: "),
            Self::Line {
                line,
                column: Some(column),
            } => write!(formatter, "{line}:{column}: "),
            Self::Entry(indices) => write!(formatter, " entry {indices:?}: "),
        }
    }
}

/// A file that does not hold what was asked for. `Display` gives one line: file, place, fault and hint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{place}{fault}{}", path.display(), with_parentheses(fault.hint()))]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// Where in it.
    pub place: Place,
    /// What is wrong.
    pub fault: Box<ReadFault>,
}

fn with_parentheses(hint: Option<&str>) -> String {
    hint.map(|hint| format!(" ({hint})")).unwrap_or_default()
}

impl ReadError {
    /// An error of the whole file.
    pub(crate) fn whole(path: &Path, fault: ReadFault) -> Self {
        Located::from(fault).of(path)
    }

    /// What to try, where there is something to say.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        self.fault.hint()
    }
}

/// What is wrong with a file of numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadFault {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// It is a directory.
    #[error("it is a directory, not a file")]
    IsDirectory,
    /// The system refuses to read it.
    #[error("cannot be read: {reason}")]
    Unreadable {
        /// The system's words.
        reason: String,
    },
    /// It has no bytes, or no numbers.
    #[error("it is empty")]
    Empty,
    /// The extension names no known format.
    #[error("unknown format `.{extension}`")]
    UnknownExtension {
        /// The extension in lower case.
        extension: String,
    },
    /// The content is not what the extension promises.
    #[error("not a valid {format} file: {reason}")]
    Malformed {
        /// The format.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The file is shorter or longer than its header says.
    #[error("the header announces {expected}, the file has {found}")]
    Length {
        /// What the header says.
        expected: String,
        /// What there is.
        found: String,
    },
    /// A valid file of a kind that is not read.
    #[error("{what} is not supported")]
    Unsupported {
        /// The kind.
        what: String,
    },
    /// A number that is not finite.
    #[error("{value} is not a finite number")]
    NotFinite {
        /// As it stands in the file.
        value: String,
    },
    /// Text that is not a number.
    #[error("`{text}` is not a number")]
    NotANumber {
        /// As it stands in the file.
        text: String,
    },
    /// A row of another length than the first.
    #[error("this row has {found} numbers, the rows above have {expected}")]
    Ragged {
        /// Length of the first row.
        expected: usize,
        /// Length of this row.
        found: usize,
    },
    /// Another shape than asked for.
    #[error("expected {expected}, found {found}")]
    Shape {
        /// The shape of the data.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// The index exceeds the stack.
    #[error("index {index} is out of range: the stack has {length}, counted from 0")]
    IndexOutOfRange {
        /// As asked for.
        index: usize,
        /// Length of the first axis.
        length: usize,
    },
    /// Larger than is read.
    #[error("{what} is too large: the limit is {limit}")]
    TooLarge {
        /// What.
        what: String,
        /// The limit.
        limit: String,
    },
}

impl ReadFault {
    /// What to try, where there is something to say.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing => Some("paths are relative to the scenario file"),
            Self::UnknownExtension { .. } => Some("use .npy, .mtx or .csv"),
            Self::NotANumber { text } if text.is_empty() => Some("a value is missing here"),
            Self::NotANumber { text } if text.contains(',') => Some("write decimals with a point"),
            Self::Length { .. } => Some("was the file copied completely?"),
            Self::Shape { found, .. } if found.contains("stack") => Some("choose one with `index: k`"),
            Self::Unsupported { what } if what.contains("type") => Some("save it as float64"),
            _ => None,
        }
    }
}

/// A fault with its place, in a file that the caller knows.
#[derive(Debug)]
pub(crate) struct Located {
    place: Place,
    fault: ReadFault,
}

impl Located {
    /// Adds the file.
    pub(crate) fn of(self, path: &Path) -> ReadError {
        ReadError {
            path: path.to_owned(),
            place: self.place,
            fault: Box::new(self.fault),
        }
    }
}

impl From<ReadFault> for Located {
    fn from(fault: ReadFault) -> Self {
        Self {
            place: Place::Whole,
            fault,
        }
    }
}

impl From<std::io::Error> for Located {
    fn from(error: std::io::Error) -> Self {
        ReadFault::Unreadable {
            reason: error.to_string(),
        }
        .into()
    }
}

impl ReadFault {
    /// In this line.
    pub(crate) fn in_line(self, line: u64, column: Option<usize>) -> Located {
        Located {
            place: Place::Line { line, column },
            fault: self,
        }
    }

    /// At this entry.
    pub(crate) fn at_entry(self, indices: Vec<usize>) -> Located {
        Located {
            place: Place::Entry(indices),
            fault: self,
        }
    }
}
