//! Clocks: who sleeps wakes when it is time, and only then.

use super::*;

fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn manual_wakes_whoever_is_due() {
    let clock = Manual::new(noon());
    let mut short = tokio::spawn(clock.sleep(Duration::from_secs(10)));
    let long = tokio::spawn(clock.sleep(Duration::from_mins(1)));
    assert_eq!(clock.until_next(), Some(Duration::from_secs(10)));
    clock.advance(Duration::from_secs(9));
    tokio::task::yield_now().await;
    assert!((&mut short).now_or_never().is_none());
    clock.advance(Duration::from_secs(1));
    short.await.unwrap();
    assert_eq!((clock.sleepers(), clock.elapsed().as_secs()), (1, 10));
    assert_eq!(clock.now(), noon() + chrono::TimeDelta::seconds(10));
    clock.advance(Duration::from_hours(1));
    long.await.unwrap();
    clock.sleep(Duration::ZERO).await;
}

#[tokio::test]
async fn a_wall_jump_wakes_nobody() {
    let clock = Manual::new(noon());
    let mut sleeper = clock.sleep(Duration::from_secs(10));
    clock.set_wall(noon() + chrono::TimeDelta::days(1));
    assert!((&mut sleeper).now_or_never().is_none());
    assert_eq!(clock.elapsed(), Duration::ZERO);
    clock.set_wall(noon() - chrono::TimeDelta::days(1));
    clock.advance(Duration::from_secs(10));
    sleeper.await;
    assert_eq!(clock.now(), noon() - chrono::TimeDelta::days(1) + chrono::TimeDelta::seconds(10));
}

#[test]
fn a_dropped_sleeper_is_forgotten() {
    let clock = Manual::new(noon());
    drop(clock.sleep(Duration::from_secs(10)));
    assert_eq!(clock.sleepers(), 0);
}

#[tokio::test]
async fn a_file_moves_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clock");
    let say = |text: &str| {
        let half = folder.path().join("half");
        std::fs::write(&half, text).unwrap();
        std::fs::rename(&half, &path).unwrap();
    };
    assert!(FileClock::open(&path).is_err());
    say("nonsense");
    assert!(FileClock::open(&path).unwrap_err().contains("RIVERINE_CLOCK"));
    say("2026-03-01T12:00:00Z\n");
    let clock = FileClock::open(&path).unwrap();
    assert_eq!((clock.now(), clock.elapsed()), (noon(), Duration::ZERO));
    let sleeper = clock.sleep(Duration::from_hours(1));
    say("2026-03-01T13:00:00Z");
    sleeper.await;
    assert_eq!(clock.elapsed(), Duration::from_hours(1));
}

#[tokio::test(start_paused = true)]
async fn hours_pass_while_nobody_works() {
    let clock = Paced::new(noon());
    clock.sleep(Duration::from_hours(5)).await;
    assert_eq!(
        (clock.elapsed(), clock.now()),
        (Duration::from_hours(5), noon() + chrono::TimeDelta::hours(5))
    );
    clock.jump(chrono::TimeDelta::days(-1));
    clock.sleep(Duration::from_hours(1)).await;
    assert_eq!(
        (clock.elapsed(), clock.now()),
        (Duration::from_hours(6), noon() - chrono::TimeDelta::hours(18))
    );
}
