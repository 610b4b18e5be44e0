//! The outline of a RON text: which field stands where.
//!
//! serde gives typed values but forgets their places; the outline keeps the places, for error messages and overrides.
//! It never fails: of a broken text it knows what comes before the break. It doesn't recurse, and it stops recording
//! after [`MAX_NODES`] values, because a long list of numbers needs no places.

use std::ops::Range;

mod lexer;

pub(crate) use lexer::{Lexer, Token};

/// Most values whose places are kept.
const MAX_NODES: usize = 100_000;
/// Deepest nesting that is followed; RON itself gives up earlier.
const MAX_DEPTH: usize = 256;

/// How a value is reached from the one around it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    /// The document itself.
    Root,
    /// A named field; where its name stands.
    Field(Range<usize>),
    /// An entry of a list or of a tuple.
    Entry(usize),
}

/// One value of the document.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    parent: Option<usize>,
    key: Key,
    /// The whole value.
    pub(crate) span: Range<usize>,
    /// What stands between its brackets, and which bracket opens it.
    pub(crate) body: Option<(u8, Range<usize>)>,
}

/// Every value of a document, in the order of the text; parents come before children.
pub(crate) struct Outline<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

/// A value whose closing bracket has not been met yet.
struct Open {
    node: Option<usize>,
    field: Option<Range<usize>>,
    entries: usize,
}

impl<'a> Outline<'a> {
    /// Scans a text.
    pub(crate) fn new(text: &'a str) -> Self {
        let mut outline = Self {
            text,
            nodes: Vec::new(),
        };
        outline.scan();
        outline
    }

    fn scan(&mut self) {
        let mut open: Vec<Open> = Vec::new();
        let mut name: Option<Range<usize>> = None;
        for (token, range) in Lexer::new(self.text) {
            if open.len() > MAX_DEPTH {
                return;
            }
            if let Some(head) = name.take() {
                let used = self.settle_name(&mut open, head, token, &range);
                if used {
                    continue;
                }
            }
            match token {
                Token::Ident => name = Some(range),
                Token::Scalar => {
                    self.add(&mut open, range, None);
                }
                Token::Open(bracket) => self.enter(&mut open, range.start, range, bracket),
                Token::Close(_) => self.leave(&mut open, range),
                Token::Comma => {
                    if let Some(around) = open.last_mut() {
                        around.field = None;
                    }
                }
                Token::Colon | Token::Junk => {}
            }
        }
        if let Some(head) = name {
            self.add(&mut open, head, None);
        }
    }

    /// Decides by the next token whether a name is a field, the head of a group or a value; true if that uses the token.
    fn settle_name(&mut self, open: &mut Vec<Open>, name: Range<usize>, next: Token, at: &Range<usize>) -> bool {
        match next {
            Token::Colon => {
                if let Some(around) = open.last_mut() {
                    around.field = Some(name);
                }
            }
            Token::Open(b'(') => self.enter(open, name.start, at.clone(), b'('),
            _ => {
                self.add(open, name, None);
                return false;
            }
        }
        true
    }

    /// Records a value; `None` if there are too many, or if it stands after the end of the document.
    fn add(&mut self, open: &mut [Open], span: Range<usize>, body: Option<(u8, Range<usize>)>) -> Option<usize> {
        let (parent, key) = match open.last_mut() {
            None => (None, Key::Root),
            Some(around) => {
                let key = match around.field.take() {
                    Some(field) => Key::Field(field),
                    None => Key::Entry(around.entries),
                };
                around.entries += 1;
                (Some(around.node?), key)
            }
        };
        if self.nodes.len() >= MAX_NODES || (parent.is_none() && !self.nodes.is_empty()) {
            return None;
        }
        self.nodes.push(Node {
            parent,
            key,
            span,
            body,
        });
        Some(self.nodes.len() - 1)
    }

    fn enter(&mut self, open: &mut Vec<Open>, start: usize, bracket_at: Range<usize>, bracket: u8) {
        let end = self.text.len();
        let node = self.add(open, start..end, Some((bracket, bracket_at.end..end)));
        open.push(Open {
            node,
            field: None,
            entries: 0,
        });
    }

    fn leave(&mut self, open: &mut Vec<Open>, range: Range<usize>) {
        let Some(closed) = open.pop() else { return };
        let Some(node) = closed.node.and_then(|index| self.nodes.get_mut(index)) else {
            return;
        };
        node.span.end = range.end;
        if let Some((_, body)) = &mut node.body {
            body.end = range.start;
        }
    }

    /// The text of a span.
    pub(crate) fn slice(&self, span: &Range<usize>) -> &'a str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// The node with this index.
    pub(crate) fn node(&self, index: usize) -> Option<&Node> {
        self.nodes.get(index)
    }

    /// The innermost value that contains the byte, its field name included.
    pub(crate) fn at(&self, offset: usize) -> Option<usize> {
        let inside = |node: &Node| {
            let start = match &node.key {
                Key::Field(name) => name.start,
                _ => node.span.start,
            };
            start <= offset && offset < node.span.end
        };
        let innermost = self.nodes.iter().rposition(inside)?;
        let just_before = self
            .nodes
            .iter()
            .rposition(|node| node.span.end == offset && node.body.is_none());
        Some(just_before.map_or(innermost, |before| before.max(innermost)))
    }

