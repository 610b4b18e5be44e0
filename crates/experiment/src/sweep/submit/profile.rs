//! What a site wants to be told: a small RON file.
//!
//! ```
//! use std::path::Path;
//! use hadaflow_experiment::sweep::Profile;
//! let text = r#"Slurm(partition: "short", time: "01:00:00", throttle: 50, lines: ["module load hadaflow"])"#;
//! let profile = Profile::parse(text, Path::new("site.ron"))?;
//! assert_eq!(profile.throttle, Some(50));
//! # Ok::<(), hadaflow_experiment::scenario::ScenarioError>(())
//! ```

use std::path::Path;

use serde::Deserialize;

use crate::scenario::{Fault, ScenarioError, from_ron, locate, read_text};

/// Options of a site; what is absent is left to the site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename = "Slurm", deny_unknown_fields, default)]
pub struct Profile {
    /// Partition.
    pub partition: Option<String>,
    /// Account that is charged.
    pub account: Option<String>,
    /// Quality of service.
    pub qos: Option<String>,
    /// Time limit of a task, such as `04:00:00`.
    pub time: Option<String>,
    /// Memory of a task, such as `2G`.
    pub memory: Option<String>,
    /// Processors of a task, and its threads. Default: 1.
    pub cpus: Option<u32>,
    /// At most so many tasks at a time. Default: as many as the site allows.
    pub throttle: Option<u32>,
    /// The command as the compute nodes find it. Default: the one that submits.
    pub program: Option<String>,
    /// Further lines of the scripts; those that begin with `#SBATCH` are options, the others run before the command.
    pub lines: Vec<String>,
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// With file, line, column, field and hint as far as they exist.
    pub fn read(file: &Path) -> Result<Self, ScenarioError> {
        Self::parse(&read_text(file)?, file)
    }

    /// Reads a profile from text; `file` is named in errors.
    ///
    /// # Errors
    /// As [`Profile::read`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, ScenarioError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let profile: Self = from_ron(text, file)?;
        profile.validate().map_err(|error| locate(error, text, file))?;
        Ok(profile)
    }

    /// The options that Slurm has a word for.
    pub(super) fn options(&self) -> Vec<(&'static str, &str)> {
        let options = [
            ("partition", &self.partition),
            ("account", &self.account),
            ("qos", &self.qos),
            ("time", &self.time),
            ("mem", &self.memory),
        ];
        let given = options.into_iter();
        given
            .filter_map(|(name, value)| Some((name, value.as_deref()?)))
            .collect()
    }

    fn validate(&self) -> Result<(), ScenarioError> {
        let wrong = |field: &str, value: String, allowed: &str| {
            let allowed = allowed.to_owned();
            Err(ScenarioError::of_field(field, Fault::OutOfRange { value, allowed }))
        };
        // such a word needs no quotes, neither for Slurm nor for a shell
        let word = |c: char| c.is_ascii_alphanumeric() || "_.,:+@%/=-".contains(c);
        for (name, value) in self.options() {
            if value.is_empty() || !value.chars().all(word) {
                let field = if name == "mem" { "memory" } else { name };
                return wrong(
                    field,
                    format!("{value:?}"),
                    "one word of letters, digits and _.,:+@%/=-",
                );
            }
        }
        for (field, value) in [("cpus", self.cpus), ("throttle", self.throttle)] {
            if value == Some(0) {
                return wrong(field, "0".to_owned(), "at least 1");
            }
        }
        // jobs start in a directory of their own
        let relative = |program: &String| program.is_empty() || program.contains('/') && !program.starts_with('/');
        if let Some(program) = self.program.as_ref().filter(|program| relative(program)) {
            return wrong(
                "program",
                format!("{program:?}"),
                "an absolute path, or a name in the search path",
            );
        }
        match self.lines.iter().position(|line| line.contains('\0')) {
            Some(k) => wrong(&format!("lines[{k}]"), "a line with a NUL".to_owned(), "text"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Profile::parse(text, Path::new("site.ron")).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_has_a_place_and_a_hint() {
        let all = "Slurm(partition: \"a\", account: \"b\", qos: \"c\", time: \"1-00:00:00\", memory: \"2G\", cpus: 4,\n\
                   throttle: 9, program: \"/opt/my tools/hadaflow\", lines: [\"#SBATCH --x\"])";
        let profile = Profile::parse(all, Path::new("site.ron")).unwrap();
        assert_eq!(
            (profile.cpus, profile.throttle, profile.options().len()),
            (Some(4), Some(9), 5)
        );
        assert_eq!(Profile::parse("()", Path::new("")).unwrap(), Profile::default());
        for (text, words) in [
            (
                "Slurm(\n  partiton: \"a\")",
                &["site.ron:2:", "partiton", "did you mean `partition`"][..],
            ),
            ("Slurm(account: \"a b\")", &["site.ron:1:", "account", "one word"]),
            ("Slurm(memory: \"2G\\n#SBATCH --x\")", &["memory", "one word"]),
            ("Slurm(time: \"\")", &["time", "one word"]),
            ("Slurm(throttle: 0)", &["throttle", "at least 1"]),
            ("Slurm(cpus: 0)", &["cpus", "at least 1"]),
            ("Slurm(cpus: -1)", &["site.ron:1:", "cpus"]),
            ("Slurm(time: 60)", &["site.ron:1:", "double quotes"]),
            ("Slurm(program: \"\")", &["program", "absolute"]),
            ("Slurm(program: \"bin/hadaflow\")", &["program", "absolute"]),
            ("Slurm(partition: \"a\"", &["site.ron"]),
        ] {
            let message = refused(text);
            assert!(words.iter().all(|word| message.contains(word)), "{text}: {message}");
        }
    }
}
