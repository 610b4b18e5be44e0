//! The Bregman divergence from each reference, and the integral of the loss it should equal.

use super::input::spoken;
use super::{Figure, FigureInput};
use crate::chart::{Axis, Chart, Colour, Dash, Role, Series};
use crate::error::PlotError;

const PREFIX: &str = "bregman_divergence_";
/// The divergence of factor pairs repeats that of the weights up to a constant.
const PAIR: &str = "pair_";

/// D(z, w(t)) for each reference z as a broad line and D(z, w(0)) − 2∫ℓ as a thin dashed one on top: for every solution
/// z the two coincide, and where they do the broad line shows on both sides of the dashes.
pub(super) struct BregmanDecay;

impl Figure for BregmanDecay {
    fn name(&self) -> &'static str {
        "bregman_decay"
    }

    fn description(&self) -> &'static str {
        "The Bregman divergence from each reference over time on logarithmic axes, with the integrated loss that it \
         equals for every solution drawn on top."
    }

    fn needs(&self) -> &'static str {
        "a reference that the flow has a divergence from: list one in `references`, such as BasisPursuit"
    }

    fn charts(&self, input: &FigureInput<'_>) -> Result<Vec<Chart>, PlotError> {
        let mut names = input.references_with(PREFIX);
        let paired: Vec<&str> = names.iter().copied().filter(|name| name.starts_with(PAIR)).collect();
        names.retain(|name| !name.starts_with(PAIR));
        if names.is_empty() {
            names = paired;
        }
        let integral = input.column("loss_integral")?;
        let (mut broad, mut thin) = (Vec::new(), Vec::new());
        for (i, name) in names.iter().enumerate() {
            let Some(divergence) = input.column(&format!("{PREFIX}{name}"))? else {
                continue;
            };
            let colour = if i == 0 {
                Colour::Role(Role::Divergence)
            } else {
                Colour::Palette(i)
            };
            let label = format!("𝐷_{{𝐹}}(𝑧, 𝑤(𝑡)), 𝑧 = {}", spoken(name.trim_start_matches(PAIR)));
            // References may nearly agree: each later line is narrower, so that the earlier ones show beside it.
            let width = (3.6 - 0.9 * i as f64).max(1.2);
            broad.push(
                input
                    .over_time(label, divergence.to_vec(), colour)
                    .stroked(Dash::Solid, width),
            );
            thin.extend(integral.and_then(|integral| remainder(input, divergence, integral)));
        }
        if broad.is_empty() {
            return Ok(Vec::new());
        }
        thin.iter_mut()
            .skip(1)
            .for_each(|series: &mut Series| series.legend = false);
        broad.extend(thin);
        Ok(vec![Chart {
            title: input.heading(),
            x: input.time_axis(),
            y: Axis::log10("Bregman divergence"),
            series: broad,
            ..Chart::default()
        }])
    }
}

/// D(z, w(0)) − 2∫₀ᵗℓ. What is below the rounding of the difference is left out.
fn remainder(input: &FigureInput<'_>, divergence: &[f64], integral: &[f64]) -> Option<Series> {
    let initial = divergence.first()? + 2.0 * integral.first()?;
    let rounding = 4.0 * f64::EPSILON * initial.abs();
    let value = |integral: &f64| {
        let left = initial - 2.0 * integral;
        if left > rounding { left } else { f64::NAN }
    };
    let label = "𝐷_{𝐹}(𝑧, 𝑤(0)) − 2∫ℓ d𝑡";
    let line = input.over_time(
        label,
        integral.iter().map(value).collect(),
        Colour::Role(Role::Integral),
    );
    Some(line.stroked(Dash::Dashed, 0.8))
}
