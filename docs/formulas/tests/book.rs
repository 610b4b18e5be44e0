//! The book: its formulas and its list of works, and, where mdBook is there, its pages.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // a test may panic and print

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use hadaflow_formulas::{Formulas, keys, references};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files below a directory whose names end so.
fn files(directory: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, end));
        } else if path.to_str().unwrap().ends_with(end) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn bibliography() -> String {
    read(&docs().join("references.bib"))
}

#[test]
fn every_formula_is_rendered() {
    let mut count = 0;
    for page in files(&docs().join("src"), ".md") {
        let rendered = Formulas::default().rendered(&read(&page));
        let rendered = rendered.unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        count += rendered.matches("<math").count();
    }
    assert!(count > 1000, "{count} formulas");
}

/// The page made from `references.bib`; `UPDATE_BOOK=1 cargo test` writes it.
#[test]
fn the_works_in_the_book_are_those_of_the_bibliography() {
    let (bib, path) = (bibliography(), docs().join("src/references.md"));
    assert_eq!(
        keys(&bib).len(),
        bib.lines().filter(|line| line.starts_with('@')).count()
    );
    let page = format!(
        "# References\n\nMade from `docs/references.bib`. `eprint` numbers are those of arXiv.\n\n{}",
        references(&bib)
    );
    if std::env::var_os("UPDATE_BOOK").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(
        read(&path) == page,
        "docs/src/references.md is out of date: UPDATE_BOOK=1 cargo test --test book"
    );
}

/// Every `[key]` of a page is a work, and every work is cited.
#[test]
fn citations_and_works_agree() {
    let bib = bibliography();
    let works: BTreeSet<&str> = keys(&bib).into_iter().collect();
    let pages: Vec<String> = files(&docs().join("src"), ".md")
        .iter()
        .filter(|path| !path.ends_with("references.md"))
        .map(|path| read(path))
        .collect();
    let year = |key: &str| key.chars().filter(char::is_ascii_digit).count() == 4;
    let cited: BTreeSet<&str> = pages
        .iter()
        .flat_map(|page| page.split('[').skip(1).filter_map(|part| part.split_once(']')))
        .map(|(key, _)| key)
        .filter(|key| year(key) && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()) && key.len() > 6)
        .collect();
    assert_eq!(cited, works);
}

/// mdBook: the one that `.ci/run` installs, or the one of the system.
fn mdbook() -> Option<PathBuf> {
    let own = docs().join("../target/book-tools/bin/mdbook");
    let program = if own.exists() { own } else { "mdbook".into() };
    let works = Command::new(&program)
        .arg("--version")
        .output()
        .is_ok_and(|done| done.status.success());
    works.then_some(program)
}

/// The values of an attribute in a page.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let begin = format!(" {name}=\"");
    page.split(begin.as_str())
        .skip(1)
        .map(|part| part.split('"').next().unwrap())
        .collect()
}

/// A page without its scripts, its code and its tags: what is read.
fn words(page: &str) -> String {
    let mut text = page.to_owned();
    for tag in ["script", "style", "code", "head"] {
        let mut kept = String::new();
        for (k, part) in text.split(&format!("<{tag}")).enumerate() {
            kept += if k == 0 {
                part
            } else {
                part.split_once(&format!("</{tag}>")).map_or("", |(_, rest)| rest)
            };
        }
        text = kept;
    }
    text.split('<')
        .map(|part| part.split_once('>').map_or(part, |(_, words)| words))
        .collect()
}

/// Builds the book; its directory, none without mdBook.
fn built() -> Option<tempfile::TempDir> {
    let Some(mdbook) = mdbook() else {
        println!("skipped: mdBook is not installed (cargo install --locked mdbook)");
        return None;
    };
    let place = tempfile::tempdir().unwrap();
    let done = Command::new(mdbook)
        .args([
            "build".as_ref(),
            docs().as_os_str(),
            "--dest-dir".as_ref(),
            place.path().as_os_str(),
        ])
        .env(
            "MDBOOK_PREPROCESSOR__FORMULAS__COMMAND",
            env!("CARGO_BIN_EXE_hadaflow-formulas"),
        )
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    for complaint in ["WARN", "ERROR", "warning", "error"] {
        assert!(!said.contains(complaint), "{said}");
    }
    Some(place)
}

