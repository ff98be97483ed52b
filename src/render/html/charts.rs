//! The two charts of a source's page: what it brought per day, and how its polls ended.

use chrono::{NaiveDate, TimeDelta};

use crate::model::PollDay;

/// Days shown.
pub const DAYS: u16 = 30;
/// Width of a day.
const WIDTH: u32 = 10;
/// Height of the highest bar.
const HEIGHT: u32 = 38;

/// A day in the chart of a source's rhythm; the newest is the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// `26 April 2013`.
    pub day: String,
    /// Entries on that day.
    pub count: u32,
    /// From the left, of 300.
    pub x: u32,
    /// From the top, of 40.
    pub y: u32,
    /// Of 40.
    pub height: u32,
}

/// So many entries a day, over the days that end with the newest one's.
pub fn chart(last: NaiveDate, counts: &[u32]) -> Vec<Bar> {
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let bar = |((day, count), at): ((NaiveDate, u32), u32)| {
        let height = if count == 0 { 1 } else { (count.saturating_mul(HEIGHT) / most).max(3) };
        Bar { day: day.format("%-d %B %Y").to_string(), count, x: at * WIDTH, y: 40 - height, height }
    };
    window(last).into_iter().zip(counts.iter().copied()).zip(0u32..).map(bar).collect()
}

/// The days up to one, the oldest first.
fn window(last: NaiveDate) -> Vec<NaiveDate> {
    let ago = |back: u16| last.checked_sub_signed(TimeDelta::days(i64::from(back)));
    (0..DAYS).rev().filter_map(ago).collect()
}

/// What the chart shows, in words: a source that fell silent has its last days there, not the days up to today.
pub(super) fn told(bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or_default();
    format!("{}; {most} at most", span(bars.iter().map(|bar| &*bar.day)))
}

/// The days from the first to the last.
fn span<'a>(mut days: impl DoubleEndedIterator<Item = &'a str>) -> String {
    let (first, last) = (days.next().unwrap_or_default(), days.next_back().unwrap_or_default());
    format!("{first} to {last}")
}

/// A day in the chart of polls: failures at the foot, then documents, then what had nothing new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollBar {
    /// `26 April 2013`.
    pub day: String,
    /// `26 April 2013: 3 read, 140 with nothing new, 1 failed`.
    pub words: String,
    /// From the left, of 300.
    pub x: u32,
    /// Class, distance from the top and height of each part, of 40.
    pub parts: Vec<(&'static str, u32, u32)>,
}

/// How polls ended over the thirty days that end with the last one.
pub fn polls(days: &[PollDay]) -> Vec<PollBar> {
    let date = |day: i64| NaiveDate::from_epoch_days(i32::try_from(day).ok()?);
    let Some(last) = days.last().and_then(|last| date(last.day)) else { return Vec::new() };
    let sum = |day: &PollDay| day.read.saturating_add(day.unchanged).saturating_add(day.failed);
    let most = days.iter().map(sum).max().unwrap_or(1).max(1);
    let bar = |(day, at): (NaiveDate, u32)| {
        let known = days.iter().find(|known| date(known.day) == Some(day)).copied().unwrap_or_default();
        let mut foot = 40;
        let mut part = |class, count: u32| {
            // What happened at all is seen, however much else did.
            let height = (count.saturating_mul(HEIGHT) / most).max(u32::from(count > 0) * 2).min(foot);
            foot -= height;
            (class, foot, height)
        };
        let parts =
            [part("failed", known.failed), part("read", known.read), part("unchanged", known.unchanged)];
        let PollDay { read, unchanged, failed, .. } = known;
        let day = day.format("%-d %B %Y").to_string();
        PollBar {
            words: format!("{day}: {read} read, {unchanged} with nothing new, {failed} failed"),
            day,
            x: at * WIDTH,
            parts: parts.into_iter().filter(|(_, _, height)| *height > 0).collect(),
        }
    };
    window(last).into_iter().zip(0u32..).map(bar).collect()
}

/// The days that the chart of polls shows.
pub(super) fn polled(bars: &[PollBar]) -> String {
    span(bars.iter().map(|bar| &*bar.day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_are_stacked_by_how_they_ended() {
        assert_eq!(polls(&[]), []);
        let days = [
            PollDay { day: 20_000, read: 2, unchanged: 30, failed: 0 },
            PollDay { day: 20_002, read: 0, unchanged: 0, failed: 1 },
        ];
        let bars = polls(&days);
        assert_eq!(bars.len(), 30);
        assert_eq!(bars[27].words, "4 October 2024: 2 read, 30 with nothing new, 0 failed");
        assert_eq!(bars[27].parts, [("read", 38, 2), ("unchanged", 3, 35)]);
        assert_eq!(bars[28].parts, []);
        assert_eq!(bars[29].parts, [("failed", 38, 2)]);
        assert_eq!(bars[29].x, 290);
    }
}
