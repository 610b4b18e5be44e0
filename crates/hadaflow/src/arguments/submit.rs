//! `hadaflow sweep submit`.

use std::path::PathBuf;

use clap::Args;

pub(super) const ABOUT: &str = "Submit a plan to Slurm: a job array with one task per shard, and a merge job behind it.

  hadaflow sweep submit SWEEP.ron --out DIR --slurm --shards 100    plan and submit
  hadaflow sweep submit DIR --slurm --dry-run                       look at the scripts and commands first
  hadaflow sweep status DIR                                         how far it is, and which jobs there are
  hadaflow sweep submit DIR --slurm --missing                       submit again what was killed or ran out of time

DIR must lie where all nodes see it. Scripts, logs and the numbers of the jobs are kept in DIR/slurm. An array is divided where
it is longer than the site allows (MaxArraySize), and finished shards are never submitted. The merge job starts when all tasks
have ended, however they did, and fails with the number of missing cells if there are any.

What a site wants to be told stands in a profile (--profile site.ron), in which every field may be left out:

  Slurm(
      partition: \"short\", account: \"abc\", qos: \"normal\",
      time: \"04:00:00\", memory: \"2G\", cpus: 4,    // of each task
      throttle: 100,                               // at most so many tasks at a time
      program: \"hadaflow\",                         // as the nodes find it [default: this very file]
      lines: [\"#SBATCH --constraint=avx2\", \"module load gcc\"],
  )

Exit codes: 0 submitted, or nothing to submit; 3 a bad sweep, plan or profile, or a plan that was submitted before; 5 a command
of Slurm is missing or fails, or a file cannot be written.";

/// `hadaflow sweep submit`.
#[derive(Debug, Args)]
pub struct SweepSubmit {
    /// The directory of a plan, or a sweep file (then with --out).
    pub target: PathBuf,
    /// Submit to Slurm.
    #[arg(long, required = true)]
    pub slurm: bool,
    /// Directory of the plan of a sweep file.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Into how many shards the cells of a sweep file are divided: one task each [default: 1].
    #[arg(long, value_name = "N")]
    pub shards: Option<u64>,
    /// Replace a field of the sweep file or of its template; may be repeated.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// The options of the site, a RON file.
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// Submit again, and only what is neither finished nor in the queue.
    #[arg(long)]
    pub missing: bool,
    /// Print scripts and commands, and submit nothing; a sweep file is planned all the same.
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