#[test]
fn the_pages_are_whole_and_ask_nobody_for_anything() {
    let Some(place) = built() else { return };
    let pages: BTreeMap<PathBuf, String> = files(place.path(), ".html")
        .into_iter()
        .map(|path| (path.canonicalize().unwrap(), read(&path)))
        .collect();
    assert!(pages.len() > 17, "{}", pages.len());
    let mut links = 0;
    for (path, page) in &pages {
        let name = path.file_name().unwrap().to_str().unwrap();
        let head = page.split("</head>").next().unwrap();
        for target in [attributes(page, "src"), attributes(head, "href")].concat() {
            assert!(!target.contains("//"), "{name} asks for {target}");
        }
        assert!(
            !page.contains("class=\"playground\""),
            "{name} would ask a server to run its code"
        );
        if ["toc.html", "404.html", "print.html"].contains(&name) {
            continue; // the frame of the table of contents, and pages that repeat the others with other addresses
        }
        for target in [attributes(page, "src"), attributes(page, "href")].concat() {
            if target.contains("://") || target.starts_with("data:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = file.split('?').next().unwrap();
            let to = if file.is_empty() {
                path.clone()
            } else {
                path.parent().unwrap().join(file)
            };
            let to = to
                .canonicalize()
                .unwrap_or_else(|_| panic!("{name}: {target} leads nowhere"));
            if let Some(other) = pages.get(&to).filter(|_| !anchor.is_empty()) {
                assert!(
                    other.contains(&format!("id=\"{anchor}\"")),
                    "{name}: {target} has no such place"
                );
            }
            links += 1;
        }
        let words = words(page);
        for raw in ["$", "\\frac", "\\mathbb", "](", "**", " | "] {
            assert!(
                !words.contains(raw),
                "{name} shows {raw}: …{}",
                words.split_once(raw).unwrap().1.chars().take(80).collect::<String>()
            );
        }
    }
    assert!(links > 400, "{links}");
    for style in files(place.path(), ".css") {
        let text = read(&style);
        for outside in ["@import", "url(http", "url(\"http", "url('http", "url(//"] {
            assert!(!text.contains(outside), "{}: {outside}", style.display());
        }
    }
    for page in files(&docs().join("src"), ".md") {
        let typed = Formulas::default()
            .rendered(&read(&page))
            .unwrap()
            .matches("<math")
            .count();
        let html = place.path().join(page.file_name().unwrap()).with_extension("html");
        if html.exists() {
            assert_eq!(read(&html).matches("<math").count(), typed, "{}", html.display());
        } else {
            assert!(
                page.ends_with("SUMMARY.md"),
                "{} is in the table of contents",
                page.display()
            );
        }
    }
}

/// The pages in Chromium, where it is installed, on a machine without a network: nothing is complained of.
#[test]
fn a_browser_opens_the_pages_without_complaint() {
    let Some(place) = built() else { return };
    for name in ["mathematics", "extending", "gallery"] {
        let address = format!("file://{}", place.path().join(name).with_extension("html").display());
        let profile = format!("--user-data-dir={}", place.path().join("profile").display());
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            &profile,
            "--dump-dom",
            &address,
        ];
        let run = |browser: &&str| Command::new(browser).args(arguments).output().ok();
        let Some(done) = ["chromium", "chromium-browser", "google-chrome"].iter().find_map(run) else {
            println!("skipped: there is no Chromium here");
            return;
        };
        let log = String::from_utf8_lossy(&done.stderr);
        let complaints = log.lines().filter(|line| line.contains("CONSOLE"));
        // the highlighter says of RON that it does not know it
        let complaints: Vec<&str> = complaints.filter(|line| !line.contains("highlight")).collect();
        assert!(complaints.is_empty(), "{name}: {complaints:?}");
    }
}
