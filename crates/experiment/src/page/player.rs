//! A figure in motion as one page that needs nothing else: play, pause, and a slider over the logarithm of time.
//!
//! The picture is the first frame, as it is printed; the script replaces what changes in it. Without the script the first
//! frame stays.

use hadaflow_plot::Layers;
use serde_json::{Value, json};

use super::document;
use super::live::{embedded, number};
use super::markup::{escaped, formula};

/// The page of an animation of a figure, by name and in one sentence; `times` are those of its frames.
pub(crate) fn player(title: &str, (name, description): (&str, &str), times: &[f64], layers: &Layers) -> String {
    let frames = json!({
        "times": times.iter().map(|t| number(*t)).collect::<Vec<Value>>(),
        "moving": layers.moving,
    });
    let (title, name, description) = (escaped(title), escaped(name), escaped(description));
    let picture = layers
        .first
        .replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{description}\" "), 1);
    let content = format!(
        "<header>\n<h1>{title}</h1>\n</header>\n<figure id=\"figure-{name}\" class=\"film\">\n\
         <div class=\"paper\">{}</div>\n\
         <noscript><p>This is the first frame. The others need JavaScript.</p></noscript>\n\
         <div class=\"player\" hidden><button type=\"button\" id=\"play\">▶ Play</button>\
         <label for=\"time\">time {} (logarithmic)</label>\
         <input type=\"range\" id=\"time\" min=\"0\" max=\"{}\" step=\"1\" value=\"0\" autocomplete=\"off\">\
         <output for=\"time\"></output></div>\n\
         <script type=\"application/json\" id=\"frames\">{}</script>\n\
         <figcaption><code>{name}</code> {description}</figcaption>\n</figure>\n",
        picture.trim_end(),
        formula("𝑡"),
        times.len().saturating_sub(1),
        embedded(&frames),
    );
    document(&title, include_str!("player.css"), &content, include_str!("player.js"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_stands_without_the_script_and_every_frame_is_there_for_it() {
        let layers = Layers {
            first: "<svg width=\"85mm\"><g class=\"moving\"><path d=\"M0\"/></g></svg>\n".to_owned(),
            moving: vec!["<path d=\"M0\"/>".to_owned(), "<path d=\"M1\"/></script>".to_owned()],
        };
        let page = player("a & b", ("paths", "What <is> seen."), &[0.5, 1e-3], &layers);
        assert!(page.contains("<title>a &amp; b</title>") && page.contains("aria-label=\"What &lt;is&gt; seen.\""));
        let (before, rest) = page.split_once("id=\"frames\">").unwrap();
        assert!(before.contains("<g class=\"moving\"><path d=\"M0\"/></g>") && before.contains("max=\"1\""));
        let (data, _) = rest.split_once("</script>").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data, json!({"times": [0.5, 1e-3], "moving": layers.moving}));
    }
}
