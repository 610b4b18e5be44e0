//! Results: one row for each cell of the range, and what is said of many of them.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::order::{median, sorted};

/// Errors of Ndf are flagged above so many times those of Bdf, or so many tolerances if those are smaller.
const FLAGGED: f64 = 10.0;

/// What A and y are like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    /// Independent normal entries.
    Gaussian,
    /// Independent signs.
    Rademacher,
    /// Gaussian, each column twice.
    Duplicate,
    /// A Gaussian product of rank m/2.
    Deficient,
    /// The same, and y is not in its range.
    Unreachable,
    /// The first row of A is positive and the first measurement negative: no z ≥ 0 has Az = y.
    Negative,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Gaussian,
        Self::Rademacher,
        Self::Duplicate,
        Self::Deficient,
        Self::Unreachable,
        Self::Negative,
    ];

    fn words(self) -> &'static str {
        match self {
            Self::Gaussian => "Gaussian",
            Self::Rademacher => "random signs",
            Self::Duplicate => "columns twice",
            Self::Deficient => "rank m/2",
            Self::Unreachable => "rank m/2, y not in the range",
            Self::Negative => "no nonnegative solution",
        }
    }
}

/// One point of the range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    pub kind: Kind,
    pub n: usize,
    pub m: usize,
    pub s: usize,
    pub depth: usize,
    pub signed: bool,
    pub alpha: f64,
    pub tolerance: f64,
    pub seed: u64,
}

impl Cell {
    /// In words.
    fn sign(&self) -> &'static str {
        if self.signed { "signed" } else { "positive" }
    }

    /// What to give `methods run` to have it again.
    pub fn name(&self) -> String {
        let Self {
            kind,
            n,
            m,
            depth,
            alpha,
            tolerance,
            seed,
            ..
        } = self;
        format!(
            "{kind:?}-{n}x{m}-L{depth}-{}-a{alpha:.0e}-t{tolerance:.0e}-seed{seed}",
            self.sign()
        )
    }
}

/// A cell and, where the dual flow serves it, what came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    #[serde(flatten)]
    pub cell: Cell,
    /// The formulation that serves best.
    pub flow: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
}

/// The two integrators, and how the reference ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Compared {
    pub reference: String,
    pub ndf: Taken,
    pub bdf: Taken,
}

/// What one integrator took and gave.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Taken {
    pub ended: String,
    pub cpu_s: f64,
    /// max |ℓ − ℓ_reference|/ℓ(0) over the recorded times.
    pub loss: f64,
    /// max |w − w_reference|/max(‖w‖_∞, t‖w′‖_∞) over the recorded times.
    pub path: f64,
    /// |w − w_reference|/‖w‖_∞ at the ends.
    pub end: f64,
    pub steps: usize,
    pub rhs: usize,
}

impl Taken {
    /// Whether an event stopped it.
    fn ended_well(&self) -> bool {
        ["RelativeLossBelow", "Stationary"]
            .iter()
            .any(|event| self.ended.starts_with(event))
    }
}

impl Compared {
    /// In one line.
    pub fn summary(&self) -> String {
        let taken = |t: &Taken| {
            let Taken {
                ended,
                cpu_s,
                loss,
                path,
                end,
                steps,
                rhs,
            } = t;
            format!(
                "{ended} loss {loss:.1e} path {path:.1e} end {end:.1e} {:.3}ms {steps}/{rhs}",
                1e3 * cpu_s
            )
        };
        format!(
            "| ref {} | Ndf {} | Bdf {}",
            self.reference,
            taken(&self.ndf),
            taken(&self.bdf)
        )
    }

