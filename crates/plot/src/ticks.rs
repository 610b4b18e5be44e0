//! Where the ticks of an axis are and what they say.
//!
//! Every label is written from integers (a mantissa and a decimal exponent), never from a rounded `f64`.

use crate::chart::Scale;
use crate::scale::Span;

/// One tick.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    /// Fraction of the axis.
    pub at: f64,
    /// Text; minor ticks have none.
    pub label: Option<String>,
}

/// Ticks of an axis with about `wanted` labels: at most two more where round numbers do not allow fewer.
pub(crate) fn ticks(span: &Span, wanted: usize) -> Vec<Tick> {
    let wanted = wanted.max(1);
    let mut ticks = match span.scale {
        Scale::Linear => linear(span, wanted),
        Scale::Log10 => logarithmic(span, wanted),
    };
    ticks.retain(|tick| (-1e-9..=1.0 + 1e-9).contains(&tick.at));
    ticks
}

/// The number `mantissa * 10^exponent`, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Decimal {
    mantissa: i64,
    exponent: i32,
}

impl Decimal {
    fn value(self) -> f64 {
        // Reading decimal digits rounds once; multiplying by a power of ten would round twice.
        format!("{}e{}", self.mantissa, self.exponent)
            .parse()
            .unwrap_or(f64::NAN)
    }

    /// Exponent of the leading digit.
    fn order(self) -> i32 {
        let digits = self.mantissa.unsigned_abs().checked_ilog10().unwrap_or(0);
        self.exponent + i32::try_from(digits).unwrap_or(0)
    }

    /// Plain positional notation.
    fn plain(self) -> String {
        let sign = if self.mantissa < 0 { "−" } else { "" };
        let digits = self.mantissa.unsigned_abs().to_string();
        let places = usize::try_from(-self.exponent).unwrap_or(0);
        if places == 0 {
            let zeros = usize::try_from(self.exponent).unwrap_or(0);
            return if self.mantissa == 0 {
                "0".to_owned()
            } else {
                format!("{sign}{digits}{}", "0".repeat(zeros))
            };
        }
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        format!("{sign}{whole}.{fraction}")
    }

    /// Mantissa and power of ten.
    fn scientific(self) -> String {
        if self.mantissa == 0 {
            return "0".to_owned();
        }
        let order = self.order();
        let power = power_of_ten(order);
        match (Self {
            exponent: self.exponent - order,
            ..self
        })
        .trimmed()
        {
            Self {
                mantissa: 1,
                exponent: 0,
            } => power,
            Self {
                mantissa: -1,
                exponent: 0,
            } => format!("−{power}"),
            reduced => format!("{}×{power}", reduced.plain()),
        }
    }

    /// The same number without trailing zeros.
    fn trimmed(self) -> Self {
        let mut number = self;
        while number.mantissa != 0 && number.mantissa % 10 == 0 {
            number = Self {
                mantissa: number.mantissa / 10,
                exponent: number.exponent + 1,
            };
        }
        number
    }
}

/// Labels for numbers on one axis: plain where that is short, powers of ten otherwise.
fn texts(numbers: &[Decimal]) -> Vec<String> {
    let nonzero = || numbers.iter().filter(|n| n.mantissa != 0);
    let order = nonzero().map(|n| n.order()).max().unwrap_or(0);
    let finest = nonzero().map(|n| n.exponent).min().unwrap_or(0);
    if order <= 4 && (finest >= -4 || order >= -1) {
        numbers
            .iter()
            .map(|n| if n.mantissa == 0 { "0".to_owned() } else { n.plain() })
            .collect()
    } else {
        numbers.iter().map(|n| n.scientific()).collect()
    }
}

/// `10` with an exponent.
fn power_of_ten(exponent: i32) -> String {
    let raised = |c| match c {
        '-' => '⁻',
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        _ => '⁹',
    };
    format!("10{}", exponent.to_string().chars().map(raised).collect::<String>())
}

/// Multiples of 1, 2 or 5 times a power of ten in an interval: the finest of them with at most `wanted + 1` members.
fn round_numbers(low: f64, high: f64, wanted: usize) -> Vec<Decimal> {
    // `wanted` is a handful, the exponent of a finite number fits an i32.
    let rough = (high - low) / wanted as f64;
    if !rough.is_normal() {
        return Vec::new();
    }
    let first = rough.log10().floor() as i32;
    for exponent in first..first + 3 {
        for digit in [1_i64, 2, 5] {
            let step = Decimal {
                mantissa: digit,
                exponent,
            }
            .value();
            let (from, to) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
            // Beyond 1e12 steps from zero the multiples would no longer be exact.
            if step * 1.000_001 >= rough && from.abs().max(to.abs()) < 1e12 {
                let multiples = (from as i64)..=(to as i64);
                return multiples
                    .map(|i| Decimal {
                        mantissa: i * digit,
                        exponent,
                    })
                    .collect();
            }
        }
    }
    Vec::new()
}

