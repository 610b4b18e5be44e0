//! The formulas of the book: between dollar signs in its Markdown, MathML in its pages.
//!
//! MathML is drawn by the browser itself. A page needs no script for its formulas, and asks nobody for anything.

mod works;

pub use works::{keys, references};

use math_core::{LatexToMathML, MathCoreConfig, MathDisplay};

/// Why a page has no formulas.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A dollar sign without its partner.
    #[error("a formula is not closed: ${0}")]
    Unclosed(String),
    /// LaTeX that is none, or that the converter does not know.
    #[error("{message} in the formula {formula}")]
    Formula {
        /// The formula as it is typed.
        formula: String,
        /// What is wrong with it.
        message: String,
    },
}

/// Converts the formulas of pages.
pub struct Formulas(LatexToMathML);

impl Default for Formulas {
    fn default() -> Self {
        let converter = LatexToMathML::new(MathCoreConfig::default());
        // the default has no macros, and nothing else can be wrong
        Self(converter.unwrap_or_else(|_| unreachable!()))
    }
}

impl Formulas {
    /// A page of Markdown with MathML in place of `$..$` and `$$..$$`, outside code; `\$` is a dollar sign.
    ///
    /// # Errors
    ///
    /// Where a formula is not closed, or cannot be converted.
    pub fn rendered(&self, page: &str) -> Result<String, Error> {
        let (mut out, mut rest) = (String::with_capacity(4 * page.len()), page);
        while let Some(at) = rest.find(['`', '$', '\\']) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let end = if rest.starts_with('`') {
                code(rest)
            } else if let Some(behind) = rest.strip_prefix('\\') {
                1 + behind.chars().next().map_or(0, char::len_utf8)
            } else {
                let (formula, end) = formula(rest)?;
                out.push_str(&self.mathml(formula, rest.starts_with("$$"))?);
                rest = &rest[end..];
                continue;
            };
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The MathML of one formula, in which Markdown finds nothing of its own.
    fn mathml(&self, formula: &str, display: bool) -> Result<String, Error> {
        let display = if display {
            MathDisplay::Block
        } else {
            MathDisplay::Inline
        };
        let found = self.0.convert_with_local_state(formula, display);
        let result = found.map_err(|error| Error::Formula {
            formula: formula.to_owned(),
            message: error.error_message(),
        })?;
        // the class lets the style sheet put primes where they belong
        let marked = result.mathml.replace("<mo>′</mo>", "<mo class=\"prime\">′</mo>");
        Ok(marked
            .replace("<mo>″</mo>", "<mo class=\"prime\">″</mo>")
            .replace('\n', " ")
            .split('<')
            .map(quoted)
            .collect::<Vec<_>>()
            .join("<"))
    }
}

/// What follows a `<`: the text behind the tag without characters that mean something in Markdown.
fn quoted(part: &str) -> String {
    let Some((tag, text)) = part.split_once('>') else {
        return part.to_owned();
    };
    let mut out = format!("{tag}>");
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '[' | ']' | '`' | '~' | '\\' | '$' => out += &format!("&#{};", u32::from(c)),
            other => out.push(other),
        }
    }
    out
}

/// The formula that begins here, and where its closing dollar signs end.
fn formula(text: &str) -> Result<(&str, usize), Error> {
    let signs = if text.starts_with("$$") { "$$" } else { "$" };
    let behind = &text[signs.len()..];
    let inside = behind.find(signs).map(|end| &behind[..end]);
    let inside = inside.ok_or_else(|| Error::Unclosed(behind.chars().take(40).collect()))?;
    Ok((inside, inside.len() + 2 * signs.len()))
}

/// Where code ends that begins here: behind as many backticks as it begins with.
fn code(text: &str) -> usize {
    let ticks = text.len() - text.trim_start_matches('`').len();
    let mut at = ticks;
    while let Some(next) = text[at..].find('`') {
        at += next;
        let run = text[at..].len() - text[at..].trim_start_matches('`').len();
        at += run;
        if run == ticks {
            return at;
        }
    }
    ticks
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rendered(page: &str) -> String {
        Formulas::default().rendered(page).unwrap()
    }

    #[test]
    fn formulas_are_replaced_and_all_else_is_kept() {
        let page = "a $x$ b\n\n$$\ny\n$$\n\nc";
        let found = rendered(page);
        assert!(
            found.starts_with("a <math><mi>x</mi></math> b\n\n<math display=\"block\">"),
            "{found}"
        );
        assert!(found.ends_with("</math>\n\nc"), "{found}");
        for kept in [
            "`$x$`",
            "```sh\n$ ls\n```\n",
            "``a ` $b``",
            "5 \\$ and 6 \\$",
            "no formula é",
        ] {
            assert_eq!(rendered(kept), kept);
        }
    }

    #[test]
    fn formulas_do_not_meet_markdown() {
        let found = rendered("| $|x|$ | $[a]_*$ |");
        assert_eq!(found.matches('|').count(), 3, "{found}");
        let between = found.split('<').map(|part| part.split('>').next_back().unwrap());
        assert!(
            between.skip(1).all(|text| !text.contains(['[', ']', '*', '_'])),
            "{found}"
        );
    }

    #[test]
    fn what_is_no_formula_is_an_error() {
        let formulas = Formulas::default();
        for wrong in ["a $b", "$$x$", "$\\nosuchcommand$", "$\\frac{1$"] {
            assert!(formulas.rendered(wrong).is_err(), "{wrong}");
        }
    }
}
