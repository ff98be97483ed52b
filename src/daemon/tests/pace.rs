//! So many in a second, and who does not have to wait for it.

use super::*;
use crate::daemon::pace::Pace;
use crate::daemon::queue::{Limits, Manner, Queue};

const SECOND: Duration = Duration::from_secs(1);
/// So many in a second are no herd, whatever came before.
const ALWAYS: u32 = 125;

#[test]
fn few_never_wait_and_more_wait_for_the_next_second() {
    let (mut pace, at) = (Pace::default(), Duration::from_hours(5));
    for place in 0..ALWAYS {
        assert_eq!(pace.pause(at), Duration::ZERO, "{place}");
        pace.fell_due(at);
        pace.begins(at);
    }
    assert_eq!(pace.pause(at), SECOND);
    assert_eq!(pace.pause(at + SECOND / 4), SECOND * 3 / 4);
    assert_eq!(pace.pause(at + SECOND), Duration::ZERO);
}

/// When those begin of whom so many a second fall due for so long, and whoever may goes at once.
fn greedy(pace: &mut Pace, from: Duration, rate: impl Fn(Duration) -> u32, span: Duration) -> Vec<Duration> {
    let (mut begun, mut waiting) = (Vec::new(), 0);
    let tick = SECOND / 20;
    for number in 0..u32::try_from(span.as_secs()).unwrap() * 20 {
        let elapsed = from + tick * number;
        for _ in 0..rate(elapsed) / 20 {
            pace.fell_due(elapsed);
            waiting += 1;
        }
        while waiting > 0 && pace.pause(elapsed).is_zero() {
            pace.begins(elapsed);
            begun.push(elapsed);
            waiting -= 1;
        }
    }
    begun
}

#[test]
fn no_second_wherever_it_begins_is_busier_than_its_ten_minutes_allow() {
    let begun = greedy(&mut Pace::default(), Duration::ZERO, |_| 400, Duration::from_mins(40));
    let mut first_of_ten = 0;
    for (place, at) in begun.iter().enumerate() {
        let in_second = begun[..=place].iter().rev().take_while(|before| **before + SECOND > *at).count();
        while begun[first_of_ten] + Duration::from_mins(10) <= *at {
            first_of_ten += 1;
        }
        let in_ten_minutes = place + 1 - first_of_ten;
        // 1.5 times the mean of ten minutes is a four-hundredth of them.
        let herd = in_ten_minutes >= 100 * 600 && in_second * 400 > in_ten_minutes;
        assert!(!herd, "{at:?}: {in_second} in a second, {in_ten_minutes} in ten minutes");
    }
    let last = begun.iter().filter(|at| **at >= Duration::from_mins(39)).count();
    assert!(last >= 400 * 60, "what is demanded is reached: {last} in a minute");
}

#[test]
fn demand_that_sinks_by_more_than_a_quarter_leaves_no_herd_behind() {
    // Many fall due together: all of ten seconds in the first four of them.
    let rate = |elapsed: Duration| {
        let mean = if elapsed < Duration::from_mins(30) { 144 } else { 104 };
        if elapsed.as_secs() % 10 < 4 { mean * 5 / 2 } else { 0 }
    };
    let begun = greedy(&mut Pace::default(), Duration::ZERO, rate, Duration::from_mins(50));
    let mut seconds = vec![0u32; 50 * 60];
    for at in &begun {
        seconds[usize::try_from(at.as_secs()).unwrap()] += 1;
    }
    for (minute, ten) in seconds.windows(600).step_by(60).enumerate() {
        let (most, all) = (ten.iter().max().unwrap(), ten.iter().sum::<u32>());
        assert!(
            all < 100 * 600 || most * 400 <= all,
            "minute {minute}: {most} in a second, {all} in ten minutes"
        );
    }
    // What fell due had its turn within the ten seconds.
    assert!(begun.len() >= 30 * 60 * 144 + 20 * 60 * 104 - 1440, "{}", begun.len());
}

#[test]
fn demand_that_rises_by_a_third_makes_nobody_wait_for_a_minute() {
    let rate = |elapsed: Duration| {
        let minutes = u32::try_from(elapsed.as_secs() / 60).unwrap();
        120 + 20 * (minutes.clamp(30, 40) - 30) / 5
    };
    let (mut due, from) = (Vec::new(), Duration::ZERO);
    let span = Duration::from_mins(80);
    for second in 0..span.as_secs() {
        let at = Duration::from_secs(second);
        due.extend(std::iter::repeat_n(at, usize::try_from(rate(at) / 20 * 20).unwrap()));
    }
    let begun = greedy(&mut Pace::default(), from, rate, span);
    let longest = due.iter().zip(&begun).map(|(due, begun)| begun.saturating_sub(*due)).max();
    assert!(longest < Some(Duration::from_mins(1)), "{longest:?}");
    assert!(begun.len() + 200 > due.len(), "{} of {}", begun.len(), due.len());
}

