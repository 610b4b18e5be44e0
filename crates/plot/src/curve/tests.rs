use super::*;

const FRAME: Rect = Rect {
    left: 0.0,
    top: 0.0,
    right: 10.0,
    bottom: 10.0,
};

fn distance(p: Point, line: &[Point]) -> f64 {
    let to_segment = |a: Point, b: Point| {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let squared = dx * dx + dy * dy;
        let s = if squared == 0.0 {
            0.0
        } else {
            ((p.0 - a.0) * dx + (p.1 - a.1) * dy) / squared
        };
        let s = s.clamp(0.0, 1.0);
        (p.0 - a.0 - s * dx).hypot(p.1 - a.1 - s * dy)
    };
    line.windows(2)
        .map(|w| to_segment(w[0], w[1]))
        .fold(f64::INFINITY, f64::min)
}

fn length(lines: &[Vec<Point>]) -> f64 {
    lines
        .iter()
        .flat_map(|line| line.windows(2))
        .map(|p| (p[1].0 - p[0].0).hypot(p[1].1 - p[0].1))
        .sum()
}

#[test]
fn thinning_keeps_the_shape_and_drops_the_points() {
    let smooth: Vec<Point> = (0..=100_000)
        .map(|i| f64::from(i) / 1000.0)
        .map(|x| (x, 20.0 + 10.0 * (0.1 * x).sin()))
        .collect();
    let thinned = thin(&smooth);
    assert!(thinned.len() < 300, "{} points left", thinned.len());
    assert_eq!((thinned[0], thinned[thinned.len() - 1]), (smooth[0], smooth[100_000]));
    for &point in smooth.iter().step_by(37) {
        assert!(distance(point, &thinned) < 2.0 * RESOLUTION, "{point:?} is lost");
    }
}

#[test]
fn thinning_keeps_spikes_and_reversals() {
    let mut spiky: Vec<Point> = (0..10_000).map(|i| (f64::from(i) * 0.005, 5.0)).collect();
    spiky[5000].1 = 9.0;
    assert!(thin(&spiky).iter().any(|p| p.1 == 9.0));
    let back = [(0.0, 0.0), (5.0, 0.0), (2.0, 0.0), (8.0, 0.0)];
    assert!(thin(&back).contains(&(5.0, 0.0)));
    let noise: Vec<Point> = (0..200_000_u32)
        .map(|i| (f64::from(i) * 4e-4, f64::from(i * 7919 % 1000) * 0.05))
        .collect();
    assert!(thin(&noise).len() <= 4 * 4001);
}

#[test]
fn thinning_short_curves_is_the_identity() {
    assert!(thin(&[]).is_empty());
    assert_eq!(thin(&[(1.0, 2.0)]), [(1.0, 2.0)]);
    assert_eq!(thin(&[(1.0, 2.0), (3.0, 4.0)]), [(1.0, 2.0), (3.0, 4.0)]);
}

#[test]
fn clipped_lines_stay_inside() {
    let line = [
        (-5.0, 5.0),
        (5.0, 5.0),
        (5.0, 50.0),
        (7.0, 50.0),
        (7.0, 5.0),
        (1e9, 5.0),
    ];
    let pieces = clip_line(&line, &FRAME);
    assert_eq!(pieces.len(), 2);
    for point in pieces.iter().flatten() {
        assert!(
            (0.0..=10.0).contains(&point.0) && (0.0..=10.0).contains(&point.1),
            "{point:?}"
        );
    }
    assert!((length(&pieces) - 18.0).abs() < 1e-6);
    assert!(clip_line(&[(-1.0, -1.0), (-2.0, 20.0)], &FRAME).is_empty());
}

#[test]
fn dashes_cover_their_share_of_the_line_and_stay_few() {
    let line: Vec<Point> = (0..=1000).map(|i| (f64::from(i) * 0.1, 0.0)).collect();
    let strokes = dashes(&line, &[2.0, 1.0]);
    assert_eq!(strokes.len(), 34);
    assert!((length(&strokes) - 67.0).abs() < 1e-6);
    assert_eq!(dashes(&line, &[]), vec![line.clone()]);
    let zigzag: Vec<Point> = (0..20_000_u32)
        .map(|i| (f64::from(i) * 0.004, f64::from(i % 2) * 50.0))
        .collect();
    assert!(dashes(&zigzag, &[2.0, 1.0]).len() < 700);
}