    /// Why this cell deserves a look.
    fn complaint(&self, tolerance: f64) -> Option<String> {
        if !self.ndf.ended_well() {
            return Some("does not end".into());
        }
        if self.ndf.ended != self.bdf.ended && self.ndf.ended != self.reference {
            return Some("ends otherwise".into());
        }
        // where the loss stops both, it is at the same state; `Stationary` is met at times that differ in the tail
        let by_loss = self.ndf.ended.starts_with("RelativeLossBelow");
        let errors = [
            ("loss", self.ndf.loss, self.bdf.loss),
            ("path", self.ndf.path, self.bdf.path),
            ("end", if by_loss { self.ndf.end } else { 0.0 }, self.bdf.end),
        ];
        let inaccurate = |&(_, ndf, bdf): &(&str, f64, f64)| ndf > FLAGGED * bdf.max(tolerance);
        let names: Vec<&str> = errors
            .iter()
            .filter(|error| inaccurate(error))
            .map(|error| error.0)
            .collect();
        (!names.is_empty()).then(|| format!("inaccurate: {}", names.join(", ")))
    }
}

/// Results, one to a line.
pub fn parse(text: &str) -> Result<Vec<Row>, serde_json::Error> {
    text.lines().map(serde_json::from_str).collect()
}

/// The cells that deserve a look, one to a line.
pub fn flagged(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        let Some(compared) = &row.compared else { continue };
        if let Some(complaint) = compared.complaint(row.cell.tolerance) {
            // writing to a string cannot fail
            let _ = writeln!(out, "{}: {complaint} {}", row.cell.name(), compared.summary());
        }
    }
    out
}

/// The range in groups: by depth and sign, by α, by kind, by size and tolerance.
pub fn table(rows: &[Row]) -> String {
    let mut out = String::from(
        "| runs | of all | Ndf ends | Bdf ends | error of Ndf: median, worst | error of Bdf: median, worst \
         | time of Bdf / Ndf: least, median, most |\n|---|---|---|---|---|---|---|\n",
    );
    let keys: [fn(&Cell) -> String; 4] = [
        |cell| format!("$L={}$, {}", cell.depth, cell.sign()),
        |cell| format!("$\\alpha$ = {:.0e}", cell.alpha),
        |cell| cell.kind.words().to_owned(),
        |cell| format!("{} × {} at {:.0e}", cell.n, cell.m, cell.tolerance),
    ];
    for key in keys {
        let mut groups: Vec<String> = Vec::new();
        for row in rows {
            let group = key(&row.cell);
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        for group in groups {
            let own: Vec<&Row> = rows.iter().filter(|row| key(&row.cell) == group).collect();
            out.push_str(&line(&group, &own));
        }
    }
    out.push_str(&line("all", &rows.iter().collect::<Vec<_>>()));
    out
}

/// One line of the table; errors are those of the path, in tolerances.
fn line(group: &str, rows: &[&Row]) -> String {
    let compared: Vec<(&Compared, f64)> = rows
        .iter()
        .filter_map(|row| Some((row.compared.as_ref()?, row.cell.tolerance)))
        .collect();
    if compared.is_empty() {
        return format!("| {group} | 0 of {} | – | – | – | – | – |\n", rows.len());
    }
    let ended = |taken: fn(&Compared) -> &Taken| {
        compared
            .iter()
            .filter(|(compared, _)| taken(compared).ended_well())
            .count()
    };
    let error = |taken: fn(&Compared) -> &Taken| {
        let sorted = sorted(
            compared
                .iter()
                .map(|(compared, tolerance)| taken(compared).path / tolerance),
        );
        format!("{:.1}, {:.1}", median(&sorted), sorted[sorted.len() - 1])
    };
    let ratio = sorted(
        compared
            .iter()
            .map(|(compared, _)| compared.bdf.cpu_s / compared.ndf.cpu_s),
    );
    format!(
        "| {group} | {} of {} | {} | {} | {} | {} | {:.2}, {:.1}, {:.1} |\n",
        compared.len(),
        rows.len(),
        ended(|compared| &compared.ndf),
        ended(|compared| &compared.bdf),
        error(|compared| &compared.ndf),
        error(|compared| &compared.bdf),
        ratio[0],
        median(&ratio),
        ratio[ratio.len() - 1],
    )
}
