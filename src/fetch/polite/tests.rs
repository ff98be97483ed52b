//! Turns: limits and pauses are kept, in order, and nobody waits for a stranger's host.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::clock::Manual;
use crate::units::Span;

fn gate(concurrency: usize, per_host: usize, gap: u64) -> (Arc<Gate>, Manual) {
    let clock = Manual::new("2026-03-01T12:00:00Z".parse().unwrap());
    let options = Options { concurrency, per_host, per_host_gap: Span::secs(gap), ..Options::default() };
    (Arc::new(Gate::new(&options, Arc::new(clock.clone()))), clock)
}

fn url(host: &str) -> Url {
    Url::parse(&format!("http://{host}/feed")).unwrap()
}

/// Lets every task run until all of them wait for something.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Enters, notes when and who, and stays for `stay` seconds.
fn visit(gate: &Arc<Gate>, clock: &Manual, host: &str, stay: u64, log: &Arc<Mutex<Vec<(u64, String)>>>) {
    let (gate, clock, log) = (Arc::clone(gate), clock.clone(), Arc::clone(log));
    let host = host.to_owned();
    tokio::spawn(async move {
        let (server, _) = host.split_once('/').unwrap_or((&host, ""));
        let entered = gate.enter(&url(server)).await;
        let word = if entered.is_ok() { host.clone() } else { format!("{host} held") };
        log.lock().unwrap().push((clock.elapsed().as_secs(), word));
        clock.sleep(Duration::from_secs(stay)).await;
    });
}

/// Visits in this order, then lets time pass: who entered when.
async fn check(limits: (usize, usize, u64), visits: &[(&str, u64)], expected: &[(u64, &str)]) {
    let (gate, clock) = gate(limits.0, limits.1, limits.2);
    let log = Arc::default();
    for (host, stay) in visits {
        visit(&gate, &clock, host, *stay, &log);
        settle().await;
    }
    for _ in 0..60 {
        clock.advance(Duration::from_secs(1));
        settle().await;
    }
    let log = log.lock().unwrap();
    let log: Vec<(u64, &str)> = log.iter().map(|(at, who)| (*at, who.as_str())).collect();
    assert_eq!(log, expected);
}

#[tokio::test]
async fn one_at_a_time_with_a_pause_in_order() {
    let visits = [("a/1", 2), ("a/2", 0), ("a/3", 5), ("a/4", 0)];
    check((9, 1, 1), &visits, &[(0, "a/1"), (3, "a/2"), (4, "a/3"), (10, "a/4")]).await;
}

#[tokio::test]
async fn two_at_once_are_spaced_too() {
    check((9, 2, 1), &[("a/1", 9), ("a/2", 3), ("a/3", 0)], &[(0, "a/1"), (1, "a/2"), (5, "a/3")]).await;
}

#[tokio::test]
async fn a_busy_host_takes_no_place_of_others() {
    let visits = [("a/1", 30), ("a/2", 0), ("a/3", 0), ("a/4", 0), ("b", 1), ("c", 0), ("a:8080", 0)];
    let expected = [(0, "a/1"), (0, "b"), (1, "c"), (1, "a:8080"), (31, "a/2"), (32, "a/3"), (33, "a/4")];
    check((2, 1, 1), &visits, &expected).await;
}

#[tokio::test]
async fn all_together_are_limited() {
    let visits = [("a", 5), ("b", 5), ("c", 5), ("d", 0)];
    check((2, 1, 0), &visits, &[(0, "a"), (0, "b"), (5, "c"), (5, "d")]).await;
}

