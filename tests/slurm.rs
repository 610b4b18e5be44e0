//! Submission to Slurm: against commands that only pretend, and against a real cluster on loopback where there is one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

mod support;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use hadaflow::experiment::sweep::Profile;
use support::{BINARY, Done, Place, repository};

/// Small cells: limits of 4 × 8 problems, 40 of them for each trial.
fn sweep(trials: u32) -> String {
    format!(
        "Sweep(
    title: \"small limits\",
    seed: 11,
    template: Scenario(
        problem: Synthetic(measurements: 4, dimension: 8, signal: Sparse(sparsity: 2)),
        model: (depth: 2, initialization: Identical(1e-2)),
    ),
    axes: [
        (name: \"m\", field: \"problem.measurements\", values: Range(from: 2, to: 6)),
        (name: \"s\", field: \"problem.signal.sparsity\", values: [1, 2]),
        (name: \"alpha\", field: \"model.initialization\", form: \"Identical({{}})\",
         values: LogRange(from: 1e-1, to: 1e-4, count: 4), paired: true),
    ],
    trials: {trials},
    mode: Limit,
    measure: [l1_norm, l1_gap, distance_truth],
    success: DistanceBelow(1e-2),
)
"
    )
}

/// A sweep run on this machine alone; the bytes of its table.
fn undisturbed(place: &Place, trials: u32) -> Vec<u8> {
    place.write("sweep.ron", sweep(trials));
    place.run(&["sweep", "run", "sweep.ron", "--out", "whole"]).exits(0);
    place.read("whole/table.parquet")
}

/// Commands named like Slurm's that write down what they are asked.
///
/// `fake/config` is what scontrol says and `fake/queue` what squeue does. sbatch counts jobs from 101, refuses with the
/// words in `fake/refuse` from the job in `fake/last` on, and if there is `fake/work`, runs what it is given at once.
struct Fake {
    place: Place,
}

const SBATCH: &str = r#"
echo sbatch >> "$fake/log"
for word; do printf '  %s\n' "$word" >> "$fake/log"; done
id=$(($(cat "$fake/count") + 1))
if [ -e "$fake/refuse" ] && [ $id -gt "$(cat "$fake/last")" ]; then cat "$fake/refuse" >&2; exit 1; fi
echo $id > "$fake/count"
if [ -e "$fake/work" ]; then
    while [ $# -gt 0 ]; do
        case $1 in
            --array=*) list=${1#--array=} ;;
            --chdir=*) cd "${1#--chdir=}" || exit 1 ;;
            --*) ;;
            *) break ;;
        esac
        shift
    done
    if [ -z "$list" ]; then
        bash "$@" > merge.log 2>&1
    else
        for part in $(echo "${list%\%*}" | tr , ' '); do
            for index in $(seq "${part%-*}" "${part#*-}"); do
                SLURM_ARRAY_TASK_ID=$index SLURM_CPUS_PER_TASK=1 bash "$@" >> tasks.log 2>&1 || exit 1
            done
        done
    fi
fi
echo "Welcome to the cluster"
echo $id
"#;