#[test]
fn what_was_long_ago_is_forgotten() {
    let mut pace = Pace::default();
    greedy(&mut pace, Duration::ZERO, |_| 400, Duration::from_mins(30));
    let busy = greedy(&mut pace, Duration::from_mins(30), |_| 400, SECOND).len();
    assert!(busy >= 400, "{busy}");
    let long_after = greedy(&mut pace, Duration::from_hours(2), |_| 400, SECOND).len();
    assert_eq!(long_after, ALWAYS as usize);
}

fn host(number: u32) -> Arc<str> {
    format!("h{number}:443").into()
}

/// Everybody who may go now, in their order.
fn now(queue: &mut Queue, elapsed: Duration) -> Vec<u32> {
    std::iter::from_fn(|| queue.next(elapsed)).map(|(number, _)| number).collect()
}

#[test]
fn who_keeps_no_pace_passes_those_who_do_by() {
    let limits = Limits { concurrency: 10_000, per_host: 1, gap: SECOND };
    let mut queue = Queue::new(limits);
    let at = Duration::from_mins(3);
    for number in 0..3 * ALWAYS {
        // Some hosts were free earlier than others; that is no reason to go first.
        let free_at = Duration::from_secs(u64::from(100 - number % 7));
        queue.push(number, &host(number), Manner::Paced, free_at, at);
    }
    assert_eq!(now(&mut queue, at), (0..ALWAYS).collect::<Vec<_>>(), "in the order they came");
    assert_eq!(queue.pause(at), SECOND);
    queue.push(1000, &host(1000), Manner::Timed, Duration::ZERO, at);
    queue.push(1001, &host(1001), Manner::Urgent, Duration::ZERO, at);
    // One whose host is held back, and one of a host that is held back.
    queue.hasten(2 * ALWAYS, &host(2 * ALWAYS));
    queue.push(1002, &host(ALWAYS + 5), Manner::Urgent, Duration::ZERO, at);
    let mut passed = now(&mut queue, at);
    passed.sort_unstable();
    assert_eq!(passed, [2 * ALWAYS, 1000, 1001, 1002]);
    // A second later the next, each once; the host that was busy is called again when it is free.
    let next = now(&mut queue, at + SECOND);
    let expected: Vec<u32> =
        (ALWAYS..=2 * ALWAYS + 1).filter(|n| *n != ALWAYS + 5 && *n != 2 * ALWAYS).collect();
    assert_eq!(next, expected);
    queue.done(&host(ALWAYS + 5), at + 2 * SECOND);
    let rest = now(&mut queue, at + 2 * SECOND);
    assert_eq!(rest.len(), 124);
    assert!(rest.contains(&(ALWAYS + 5)), "{rest:?}");
    assert_eq!(queue.pause(at + 3 * SECOND), Duration::MAX, "nobody is left over");
}

#[tokio::test(start_paused = true)]
async fn by_hand_everybody_begins_at_once_and_by_schedule_nobody_comes_in_a_herd() {
    let options = Options { concurrency: 1000, ..Options::default() };
    let bed = Bed::with(options, |_| unchanged());
    let sources: Vec<Source> = (0..400).map(|number| every(&format!("s{number}"), HOUR)).collect();
    let ids: Vec<&str> = sources.iter().map(|source| source.id.as_str()).collect();
    let daemon = start(&bed, &sources).await;
    bed.pass(MINUTE).await;
    bed.asked();
    assert_eq!(daemon.by_hand(&ids).await.len(), 400);
    let asked = bed.asked();
    assert!(asked.iter().all(|one| one.at == asked[0].at), "all at once");
    bed.pass(HOUR + MINUTE).await;
    daemon.stop().await;
    let mut times: Vec<Duration> = bed.asked().iter().map(|asked| asked.at).collect();
    times.sort_unstable();
    assert_eq!(times.len(), 400);
    let last = times[399].saturating_sub(times[0]);
    assert!(times.windows(126).all(|some| some[0] + SECOND <= some[125]), "{times:?}");
    assert!(last <= 3 * SECOND, "and no time is lost: {last:?}");
}
