//! The canonical text of a scenario, and its hash.

use ron::ser::PrettyConfig;
use sha2::{Digest, Sha256};

use super::Scenario;
use super::parse::dialect;

/// The scenario as RON with every default written out; it parses to the identical scenario.
///
/// Numbers are the shortest that read back exactly. If a value cannot be written, which no scenario from
/// [`parse`](super::parse) contains (only a path that is not UTF-8), the text is a comment that says so.
#[must_use]
pub fn to_ron(scenario: &Scenario) -> String {
    let config = PrettyConfig::new()
        .new_line("\n".to_owned())
        .indentor("    ".to_owned())
        .struct_names(false)
        .compact_arrays(true);
    match dialect().to_string_pretty(scenario, config) {
        Ok(body) => format!("Scenario{body}\n"),
        Err(error) => format!("// this scenario cannot be written: {error}\n"),
    }
}

/// SHA-256 of [`to_ron`], as 64 hexadecimal digits.
#[must_use]
pub fn hash(scenario: &Scenario) -> String {
    let digest = Sha256::digest(to_ron(scenario).as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