impl Fake {
    fn new() -> Self {
        let fake = Self { place: Place::new() };
        let place = &fake.place;
        let state = place.path("fake");
        for (name, body) in [
            ("sbatch", SBATCH),
            ("squeue", "cat \"$fake/queue\"\n"),
            ("scontrol", "cat \"$fake/config\"\n"),
            ("scancel", "echo \"scancel $*\" >> \"$fake/log\"\n"),
        ] {
            let text = format!("#!/bin/bash\nfake='{}'\n{body}", state.display());
            let path = place.write(&format!("bin/{name}"), text);
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        place.write("fake/config", "MaxArraySize            = 1001\n");
        place.write("fake/queue", "");
        place.write("fake/count", "100\n");
        place.write("sweep.ron", sweep(1));
        fake
    }

    /// `hadaflow sweep submit … --slurm` among the pretenders.
    fn submit(&self, arguments: &[&str]) -> Done {
        let path = format!("{}:/usr/bin:/bin", self.place.path("bin").display());
        let arguments = [&["sweep", "submit"], arguments, &["--slurm"]].concat();
        let mut command = self.place.command(BINARY);
        Done::of(command.args(arguments).env("PATH", path).output().unwrap())
    }

    /// The same where there is no Slurm.
    fn submit_without(&self, arguments: &[&str]) -> Done {
        let arguments = [&["sweep", "submit"], arguments, &["--slurm"]].concat();
        let mut command = self.place.command(BINARY);
        Done::of(
            command
                .args(arguments)
                .env("PATH", self.place.path("fake"))
                .output()
                .unwrap(),
        )
    }

    fn plan(&self, directory: &str, shards: u64) {
        let shards = shards.to_string();
        let arguments = ["sweep", "plan", "sweep.ron", "--out", directory, "--shards", &shards];
        self.place.run(&arguments).exits(0);
    }

    /// What was asked since this was called last: the words of each call that matter.
    fn asked(&self) -> Vec<String> {
        let Ok(log) = std::fs::read_to_string(self.place.path("fake/log")) else {
            return Vec::new();
        };
        std::fs::remove_file(self.place.path("fake/log")).unwrap();
        let call = |words: &str| {
            let words = words
                .lines()
                .map(str::trim)
                .filter(|word| !word.starts_with("--chdir") && *word != "--parsable");
            let words = words.map(|word| word.rsplit('/').next().unwrap_or_default());
            words.collect::<Vec<_>>().join(" ")
        };
        let mut calls: Vec<String> = Vec::new();
        for line in log.lines() {
            match line.strip_prefix("  ") {
                Some(word) => calls.last_mut().unwrap().push_str(&format!("\n{word}")),
                None => calls.push(line.to_owned()),
            }
        }
        calls.iter().map(|words| call(words)).collect()
    }
}

/// The scripts, run as Slurm would, make the table of a single machine: in a directory whose name needs every quote there
/// is, over arrays that are shorter than the sweep has shards.
#[test]
fn arrays_and_merge_make_the_same_table() {
    let fake = Fake::new();
    let table = undisturbed(&fake.place, 1);
    let directory = "it's 100% \"mine\" $HOME `id` \\ größe";
    fake.place.write("fake/work", "");
    fake.place.write("fake/config", "MaxArraySize = 3\n");
    let lines = "lines: [\"#SBATCH --constraint=avx2\", \"export MARK='set up'\\n#SBATCH --hint=nomultithread\", \
                 \"echo \\\"$MARK\\\"\"]";
    fake.place.write(
        "site.ron",
        format!("Slurm(partition: \"short\", time: \"01:00:00\", throttle: 7, {lines})"),
    );
    let submitted = fake.submit(&[
        "sweep.ron",
        "--out",
        directory,
        "--shards",
        "5",
        "--profile",
        "site.ron",
    ]);
    submitted.exits(0).prints(&[
        "array 101 (shards 1-2)",
        "array 102 (shards 3-4)",
        "array 103 (shards 5)",
        "merge 104",
    ]);
    assert_eq!(
        fake.asked(),
        [
            "sbatch --array=1-2%7 array.sh 0",
            "sbatch --array=1-2%7 --dependency=afterany:101 array.sh 2",
            "sbatch --array=1%7 --dependency=afterany:102 array.sh 4",
            "sbatch --dependency=afterany:101:102:103 merge.sh",
        ]
    );
    assert!(fake.place.read(&format!("{directory}/table.parquet")) == table);
    let script = String::from_utf8(fake.place.read(&format!("{directory}/slurm/array.sh"))).unwrap();
    let head: Vec<&str> = script.lines().take_while(|line| line.starts_with('#')).collect();
    for option in [
        "#!/bin/bash",
        "#SBATCH --partition=short",
        "#SBATCH --time=01:00:00",
        "#SBATCH --cpus-per-task=1",
        "#SBATCH --constraint=avx2",
        "#SBATCH --hint=nomultithread",
    ] {
        assert!(head.contains(&option), "{option} is not in the head of\n{script}");
    }
    let said = String::from_utf8(fake.place.read(&format!("{directory}/slurm/tasks.log"))).unwrap();
    assert_eq!(said.matches("set up").count(), 5, "{said}");
    let status = fake.place.run(&["sweep", "status", directory]).exits(0);
    status.prints(&["array 103 (shards 5)", "merge 104"]);
    let status = fake
        .place
        .run(&["sweep", "status", directory, "--json"])
        .exits(0)
        .json();
    assert_eq!(status["jobs"][1]["id"], "102");
    assert_eq!(
        (&status["jobs"][1]["shards"], &status["jobs"][1]["offset"]),
        (&"3-4".into(), &2.into())
    );
    fake.submit(&[directory]).refused(3, &["merge 104", "--missing"]);
    fake.submit(&[directory, "--missing"])
        .exits(0)
        .prints(&["nothing to submit: 5 of 5 shards finished"]);
    assert!(fake.asked().is_empty());
}

#[test]
fn only_what_is_missing_is_submitted_again() {
    let fake = Fake::new();
    fake.place.write(
        "fake/config",
        "MaxArraySize = 1001\nSchedulerParameters = bf_interval=1,max_array_tasks=4\n",
    );
    fake.plan("out", 7);
    let run = |shard: &str| fake.place.run(&["sweep", "run", "out", "--shard", shard]).exits(0);
    run("2/7");
    fake.submit(&["out"]).exits(0);
    assert_eq!(
        fake.asked(),
        [
            "sbatch --array=1,3-4 array.sh 0",
            "sbatch --array=1-3 array.sh 4",
            "sbatch --dependency=afterany:101:102 merge.sh"
        ],
        "a finished shard needs no task, and arrays without a throttle run side by side"
    );
    // shard 6 runs, shard 5 was killed and is about to go, 1, 3, 4 and 7 are lost; another user's job has index 1
    fake.place.write(
        "fake/queue",
        "102 2 RUNNING\n102 1 COMPLETING\n103 N/A PENDING\n77 1 RUNNING\n",
    );
    fake.submit(&["out", "--missing"])
        .exits(0)
        .prints(&["array 104 (shards 1,3-4)", "cancelled", "merge 103"]);
    assert_eq!(
        fake.asked(),
        [
            "sbatch --array=1,3-4 array.sh 0",
            "sbatch --array=1,3 array.sh 4",
            "sbatch --dependency=afterany:102:104:105 merge.sh",
            "scancel 103"
        ]
    );
    // all that is missing is in the queue, and so is the merge
    fake.place.write(
        "fake/queue",
        "102 2 RUNNING\n104 1 RUNNING\n104 3 PENDING\n104 4 RUNNING\n105 1 PENDING\n105 3 PENDING\n106 N/A PENDING\n",
    );
    fake.submit(&["out", "--missing"])
        .exits(0)
        .prints(&["nothing to submit: 1 of 7 shards finished, 6 in the queue"]);
    assert!(fake.asked().is_empty());
    // the merge was cancelled by hand: only that is submitted
    fake.place.write("fake/queue", "105 1 RUNNING\n");
    ["1/7", "3/7", "4/7", "6/7", "7/7"]
        .into_iter()
        .for_each(|shard| drop(run(shard)));
    fake.submit(&["out", "--missing"]).exits(0).prints(&["merge 107"]);
    assert_eq!(fake.asked(), ["sbatch --dependency=afterany:105 merge.sh"]);
    run("5/7");
    fake.place.write("fake/queue", "");
    fake.place.write("fake/work", "");
    fake.submit(&["out", "--missing"]).exits(0);
    assert_eq!(fake.asked(), ["sbatch merge.sh"]);
    assert!(fake.place.path("out/table.parquet").exists());
    let jobs = fake.place.run(&["sweep", "status", "out", "--json"]).exits(0).json();
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 8, "every job is remembered");
}

