//! The scripts of the jobs, and text that a shell reads as it was meant.

use std::fmt::Write;
use std::path::Path;

use super::Profile;
use crate::error::ExperimentError;
use crate::sweep::{Plan, SweepError};

/// The paths of a script, absolute.
pub(super) struct Words {
    /// The plan's directory.
    pub(super) directory: String,
    /// The command.
    pub(super) program: String,
}

impl Words {
    /// Jobs start elsewhere: their paths are absolute, with links as they are, since a node may have others behind them.
    pub(super) fn new(plan: &Plan, profile: &Profile) -> Result<Self, ExperimentError> {
        let wrong = |reason: String| SweepError::Plan {
            directory: plan.directory.clone(),
            reason,
        };
        let text = |path: &Path| {
            let known = path.to_str().map(str::to_owned);
            known.ok_or_else(|| wrong(format!("a script can only name paths that are UTF-8, not {path:?}")))
        };
        let directory = std::path::absolute(&plan.directory).map_err(|error| wrong(error.to_string()))?;
        let program = match &profile.program {
            Some(program) => program.clone(),
            None => {
                let program = std::env::current_exe().map_err(|error| {
                    wrong(format!(
                        "where this command stands is unknown ({error}); name it in the profile: program"
                    ))
                })?;
                text(&program)?
            }
        };
        Ok(Self {
            directory: text(&directory)?,
            program,
        })
    }
}

/// A word as a shell must be given it.
pub(super) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.,:+@%/=-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A word of a command, in which names of jobs are to be replaced by the shell.
pub(super) fn argument(word: &str) -> String {
    // nothing but numbers and names such as $array1 stands in it
    if word.starts_with("--dependency=") {
        return word.to_owned();
    }
    quote(word)
}

/// The options of a job and the lines before its command.
fn head(profile: &Profile, name: &str, log: &str, cpus: u32) -> String {
    let mut text = String::from("#!/bin/bash\n");
    let mut option = |words: &str| {
        let _ = writeln!(text, "#SBATCH {words}"); // writing to a string cannot fail
    };
    option(&format!("--job-name={name}"));
    option("--nodes=1 --ntasks=1");
    option(&format!("--cpus-per-task={cpus}"));
    // relative to the directory that sbatch is told; what a requeued job said before stays
    option(&format!("--output={log} --open-mode=append"));
    for (name, value) in profile.options() {
        option(&format!("--{name}={value}"));
    }
    let (options, setup): (Vec<&str>, Vec<&str>) = profile
        .lines
        .iter()
        .flat_map(|line| line.lines())
        .partition(|line| line.starts_with("#SBATCH"));
    for line in options.into_iter().chain([""]).chain(setup) {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// The script of the arrays; its argument is the offset of the array.
pub(super) fn array(plan: &Plan, profile: &Profile, words: &Words) -> String {
    let cpus = profile.cpus.unwrap_or(1);
    let head = head(profile, "hadaflow", "%A_%a.log", cpus);
    // exec: what Slurm signals is the command itself, which then keeps its rows and ends
    format!(
        "{head}# the shards of this array are its indices plus the first argument\n\
         exec {} sweep run {} --shard \"$((SLURM_ARRAY_TASK_ID + $1))/{}\" --threads \"${{SLURM_CPUS_PER_TASK:-{cpus}}}\"\n",
        quote(&words.program),
        quote(&words.directory),
        plan.shards,
    )
}

/// The script of the merge job.
pub(super) fn merge(profile: &Profile, words: &Words) -> String {
    let head = head(profile, "hadaflow-merge", "merge_%j.log", 1);
    let (program, directory) = (quote(&words.program), quote(&words.directory));
    let again = quote(&format!(
        "submit what is missing: hadaflow sweep submit {directory} --slurm --missing"
    ));
    // 1: a prediction is violated, but the table is there
    format!(
        "{head}{program} sweep merge {directory}\n\
         code=$?\n\
         if [ $code -gt 1 ]; then printf '%s\\n' {again} >&2; fi\n\
         exit $code\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell hands on every word as it was.
    #[test]
    fn quoted_words_pass_through_a_shell() {
        for word in [
            "plain/path-1.0",
            "",
            "two words",
            "it's",
            "''",
            "$HOME `id` \\ \"x\" !",
            "a\nb",
            "%a*?~#;&|<>()[]{}",
            "-n",
            "größe",
        ] {
            let line = format!("printf %s {}", quote(word));
            let output = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word, "{line}");
        }
        assert_eq!(quote("plain/path-1.0"), "plain/path-1.0");
    }
}
