//! The tokens of a RON text, as far as brackets, names and values go.

use std::ops::Range;

/// What a stretch of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name.
    Ident,
    /// A number, string or character.
    Scalar,
    /// `(`, `[` or `{`.
    Open(u8),
    /// `)`, `]` or `}`.
    Close(u8),
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// Anything else, one character at a time.
    Junk,
}

/// Iterates over the tokens; comments, white space and leading attributes are skipped.
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    /// Starts at the beginning of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Moves on while the characters satisfy a condition.
    fn skip_while(&mut self, condition: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !condition(c)).unwrap_or(rest.len());
    }

    /// Moves behind the next occurrence of `end`, or to the end of the text.
    fn skip_past(&mut self, end: &str) {
        let rest = self.rest();
        self.at += rest.find(end).map_or(rest.len(), |found| found + end.len());
    }

    fn skip_blank(&mut self) {
        loop {
            self.skip_while(char::is_whitespace);
            if self.rest().starts_with("//") {
                self.skip_past("\n");
            } else if self.rest().starts_with("/*") {
                self.skip_block_comment();
            } else if self.rest().starts_with("#!") {
                self.skip_past("]");
            } else {
                return;
            }
        }
    }

    /// Skips a comment in `/* */`, which may contain others.
    fn skip_block_comment(&mut self) {
        let mut depth = 0_usize;
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() {
            match bytes.get(self.at..self.at + 2) {
                Some(b"/*") => {
                    depth += 1;
                    self.at += 2;
                }
                Some(b"*/") => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    /// Skips a string that starts with a quotation mark.
    fn skip_string(&mut self) {
        let bytes = self.text.as_bytes();
        self.at += 1;
        while let Some(byte) = bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => return,
                b'\\' => self.at += 1,
                _ => {}
            }
        }
        self.at = bytes.len();
    }

    /// Skips a raw string such as `r#"…"#` or `br"…"`; false if there is none here.
    fn skip_raw_string(&mut self) -> bool {
        let rest = self.rest();
        let Some(after) = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r')) else {
            return false;
        };
        let hashes = after.bytes().take_while(|byte| *byte == b'#').count();
        if after.as_bytes().get(hashes) != Some(&b'"') {
            return false;
        }
        self.at += rest.len() - after.len() + hashes + 1;
        self.skip_past(&format!("\"{}", "#".repeat(hashes)));
        true
    }

    /// Skips a character such as `'a'` or `'\''`.
    fn skip_character(&mut self) {
        let rest = self.rest();
        let inner = rest.get(1..).unwrap_or_default();
        let skipped = if inner.starts_with('\\') { 2 } else { 1 };
        let end = inner.char_indices().nth(skipped).filter(|(_, c)| *c == '\'');
        self.at += end.map_or(1, |(offset, _)| 1 + offset + 1);
    }

    /// Skips a number, also a malformed one.
    fn skip_number(&mut self) {
        let mut previous = ' ';
        for c in self.rest().chars() {
            let exponent_sign = matches!(c, '+' | '-') && matches!(previous, ' ' | 'e' | 'E');
            if !(c.is_ascii_alphanumeric() || c == '_' || c == '.' || exponent_sign) {
                return;
            }
            self.at += 1;
            previous = c;
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = (Token, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_blank();
        let start = self.at;
        let first = self.rest().chars().next()?;
        let mut single = |token| {
            self.at += first.len_utf8();
            token
        };
        let token = match first {
            '(' | '[' | '{' => single(Token::Open(first as u8)),
            ')' | ']' | '}' => single(Token::Close(first as u8)),
            ',' => single(Token::Comma),
            ':' => single(Token::Colon),
            '"' => {
                self.skip_string();
                Token::Scalar
            }
            '\'' => {
                self.skip_character();
                Token::Scalar
            }
            'r' | 'b' if self.skip_raw_string() => Token::Scalar,
            '0'..='9' | '+' | '-' | '.' => {
                self.skip_number();
                Token::Scalar
            }
            c if c.is_alphabetic() || c == '_' => {
                self.skip_while(|c| c.is_alphanumeric() || c == '_');
                Token::Ident
            }
            _ => {
                self.at += first.len_utf8();
                Token::Junk
            }
        };
        self.at = self.at.min(self.text.len());
        Some((token, start..self.at))
    }
}