/// The integers of a short interval.
fn whole_numbers(low: f64, high: f64) -> Vec<Decimal> {
    // Only asked for where steps below 1 fit the axis: a handful of numbers, unless they are too large to be exact.
    let (from, to) = (low.ceil(), high.floor());
    if from.abs().max(to.abs()) > 1e12 {
        return Vec::new();
    }
    let integers = (from as i64)..=(to as i64);
    integers.map(|mantissa| Decimal { mantissa, exponent: 0 }).collect()
}

fn linear(span: &Span, wanted: usize) -> Vec<Tick> {
    let (low, high) = (span.low, span.high);
    let mut numbers = round_numbers(low, high, wanted);
    if span.whole && numbers.iter().any(|number| number.exponent < 0) {
        // Steps of 1 are finer than wanted steps of less than 1, never coarser than the axis allows.
        numbers = whole_numbers(low, high);
    }
    let at = |number: &Decimal| (number.value() - low) / (high - low);
    numbers
        .iter()
        .zip(texts(&numbers))
        .map(|(number, text)| Tick {
            at: at(number),
            label: Some(text),
        })
        .collect()
}

fn logarithmic(span: &Span, wanted: usize) -> Vec<Tick> {
    // Exponents of f64 are below 400 in absolute value.
    let (first, last) = ((span.low - 1e-9).ceil() as i32, (span.high + 1e-9).floor() as i32);
    if last <= first {
        return within_a_decade(span, wanted);
    }
    let stride = decade_stride(first, last, wanted);
    let fraction = |exponent: f64| (exponent - span.low) / (span.high - span.low);
    let mut ticks: Vec<Tick> = (first..=last)
        .map(|decade| {
            let labelled = decade.rem_euclid(stride) == 0;
            Tick {
                at: fraction(f64::from(decade)),
                label: labelled.then(|| power_of_ten(decade)),
            }
        })
        .collect();
    if last - first > 60 {
        ticks.retain(|tick| tick.label.is_some());
    } else if stride == 1 && last - first <= 8 {
        for decade in first - 1..=last {
            ticks.extend((2..=9).map(|m| Tick {
                at: fraction(f64::from(decade) + f64::from(m).log10()),
                label: None,
            }));
        }
    }
    ticks
}

/// The smallest pleasant distance of labelled decades that gives at most `wanted` labels (and at least two).
fn decade_stride(first: i32, last: i32, wanted: usize) -> i32 {
    let count = |stride: i32| usize::try_from(last.div_euclid(stride) - (first - 1).div_euclid(stride)).unwrap_or(0);
    let mut best = 1;
    for stride in [1, 2, 3, 5, 10, 20, 50, 100, 200] {
        if count(stride) < 2 {
            break;
        }
        best = stride;
        if count(stride) <= wanted {
            break;
        }
    }
    best
}

/// Ticks of a logarithmic axis that shows less than two powers of ten.
fn within_a_decade(span: &Span, wanted: usize) -> Vec<Tick> {
    let visible = |number: &Decimal| {
        let at = (number.value().log10() - span.low) / (span.high - span.low);
        (-1e-9..=1.0 + 1e-9).contains(&at)
    };
    let decades = span.low.floor() as i32..=span.high.ceil() as i32;
    let multiples = |digits: &[i64]| -> Vec<Decimal> {
        let numbers = decades
            .clone()
            .flat_map(|exponent| digits.iter().map(move |&mantissa| Decimal { mantissa, exponent }));
        numbers.filter(visible).collect()
    };
    let coarse = multiples(&[1, 2, 5]);
    let fine = multiples(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let numbers = if fine.len() >= 2 && fine.len() <= wanted {
        fine.clone()
    } else if coarse.len() >= 2 && coarse.len() <= wanted + 1 {
        coarse
    } else {
        round_numbers(10_f64.powf(span.low), 10_f64.powf(span.high), wanted)
    };
    let at = |number: &Decimal| (number.value().log10() - span.low) / (span.high - span.low);
    let labelled = numbers.iter().zip(texts(&numbers)).map(|(number, text)| Tick {
        at: at(number),
        label: Some(text),
    });
    let minor = fine
        .iter()
        .filter(|number| !numbers.contains(number))
        .map(|number| Tick {
            at: at(number),
            label: None,
        });
    labelled.chain(minor).collect()
}

#[cfg(test)]
mod tests;