/// The merge says what to do when it comes too early.
#[test]
fn a_merge_without_all_rows_fails_and_says_how_to_go_on() {
    let fake = Fake::new();
    fake.plan("out", 2);
    fake.submit(&["out"]).exits(0);
    let merge = fake.place.command("bash").arg("out/slurm/merge.sh").output().unwrap();
    let merge = Done::of(merge).exits(3);
    merge.says(&["40 of 40 cells are missing", "sweep submit", "--slurm --missing"]);
}

#[test]
fn a_rehearsal_prints_and_submits_nothing() {
    let fake = Fake::new();
    fake.plan("two words", 4);
    fake.place.write("fake/config", "MaxArraySize = 4\n");
    let before = fake.place.files("two words");
    let shown = fake.submit(&["two words", "--dry-run"]).exits(0);
    assert!(fake.asked().is_empty());
    assert_eq!(fake.place.files("two words"), before);
    let shown = shown.prints(&[
        "#SBATCH --job-name=hadaflow\n",
        "/two words/slurm/array.sh",
        "array1=$(sbatch --parsable",
        "--array=1-3 ",
        "merge=$(sbatch --parsable",
        "--dependency=afterany:$array1:$array2",
    ]);
    // the lines below "# commands" do in a shell what the command itself would do
    let commands = shown.stdout.split("# commands\n").nth(1).unwrap();
    let path = format!("{}:/usr/bin:/bin", fake.place.path("bin").display());
    let shell = fake
        .place
        .command("bash")
        .args(["-ec", commands])
        .env("PATH", &path)
        .output();
    Done::of(shell.unwrap()).exits(0);
    let by_hand = fake.asked();
    // the pretended sbatch greets its users, and so $array1 is two lines: only their number matters
    assert_eq!(by_hand.len(), 3);
    let json = fake.submit(&["two words", "--dry-run", "--json"]).exits(0).json();
    assert_eq!(json["dry_run"], true);
    assert_eq!(json["commands"].as_array().unwrap().len(), 3);
    assert_eq!(json["commands"][1][0], "sbatch");
    fake.place.write("fake/count", "100\n");
    let json = fake.submit(&["two words", "--json"]).exits(0).json();
    assert_eq!(
        (&json["dry_run"], &json["jobs"][2]["id"]),
        (&false.into(), &"103".into())
    );
    let by_itself = fake.asked();
    assert_eq!(by_itself[..2], by_hand[..2]);
    // without Slurm, its own default is assumed
    fake.plan("lonely", 2);
    fake.submit_without(&["lonely", "--dry-run"])
        .exits(0)
        .says(&["MaxArraySize = 1001 is assumed"])
        .prints(&["--array=1-2 "]);
    // nor does it take a configuration: the commands may be there and fail
    std::fs::remove_file(fake.place.path("fake/config")).unwrap();
    fake.submit(&["lonely", "--dry-run"])
        .exits(0)
        .says(&["does not answer", "MaxArraySize = 1001 is assumed"])
        .prints(&["--array=1-2 "]);
    fake.submit(&["lonely"]).refused(5, &["scontrol"]);
}

