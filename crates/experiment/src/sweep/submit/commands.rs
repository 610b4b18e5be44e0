//! The commands of a submission, word by word.

use super::{Job, Submission, script};

impl Submission<'_> {
    /// The commands in the order in which they are run, words apart; a job that is not submitted yet has a name such as
    /// `$array1`.
    #[must_use]
    pub fn commands(&self) -> Vec<Vec<String>> {
        let names: Vec<String> = (1..=self.arrays.len()).map(|k| format!("$array{k}")).collect();
        let mut commands: Vec<Vec<String>> = (0..self.arrays.len())
            .map(|k| self.array_command(k, k.checked_sub(1).map(|before| names[before].as_str())))
            .collect();
        commands.extend(self.merge.then(|| self.merge_command(&names)));
        commands.extend(self.stale.iter().map(cancel_command));
        commands
    }

    /// The commands as lines for a shell, which do the same when they are run.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |(k, words): (usize, Vec<String>)| {
            let line = words
                .iter()
                .map(|word| script::argument(word))
                .collect::<Vec<_>>()
                .join(" ");
            match k {
                k if k < self.arrays.len() => format!("array{}=$({line})", k + 1),
                k if k == self.arrays.len() && self.merge => format!("merge=$({line})"),
                _ => line,
            }
        };
        self.commands().into_iter().enumerate().map(line).collect()
    }

    /// The k-th array. With a throttle the arrays follow each other, since Slurm throttles each one for itself.
    pub(super) fn array_command(&self, k: usize, before: Option<&str>) -> Vec<String> {
        let array = &self.arrays[k];
        let throttle = self.profile.throttle.map_or(String::new(), |most| format!("%{most}"));
        let mut words = self.sbatch_command();
        words.push(format!("--array={}{throttle}", array.indices));
        if let (Some(before), Some(_)) = (before, self.profile.throttle) {
            words.push(dependency(&[before]));
        }
        words.extend([self.script("array.sh"), array.offset.to_string()]);
        words
    }

    pub(super) fn merge_command(&self, arrays: &[String]) -> Vec<String> {
        let waiting = self.waiting.iter().map(|job| job.id.as_str());
        let after: Vec<&str> = waiting.chain(arrays.iter().map(String::as_str)).collect();
        let mut words = self.sbatch_command();
        if !after.is_empty() {
            words.push(dependency(&after));
        }
        words.push(self.script("merge.sh"));
        words
    }

    /// On the command line stands what no other line of the script and no variable of the environment may change.
    fn sbatch_command(&self) -> Vec<String> {
        let folder = format!("--chdir={}", self.folder.to_string_lossy());
        ["sbatch".to_owned(), "--parsable".to_owned(), folder].to_vec()
    }

    fn script(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }
}

fn dependency(jobs: &[&str]) -> String {
    format!("--dependency=afterany:{}", jobs.join(":"))
}

/// Takes a job back.
pub(super) fn cancel_command(job: &Job) -> Vec<String> {
    let cluster = job.cluster.iter().map(|cluster| format!("--clusters={cluster}"));
    ["scancel".to_owned()]
        .into_iter()
        .chain(cluster)
        .chain([job.id.clone()])
        .collect()
}
