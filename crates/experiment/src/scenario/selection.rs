//! All, some or none of a catalogue.

use std::collections::BTreeSet;

use ron::value::RawValue;
use serde::de::Error as _;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::outline::{Lexer, Token};

/// Which entries of a catalogue are meant: `All`, `Everything`, `[Name, ..]` or `None`.
///
/// `All` leaves out what costs much more than the run itself; `Everything` and a list insist on it. `None` is the choice to take none. The RON text is read raw, because otherwise the extension `implicit_some` could
/// take the word for an absent option.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// Every entry of the catalogue that comes with the run, or nearly so.
    #[default]
    All,
    /// Every entry of the catalogue, whatever it costs.
    Everything,
    /// These entries, by name.
    Named(Vec<String>),
    /// No entry.
    None,
}

impl Selection {
    /// Whether an entry of this name is meant.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::All | Self::Everything => true,
            Self::Named(names) => names.iter().any(|chosen| chosen == name),
            Self::None => false,
        }
    }

    /// Whether an entry of this name is meant even if it costs much.
    #[must_use]
    pub fn insists_on(&self, name: &str) -> bool {
        *self != Self::All && self.contains(name)
    }

    /// The first chosen name that the catalogue lacks, and its place in the list.
    #[must_use]
    pub fn unknown<'a>(&'a self, catalogue: &[&str]) -> Option<(usize, &'a str)> {
        match self {
            Self::All | Self::Everything | Self::None => None,
            Self::Named(names) => names
                .iter()
                .map(String::as_str)
                .enumerate()
                .find(|(_, name)| !catalogue.contains(name)),
        }
    }
}

/// Reads the raw RON text of a selection; the error says what is wrong with it.
fn read_selection(text: &str) -> Result<Selection, String> {
    let mut tokens = Lexer::new(text);
    let selection = match tokens.next() {
        Some((Token::Ident, range)) => match text.get(range).unwrap_or_default() {
            "All" => Selection::All,
            "Everything" => Selection::Everything,
            "None" => Selection::None,
            other => {
                return Err(format!(
                    "expected All, Everything, None or a list [Name, ..], found {other}"
                ));
            }
        },
        Some((Token::Open(b'['), _)) => Selection::Named(read_names(text, &mut tokens)?),
        _ => return Err("expected All, Everything, None or a list [Name, ..]".to_owned()),
    };
    match tokens.next() {
        None => Ok(selection),
        Some((_, range)) => Err(format!("unexpected {}", text.get(range).unwrap_or_default())),
    }
}

/// Reads `Name, "Name", ..]` after the opening bracket.
fn read_names(text: &str, tokens: &mut Lexer<'_>) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut seen = BTreeSet::new();
    loop {
        match tokens.next() {
            Some((Token::Close(b']'), _)) => return Ok(names),
            Some((token @ (Token::Ident | Token::Scalar), range)) => {
                let source = text.get(range).unwrap_or_default();
                let name = match token {
                    Token::Scalar => ron::from_str::<String>(source)
                        .map_err(|_| format!("expected a name in the list, found {source}"))?,
                    _ => source.to_owned(),
                };
                if !seen.insert(name.clone()) {
                    return Err(format!("`{name}` is listed twice"));
                }
                names.push(name);
            }
            Some((_, range)) => {
                let found = text.get(range).unwrap_or_default();
                return Err(format!("expected a name in the list, found {found}"));
            }
            None => return Err("the list is not closed".to_owned()),
        }
        match tokens.next() {
            Some((Token::Comma, _)) => {}
            Some((Token::Close(b']'), _)) => return Ok(names),
            _ => return Err("expected a comma or a closing bracket after a name".to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Selection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        read_selection(raw.get_ron()).map_err(D::Error::custom)
    }
}

/// Whether RON and this schema read the word as a bare name.
fn is_bare(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !matches!(name, "r" | "b" | "br")
}

/// A word as it stands; RON's own serializer would write the variant `None` as `r#None`.
fn bare<E: serde::ser::Error>(word: &str) -> Result<&RawValue, E> {
    RawValue::from_ron(word).map_err(E::custom)
}

impl Serialize for Selection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = match self {
            Self::All => return bare("All")?.serialize(serializer),
            Self::Everything => return bare("Everything")?.serialize(serializer),
            Self::None => return bare("None")?.serialize(serializer),
            Self::Named(names) => names,
        };
        let mut list = serializer.serialize_seq(Some(names.len()))?;
        for name in names {
            if is_bare(name) {
                list.serialize_element(bare::<S::Error>(name)?)?;
            } else {
                list.serialize_element(name)?;
            }
        }
        list.end()
    }
}