#[test]
fn what_cannot_be_submitted_is_said_and_what_was_is_kept() {
    let fake = Fake::new();
    fake.plan("out", 4);
    fake.submit_without(&["out"])
        .refused(5, &["Slurm is not installed here", "--dry-run"]);
    fake.place.write("fake/config", "MaxArraySize = 3\n");
    fake.place.write(
        "fake/refuse",
        "sbatch: error: Batch job submission failed:\nsbatch: error: Invalid account\n",
    );
    fake.place.write("fake/last", "100\n");
    fake.submit(&["out"])
        .refused(5, &["sbatch: ", "failed:; sbatch: error: Invalid account"]);
    let jobs = |fake: &Fake| fake.place.run(&["sweep", "status", "out", "--json"]).exits(0).json()["jobs"].clone();
    assert_eq!(jobs(&fake).as_array().unwrap().len(), 0);
    // nothing is out, so that a plain submission may try again; then one array is
    fake.place.write("fake/last", "101\n");
    fake.submit(&["out"])
        .refused(5, &["Invalid account", "array 101 (shards 1-2)", "--missing"]);
    assert_eq!(jobs(&fake)[0]["id"], "101");
    fake.place.write("fake/queue", "101 1 RUNNING\n101 2 PENDING\n");
    std::fs::remove_file(fake.place.path("fake/refuse")).unwrap();
    fake.asked();
    fake.submit(&["out", "--missing"]).exits(0);
    assert_eq!(
        fake.asked(),
        [
            "sbatch --array=1-2 array.sh 2",
            "sbatch --dependency=afterany:101:102 merge.sh"
        ]
    );

    fake.plan("other", 4);
    for (config, word) in [
        ("MaxArraySize = 0\n", "no job arrays"),
        ("nonsense\n", "has no MaxArraySize"),
    ] {
        fake.place.write("fake/config", config);
        fake.submit(&["other"]).refused(5, &["scontrol", word]);
    }
    fake.submit(&["other", "--shards", "5"])
        .refused(3, &["other", "has 4 shards"]);
    fake.submit(&["other", "--set", "trials=2"]).refused(3, &["frozen"]);
    fake.submit(&["sweep.ron"]).refused(3, &["--out DIR"]);
    fake.submit(&["bin"]).refused(3, &["bin", "no plan"]);
    fake.place
        .run(&["sweep", "submit", "other"])
        .exits(2)
        .says(&["--slurm"]);
    fake.place.write("site.ron", "Slurm(\n    partiton: \"short\",\n)");
    fake.submit(&["other", "--profile", "site.ron"])
        .refused(3, &["site.ron:2:", "partiton", "did you mean `partition`?"]);
    fake.submit(&["other", "--profile", "none.ron"])
        .refused(3, &["none.ron"]);
    fake.place.write("other/slurm/jobs.json", "{");
    fake.submit(&["other", "--missing"])
        .refused(3, &["slurm/jobs.json is damaged"]);
    fake.place
        .write("other/slurm/jobs.json", "{\"schema\": 2, \"jobs\": []}");
    fake.submit(&["other", "--missing"])
        .refused(3, &["slurm/jobs.json has schema 2"]);
    std::fs::remove_file(fake.place.path("fake/queue")).unwrap();
    fake.submit(&["out", "--missing"]).refused(5, &["squeue", "fake/queue"]);
    assert!(fake.asked().is_empty());
}

