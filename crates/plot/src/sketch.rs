//! A chart in characters, for the terminal.

use crate::chart::Chart;
use crate::label::lower_italic;
use crate::scale::{Span, horizontal, vertical};
use crate::ticks::ticks;

/// What the lines are drawn with, in order of the legend.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
/// What marks measured points.
const POINT: char = '◆';
/// Places of a line that are looked at for every column, so that steep parts have no gaps.
const FINE: usize = 8;

/// The chart in `columns` × `rows` characters, with its axes, and a legend below. Lines are drawn with the letters of the
/// legend, those without an entry with dots, levels with dashes.
///
/// ```
/// use hadaflow_plot::{Axis, Chart, Colour, Series, sketch};
/// let line = Series::line("loss", vec![1.0, 10.0, 100.0], vec![1.0, 0.5, 0.0], Colour::Palette(0));
/// let chart = Chart { x: Axis::log10("time 𝑡"), y: Axis::linear("ℓ"), series: vec![line], ..Chart::default() };
/// let text = sketch(&chart, 40, 8);
/// assert!(text.contains("a  loss") && text.contains("time t"));
/// assert!(text.lines().all(|line| line.chars().count() <= 40));
/// ```
#[must_use]
pub fn sketch(chart: &Chart, columns: usize, rows: usize) -> String {
    let (x, y) = (horizontal(chart), vertical(chart));
    let y_ticks = labels(&y, rows / 3);
    let margin = y_ticks.iter().map(|(_, text)| text.chars().count()).max().unwrap_or(0) + 1;
    let mut grid = Grid::new(columns.saturating_sub(margin + 1).max(8), rows.max(3));
    for level in &chart.levels {
        if let Some(at) = y.fraction(level.value) {
            (0..grid.columns).for_each(|k| grid.put(grid.middle(k), at, '-'));
        }
    }
    let listed: Vec<_> = chart.series.iter().filter(|series| series.legend).collect();
    let letter = |k: usize| LETTERS.chars().nth(k).unwrap_or('*');
    // the first line on top; a line that is not listed goes with the listed one of its colour
    for series in chart.series.iter().rev() {
        let mate = listed.iter().position(|other| other.colour == series.colour);
        grid.line(&x, &y, &series.x, &series.y, mate.map_or('·', letter));
    }
    let names = listed.iter().enumerate();
    let mut legend: Vec<String> = names
        .map(|(k, series)| format!("{}  {}", letter(k), plain(&series.label)))
        .collect();
    for points in &chart.points {
        for (px, py) in points.x.iter().zip(&points.y) {
            if let (Some(px), Some(py)) = (x.fraction(*px), y.fraction(*py)) {
                grid.put(px, py, POINT);
            }
        }
        if !points.label.is_empty() {
            legend.push(format!("{POINT}  {}", plain(&points.label)));
        }
    }
    legend.extend(
        chart
            .levels
            .iter()
            .filter(|l| !l.label.is_empty())
            .map(|l| format!("-  {}", plain(&l.label))),
    );

    let mut lines = vec![cut(&plain(&chart.y.label), columns)];
    for (row, cells) in grid.cells.iter().enumerate() {
        let at = |place: &f64| grid.row(*place) == Some(row);
        let label = y_ticks
            .iter()
            .find(|(place, _)| at(place))
            .map_or("", |(_, text)| text.as_str());
        lines.push(
            format!("{label:>margin$}│{}", cells.iter().collect::<String>())
                .trim_end()
                .to_owned(),
        );
    }
    lines.push(format!("{:>margin$}└{}", "", "─".repeat(grid.columns)));
    lines.push(format!(
        "{:>margin$} {}",
        "",
        under(&labels(&x, grid.columns / 12), &grid)
    ));
    lines.push(
        format!(
            "{:>margin$} {:^width$}",
            "",
            plain(&chart.x.label),
            width = grid.columns
        )
        .trim_end()
        .to_owned(),
    );
    lines.extend(legend.iter().map(|entry| format!("{:>margin$} {entry}", "")));
    lines.iter().map(|line| cut(line, columns) + "\n").collect()
}

/// Characters by row, the top one first, and column.
struct Grid {
    columns: usize,
    cells: Vec<Vec<char>>,
}

impl Grid {
    fn new(columns: usize, rows: usize) -> Self {
        Self {
            columns,
            cells: vec![vec![' '; columns]; rows],
        }
    }

