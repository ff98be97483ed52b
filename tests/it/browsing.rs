//! What people see who open riverine in a browser: that it is whole, true, and leads on.

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::{App, rss, source};
use crate::origin::{Origin, Reply};

/// An entry for each of these moments, the newest first: "One 0" and so on.
fn entries(moments: impl IntoIterator<Item = DateTime<Utc>>) -> Reply {
    let items: Vec<_> = moments
        .into_iter()
        .zip(0..)
        .map(|(at, n)| {
            (format!("g{n}"), format!("One {n}"), at.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
        })
        .collect();
    let items: Vec<_> = items.iter().map(|(g, t, d)| (g.as_str(), t.as_str(), d.as_str(), "Text.")).collect();
    Reply::ok("application/rss+xml", rss("One", &items))
}

fn at(moment: &str) -> DateTime<Utc> {
    moment.parse().unwrap()
}

#[test]
fn the_chart_of_a_source_counts_all_that_is_stored() {
    let origin = Origin::start();
    // Seven a day for fifty days, the newest at 11:00; and one that has to wait until the evening of the last day.
    let past = (0..350).map(|n| at("2026-11-16T11:00:00Z") - TimeDelta::days(n / 7) - TimeDelta::hours(n % 7));
    origin.on("/one", entries([at("2026-11-16T18:00:00Z")].into_iter().chain(past)));
    let app = App::new(&source("one", &origin, "future = \"hold\""));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let bars = || {
        let page = daemon.get("/sources/one");
        let bar = regex::Regex::new("<rect[^>]*><title>([^<]*)</title>").unwrap();
        bar.captures_iter(page.text()).map(|found| found[1].to_owned()).collect::<Vec<_>>()
    };
    let before = bars();
    assert_eq!(before.len(), 30);
    assert_eq!((before[0].as_str(), before[29].as_str()), ("18 October 2026: 7", "16 November 2026: 7"));
    assert!(before.iter().all(|bar| bar.ends_with(": 7")), "{before:?}");
    app.set_clock("2026-11-16T18:00:01Z");
    assert_eq!(bars()[29], "16 November 2026: 8");
}
