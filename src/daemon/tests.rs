//! The loop in hours that pass in no time: who is asked when, and what cannot change that.

mod faults;
mod pace;
mod reload;
mod scale;
mod wild;

use std::sync::Mutex;

use super::*;
use crate::fetch::Options;
use crate::model::Schedule;
use crate::poll::tests::bed::{
    Asked, Bed, Reply, broken, feed, gone, hangs, panics, source, throttled, unchanged,
};
use crate::units::Span;

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// A daemon under way.
struct Running {
    commands: mpsc::Sender<Command>,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<()>,
    outcomes: Arc<Mutex<Vec<Outcome>>>,
}

fn plan(bed: &Bed, sources: &[Source]) -> Plan {
    let sources = sources.iter().cloned().map(Arc::new).collect();
    Plan::new(bed.poller(), &bed.options, store::Options::default(), sources)
}

async fn start(bed: &Bed, sources: &[Source]) -> Running {
    let clock = Arc::new(bed.clock.clone());
    let outcomes = Arc::<Mutex<Vec<Outcome>>>::default();
    let told = outcomes.clone();
    let daemon = Daemon::new(plan(bed, sources), bed.store.clone(), clock, Arc::new(|_| {}))
        .await
        .unwrap()
        .on_poll(Arc::new(move |outcome| told.lock().unwrap().push(outcome.clone())));
    let (commands, received) = mpsc::channel(4);
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(daemon.run(received, async {
        let _ = stopped.await;
    }));
    Running { commands, stop, ended, outcomes }
}

impl Running {
    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap();
    }

    async fn reload(&self, bed: &Bed, sources: &[Source]) {
        let (done, loaded) = oneshot::channel();
        let plan = Box::new(plan(bed, sources));
        self.commands.send(Command::Reload(plan, done)).await.ok().unwrap();
        loaded.await.unwrap().unwrap();
    }

    async fn by_hand(&self, ids: &[&str]) -> Vec<Report> {
        let sources = ids.iter().map(|id| SourceId::new(*id)).collect();
        let (reports, mut results) = mpsc::unbounded_channel();
        self.commands.send(Command::Poll { sources: Some(sources), reports }).await.ok().unwrap();
        let mut list = Vec::new();
        while let Some(report) = results.recv().await {
            list.push(report);
        }
        list
    }
}

impl Bed {
    async fn pass(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }
}

/// Seconds, since the bed was made, at which a source was asked.
fn times(asked: &[Asked], id: &str) -> Vec<u64> {
    asked.iter().filter(|asked| asked.source == id).map(|asked| asked.at.as_secs()).collect()
}

fn every(id: &str, seconds: u64) -> Source {
    Source { schedule: Schedule::Every(Duration::from_secs(seconds)), ..source(id) }
}

fn cron(id: &str, text: &str) -> Source {
    let bounds = (Duration::from_mins(5), Duration::from_hours(12));
    Source { schedule: schedule::read(text, bounds).unwrap(), ..source(id) }
}

#[tokio::test(start_paused = true)]
async fn each_is_asked_by_its_own_schedule() {
    let bed = Bed::new(|_| feed(&["a"]));
    let daemon =
        start(&bed, &[every("hourly", HOUR), every("often", 10 * MINUTE), cron("noon", "30 12 * * *")]).await;
    bed.pass(DAY + MINUTE).await;
    daemon.stop().await;
    let asked = bed.asked();
    let hourly = times(&asked, "hourly");
    assert_eq!(hourly.len(), 25, "{hourly:?}");
    assert!(hourly.windows(2).all(|two| (HOUR..HOUR + 5).contains(&(two[1] - two[0]))), "{hourly:?}");
    assert_eq!(times(&asked, "often").len(), 145);
    assert_eq!(times(&asked, "noon"), [0, 30 * MINUTE], "once when new, then at its minute");
}

