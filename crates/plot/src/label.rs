//! Typesetting of labels: scripts and mathematical italics from plain Unicode text.
//!
//! | in the text | drawn as |
//! |---|---|
//! | `10⁻³`, `x₁`, `uᴸ` | small raised or lowered `−3`, `1`, `L` |
//! | `D_{F}`, `u^{L}` | the braced part lowered or raised |
//! | `𝑡` (mathematical italic letters) | oblique `t` |
//! | control characters, line breaks | a space |

use crate::font;

/// Size of a script relative to its line.
pub(crate) const SCRIPT: f64 = 0.9;
/// Baseline shifts of scripts in units of the type size.
const RAISED: f64 = 0.32;
const LOWERED: f64 = -0.17;

/// A piece of text with one face and one baseline.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub text: String,
    pub oblique: bool,
    pub script: Script,
}

impl Run {
    /// Type size relative to the line.
    pub fn scale(&self) -> f64 {
        if self.script == Script::None { 1.0 } else { SCRIPT }
    }

    /// Height of the baseline above that of the line, in units of the type size of the line.
    pub fn rise(&self) -> f64 {
        match self.script {
            Script::None => 0.0,
            Script::Super => RAISED,
            Script::Sub => LOWERED,
        }
    }

    /// Width in units of the type size of the line.
    pub fn width(&self) -> f64 {
        font::advance(&self.text, self.oblique) * self.scale()
    }
}

/// Vertical position of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    None,
    Super,
    Sub,
}

/// One typeset line.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Label {
    pub runs: Vec<Run>,
}

impl Label {
    /// Reads a line of text.
    pub fn parse(text: &str) -> Self {
        let mut label = Self::default();
        let mut braced = Script::None;
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            match (c, characters.peek()) {
                ('_', Some('{')) | ('^', Some('{')) if braced == Script::None => {
                    characters.next();
                    braced = if c == '_' { Script::Sub } else { Script::Super };
                }
                ('}', _) if braced != Script::None => braced = Script::None,
                _ => label.push(c, braced),
            }
        }
        label
    }

    /// Width in units of the type size.
    pub fn width(&self) -> f64 {
        self.runs.iter().map(Run::width).sum()
    }

    fn push(&mut self, c: char, braced: Script) {
        let (c, script) = lower_script(c).map_or((c, braced), |(plain, script)| (plain, script));
        let (c, oblique) = lower_italic(c).map_or((c, false), |plain| (plain, true));
        let c = if c.is_control() || c.is_whitespace() { ' ' } else { c };
        match self.runs.last_mut() {
            Some(run) if run.oblique == oblique && run.script == script => run.text.push(c),
            _ => self.runs.push(Run {
                text: c.to_string(),
                oblique,
                script,
            }),
        }
    }
}

/// A superscript or subscript character as the plain one it stands for.
fn lower_script(c: char) -> Option<(char, Script)> {
    const SUPER: (&str, &str) = ("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᴸᵀ", "0123456789+−=()niLT");
    const SUB: (&str, &str) = ("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ᵢⱼₖₗₘₙₚₛₜ", "0123456789+−=()ijklmnpst");
    let find = |(scripts, plain): (&str, &str)| {
        let index = scripts.chars().position(|s| s == c)?;
        plain.chars().nth(index)
    };
    find(SUPER)
        .map(|p| (p, Script::Super))
        .or_else(|| find(SUB).map(|p| (p, Script::Sub)))
}

/// A mathematical italic letter as the plain one it stands for.
pub(crate) fn lower_italic(c: char) -> Option<char> {
    let code = u32::from(c);
    match code {
        0x210E => Some('h'),
        0x1D434..=0x1D44D => char::from_u32(code - 0x1D434 + u32::from('A')),
        0x1D44E..=0x1D467 => char::from_u32(code - 0x1D44E + u32::from('a')),
        _ => None,
    }
}

/// Breaks a text at spaces into at most `lines` lines no wider than `width` (in units of the type size); what does not
/// fit ends in an ellipsis.
pub(crate) fn wrap(text: &str, width: f64, lines: usize) -> Vec<Label> {
    let mut done: Vec<Label> = Vec::new();
    let mut words = words(text).into_iter().peekable();
    while done.len() < lines && words.peek().is_some() {
        let mut line = String::new();
        while let Some(word) = words.peek() {
            let longer = if line.is_empty() {
                word.clone()
            } else {
                format!("{line} {word}")
            };
            if !line.is_empty() && Label::parse(&longer).width() > width {
                break;
            }
            line = longer;
            words.next();
        }
        let cut = done.len() + 1 == lines && words.peek().is_some();
        done.push(ellipsize(&line, width, cut));
    }
    done
}

/// The words of a text; a space inside braces does not end a word.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if (c.is_whitespace() || c.is_control()) && depth == 0 {
            words.push(String::new());
        } else if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Shortens a line until it fits; `cut` says that something after it was already left out.
fn ellipsize(line: &str, width: f64, cut: bool) -> Label {
    let whole = Label::parse(line);
    if !cut && whole.width() <= width {
        return whole;
    }
    let mut characters: Vec<char> = line.chars().collect();
    loop {
        let shorter = Label::parse(&format!("{}…", characters.iter().collect::<String>().trim_end()));
        if shorter.width() <= width || characters.pop().is_none() {
            return shorter;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(label: &Label) -> String {
        label.runs.iter().map(|run| run.text.as_str()).collect()
    }

    #[test]
    fn scripts_and_italics_become_runs() {
        let label = Label::parse("𝐷_{𝐹}(𝑡) = 10⁻¹²");
        let runs: Vec<(&str, bool, Script)> = label
            .runs
            .iter()
            .map(|r| (r.text.as_str(), r.oblique, r.script))
            .collect();
        assert_eq!(
            runs,
            [
                ("D", true, Script::None),
                ("F", true, Script::Sub),
                ("(", false, Script::None),
                ("t", true, Script::None),
                (") = 10", false, Script::None),
                ("−12", false, Script::Super),
            ]
        );
    }

    #[test]
    fn underscores_without_braces_and_control_characters_are_harmless() {
        assert_eq!(text(&Label::parse("basis_pursuit\u{7}\n2^3")), "basis_pursuit  2^3");
        assert_eq!(Label::parse("_{x").runs.len(), 1);
        assert!(Label::parse("").runs.is_empty());
    }

    #[test]
    fn wrapped_lines_fit_and_say_when_they_were_cut() {
        let long = "two layers recover a sparse vector from few measurements ".repeat(4);
        let lines = wrap(&long, 20.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.width() <= 20.0));
        assert!(text(&lines[1]).ends_with('…'));
        assert!(!text(&lines[0]).ends_with('…'));
        assert!(wrap("Donaudampfschifffahrtsgesellschaft", 5.0, 1)[0].width() <= 5.0);
        assert_eq!(text(&wrap("short", 20.0, 2)[0]), "short");
        assert!(wrap("  ", 20.0, 2).is_empty());
    }
}