    /// The fraction of the axis at the middle of a column.
    fn middle(&self, column: usize) -> f64 {
        (column as f64 + 0.5) / self.columns as f64 // both small
    }

    /// The column of a fraction of the axis, if it is on it.
    fn column(&self, at: f64) -> Option<usize> {
        inside(at, self.columns)
    }

    /// The row of a fraction of the axis, if it is on it.
    fn row(&self, at: f64) -> Option<usize> {
        inside(1.0 - at, self.cells.len())
    }

    fn put(&mut self, x: f64, y: f64, c: char) {
        if let (Some(column), Some(row)) = (self.column(x), self.row(y)) {
            self.cells[row][column] = c;
        }
    }

    /// A line through points, with the places between neighbours filled in.
    fn line(&mut self, x: &Span, y: &Span, xs: &[f64], ys: &[f64], c: char) {
        let points: Vec<Option<(f64, f64)>> = xs
            .iter()
            .zip(ys)
            .map(|(&px, &py)| x.fraction(px).zip(y.fraction(py)))
            .collect();
        for pair in points.windows(2) {
            if let [Some(from), Some(to)] = pair {
                let steps = self.columns * FINE;
                let reach = (to.0 - from.0).abs().max((to.1 - from.1).abs()).min(1.0);
                let count = (reach * steps as f64).ceil() as usize + 1; // at most `steps` + 1
                for k in 0..=count {
                    let part = k as f64 / count as f64;
                    self.put(from.0 + part * (to.0 - from.0), from.1 + part * (to.1 - from.1), c);
                }
            }
        }
    }
}

/// Which of `count` equal parts of the axis a fraction lies in.
fn inside(at: f64, count: usize) -> Option<usize> {
    (-1e-9..=1.0 + 1e-9)
        .contains(&at)
        .then(|| ((at * count as f64) as usize).min(count - 1)) // between 0 and `count`
}

/// Places and texts of the labelled ticks.
fn labels(span: &Span, wanted: usize) -> Vec<(f64, String)> {
    let labelled = ticks(span, wanted.clamp(2, 6)).into_iter();
    labelled
        .filter_map(|tick| Some((tick.at, plain(&tick.label?))))
        .collect()
}

/// The labels of the horizontal axis below their places, those that would touch left out.
fn under(labels: &[(f64, String)], grid: &Grid) -> String {
    let mut line = String::new();
    for (at, text) in labels {
        let width = text.chars().count();
        let Some(middle) = grid.column(*at) else { continue };
        let start = middle.saturating_sub(width / 2).min(grid.columns.saturating_sub(width));
        let used = line.chars().count();
        if used == 0 || start > used {
            line.push_str(&" ".repeat(start - used.min(start)));
            line.push_str(text);
        }
    }
    line
}

/// A label without type faces and braces: `𝐷_{𝐹}` as `D_F`; what has raised and lowered characters of its own keeps them.
fn plain(text: &str) -> String {
    let upright = text.chars().map(|c| lower_italic(c).unwrap_or(c));
    upright.filter(|c| !"{}".contains(*c) && !c.is_control()).collect()
}

/// At most so many characters.
fn cut(text: &str, columns: usize) -> String {
    match text.chars().count() > columns {
        false => text.to_owned(),
        true => text.chars().take(columns.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Axis, Colour, Series};

    #[test]
    fn a_falling_line_goes_from_the_upper_left_to_the_lower_right() {
        let chart = Chart {
            x: Axis::linear("x"),
            y: Axis::log10("y"),
            series: vec![Series::line(
                "𝐷_{𝐹}",
                vec![0.0, 1.0, 2.0],
                vec![100.0, 10.0, 1.0],
                Colour::Palette(0),
            )],
            ..Chart::default()
        };
        let text = sketch(&chart, 50, 9);
        let rows: Vec<&str> = text.lines().filter(|line| line.contains('│')).collect();
        assert_eq!(rows.len(), 9);
        let places: Vec<usize> = rows
            .iter()
            .map(|row| row.chars().position(|c| c == 'a').unwrap())
            .collect();
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}\n{text}");
        assert!(text.contains("a  D_F"), "{text}");
        assert!(rows[0].contains("10²") && rows[8].contains("10⁰"), "{text}");
    }

    #[test]
    fn nothing_to_draw_is_an_empty_frame() {
        let text = sketch(&Chart::default(), 30, 5);
        assert_eq!(text.lines().filter(|line| line.ends_with('│')).count(), 5, "{text}");
    }
}