/// The profiles that the book and the help show can be used, and show every field.
#[test]
fn the_documented_profiles_are_profiles() {
    let book = std::fs::read_to_string(repository().join("docs/src/sweeps.md")).unwrap();
    let help = Place::new().run(&["sweep", "submit", "--help"]).exits(0).stdout;
    for text in [book, help] {
        let rest = &text[text.find("Slurm(\n").unwrap()..];
        let end = rest.lines().position(|line| line.trim() == ")").unwrap();
        let profile: Vec<&str> = rest.lines().take(end + 1).collect();
        let profile = Profile::parse(&profile.join("\n"), Path::new("shown")).unwrap();
        assert_eq!(
            (profile.cpus, profile.throttle, profile.lines.len()),
            (Some(4), Some(100), 2)
        );
        let words = [
            &profile.partition,
            &profile.account,
            &profile.qos,
            &profile.time,
            &profile.memory,
            &profile.program,
        ];
        assert!(words.iter().all(|word| word.is_some()), "{profile:?}");
    }
}

/// A real cluster of two virtual nodes on loopback; its daemons end with the test.
struct Cluster {
    directory: tempfile::TempDir,
    port: u16,
}

impl Cluster {
    /// `None` where Slurm is not installed.
    fn start(longest: u32) -> Option<Self> {
        let path = std::env::var("PATH").unwrap() + ":/usr/sbin:/sbin";
        let found = |program: &str| std::env::split_paths(&path).any(|place| place.join(program).is_file());
        if let Some(program) = ["munged", "slurmctld", "slurmd", "sbatch"]
            .into_iter()
            .find(|program| !found(program))
        {
            eprintln!("skipped: Slurm is not installed here ({program} is missing; `.ci/slurm install` installs it)");
            return None;
        }
        let cluster = Self {
            directory: tempfile::tempdir().unwrap(),
            port: free_ports(),
        };
        let up = cluster
            .script("up")
            .env("MAX_ARRAY", longest.to_string())
            .output()
            .unwrap();
        assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
        Some(cluster)
    }

    fn script(&self, what: &str) -> Command {
        let mut command = Command::new(repository().join(".ci/slurm"));
        command
            .arg(what)
            .env("SLURM_LOCAL", self.directory.path())
            .env("PORT", self.port.to_string())
            .env("OWNER", std::process::id().to_string())
            .env("NODES", "2");
        command
    }

    fn configuration(&self) -> PathBuf {
        self.directory.path().join("slurm.conf")
    }