    /// The innermost value in brackets that contains the byte.
    pub(crate) fn brackets_at(&self, offset: usize) -> Option<usize> {
        let inside = |node: &Node| node.body.is_some() && node.span.start <= offset && offset < node.span.end;
        self.nodes.iter().rposition(inside)
    }

    /// The first byte at or after this one that is neither blank nor in a comment.
    pub(crate) fn skip_blank(&self, offset: usize) -> usize {
        let rest = self.text.get(offset..).unwrap_or_default();
        Lexer::new(rest)
            .next()
            .map_or(offset, |(_, range)| offset + range.start)
    }

    /// The path of a value as users write it, such as `integrate.stop[1]`; empty for the document itself.
    ///
    /// The position inside a choice such as `Identical(1e-4)` is left out.
    pub(crate) fn path(&self, index: usize) -> String {
        let mut parts = Vec::new();
        let mut next = self.nodes.get(index);
        while let Some(node) = next {
            let parent = node.parent.and_then(|parent| self.nodes.get(parent));
            match (&node.key, parent.and_then(|parent| parent.body.as_ref())) {
                (Key::Field(name), _) => parts.push(format!(".{}", self.slice(name))),
                (Key::Entry(entry), Some((b'[', _))) => parts.push(format!("[{entry}]")),
                _ => {}
            }
            next = parent;
        }
        parts.reverse();
        parts.concat().trim_start_matches('.').to_owned()
    }

    /// The fields of a value.
    pub(crate) fn fields(&self, parent: usize) -> Vec<&'a str> {
        let name = |node: &Node| match &node.key {
            Key::Field(name) if node.parent == Some(parent) => Some(self.slice(name)),
            _ => None,
        };
        self.nodes.iter().filter_map(name).collect()
    }

    /// The value at one step from another: a field, or an entry written `3` or `[3]`.
    pub(crate) fn child(&self, parent: usize, step: &str) -> Option<usize> {
        let entry = step.trim_start_matches('[').trim_end_matches(']').parse::<usize>().ok();
        let found = self.nodes.iter().position(|node| {
            node.parent == Some(parent)
                && match &node.key {
                    Key::Field(name) => self.slice(name) == step,
                    Key::Entry(index) => entry == Some(*index),
                    Key::Root => false,
                }
        });
        if !step.starts_with('[') {
            return found;
        }
        match self.nodes.get(parent)?.body.as_ref()?.0 {
            b'(' => self.child(self.child(parent, "0")?, step),
            _ => found,
        }
    }

    /// The value at a path, as [`Outline::path`] writes it.
    pub(crate) fn find(&self, path: &str) -> Option<usize> {
        let spaced = path.replace('[', ".[");
        let mut node = 0;
        for step in spaced.split('.').filter(|step| !step.is_empty()) {
            node = self.child(node, step)?;
        }
        (node < self.nodes.len()).then_some(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"// a (comment: 1)
Scenario(title: "not (a: \" b) é", record: Times([0.0, 1.5, 2e-3]), model: (depth: 3, initialization: Identical(1e-4),), /* x */)"#;

    #[test]
    fn finds_values_and_names_them_again() {
        let outline = Outline::new(TEXT);
        for (path, value) in [
            ("model.depth", "3"),
            ("model.initialization", "Identical(1e-4)"),
            ("record[2]", "2e-3"),
            ("title", r#""not (a: \" b) é""#),
        ] {
            let index = outline.find(path).unwrap();
            assert_eq!(outline.slice(&outline.node(index).unwrap().span), value);
            assert_eq!(outline.path(index), path);
        }
        assert_eq!(outline.find("model.width"), None);
        assert_eq!(outline.find("record[3]"), None);
        assert_eq!(
            outline.fields(outline.find("model").unwrap()),
            ["depth", "initialization"]
        );
    }

    #[test]
    fn a_byte_belongs_to_the_innermost_value() {
        let outline = Outline::new(TEXT);
        let path_at = |needle: &str| outline.path(outline.at(TEXT.find(needle).unwrap()).unwrap());
        assert_eq!(path_at("1e-4"), "model.initialization");
        assert_eq!(path_at("epth"), "model.depth");
        assert_eq!(path_at("2e-3"), "record[2]");
    }

    #[test]
    fn garbage_does_not_break_it() {
        for text in [
            "",
            "((((",
            "))))",
            "a:b:c",
            "\"open",
            "r#\"open",
            "/* open",
            "'",
            "é: (",
            "#![enable(x)] (a: 1)",
        ] {
            let outline = Outline::new(text);
            for offset in 0..text.len() + 2 {
                let _ = outline.at(offset).map(|index| outline.path(index));
            }
        }
        let outline = Outline::new("#![enable(implicit_some)] (a: 1)");
        assert!(outline.find("a").is_some());
        assert!(Outline::new(&"(".repeat(300_000)).nodes.len() <= MAX_NODES);
    }
}