#[tokio::test]
async fn a_held_host_is_left_alone() {
    let (gate, clock) = gate(9, 1, 1);
    let log = Arc::default();
    visit(&gate, &clock, "a/1", 3, &log);
    settle().await;
    visit(&gate, &clock, "a/2", 0, &log);
    settle().await;
    gate.hold(&url("a"), clock.now() + TimeDelta::hours(2));
    gate.hold(&url("a"), clock.now() + TimeDelta::hours(1));
    gate.hold(&url("b"), clock.now() - TimeDelta::hours(1));
    for host in ["a/3", "b"] {
        visit(&gate, &clock, host, 0, &log);
        settle().await;
    }
    clock.advance(Duration::from_secs(3));
    settle().await;
    assert_eq!(
        gate.enter(&url("a")).await.err(),
        Some(Held { wait: Duration::from_secs(7197), by: Some(url("a")) })
    );
    // A jump of the wall clock neither shortens nor lengthens a hold.
    clock.set_wall(clock.now() + TimeDelta::days(1));
    clock.advance(Duration::from_secs(7196));
    assert_eq!(
        gate.enter(&url("a")).await.err(),
        Some(Held { wait: Duration::from_secs(1), by: Some(url("a")) })
    );
    clock.advance(Duration::from_secs(1));
    assert!(gate.enter(&url("a")).await.is_ok());
    let words = ["a/1", "a/3 held", "b", "a/2 held"];
    assert_eq!(log.lock().unwrap().iter().map(|(_, who)| who.clone()).collect::<Vec<_>>(), words);
}

#[tokio::test]
async fn whoever_gives_up_leaves_the_queue() {
    let (gate, clock) = gate(1, 1, 1);
    let first = gate.enter(&url("a")).await.ok();
    let waiting = tokio::spawn({
        let gate = Arc::clone(&gate);
        async move { gate.enter(&url("a")).await.is_ok() }
    });
    settle().await;
    waiting.abort();
    settle().await;
    drop(first);
    clock.advance(Duration::from_secs(1));
    assert!(gate.enter(&url("a")).await.is_ok());
    assert!(gate.enter(&url("b")).await.is_ok());
}

#[tokio::test]
async fn a_second_request_of_the_same_turn_waits_too() {
    let (gate, clock) = gate(1, 1, 2);
    let permit = gate.enter(&url("a")).await.ok().unwrap();
    let moved = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&moved);
    let task = tokio::spawn(async move {
        permit.again().await;
        counter.fetch_add(1, Ordering::SeqCst);
    });
    settle().await;
    clock.advance(Duration::from_secs(1));
    settle().await;
    assert_eq!(moved.load(Ordering::SeqCst), 0);
    clock.advance(Duration::from_secs(1));
    task.await.unwrap();
    assert_eq!(moved.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn idle_hosts_are_forgotten() {
    let (gate, clock) = gate(9, 1, 1);
    gate.hold(&url("held"), clock.now() + TimeDelta::days(1));
    for number in 0..10_000 {
        assert!(gate.enter(&url(&format!("h{number}"))).await.is_ok());
        clock.advance(Duration::from_millis(100));
    }
    assert!(gate.hosts() <= KEPT_HOSTS + 20, "{}", gate.hosts());
    assert!(gate.enter(&url("held")).await.is_err());
}

#[tokio::test]
async fn limits_change_while_turns_are_taken() {
    let (gate, clock) = gate(4, 3, 1);
    let log = Arc::default();
    for number in 0..9 {
        visit(&gate, &clock, &format!("a/{number}"), 10, &log);
        settle().await;
        clock.advance(Duration::from_secs(1));
        settle().await;
    }
    let entered = |log: &Arc<Mutex<Vec<(u64, String)>>>| log.lock().unwrap().len();
    assert_eq!(entered(&log), 3);
    let options = Options { concurrency: 1, per_host: 1, per_host_gap: Span::secs(5), ..Options::default() };
    gate.obey(&options);
    for _ in 0..20 {
        clock.advance(Duration::from_secs(1));
        settle().await;
    }
    // Three left and took two places along; then one at a time, five seconds apart.
    let times: Vec<u64> = log.lock().unwrap().iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 1, 2, 13, 28]);
    gate.obey(&Options { concurrency: 9, per_host: 9, per_host_gap: Span::secs(0), ..Options::default() });
    for _ in 0..20 {
        clock.advance(Duration::from_secs(1));
        settle().await;
    }
    assert_eq!(entered(&log), 9);
}