    /// Waits until no job is left.
    fn drain(&self, place: &Place) {
        let start = Instant::now();
        loop {
            let queue = place
                .command("squeue")
                .arg("-h")
                .env("SLURM_CONF", self.configuration())
                .output()
                .unwrap();
            let queue = Done::of(queue).exits(0).stdout;
            if queue.trim().is_empty() {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(180), "jobs do not end:\n{queue}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // a test may be failing already: nothing here may panic
        let _ = self.script("down").status();
    }
}

/// The first of 60 ports of which those that daemons listen on are free.
fn free_ports() -> u16 {
    let first = (std::process::id() % 100) as u16;
    let free = |port: &u16| (0..=2).all(|k| TcpListener::bind(("127.0.0.1", port + k)).is_ok());
    let candidates = (0..100).map(|k| 20_000 + 60 * ((first + k) % 100));
    candidates.into_iter().find(free).expect("ports are free")
}

/// Four shards on two nodes; the third is killed in the middle, and submitted again. Arrays have two tasks at most.
#[test]
fn a_real_cluster_ends_in_the_same_table() {
    let Some(cluster) = Cluster::start(3) else { return };
    let place = Place::new();
    let table = undisturbed(&place, 50);
    let submit = |arguments: &[&str]| {
        let arguments = [&["sweep", "submit"], arguments, &["--slurm", "--profile", "site.ron"]].concat();
        let mut command = place.command(BINARY);
        Done::of(
            command
                .args(arguments)
                .env("SLURM_CONF", cluster.configuration())
                .output()
                .unwrap(),
        )
    };
    place.write(
        "site.ron",
        format!(
            "Slurm(partition: \"debug\", time: \"10\", throttle: 4, lines: [{:?}])",
            assassin(&place)
        ),
    );
    let directory = "it's a 100% sweep";
    submit(&["sweep.ron", "--out", directory, "--shards", "4"])
        .exits(0)
        .prints(&["(shards 1-2)", "(shards 3-4)", "merge "]);
    cluster.drain(&place);
    let status = place.run(&["sweep", "status", directory, "--json"]).exits(0).json();
    let done: Vec<u64> = status["shards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["done"].as_u64().unwrap())
        .collect();
    assert_eq!(
        (done[0], done[1], done[3]),
        (500, 500, 500),
        "{}",
        logs(&place, directory)
    );
    assert!(
        0 < done[2] && done[2] < 500,
        "shard 3 was to be killed in the middle: {} of 500",
        done[2]
    );
    assert!(!place.path(directory).join("table.parquet").exists());
    let said = logs(&place, directory);
    assert!(
        said.contains("cells are missing") && said.contains("--slurm --missing"),
        "{said}"
    );
    let third = status["jobs"][1]["id"].as_str().unwrap();
    submit(&[directory]).refused(3, &["--missing"]);
    let again = submit(&[directory, "--missing", "--json"]).exits(0).json();
    assert_eq!(again["jobs"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&again["jobs"][0]["shards"], &again["jobs"][0]["offset"]),
        (&"3".into(), &2.into())
    );
    assert_ne!(again["jobs"][0]["id"], third);
    cluster.drain(&place);
    let merged = std::fs::read(place.path(directory).join("table.parquet"));
    assert!(merged.unwrap_or_else(|error| panic!("{error}\n{}", logs(&place, directory))) == table);
    submit(&[directory, "--missing"])
        .exits(0)
        .prints(&["nothing to submit: 4 of 4"]);
    // what Slurm says when it refuses is passed on
    place.write("site.ron", "Slurm(partition: \"nowhere\")");
    submit(&["sweep.ron", "--out", "refused"]).refused(5, &["sbatch", "nowhere"]);
}

/// Lines of a script that kill shard 3 as soon as some of its rows are written, once.
fn assassin(place: &Place) -> String {
    let once = place.path("killed");
    let journal = place.path("it's a 100% sweep/shards/0003.journal");
    let double_quoted = |path: &Path| format!("\"{}\"", path.display());
    format!(
        "if [ $((SLURM_ARRAY_TASK_ID + $1)) = 3 ] && [ ! -e {once} ]; then\n\
         touch {once}\n\
         (until [ \"$(stat -c %s {journal} 2>/dev/null || echo 0)\" -gt 10000 ]; do sleep 0.002; done; kill -KILL $$) &\n\
         fi",
        once = double_quoted(&once),
        journal = double_quoted(&journal),
    )
}

/// What the jobs said.
fn logs(place: &Place, directory: &str) -> String {
    let names = place.files(&format!("{directory}/slurm"));
    let logs = names.iter().filter(|name| name.ends_with(".log"));
    let text = |name: &String| {
        let bytes = place.read(&format!("{directory}/slurm/{name}"));
        format!("--- {name}\n{}", String::from_utf8_lossy(&bytes))
    };
    logs.map(text).collect()
}
