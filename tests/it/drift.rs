//! A page whose layout changes is noticed, never silently emptied: what was published stays, `status` says
//! which of the ways it went, and what to write into the config where the list is found again.

use std::fmt::Write as _;

use chrono::TimeDelta;
use serde_json::Value;

use crate::app::{App, eventually, source};
use crate::origin::{Origin, Reply};

const STORIES: [(&str, &str, &str); 9] = [
    ("/n/9", "2026-11-15", "Ferry licence granted to the new operator"),
    ("/n/8", "2026-11-14", "Towpath closed between weir and boathouse"),
    ("/n/7", "2026-11-12", "Hearing on the flood wall in the town hall"),
    ("/n/6", "2026-11-11", "Market moves to the east bank for a month"),
    ("/n/5", "2026-11-10", "New opening hours of the harbour office"),
    ("/n/4", "2026-11-09", "Lock keeper retires after forty years"),
    ("/n/3", "2026-11-08", "Library van stops at the quay on Fridays"),
    ("/n/2", "2026-11-07", "Road to the shipyard will be resurfaced"),
    ("/n/1", "2026-11-06", "Volunteers wanted for the river clean-up"),
];

fn page(list: &str) -> Reply {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><title>Council</title></head><body><ul class=\"menu\"><li>\
         <a href=\"/\">Home</a></li><li><a href=\"/council\">Council</a></li><li><a href=\"/contact\">Contact</a>\
         </li></ul>{list}</body></html>"
    );
    Reply::ok("text/html; charset=utf-8", html)
}

fn notices(stories: &[(&str, &str, &str)]) -> String {
    let mut list = "<ul class=\"notices\">".to_owned();
    for (link, date, title) in stories {
        write!(list, "<li><time>{date}</time> <h3><a href=\"{link}\">{title}</a></h3></li>").unwrap();
    }
    list + "</ul>"
}

/// The same stories after the site was made anew.
fn cards(stories: &[(&str, &str, &str)]) -> String {
    let mut list = "<section class=\"news\">".to_owned();
    for (link, date, title) in stories {
        write!(
            list,
            "<div class=\"card\"><h2>{title}</h2><span class=\"when\">{date}</span> <a href=\"{link}\">Read more</a></div>"
        )
        .unwrap();
    }
    list + "</section>"
}

/// Another list altogether.
fn others() -> Vec<(&'static str, &'static str, &'static str)> {
    vec![
        ("/shop/1", "2025-01-03", "Print of the old bridge, framed in oak"),
        ("/shop/2", "2025-01-02", "Tea towel with the map of the harbour"),
        ("/shop/3", "2025-01-01", "Calendar of the rowing club, signed"),
    ]
}

struct Site {
    origin: Origin,
    app: App,
}

impl Site {
    fn new(selectors: &str) -> Self {
        let origin = Origin::start();
        origin.on("/one", page(&notices(&STORIES)));
        let app = App::new(&source("one", &origin, selectors));
        Self { origin, app }
    }

    /// The page becomes this and is polled.
    fn becomes(&self, list: &str) -> Value {
        self.origin.on("/one", page(list));
        self.app.poll_again("one")
    }
}

fn words(status: &Value, key: &str) -> String {
    status[key].as_str().unwrap_or_else(|| panic!("no {key}: {status}")).to_owned()
}

fn warnings(status: &Value) -> String {
    status["warnings"].to_string()
}

const SELECTORS: &str = "[source.page]\nitem = \"ul.notices > li\"\ntitle = \"h3\"\n";

#[test]
fn selectors_that_match_no_more_are_named_and_new_ones_proposed() {
    let site = Site::new(SELECTORS);
    let daemon = site.app.serve();
    site.app.polled(&["one"]);
    assert_eq!(daemon.titles("all").len(), STORIES.len());
    let status = site.becomes(&cards(&STORIES));
    assert_eq!(status["state"], "drifted");
    let error = words(&status, "last_error");
    assert!(error.contains("`ul.notices > li` matches nothing"), "{error}");
    assert!(error.contains("9 of its 9 entries are known"), "{error}");
    assert_eq!(daemon.titles("all").len(), STORIES.len(), "what was published stays");
    // What is proposed is what helps.
    let (_, proposed) = error.split_once("write in its [[source]]: ").unwrap();
    site.app.configure(&source("one", &site.origin, proposed));
    site.app.ok(&["check"]);
    daemon.signal("-HUP");
    eventually("the end of the reload", || daemon.log().contains("the new config is in force").then_some(()));
    site.app.advance(TimeDelta::hours(2));
    let status = site.app.until("one", |status| status["state"] != "drifted");
    assert_eq!(status["last_error"], Value::Null);
    assert_eq!(daemon.titles("all").len(), STORIES.len(), "nothing came twice");
}

#[test]
fn an_empty_list_is_no_error() {
    let site = Site::new(SELECTORS);
    let daemon = site.app.serve();
    site.app.polled(&["one"]);
    let status = site.becomes("<ul class=\"notices\"></ul>");
    assert_eq!(status["state"], "ok");
    assert!(warnings(&status).contains("the list is empty"), "{status}");
    assert_eq!(daemon.titles("all").len(), STORIES.len());
}

#[test]
fn far_fewer_items_than_ever_are_said() {
    let site = Site::new(SELECTORS);
    let daemon = site.app.serve();
    site.app.polled(&["one"]);
    let status = site.becomes(&notices(&STORIES[..1]));
    assert_eq!(status["state"], "ok");
    assert!(warnings(&status).contains("1 items, where there have been 9"), "{status}");
    assert_eq!(daemon.titles("all").len(), STORIES.len());
}

#[test]
fn a_page_without_selectors_is_followed_through_a_new_layout() {
    let site = Site::new("");
    let daemon = site.app.serve();
    site.app.polled(&["one"]);
    let status = site.becomes(&cards(&STORIES));
    assert_eq!(status["state"], "ok", "{status}");
    assert_eq!(daemon.titles("all").len(), STORIES.len(), "nothing came twice");
}

#[test]
fn another_list_is_not_taken_for_this_one() {
    let site = Site::new("");
    let daemon = site.app.serve();
    site.app.polled(&["one"]);
    let status = site.becomes(&cards(&others()));
    assert_eq!(status["state"], "drifted");
    let error = words(&status, "last_error");
    assert!(error.contains("none of which is known"), "{error}");
    assert!(error.contains("page = { item = \"div.card\""), "{error}");
    assert!(!daemon.titles("all").iter().any(|title| title.contains("Tea towel")));
    assert_eq!(daemon.titles("all").len(), STORIES.len());
    // A list that is all new, where it always was, is taken.
    let news = [("/n/12", "2026-11-16", "Swans counted on the upper river today")];
    let news: Vec<_> = news
        .iter()
        .copied()
        .chain([("/n/11", "2026-11-16", "Fountain runs again on the market square")])
        .collect();
    let status = site.becomes(&notices(&news));
    assert_eq!(status["state"], "ok", "{status}");
    assert_eq!(daemon.titles("all").len(), STORIES.len() + 2);
}

#[test]
fn a_page_that_has_no_list_any_more_is_said_to_have_changed() {
    let site = Site::new("");
    let daemon = site.app.serve();
    site.app.polled(&["one"]);
    let status = site.becomes("<p>We are moving. Please come back next week.</p>");
    assert_eq!(status["state"], "drifted", "{status}");
    assert!(words(&status, "last_error").contains("layout has changed"), "{status}");
    assert_eq!(daemon.titles("all").len(), STORIES.len());
}
