//! What is asked of Slurm's commands, and how their answers are read.

use std::io::ErrorKind;
use std::process::{Command, Stdio};

use super::{Job, SweepError};

/// Slurm's own default of `MaxArraySize`.
const DEFAULT_MAX_ARRAY_SIZE: u64 = 1001;
/// States of tasks that will do nothing any more, though the queue may still list them.
const ENDED: [&str; 12] = [
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "COMPLETING",
    "DEADLINE",
    "FAILED",
    "LAUNCH_FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "TIMEOUT",
];

/// A line of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The job; of a task, its array.
    pub(super) id: String,
    /// The index within an array.
    pub(super) index: Option<u64>,
}

/// The commands of Slurm, found through the search path.
pub(super) struct Tools {
    /// Go on with defaults where Slurm is not installed or does not answer.
    pub(super) optional: bool,
}

impl Tools {
    /// Runs a command; what it prints. `None` if there is no such command, or it fails, and it is optional: its programs may be
    /// there without a configuration.
    fn ask(&self, command: &[String]) -> Result<Option<String>, SweepError> {
        let failed = |reason: String| SweepError::Slurm {
            command: command[0].clone(),
            reason,
        };
        let output = match Command::new(&command[0])
            .args(&command[1..])
            .stdin(Stdio::null())
            .output()
        {
            Ok(output) => output,
            Err(error) if error.kind() == ErrorKind::NotFound && self.optional => return Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let reason = "no such command: Slurm is not installed here, or not in PATH (see --dry-run)";
                return Err(failed(reason.to_owned()));
            }
            Err(error) => return Err(failed(format!("cannot be run: {error}"))),
        };
        if !output.status.success() {
            if self.optional {
                return Ok(None);
            }
            let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
            let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            let said = if lines.is_empty() {
                "no message".to_owned()
            } else {
                lines.join("; ")
            };
            let short: String = said.chars().take(1000).collect();
            return Err(failed(format!("{}: {short}", output.status)));
        }
        Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned()))
    }

    /// Runs a command whose answer does not matter.
    pub(super) fn run(&self, command: &[String]) -> Result<(), SweepError> {
        self.ask(command).map(|_| ())
    }

    /// Submits; number and, if Slurm says so, cluster of the job.
    pub(super) fn sbatch(&self, command: &[String]) -> Result<(String, Option<String>), SweepError> {
        let answer = self.ask(command)?.unwrap_or_default();
        job_of(&answer).ok_or_else(|| SweepError::Slurm {
            command: command[0].clone(),
            reason: format!("expected the number of a job, it said {:?}", answer.trim()),
        })
    }

    /// Which of these jobs and tasks are in the queue and not over.
    pub(super) fn queue(&self, jobs: &[Job]) -> Result<Vec<Entry>, SweepError> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        // the user's whole queue: numbers that Slurm has forgotten would be errors
        let mut command = ["squeue", "--noheader", "--array", "--me", "--format=%F %K %T"]
            .map(str::to_owned)
            .to_vec();
        let mut clusters: Vec<&str> = jobs.iter().filter_map(|job| job.cluster.as_deref()).collect();
        clusters.sort_unstable();
        clusters.dedup();
        if !clusters.is_empty() {
            command.push(format!("--clusters={}", clusters.join(",")));
        }
        Ok(entries_of(&self.ask(&command)?.unwrap_or_default()))
    }

    /// The largest index the site takes, with a word of caution if that is a guess.
    pub(super) fn longest_array(&self) -> Result<(u64, Option<String>), SweepError> {
        let command = ["scontrol", "show", "config"].map(str::to_owned);
        let longest = self.ask(&command)?.as_deref().and_then(longest_of);
        let failed = |reason: &str| SweepError::Slurm {
            command: command.join(" "),
            reason: reason.to_owned(),
        };
        match longest {
            None if self.optional => {
                let note = format!("Slurm does not answer here: MaxArraySize = {DEFAULT_MAX_ARRAY_SIZE} is assumed");
                Ok((DEFAULT_MAX_ARRAY_SIZE - 1, Some(note)))
            }
            None => Err(failed("its answer has no MaxArraySize")),
            Some(0) => Err(failed("this site allows no job arrays (MaxArraySize)")),
            Some(longest) => Ok((longest, None)),
        }
    }
}

/// `17` or `17;cluster`, in the last line, because sites greet their users in others.
fn job_of(answer: &str) -> Option<(String, Option<String>)> {
    let line = answer.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    let (id, cluster) = match line.split_once(';') {
        Some((id, cluster)) => (id, Some(cluster.to_owned())),
        None => (line, None),
    };
    id.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| (id.to_owned(), cluster))
}

/// Lines `17 3 RUNNING`; other lines are not about jobs.
fn entries_of(answer: &str) -> Vec<Entry> {
    let entry = |line: &str| {
        let mut words = line.split_whitespace();
        let (id, index, state) = (words.next()?, words.next()?, words.next()?);
        if ENDED.contains(&state) || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Entry {
            id: id.to_owned(),
            index: index.parse().ok(),
        })
    };
    answer.lines().filter_map(entry).collect()
}

/// The largest index: one below `MaxArraySize`, and no more tasks than `max_array_tasks` where a site has that.
fn longest_of(answer: &str) -> Option<u64> {
    let value = |line: &str| {
        line.trim()
            .strip_prefix("MaxArraySize")?
            .trim()
            .strip_prefix('=')?
            .trim()
            .parse()
            .ok()
    };
    let size: u64 = answer.lines().find_map(value)?;
    let tasks = answer.split("max_array_tasks=").nth(1).and_then(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    Some(size.saturating_sub(1).min(tasks.unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        assert_eq!(job_of("17\n"), Some(("17".to_owned(), None)));
        assert_eq!(
            job_of("welcome\n17;big\n\n"),
            Some(("17".to_owned(), Some("big".to_owned())))
        );
        assert_eq!(job_of("Submitted batch job 17"), None);
        assert_eq!(job_of(" \n"), None);
        let config = "MailProg                = /bin/mail\nMaxArraySize            = 1001\nMaxJobCount = 10000\n";
        assert_eq!(longest_of(config), Some(1000));
        let limited = format!("{config}SchedulerParameters     = bf_interval=1,max_array_tasks=500,x=2\n");
        assert_eq!(longest_of(&limited), Some(500));
        assert_eq!(longest_of("MaxArraySize = 0\n"), Some(0));
        assert_eq!(longest_of("MaxJobCount = 1\n"), None);
        let entry = |id: &str, index| Entry {
            id: id.to_owned(),
            index,
        };
        let queue = "17 1 RUNNING\n17 2 PENDING\n17 3 COMPLETING\n18 N/A PENDING\nCLUSTER: big\n\n";
        assert_eq!(
            entries_of(queue),
            [entry("17", Some(1)), entry("17", Some(2)), entry("18", None)]
        );
    }
}
