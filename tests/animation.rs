//! Figures in motion: files of the command, and what a browser makes of the page.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a test may panic and print

mod support;

use support::{Place, SMALL};

/// More than this is too much for a slide.
const MOST_BYTES: usize = 2_000_000;

/// A small run in `run`.
fn ran() -> Place {
    let place = Place::with_small();
    place
        .run(&[
            "run",
            "small.ron",
            "--out",
            "run",
            "--no-figures",
            "--set",
            "predictions=None",
        ])
        .exits(0);
    place
}

#[test]
fn films_are_written_and_small_and_the_same_each_time() {
    let place = ran();
    let film = |kind: &str, out: &str| place.run(&["plot", "run", "--animate", kind, "--out", out]).exits(0);
    assert_eq!(film("gif", "a").stdout, "a/coordinate_paths.gif\na/final_weights.gif\n");
    film("gif", "b");
    film("html", "a");
    film("html", "b");
    for name in ["coordinate_paths", "final_weights"] {
        for kind in ["gif", "html"] {
            let (one, other) = (
                place.read(&format!("a/{name}.{kind}")),
                place.read(&format!("b/{name}.{kind}")),
            );
            println!("{name}.{kind}: {} bytes", one.len());
            assert!(one == other, "{name}.{kind}");
            assert!(one.len() < MOST_BYTES, "{name}.{kind}: {} bytes", one.len());
        }
        assert!(place.read(&format!("a/{name}.gif")).starts_with(b"GIF89a"));
    }
    let frames = [
        "plot",
        "run",
        "--figure",
        "final_weights",
        "--animate",
        "gif",
        "--frames",
        "7",
    ];
    place.run(&frames).exits(0).prints(&["run/figures/final_weights.gif"]);
}

#[test]
fn what_cannot_move_is_refused() {
    let place = ran();
    place
        .run(&["plot", "run", "--animate", "gif", "--frames", "0"])
        .exits(2);
    place.run(&["plot", "run", "--animate", "film"]).exits(2);
    place.run(&["plot", "run", "--frames", "9"]).exits(2);
    place
        .run(&["plot", "run", "--animate", "gif", "--format", "png"])
        .exits(2);
    place
        .run(&["plot", "run", "run", "--animate", "gif"])
        .refused(3, &["one run"]);
    let still = ["plot", "run", "--figure", "loss_decay", "--animate", "html"];
    place
        .run(&still)
        .exits(3)
        .says(&["loss_decay does not move", "coordinate_paths and final_weights"]);
    // the start and the end, of which one time is positive
    let record = "record: Times([0.0]), integrate: (stop: [TimeReached(1e-3)]), predictions: None";
    place.write("short.ron", SMALL.replace("record: LogSpaced(60)", record));
    place
        .run(&["run", "short.ron", "--out", "short", "--no-figures"])
        .exits(0);
    let film = place.run(&["plot", "short", "--animate", "gif"]);
    film.refused(3, &["coordinate_paths", "fewer than two positive times", "`record`"]);
}

/// Looks at the first frame, moves the slider by hand, and plays, pauses and plays to the end.
const DRIVER: &str = r##"
addEventListener("load", () => {
  const page = document.querySelector("iframe").contentDocument, view = document.querySelector("iframe").contentWindow;
  const one = (selector) => page.querySelector(selector);
  const time = one("#time"), play = one("#play"), moving = () => one(".moving").innerHTML;
  const result = { max: time.max, requests: view.performance.getEntriesByType("resource").length,
    wide: page.scrollingElement.scrollWidth - page.scrollingElement.clientWidth,
    focusable: [time, play].every((control) => control.tabIndex >= 0), labelled: time.labels.length,
    shown: !one(".player").hidden, texts: [one("output").textContent], frames: [moving()] };
  for (const at of [1, time.max, 0]) {
    time.value = at;
    time.dispatchEvent(new view.Event("input"));
    result.frames.push(moving());
    result.texts.push(one("output").textContent);
  }
  result.frames = result.frames.map((frame) => frame.length);
  // the virtual time of a browser without a screen moves its timers, not its frames
  view.requestAnimationFrame = (step) => view.setTimeout(() => step(view.performance.now()), 16);
  view.cancelAnimationFrame = view.clearTimeout;
  play.click();
  const buttons = [play.textContent];
  setTimeout(() => {
    play.click();
    const paused = Number(time.value);
    buttons.push(play.textContent);
    setTimeout(() => {
      result.paused = [paused, Number(time.value)];
      play.click();
      const watch = setInterval(() => {
        if (play.textContent !== "▶ Play") return;
        clearInterval(watch);
        document.querySelector("#result").textContent = JSON.stringify({ ...result, buttons, end: time.value,
          whole: moving().length });
      }, 100);
    }, 500);
  }, 3000);
});
"##;

#[test]
fn a_browser_plays_the_page() {
    let place = ran();
    place
        .run(&["plot", "run", "--animate", "html", "--frames", "30"])
        .exits(0);
    for name in ["coordinate_paths", "final_weights"] {
        let page = String::from_utf8(place.read(&format!("run/figures/{name}.html"))).unwrap();
        for outside in ["src=", "href=", "@import", "url(h", "fetch(", "XMLHttpRequest"] {
            assert!(!page.contains(outside), "{name}: {outside}");
        }
        for screen in [(1280, 720), (360, 740)] {
            let Some(seen) = place.drive(&page, screen, DRIVER) else {
                println!("skipped: there is no Chromium here");
                return;
            };
            assert_eq!(
                (&seen["max"], &seen["end"], &seen["requests"]),
                (&"29".into(), &"29".into(), &0.into()),
                "{seen}"
            );
            assert!(seen["wide"].as_i64().unwrap() <= 0, "{name} is too wide: {seen}");
            for fact in ["focusable", "shown"] {
                assert_eq!(seen[fact], true, "{name}: {fact}");
            }
            assert_eq!(seen["labelled"], 1);
            let frames = seen["frames"].as_array().unwrap();
            assert!(frames[0] == frames[3] && frames[2] == seen["whole"], "{name}: {seen}");
            assert!(frames[1] != frames[2], "{name}: {seen}");
            let texts = seen["texts"].as_array().unwrap();
            assert!(
                texts[0] == texts[3] && texts[0] != texts[1] && texts[1] != texts[2],
                "{name}: {seen}"
            );
            assert_eq!(seen["buttons"], serde_json::json!(["❚❚ Pause", "▶ Play"]), "{name}");
            let paused = &seen["paused"];
            assert!(
                paused[0] == paused[1] && paused[0].as_f64().unwrap() > 3.0,
                "{name}: {seen}"
            );
        }
    }
}