#[tokio::test(start_paused = true)]
async fn a_restart_asks_nothing_early_and_a_crash_loop_asks_nothing_more() {
    let mut bed = Bed::new(|_| feed(&["a"]).etag("\"1\""));
    let sources = [every("one", HOUR), every("two", HOUR)];
    start(&bed, &sources).await.stop().await;
    let daemon = start(&bed, &sources).await;
    bed.pass(MINUTE).await;
    daemon.stop().await;
    assert_eq!(bed.asked().len(), 2);
    for _ in 0..20 {
        bed.restart();
        let daemon = start(&bed, &sources).await;
        bed.pass(MINUTE).await;
        // No farewell: the process is killed.
        daemon.ended.abort();
        assert_eq!(bed.asked(), []);
    }
    bed.restart();
    let daemon = start(&bed, &sources).await;
    bed.pass(40 * MINUTE).await;
    daemon.stop().await;
    let asked = bed.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|asked| asked.at.as_secs() >= HOUR), "{asked:?}");
    assert!(asked.iter().all(|asked| asked.etag.is_some()), "and never without its validators");
}

#[tokio::test(start_paused = true)]
async fn what_became_due_meanwhile_is_asked_once_and_spread() {
    let mut bed = Bed::new(|_| feed(&["a"]));
    let sources: Vec<Source> = (0..500).map(|number| every(&format!("s{number}"), HOUR)).collect();
    let daemon = start(&bed, &sources).await;
    bed.pass(MINUTE).await;
    daemon.stop().await;
    bed.restart();
    bed.pass(5 * DAY).await;
    let begin = bed.clock.elapsed().as_secs();
    let daemon = start(&bed, &sources).await;
    bed.pass(30 * MINUTE).await;
    daemon.stop().await;
    let asked = bed.asked();
    assert_eq!(asked.len(), 500, "once each");
    let mut seconds = [0; 12];
    for asked in &asked {
        seconds[usize::try_from(asked.at.as_secs() - begin).unwrap()] += 1;
    }
    assert!(seconds.iter().all(|count| *count <= 51), "{seconds:?}");
}

