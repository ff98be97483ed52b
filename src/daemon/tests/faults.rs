//! What goes wrong elsewhere, for hours: nobody else waits longer for it, and nobody is hammered.

use super::*;
use crate::poll::News;
use crate::poll::tests::bed::{body, status};
use crate::store::websub::Subscription;

const EVERY: u64 = 10 * MINUTE;

type Fault = fn(&Asked) -> Reply;

/// A source of this host and path, polled every ten minutes.
fn of(host: u32, number: u32) -> Source {
    Source {
        url: format!("https://h{host}.example/{number}").parse().unwrap(),
        ..every(&format!("bad{host}-{number}"), EVERY)
    }
}

/// Runs these beside one that is well; what was asked. The one that is well is asked on time, always.
async fn beside(bad: Vec<Source>, options: Options, seconds: u64, fault: Fault) -> Vec<Asked> {
    let bed =
        Bed::with(
            options,
            move |asked| {
                if asked.source == "healthy" { unchanged_or_feed(asked) } else { fault(asked) }
            },
        );
    let mut sources = bad;
    sources.push(every("healthy", EVERY));
    let daemon = start(&bed, &sources).await;
    bed.pass(seconds).await;
    daemon.stop().await;
    let asked = bed.asked();
    let healthy = times(&asked, "healthy");
    assert!(healthy.first().is_some_and(|first| *first < EVERY), "{healthy:?}");
    assert!(healthy.windows(2).all(|two| two[1] - two[0] < 2 * EVERY), "{healthy:?}");
    let rounds = healthy.windows(2).filter(|two| two[1] - two[0] <= EVERY + 5).count();
    assert!(rounds + 2 >= healthy.len(), "on time but for the start: {healthy:?}");
    asked
}

#[tokio::test(start_paused = true)]
async fn whatever_others_answer_who_is_well_is_asked_on_time() {
    let faults: [(&str, Fault); 9] = [
        ("hang, or have a name that does", |_| hangs()),
        ("reset in the middle", |_| broken("reset the connection after 17 bytes").after(3)),
        ("lie about their length", |_| broken("its body ended after 5 of 9 bytes").after(1)),
        ("have no name", |_| broken("the name could not be resolved")),
        ("are not there", |_| status(404)),
        ("are broken", |_| status(500).after(20)),
        ("send what is no feed", |_| body("\u{1}\u{2}\u{3}").after(2)),
        ("make us panic", |_| panics()),
        ("want to be left alone", |_| throttled(503, Some(365 * DAY))),
    ];
    for (name, fault) in faults {
        let bad: Vec<Source> = (0..40).map(|number| of(number % 20, number)).collect();
        let options = Options { concurrency: 8, ..Options::default() };
        let asked = beside(bad, options, 6 * HOUR, fault).await;
        // At most: at once, and after 10, 20, 40, 80, 160 minutes.
        let most = asked.iter().filter(|asked| asked.source == "bad0-0").count();
        assert!((1..=6).contains(&most), "sources that {name} were asked {most} times in six hours");
    }
}

#[tokio::test(start_paused = true)]
async fn five_thousand_sources_of_one_host_wait_for_each_other_and_for_nobody_else() {
    let bad: Vec<Source> = (0..5000).map(|number| of(0, number)).collect();
    let options = Options { per_host_gap: Span::secs(1), ..Options::default() };
    let asked = beside(bad, options, 40 * MINUTE, unchanged_or_feed).await;
    let mut crowd: Vec<&Asked> = asked.iter().filter(|asked| asked.source != "healthy").collect();
    crowd.sort_unstable_by_key(|asked| asked.at);
    assert!(crowd.windows(2).all(|two| two[0].at + Duration::from_secs(1) <= two[1].at));
    assert!(crowd.len() > 2300, "and no time is lost: {}", crowd.len());
    let each: std::collections::HashSet<&str> = crowd.iter().map(|asked| asked.source.as_str()).collect();
    assert_eq!(each.len(), crowd.len(), "nobody twice before everybody once");
}

#[tokio::test(start_paused = true)]
async fn whoever_is_led_to_a_crowded_host_takes_no_place_of_the_others() {
    let bad: Vec<Source> = (1..=100).map(|number| of(number, number)).collect();
    let options = Options { concurrency: 8, per_host_gap: Span::secs(1), ..Options::default() };
    let led = |asked: &Asked| unchanged_or_feed(asked).by_way_of(None, "https://crowded.example/");
    let asked = beside(bad, options, 40 * MINUTE, led).await;
    assert!(times(&asked, "healthy")[0] < 10, "{:?}", times(&asked, "healthy"));
}

