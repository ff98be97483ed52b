//! Sources that moved, and addresses that are gone.

use super::*;

const NEW: &str = "https://new.example/feed";

fn moved() -> Reply {
    feed(&["a"]).by_way_of(Some(NEW), NEW)
}

#[tokio::test(start_paused = true)]
async fn a_former_address_that_is_gone_parks_nobody_who_has_another() {
    let (bed, source) = one().await;
    for _ in 0..3 {
        bed.polled(&source, moved).await;
    }
    // The new host is away for a while, so the configured address is asked: it only ever led there, and is gone by now.
    for _ in 0..3 {
        bed.polled(&source, || broken("no network")).await;
    }
    bed.asked();
    let polled = bed.polled(&source, gone).await;
    assert_eq!(bed.asked()[0].url, source.url.as_str());
    assert!(polled.outcome.words().contains("its own address is gone (410)"), "{:?}", polled.outcome);
    let polled = bed.polled(&source, || feed(&["a", "b"])).await;
    assert_eq!(bed.asked()[0].url, NEW);
    assert!(matches!(polled.outcome, Outcome::Read { new: 1, .. }), "{:?}", polled.outcome);
    // Where the new one stays away, that was it.
    bed.answer(|asked| if asked.url == NEW { broken("no such name") } else { gone() });
    let mut polls = 0;
    while bed.poll(&source).await.state.standing != Standing::Gone {
        polls += 1;
        assert!(polls < 10);
    }
    let own = bed.asked().iter().filter(|asked| asked.url == source.url.as_str()).count();
    assert_eq!(own, 3, "few confirmations");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_another_learnt_says_nothing_of_ones_own() {
    let bed = Bed::new(|_| moved());
    let one = Arc::new(source("one"));
    let two = Arc::new(Source { url: one.url.clone(), ..source("two") });
    bed.sync(&[one.clone(), two.clone()]).await;
    for _ in 0..3 {
        bed.poll(&one).await;
    }
    let both = [one.clone(), two.clone()];
    bed.answer(|_| gone());
    for ended in bed.poller().poll(&both, false).await {
        assert_eq!(ended.result.unwrap().state.standing, Standing::Failing, "{}", ended.source);
    }
    bed.asked();
    for ended in bed.poller().poll(&both, false).await {
        assert_eq!(ended.result.unwrap().outcome, Outcome::Gone);
    }
    assert_eq!(bed.asked()[0].url, one.url.as_str());
}