#[tokio::test(start_paused = true)]
async fn one_address_configured_twice_is_asked_once() {
    let bed = Bed::new(|_| feed(&["a", "b"]).etag("\"1\""));
    let same = |id: &str, seconds: u64| Source { url: source("o").url, ..every(id, seconds) };
    let daemon = start(&bed, &[same("one", HOUR), same("two", 6 * HOUR), every("three", HOUR)]).await;
    bed.pass(DAY - MINUTE).await;
    daemon.stop().await;
    let asked = bed.asked();
    let urls = asked.iter().filter(|asked| asked.url.contains("//o.example")).count();
    assert_eq!((urls, asked.len()), (24, 48));
    assert_eq!((bed.stories("one").await, bed.stories("two").await), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn one_bad_source_never_delays_the_others() {
    let options = Options { concurrency: 4, per_host_gap: Span::secs(1), ..Options::default() };
    let bed = Bed::with(options, |asked| match asked.source.as_str() {
        "hangs" | "h1" | "h2" | "h3" => hangs(),
        "panics" => panics(),
        "slow" => feed(&["a"]).after(25),
        _ => feed(&["a"]),
    });
    // Three of one host hang; they take one place, not three.
    let one_host = |id: &str| Source {
        url: format!("https://hangs.example/{id}").parse().unwrap(),
        ..every(id, 5 * MINUTE)
    };
    let sources = [
        every("good", 5 * MINUTE),
        every("slow", 5 * MINUTE),
        every("panics", 5 * MINUTE),
        one_host("h1"),
        one_host("h2"),
        one_host("h3"),
    ];
    let daemon = start(&bed, &sources).await;
    bed.pass(DAY).await;
    daemon.stop().await;
    let asked = bed.asked();
    let good = times(&asked, "good");
    assert!(good.len() >= 286, "{}", good.len());
    assert!(good.windows(2).all(|two| two[1] - two[0] <= 5 * MINUTE + 2), "{good:?}");
    // The others back off to their cap, each for itself.
    let panics = times(&asked, "panics");
    let gaps: Vec<u64> = panics.windows(2).map(|two| (two[1] - two[0] + 5) / 300).collect();
    assert_eq!(gaps[..9], [1, 2, 4, 8, 16, 32, 64, 72, 72], "{panics:?}");
}

#[tokio::test(start_paused = true)]
async fn a_429_holds_every_source_of_its_host_and_a_503_its_own_url() {
    let mut bed = Bed::new(|asked| match asked.url.as_str() {
        "https://one.example/429" if asked.at.as_secs() < HOUR => throttled(429, Some(2 * HOUR)),
        "https://two.example/503" if asked.at.as_secs() < HOUR => throttled(503, Some(2 * HOUR)),
        _ => feed(&["a"]),
    });
    let at = |id: &str, url: &str| Source { url: url.parse().unwrap(), ..every(id, 30 * MINUTE) };
    let sources = [
        at("429", "https://one.example/429"),
        at("neighbour", "https://one.example/other"),
        at("503", "https://two.example/503"),
        at("free", "https://two.example/other"),
        at("port", "https://one.example:444/other"),
    ];
    let daemon = start(&bed, &sources).await;
    bed.pass(65 * MINUTE).await;
    daemon.stop().await;
    let asked = bed.asked();
    let minutes = |id: &str| times(&asked, id).iter().map(|at| at / MINUTE).collect::<Vec<_>>();
    assert_eq!((minutes("429"), minutes("503")), (vec![0], vec![0]));
    assert_eq!((minutes("free"), minutes("port")), (vec![0, 30, 60], vec![0, 30, 60]));
    assert!(minutes("neighbour").len() <= 1, "at most before the 429 came");
    // Over a restart, too, and by hand.
    bed.restart();
    let daemon = start(&bed, &sources).await;
    let reports = daemon.by_hand(&["429", "neighbour", "503"]).await;
    assert!(reports.iter().all(|report| matches!(report.outcome, Outcome::Held(_))), "{reports:?}");
    assert_eq!(bed.asked(), []);
    assert!(bed.state("neighbour").await.next_poll_reason.contains("Retry-After"));
    bed.pass(60 * MINUTE).await;
    daemon.stop().await;
    let asked = bed.asked();
    for id in ["429", "neighbour", "503"] {
        assert_eq!(times(&asked, id).iter().map(|at| at / MINUTE).collect::<Vec<_>>(), [120], "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn limits_of_a_host_hold_for_all_its_sources() {
    let options = Options { per_host_gap: Span::secs(2), ..Options::default() };
    let bed = Bed::with(options, |_| feed(&["a"]).after(1));
    let at = |number: u32| Source {
        url: format!("https://host.example/{number}").parse().unwrap(),
        ..every(&format!("s{number}"), 5 * MINUTE)
    };
    let sources: Vec<Source> = (0..90).map(at).collect();
    let daemon = start(&bed, &sources).await;
    bed.pass(HOUR).await;
    daemon.stop().await;
    let mut times: Vec<Duration> = bed.asked().iter().map(|asked| asked.at).collect();
    times.sort_unstable();
    // One at a time, which takes a second, and two seconds between.
    assert!(times.windows(2).all(|two| two[0] + Duration::from_secs(3) <= two[1]));
    assert!(times.len() > 900, "and no time is lost: {}", times.len());
}

#[tokio::test(start_paused = true)]
async fn gone_stays_parked() {
    let mut bed = Bed::new(|_| gone());
    let daemon = start(&bed, &[every("s", HOUR)]).await;
    bed.pass(30 * DAY).await;
    daemon.stop().await;
    bed.restart();
    let daemon = start(&bed, &[every("s", HOUR)]).await;
    bed.pass(30 * DAY).await;
    assert_eq!(bed.asked(), []);
    assert_eq!(daemon.by_hand(&["s"]).await[0].outcome, Outcome::Gone);
    assert_eq!(bed.asked().len(), 1, "by hand it is");
    daemon.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_does_not_wait_for_who_hangs() {
    let bed = Bed::new(|_| hangs());
    let sources = [every("one", HOUR), every("two", HOUR)];
    let daemon = start(&bed, &sources).await;
    bed.pass(5).await;
    let before = bed.clock.elapsed();
    daemon.stop().await;
    assert_eq!(bed.clock.elapsed().as_secs(), before.as_secs() + 5);
    assert_eq!(bed.state("one").await.last_poll, None, "nothing is stored of a poll that did not end");
    // Who ends in time is remembered.
    bed.answer(|_| feed(&["a"]).after(8));
    let daemon = start(&bed, &sources).await;
    bed.pass(5).await;
    daemon.stop().await;
    assert_eq!(bed.stories("one").await, 1);
}

/// Times at which sources were asked over two days, with a jump of the wall clock after five hours.
async fn around(jump: TimeDelta) -> (Vec<u64>, Vec<u64>, Vec<u64>) {
    let bed = Bed::new(|_| feed(&["a"]));
    let adaptive = Source { schedule: source("o").schedule, ..every("every", HOUR) };
    let daemon = start(&bed, &[adaptive, cron("hourly", "0 * * * *"), cron("daily", "0 7 * * *")]).await;
    bed.pass(5 * HOUR + 30 * MINUTE).await;
    bed.clock.jump(jump);
    bed.pass(42 * HOUR).await;
    daemon.stop().await;
    let asked = bed.asked();
    (times(&asked, "every"), times(&asked, "hourly"), times(&asked, "daily"))
}

#[tokio::test(start_paused = true)]
async fn jumps_of_the_wall_clock_cause_neither_storm_nor_silence() {
    let gaps = |times: &[u64]| times.windows(2).map(|two| two[1] - two[0]).collect::<Vec<_>>();
    for hours in [-240, -24, -7, -1, 1, 7, 24, 240] {
        let (every, hourly, daily) = around(TimeDelta::hours(hours)).await;
        // Intervals do not look at the wall at all.
        assert!(gaps(&every).iter().all(|gap| (HOUR..HOUR + 5).contains(gap)), "{hours}: {every:?}");
        // Cron does, and catches up once.
        assert!(gaps(&hourly).iter().all(|gap| (300..=HOUR + 90).contains(gap)), "{hours}: {hourly:?}");
        assert!((47..=50).contains(&hourly.len()), "{hours}: {hourly:?}");
        assert!((2..=4).contains(&daily.len()), "{hours}: {daily:?}");
        assert!(gaps(&daily).iter().all(|gap| (300..=2 * DAY).contains(gap)), "{hours}: {daily:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn cron_catches_up_once() {
    let mut bed = Bed::new(|_| feed(&["a"]));
    let sources = [cron("often", "*/10 * * * *")];
    let daemon = start(&bed, &sources).await;
    bed.pass(HOUR).await;
    daemon.stop().await;
    bed.asked();
    bed.restart();
    bed.pass(3 * DAY + 2 * MINUTE).await;
    let daemon = start(&bed, &sources).await;
    bed.pass(20 * MINUTE).await;
    daemon.stop().await;
    assert_eq!(bed.asked().len(), 3, "once for all that was missed, then by the clock");
}

#[tokio::test(start_paused = true)]
async fn a_reload_asks_nobody_more_often() {
    let bed = Bed::new(|_| feed(&["a"]).after(2));
    let sources = [every("one", HOUR), every("two", HOUR), cron("three", "0 * * * *")];
    let daemon = start(&bed, &sources).await;
    for second in 0..2 * HOUR {
        bed.pass(1).await;
        if second % 7 == 0 {
            daemon.reload(&bed, &sources).await;
        }
    }
    let asked = bed.asked();
    assert_eq!(times(&asked, "one").len(), 2, "{asked:?}");
    assert_eq!(times(&asked, "three").len(), 2, "{asked:?}");
    // A shorter schedule counts from the last poll; a changed address is new, and not below the floor.
    daemon
        .reload(
            &bed,
            &[
                every("one", 10 * MINUTE),
                Source { url: "https://n.example/".parse().unwrap(), ..every("two", HOUR) },
            ],
        )
        .await;
    bed.pass(10 * MINUTE + 5).await;
    let asked = bed.asked();
    assert_eq!((times(&asked, "one").len(), times(&asked, "two").len()), (2, 1), "{asked:?}");
    // Who is no longer there is not asked; who comes is.
    daemon.reload(&bed, &[every("four", HOUR)]).await;
    bed.pass(DAY).await;
    daemon.stop().await;
    let asked = bed.asked();
    assert!(asked.iter().all(|asked| asked.source == "four") && asked.len() == 24, "{}", asked.len());
}

#[tokio::test(start_paused = true)]
async fn a_reload_that_the_store_refuses_changes_nothing() {
    let bed = Bed::new(|_| feed(&["a"]));
    let daemon = start(&bed, &[every("one", HOUR)]).await;
    bed.pass(1).await;
    bed.store_fails(true);
    let (done, loaded) = oneshot::channel();
    let other = Box::new(plan(&bed, &[every("one", 10 * MINUTE), every("two", HOUR)]));
    daemon.commands.send(Command::Reload(other, done)).await.ok().unwrap();
    assert!(loaded.await.unwrap().is_err());
    bed.store_fails(false);
    bed.pass(2 * HOUR).await;
    daemon.stop().await;
    let asked = bed.asked();
    assert_eq!((times(&asked, "one").len(), times(&asked, "two").len()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_takes_nothing_makes_nobody_ask_more_often_than_it_may() {
    let bed = Bed::new(|_| feed(&["a"]));
    let sources = [every("s", HOUR)];
    bed.sync(&[Arc::new(every("s", HOUR))]).await;
    let daemon = start(&bed, &sources).await;
    bed.pass(1).await;
    bed.asked();
    bed.store_fails(true);
    bed.pass(2 * HOUR).await;
    assert!((11..=13).contains(&bed.asked().len()), "every five minutes, which is min_interval");
    bed.store_fails(false);
    bed.pass(6 * MINUTE).await;
    bed.asked();
    bed.pass(HOUR + MINUTE).await;
    assert_eq!(bed.asked().len(), 1, "all is well again");
    daemon.stop().await;
}

#[tokio::test(start_paused = true)]
async fn by_hand_overrides_schedule_and_back_off_and_answers_who_asked() {
    let bed = Bed::new(|_| broken("refused").after(3));
    let daemon = start(&bed, &[every("s", HOUR), every("t", HOUR)]).await;
    bed.pass(10).await;
    bed.answer(|_| feed(&["a"]).after(3));
    // Two ask at once: one poll, two answers. One who is unknown is nobody.
    let (one, two) = tokio::join!(daemon.by_hand(&["s", "nobody"]), daemon.by_hand(&["s"]));
    assert_eq!((one.len(), two.len()), (1, 1));
    assert!(!one[0].outcome.is_failure() && !two[0].outcome.is_failure());
    assert_eq!(bed.asked().len(), 3);
    // A reload in between loses no answer.
    let sources = [every("s", HOUR), every("t", HOUR)];
    let (reports, ()) = tokio::join!(daemon.by_hand(&["s", "t"]), daemon.reload(&bed, &sources));
    assert_eq!(reports.len(), 2);
    assert_eq!(daemon.outcomes.lock().unwrap().len(), 5);
    daemon.stop().await;
}

/// A hundred sources, polled every half an hour; no network from the second hour on, for a day.
async fn without_network(options: Options, fault: fn() -> Reply) {
    let gone_for = HOUR..DAY + HOUR;
    let bed = Bed::with(options, move |asked| {
        if gone_for.contains(&asked.at.as_secs()) { fault() } else { unchanged_or_feed(asked) }
    });
    let sources: Vec<Source> =
        (0..100).map(|number| Source { jitter: 0.1, ..every(&format!("s{number}"), 30 * MINUTE) }).collect();
    let daemon = start(&bed, &sources).await;
    bed.pass(DAY + 12 * HOUR).await;
    daemon.stop().await;
    let asked = bed.asked();
    let mut seconds = std::collections::BTreeMap::new();
    for asked in &asked {
        *seconds.entry(asked.at.as_secs()).or_insert(0) += 1;
    }
    // A hundred in half an hour are one in eighteen seconds; the start alone may bring fifty in one.
    let busiest = seconds.range(MINUTE..).map(|(_, count)| *count).max().unwrap();
    assert!(busiest <= 6, "{busiest}");
    for number in 0..100 {
        let times = times(&asked, &format!("s{number}"));
        // Back-off is six hours at most, and a tenth; then it is as ever.
        let back = times.iter().position(|at| *at >= DAY + HOUR).unwrap();
        assert!(times[back] <= DAY + 8 * HOUR, "{times:?}");
        assert!(times[back..].windows(2).all(|two| two[1] - two[0] <= 35 * MINUTE), "{times:?}");
        assert!(times[times.len() - 1] > DAY + 12 * HOUR - 35 * MINUTE, "everybody is back on schedule");
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_gone_for_a_day_comes_back_without_a_storm() {
    let options = Options { per_host_gap: Span::secs(0), ..Options::default() };
    without_network(options.clone(), || broken("no network")).await;
    // Where every request takes all of its time, more are due than there are places.
    without_network(Options { concurrency: 1, ..options }, hangs).await;
}

fn unchanged_or_feed(asked: &Asked) -> Reply {
    if asked.etag.is_some() { unchanged() } else { feed(&["a"]).etag("\"1\"") }
}
