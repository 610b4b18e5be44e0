//! Labels at the ends of lines, in the margin to the right of the frame: no legend to look up.

use crate::chart::Chart;
use crate::data::View;
use crate::label::{Label, wrap};
use crate::scene::{Mark, Point};
use crate::size::Measures;

/// Distance of baselines of neighbouring labels in units of the type size.
const APART: f64 = 1.2;
/// Length of the line from the frame to a label in units of the type size.
const LEADER: f64 = 1.2;
/// The most of a page that labels take.
const MOST: f64 = 0.36;

/// The labels of a chart in type.
pub(crate) fn labels(chart: &Chart, page: f64, measures: &Measures) -> Vec<(usize, Label)> {
    let width = MOST * page / measures.tick - LEADER;
    let labelled = chart.series.iter().enumerate().filter(|(_, series)| series.direct);
    labelled
        .filter_map(|(k, series)| Some((k, wrap(&series.label, width, 1).into_iter().next()?)))
        .collect()
}

/// The room they need beside the frame, in millimetres.
pub(crate) fn width(labels: &[(usize, Label)], measures: &Measures) -> f64 {
    let widest = labels.iter().map(|(_, label)| label.width()).fold(0.0, f64::max);
    if labels.is_empty() {
        0.0
    } else {
        (widest + LEADER + 0.3) * measures.tick
    }
}

impl View<'_> {
    /// Each label at the height of its line's last point, or as near as the others leave room.
    pub fn direct_labels(&self, chart: &Chart, labels: &[(usize, Label)]) -> Vec<Mark> {
        let size = self.measures.tick;
        let mut ends: Vec<(f64, usize)> = labels
            .iter()
            .enumerate()
            .filter_map(|(place, (k, _))| Some((self.end(chart, *k)?.1, place)))
            .collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let wanted: Vec<f64> = ends.iter().map(|(y, _)| *y).collect();
        let heights = spread(&wanted, APART * size, self.frame.top, self.frame.bottom);
        let mut marks = Vec::new();
        for (&(_, place), height) in ends.iter().zip(heights) {
            let (k, label) = &labels[place];
            let Some(end) = self.end(chart, *k) else { continue };
            let right = self.frame.right + LEADER * size;
            marks.push(Mark::Line {
                points: vec![
                    end,
                    (self.frame.right + 0.2 * size, end.1),
                    (right - 0.2 * size, height),
                ],
                // thin, so that it is not taken for data
                width: 0.3 * self.measures.line,
                colour: self.theme.paint(chart.series[*k].colour),
            });
            marks.push(Mark::Text {
                label: label.clone(),
                baseline: (right, height + 0.36 * size),
                size,
                upright: false,
                colour: self.theme.foreground,
            });
        }
        marks
    }

    /// The last visible point of a line.
    fn end(&self, chart: &Chart, k: usize) -> Option<Point> {
        let series = chart.series.get(k)?;
        let points = series.x.iter().zip(&series.y).rev();
        let mut places = points.filter_map(|(&x, &y)| self.horizontal(x).zip(self.vertical(y)));
        places.find(|place| self.shows(*place))
    }
}

/// Heights in the order of the `wanted` (increasing) ones, at least `apart`, inside the bounds if there is room, and near what
/// was wanted: groups that touch are moved together to their mean.
fn spread(wanted: &[f64], apart: f64, top: f64, bottom: f64) -> Vec<f64> {
    // groups of (sum of wanted heights less their offsets in the group, members)
    let mut groups: Vec<(f64, usize)> = Vec::new();
    let first = |(sum, count): (f64, usize)| {
        let mean = sum / count as f64; // few labels
        mean.min(bottom - apart * (count as f64 - 1.0)).max(top)
    };
    for &height in wanted {
        groups.push((height, 1));
        while let [.., before, last] = groups[..] {
            let end = first(before) + apart * before.1 as f64;
            if end <= first(last) {
                break;
            }
            let shift = apart * before.1 as f64 * last.1 as f64;
            groups.truncate(groups.len() - 2);
            groups.push((before.0 + last.0 - shift, before.1 + last.1));
        }
    }
    let heights = |group: &(f64, usize)| {
        let start = first(*group);
        (0..group.1).map(move |k| start + apart * k as f64).collect::<Vec<_>>()
    };
    groups.iter().flat_map(heights).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_apart_near_their_lines_and_inside_the_frame() {
        assert_eq!(spread(&[10.0, 50.0], 3.0, 0.0, 60.0), [10.0, 50.0]);
        assert_eq!(spread(&[10.0, 10.0, 10.0], 3.0, 0.0, 60.0), [7.0, 10.0, 13.0]);
        assert_eq!(spread(&[0.0, 0.0], 3.0, 0.0, 60.0), [0.0, 3.0]);
        assert_eq!(spread(&[60.0, 60.0], 3.0, 0.0, 60.0), [57.0, 60.0]);
        let many = spread(&[5.0, 6.0, 30.0, 31.0, 31.0, 58.0, 59.0], 3.0, 0.0, 60.0);
        assert!(many.windows(2).all(|pair| pair[1] - pair[0] >= 3.0 - 1e-9), "{many:?}");
        assert!(many.iter().all(|height| (0.0..=60.0).contains(height)), "{many:?}");
    }
}
