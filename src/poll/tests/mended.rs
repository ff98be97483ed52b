//! A source that fails, and what the config may change about that.

use std::sync::Arc;
use std::time::Duration;

use super::bed::{Bed, Reply, feed, gone, status, throttled};
use super::one;
use crate::clock::Clock as _;
use crate::model::{Auth, Kind, PageSelectors, Secret, Source, Standing};

/// A source whose origin gave the same answer five times, as it was when it was due.
async fn failing(reply: fn() -> Reply) -> (Bed, Arc<Source>) {
    let (bed, source) = one().await;
    for _ in 0..5 {
        bed.polled(&source, reply).await;
        bed.clock.sleep(bed.options.min_interval.0).await;
    }
    (bed, source)
}

/// In how many minutes it is due.
async fn due(bed: &Bed, source: &Source) -> i64 {
    let due = bed.poller().due(source, &bed.state("s").await, bed.now()).unwrap();
    (due - bed.now()).num_minutes()
}

#[tokio::test(start_paused = true)]
async fn what_may_be_why_it_fails_makes_it_due_when_it_changes() {
    let (mut bed, source) = failing(|| status(403)).await;
    assert_eq!(due(&bed, &source).await, 355, "backing off");
    let proxy = Some("http://proxy.example:3128".parse().unwrap());
    let page = PageSelectors { item: Some("li".to_owned()), ..source.page.clone() };
    let changed = [
        Source { proxy, ..(*source).clone() },
        Source { page, ..(*source).clone() },
        Source { kind: Kind::Page, ..(*source).clone() },
        Source { max_body: 1 << 30, ..(*source).clone() },
        Source { timeout: Duration::from_mins(2), ..(*source).clone() },
    ];
    for changed in &changed {
        assert_eq!(due(&bed, changed).await, 0, "{changed:?}");
    }
    // What has nothing to do with it.
    let other = Source { name: Some("Other".to_owned()), backfill: 3, ..(*source).clone() };
    assert_eq!(due(&bed, &other).await, 355);
    // Of `[fetch]`: whom we may ask at all.
    bed.options.allow_private = vec!["10.0.0.0/8".to_owned()];
    assert_eq!(due(&bed, &source).await, 0);
    // It was no help: what is waited for begins anew.
    let polled = bed.polled(&source, || status(403)).await;
    assert_eq!(polled.state.consecutive_failures, 1);
    assert_eq!(due(&bed, &source).await, 60);
    // A source that is well is asked when it would be anyway.
    bed.polled(&source, || feed(&["a"])).await;
    assert_eq!(due(&bed, &changed[0]).await, 60);
}

#[tokio::test(start_paused = true)]
async fn no_selector_brings_back_what_is_gone() {
    let (bed, source) = one().await;
    bed.polled(&source, gone).await;
    let proxy = Some("http://proxy.example:3128".parse().unwrap());
    let by_proxy = Arc::new(Source { proxy, ..(*source).clone() });
    let page = PageSelectors { item: Some("li".to_owned()), ..source.page.clone() };
    assert!(due(&bed, &Source { page, ..(*source).clone() }).await > 1_000_000);
    assert_eq!(due(&bed, &by_proxy).await, 5, "not sooner than the floor");
    assert_eq!(bed.polled(&by_proxy, || status(404)).await.state.standing, Standing::Failing);
}

#[tokio::test(start_paused = true)]
async fn what_a_server_asked_for_holds_under_any_options() {
    let (bed, source) = one().await;
    bed.polled(&source, || throttled(503, Some(7200))).await;
    let at = |url: &str| Source { url: url.parse().unwrap(), ..(*source).clone() };
    let page = PageSelectors { item: Some("li".to_owned()), ..source.page.clone() };
    let auth = Some(Auth { user: "u".to_owned(), password: Secret::new("p") });
    let by_name = Source { auth, ..(*source).clone() };
    assert_eq!(due(&bed, &Source { page, ..(*source).clone() }).await, 120);
    assert_eq!(due(&bed, &by_name).await, 120);
    assert_eq!(due(&bed, &at("https://s.example/other")).await, 5, "a 503 is about one address");
    bed.clock.sleep(Duration::from_hours(2)).await;
    bed.polled(&source, || throttled(429, Some(7200))).await;
    assert_eq!(due(&bed, &at("https://s.example/other")).await, 120, "a 429 about the host");
    assert_eq!(due(&bed, &at("https://s.example:8443/feed")).await, 5);
    // By hand, too; and what was asked for is not forgotten on the way.
    let by_name = Arc::new(by_name);
    bed.answer(|_| feed(&["a"]));
    bed.asked();
    for _ in 0..2 {
        let ended = bed.poller().poll(std::slice::from_ref(&by_name), true).await.remove(0);
        assert_eq!(ended.result.unwrap().state.standing, Standing::Held);
        assert_eq!(due(&bed, &by_name).await, 120);
    }
    assert_eq!(bed.asked(), []);
    bed.clock.sleep(Duration::from_hours(2)).await;
    assert_eq!(bed.poll(&by_name).await.state.held_by, None);
}
