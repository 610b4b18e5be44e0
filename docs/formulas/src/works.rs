//! The works that the book cites, from `references.bib`.

/// A work: its key and its fields by name, in the order of the file.
struct Work<'a> {
    key: &'a str,
    fields: Vec<(&'a str, String)>,
}

impl Work<'_> {
    fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(n, _)| *n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// One line: authors, title, where, when, and where to find it.
    fn line(&self) -> String {
        let authors = self.field("author").unwrap_or_default().replace(" and ", "; ");
        let mut line = format!("{authors}: *{}*.", self.field("title").unwrap_or_default());
        let places = ["journal", "booktitle", "publisher", "volume", "number", "pages", "year"];
        let places: Vec<&str> = places.iter().filter_map(|name| self.field(name)).collect();
        if !places.is_empty() {
            line += &format!(" {}.", places.join(", "));
        }
        if let Some(eprint) = self.field("eprint") {
            line += &format!(" [arXiv {eprint}](https://arxiv.org/abs/{eprint}).");
        }
        if let Some(note) = self.field("note") {
            line += &format!(" {note}.");
        }
        line
    }
}

/// The works of a file whose fields stand on lines of their own, as `name = {value},`.
fn works(bib: &str) -> Vec<Work<'_>> {
    let entries = bib.split("\n@").skip(1);
    let work = |entry| {
        let (head, body): (&str, &str) = str::split_once(entry, ",\n")?;
        let fields = body.lines().filter_map(|line| {
            let (name, value) = line.split_once('=')?;
            let value = value
                .trim()
                .trim_end_matches(',')
                .strip_prefix('{')?
                .strip_suffix('}')?;
            Some((
                name.trim(),
                value.replace(['{', '}'], "").replace("``", "“").replace("''", "”"),
            ))
        });
        Some(Work {
            key: head.split_once('{')?.1,
            fields: fields.collect(),
        })
    };
    entries.filter_map(work).collect()
}

/// The keys of all works.
#[must_use]
pub fn keys(bib: &str) -> Vec<&str> {
    works(bib).iter().map(|work| work.key).collect()
}

/// The list of all works in Markdown, one heading for each key.
#[must_use]
pub fn references(bib: &str) -> String {
    let work = |work: &Work| format!("## {}\n\n{}\n", work.key, work.line());
    works(bib).iter().map(work).collect::<Vec<_>>().join("\n")
}