#[tokio::test(start_paused = true)]
async fn who_comes_to_an_address_that_wants_to_be_left_alone_leaves_it_alone() {
    let bed = Bed::new(|_| throttled(503, Some(2 * HOUR)));
    let at = |id: &str| Source { url: "https://one.example/".parse().unwrap(), ..every(id, EVERY) };
    let daemon = start(&bed, &[at("one")]).await;
    bed.pass(20 * MINUTE).await;
    daemon.reload(&bed, &[at("one"), at("two")]).await;
    bed.pass(90 * MINUTE).await;
    assert_eq!(bed.asked().len(), 1);
    assert!(bed.state("two").await.next_poll_reason.contains("Retry-After"));
    bed.answer(unchanged_or_feed);
    bed.pass(20 * MINUTE).await;
    daemon.stop().await;
    assert_eq!((bed.stories("one").await, bed.stories("two").await), (1, 1), "then both are read");
}

#[tokio::test(start_paused = true)]
async fn all_failing_at_once_is_no_storm_then_or_after() {
    let bed = Bed::new(|asked| {
        if (2 * HOUR..8 * HOUR).contains(&asked.at.as_secs()) {
            status(502)
        } else {
            unchanged_or_feed(asked)
        }
    });
    let sources: Vec<Source> =
        (0..60).map(|number| Source { jitter: 0.1, ..every(&format!("s{number}"), EVERY) }).collect();
    let daemon = start(&bed, &sources).await;
    bed.pass(20 * HOUR).await;
    daemon.stop().await;
    let asked = bed.asked();
    let failing = asked.iter().filter(|asked| (2 * HOUR..8 * HOUR).contains(&asked.at.as_secs())).count();
    assert!(failing <= 60 * 7, "they back off: {failing}");
    let mut seconds = std::collections::BTreeMap::new();
    for asked in &asked {
        *seconds.entry(asked.at.as_secs()).or_insert(0) += 1;
    }
    // Sixty in ten minutes are one in ten seconds.
    let busiest = seconds.range(HOUR..).map(|(_, count)| *count).max().unwrap();
    assert!(busiest <= 5, "{busiest}");
    for source in &sources {
        let back = times(&asked, source.id.as_str());
        let first = back.iter().find(|at| **at >= 8 * HOUR).unwrap();
        assert!(*first <= 8 * HOUR + 6 * HOUR + 40 * MINUTE, "{back:?}");
        assert!(back.last().unwrap() + EVERY + 2 * MINUTE > 20 * HOUR, "and then as ever: {back:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_says_whose_it_is() {
    let bed = Bed::new(|asked| {
        if asked.url.ends_with("/loud?key=***") || asked.source == "loud" {
            throttled(429, Some(2 * HOUR))
        } else {
            feed(&["a"])
        }
    });
    let at = |id: &str, path: &str| Source {
        url: format!("https://one.example/{path}").parse().unwrap(),
        ..every(id, 30 * MINUTE)
    };
    let daemon = start(&bed, &[at("loud", "loud?key=s3cret"), at("neighbour", "quiet")]).await;
    bed.pass(45 * MINUTE).await;
    let reason = bed.state("neighbour").await.next_poll_reason;
    assert!(reason.contains("https://one.example/loud") && !reason.contains("s3cret"), "{reason}");
    daemon.stop().await;
}

/// A subscription that is in force.
pub(super) fn subscription(source: &str, now: DateTime<Utc>) -> Subscription {
    let hub =
        crate::model::Hub { url: "https://hub.example/".to_owned(), topic: "https://s.example/".to_owned() };
    Subscription {
        source: SourceId::new(source),
        token: "0".repeat(32),
        callback: "https://river.example/websub/".to_owned() + &"0".repeat(32),
        secret: "secret".to_owned(),
        hub,
        asked: None,
        expires: Some(now + TimeDelta::days(10)),
        next_try: now + TimeDelta::days(8),
        failures: 0,
        words: None,
        pushed: None,
        announced: None,
        pushes: 0,
        refused: 0,
        leaving: false,
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_hub_sends_waits_for_the_poll_under_way() {
    let bed = Bed::new(|asked| feed(&["a"]).after(if asked.at.as_secs() > MINUTE { 20 } else { 0 }));
    let daemon = start(&bed, &[every("s", HOUR)]).await;
    bed.pass(MINUTE).await;
    let known = subscription("s", bed.clock.now());
    bed.store.write(move |store| store.keep_subscription(&known)).await.unwrap();
    bed.pass(HOUR - MINUTE + 5).await;
    assert_eq!(bed.asked().len(), 2, "the second poll is under way");
    let bytes = crate::poll::tests::bed::document("", &["b", "a"]).into_bytes().into();
    let news = News::Document(crate::poll::Delivery { bytes, content_type: None });
    let (taken, mut remembered) = oneshot::channel();
    daemon.commands.send(Command::Push(SourceId::new("s"), news, taken)).await.ok().unwrap();
    let large = crate::poll::Delivery { bytes: vec![b' '; 1 << 20].into(), content_type: None };
    let (refused, answered) = oneshot::channel();
    let large = Command::Push(SourceId::new("s"), News::Document(large), refused);
    daemon.commands.send(large).await.ok().unwrap();
    bed.pass(10).await;
    assert_eq!(answered.await, Ok(false), "nobody holds a large one meanwhile");
    assert!(remembered.try_recv().is_err(), "not beside the poll");
    assert_eq!(bed.stories("s").await, 1);
    bed.pass(10).await;
    assert_eq!(remembered.await, Ok(true));
    assert_eq!(bed.stories("s").await, 2);
    // From then on a look a day is enough; asked by hand it is polled all the same.
    bed.asked();
    bed.pass(23 * HOUR).await;
    assert_eq!(bed.asked(), []);
    assert_eq!(daemon.by_hand(&["s"]).await.len(), 1);
    daemon.stop().await;
}

/// How an origin dates the news of an hour since the bed's first moment.
type Dated = fn(u64) -> String;

fn stated(hour: u64, behind: i64) -> String {
    let start: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
    let at = start + TimeDelta::hours(i64::try_from(hour).unwrap() - behind);
    format!("<pubDate>{}</pubDate>", at.to_rfc2822())
}

fn rightly(hour: u64) -> String {
    stated(hour, 0)
}

/// The news of the twenty hours before this moment.
fn hourly(at: Duration, dated: Dated) -> Reply {
    let hours = (0..=at.as_secs() / HOUR).rev().take(20);
    let item = |hour| {
        let date = dated(hour);
        format!("<item><title>{hour}</title><link>https://o.example/{hour}</link>{date}</item>")
    };
    let items: String = hours.map(item).collect();
    body(&format!("<rss version=\"2.0\"><channel><title>t</title>{items}</channel></rss>"))
}

/// When sources were asked over three days, with a jump of our wall clock after thirty hours: one that learns when its
/// hourly news come, one that fails until an hour later, one whose server asked just before to be left alone for six.
async fn learning_around(jump: TimeDelta, dated: Dated) -> [Vec<u64>; 3] {
    let bed = Bed::new(move |asked| match (asked.source.as_str(), asked.at.as_secs() / HOUR) {
        ("learns", _) => hourly(asked.at, dated),
        ("failing", ..31) => status(500),
        ("held", 29) => throttled(503, Some(6 * HOUR)),
        _ => feed(&["a"]),
    });
    let schedule = Schedule::Adaptive { min: Duration::from_mins(5), max: Duration::from_hours(12) };
    let learns = Source { schedule, ..source("learns") };
    let daemon = start(&bed, &[learns, every("failing", HOUR), every("held", HOUR)]).await;
    bed.pass(30 * HOUR).await;
    bed.clock.jump(jump);
    bed.pass(2 * DAY).await;
    daemon.stop().await;
    let asked = bed.asked();
    ["learns", "failing", "held"].map(|id| times(&asked, id))
}

/// The longest wait between two of these from then on.
fn longest(times: &[u64], from: u64) -> u64 {
    times.windows(2).filter(|two| two[1] > from).map(|two| two[1] - two[0]).max().unwrap()
}

#[tokio::test(start_paused = true)]
async fn jumps_of_the_wall_clock_undo_nothing_that_was_learned() {
    let [_, failing, held] = learning_around(TimeDelta::zero(), rightly).await;
    assert!(held.windows(2).any(|two| two[1] - two[0] >= 6 * HOUR), "{held:?}");
    for hours in [-240, -24, -1, 1, 24, 240] {
        let all = learning_around(TimeDelta::hours(hours), rightly).await;
        let [learns, failing_too, held_too] = &all;
        assert_eq!((failing_too, held_too), (&failing, &held), "{hours}: back-off and holds do not notice");
        // Whose newest entry seems a day old is held for silent, once, for as long as anybody is.
        let then = if hours >= 24 { 43 } else { 0 };
        assert!(longest(learns, then * HOUR) <= 2 * HOUR, "{hours}: {learns:?}");
        assert!(longest(learns, 0) <= 12 * HOUR + 5, "{hours}: {learns:?}");
        assert!(learns.len() <= 260, "{hours}: no storm, {}", learns.len());
    }
}

#[tokio::test(start_paused = true)]
async fn who_dates_its_news_wrongly_or_not_at_all_is_asked_when_they_come() {
    let [right, ..] = learning_around(TimeDelta::zero(), rightly).await;
    let wrong: [(&str, Dated); 5] = [
        ("an hour behind", |hour| stated(hour, 1)),
        ("eight hours behind", |hour| stated(hour, 8)),
        ("a day behind", |hour| stated(hour, 24)),
        ("a day ahead", |hour| stated(hour, -24)),
        ("undated", |_| String::new()),
    ];
    for (name, dated) in wrong {
        let [asked, ..] = learning_around(TimeDelta::zero(), dated).await;
        assert!(longest(&asked, 26 * HOUR) <= 2 * HOUR, "{name}: {asked:?}");
        assert!(asked.len() * 2 >= right.len(), "{name}: {} to {}", asked.len(), right.len());
        assert!(asked.len() <= 2 * right.len(), "{name}: {} to {}", asked.len(), right.len());
    }
}

#[tokio::test(start_paused = true)]
async fn when_thirty_times_as_many_hang_as_there_are_places_who_is_well_waits_an_interval_at_most() {
    let options = Options { concurrency: 8, ..Options::default() };
    let bed = Bed::with(options, |asked| {
        let hang = asked.source != "healthy" && asked.at.as_secs() > HOUR;
        if hang { hangs() } else { unchanged_or_feed(asked) }
    });
    let mut sources: Vec<Source> = (0..250).map(|host| Source { jitter: 0.1, ..of(host, 0) }).collect();
    sources.push(every("healthy", EVERY));
    let daemon = start(&bed, &sources).await;
    bed.pass(4 * HOUR).await;
    daemon.stop().await;
    let asked = times(&bed.asked(), "healthy");
    assert!(longest(&asked, 0) > EVERY + MINUTE, "places were wanting: {asked:?}");
    assert!(longest(&asked, 0) < 2 * EVERY, "{asked:?}");
    // Who hangs has backed off by then.
    assert!(longest(&asked, 2 * HOUR) < EVERY + 2 * MINUTE, "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn what_retention_removed_before_it_failed_is_told() {
    let bed = Bed::new(|_| feed(&["news"]));
    let running = start(&bed, &[every("a", HOUR)]).await;
    bed.pass(MINUTE).await;
    running.stop().await;
    bed.retention_fails_at_last();
    bed.pass(DAY).await;
    let options = store::Options { retention: Span::secs(60), ..store::Options::default() };
    let plan = Plan::new(bed.poller(), &bed.options, options, vec![Arc::new(every("a", HOUR))]);
    let told = Arc::<Mutex<Vec<SourceId>>>::default();
    let kept = told.clone();
    let on_commit = move |committed: &Committed| kept.lock().unwrap().extend(committed.touched.clone());
    let clock = Arc::new(bed.clock.clone());
    let mut daemon = Daemon::new(plan, bed.store.clone(), clock, Arc::new(on_commit)).await.unwrap();
    daemon.prune();
    let (removed, failure) = daemon.chores.join_next().await.unwrap().unwrap();
    assert!(removed > 0 && failure.is_some(), "{removed} {failure:?}");
    daemon.pruned(Ok((removed, failure)));
    assert_eq!(*told.lock().unwrap(), [SourceId::new("a")]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_forward_by_mistake_makes_nothing_old() {
    let bed = Bed::new(|_| feed(&["a", "b"]));
    let daemon = start(&bed, &[every("s", HOUR)]).await;
    bed.pass(HOUR + MINUTE).await;
    bed.clock.jump(TimeDelta::days(3 * 365));
    bed.pass(3 * HOUR).await;
    assert_eq!(bed.stories("s").await, 2, "retention is two years");
    bed.clock.jump(TimeDelta::days(-3 * 365));
    bed.pass(30 * HOUR).await;
    assert_eq!(bed.stories("s").await, 2);
    // A clock that stays so was wrong before.
    bed.clock.jump(TimeDelta::days(3 * 365));
    bed.pass(30 * HOUR).await;
    daemon.stop().await;
    assert_eq!(bed.stories("s").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_takes_nothing_is_said_once_and_so_is_its_end() {
    let bed = Bed::new(|_| feed(&["a"]));
    let told = Arc::<Mutex<Vec<Result<(), String>>>>::default();
    let (kept, clock) = (told.clone(), Arc::new(bed.clock.clone()));
    let (commands, received) = mpsc::channel(1);
    let (stop, stopped) = oneshot::channel::<()>();
    let daemon = Daemon::new(plan(&bed, &[every("s", EVERY)]), bed.store.clone(), clock, Arc::new(|_| {}))
        .await
        .unwrap()
        .on_store(Arc::new(move |store| kept.lock().unwrap().push(store)));
    let running = tokio::spawn(daemon.run(received, async { _ = stopped.await }));
    bed.pass(MINUTE).await;
    bed.store_fails(true);
    bed.pass(HOUR).await;
    let said = std::mem::take(&mut *told.lock().unwrap());
    assert!(matches!(said.as_slice(), [Err(words)] if !words.is_empty()), "{said:?}");
    bed.store_fails(false);
    bed.pass(HOUR).await;
    assert_eq!(*told.lock().unwrap(), [Ok(())]);
    drop(commands);
    stop.send(()).unwrap();
    running.await.unwrap();
}
