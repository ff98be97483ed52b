//! What we remember of a source between polls.

use std::time::Duration;

use chrono::{DateTime, Utc};
use url::Url;

use super::entry::{Digest, Feed};

/// `ETag` and `Last-Modified` as they came, and the URL that gave them. Opaque bytes (RFC 9110, 8.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// The exact URL they belong to, query included. Read at every poll, so it stays the text it was.
    pub url: String,
    /// The `ETag` field value, `W/` and quotes included.
    pub etag: Option<Vec<u8>>,
    /// The `Last-Modified` field value.
    pub last_modified: Option<Vec<u8>>,
}

/// A permanent redirect on its way to being believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// Where the leading run of 301/308 hops led.
    pub target: Url,
    /// On how many polls in a row it was seen and ended in a good document.
    pub seen: u32,
}

/// What document and headers said about when to come again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// `Cache-Control: max-age` less `Age`, or `Expires` minus `Date`.
    pub fresh_for: Option<Duration>,
    /// RSS `ttl`.
    pub ttl: Option<Duration>,
    /// RSS `skipHours`, GMT, 0 to 23.
    pub skip_hours: Vec<u8>,
    /// RSS `skipDays`, 0 = Monday, GMT.
    pub skip_days: Vec<u8>,
    /// `sy:updatePeriod` ÷ `sy:updateFrequency`.
    pub update_gap: Option<Duration>,
}

/// Where a source's news can be heard of without asking (WebSub).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hub {
    /// The hub's address.
    pub url: String,
    /// The name under which the hub knows the document.
    pub topic: String,
}

/// What a source's hub is to its polls. Kept with the subscription, not with the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// What was subscribed to.
    pub hub: Hub,
    /// End of the lease.
    pub expires: Option<DateTime<Utc>>,
    /// Last delivery, while the hub is relied on: then a look a day is enough.
    pub pushed: Option<DateTime<Utc>>,
    /// When the hub last said that there is something to be read, without bringing it.
    pub announced: Option<DateTime<Utc>>,
    /// What this poll or delivery changes in that.
    pub change: Option<PushChange>,
}

/// What a poll or a delivery says of a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushChange {
    /// It brought a document.
    Brought,
    /// A poll found what it never told of: it is no longer relied on.
    Missed,
}

/// How a source stands, in the word `status` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Standing {
    /// Never polled.
    #[default]
    New,
    /// The last poll went well.
    Ok,
    /// The last poll failed.
    Failing,
    /// The server asked us to wait.
    Held,
    /// 410: parked.
    Gone,
    /// The page's layout changed.
    Drifted,
    /// `enabled = false`, or no longer in the config.
    Disabled,
}

impl Standing {
    /// The word `status` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Ok => "ok",
            Self::Failing => "failing",
            Self::Held => "held",
            Self::Gone => "gone",
            Self::Drifted => "drifted",
            Self::Disabled => "disabled",
        }
    }

    /// The standing of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::New, Self::Ok, Self::Failing, Self::Held, Self::Gone, Self::Drifted, Self::Disabled]
            .into_iter()
            .find(|standing| standing.name() == name)
    }
}

/// Whether a source's guids and links can be trusted: readings in a row in which they were new on entries whose
/// timestamp, title and text stood still, or stood on several stories. One may be a move; two are a habit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Such readings of its guids.
    pub guid_doubts: u32,
    /// Such readings of its links.
    pub link_doubts: u32,
}

impl Trust {
    /// Doubts that make a habit.
    const HABIT: u32 = 2;

    /// True when a guid says nothing here.
    pub fn guids_unreliable(self) -> bool {
        self.guid_doubts >= Self::HABIT
    }

    /// True when links are new at every poll.
    pub fn links_unreliable(self) -> bool {
        self.link_doubts >= Self::HABIT
    }
}

/// How one poll ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A document was read.
    Read {
        /// Stories that stand for the first time.
        new: usize,
        /// Stories whose text, title or date was corrected.
        changed: usize,
        /// Entries that met a story of another source.
        met: usize,
        /// Entries that a `keep` or `drop` rule held back.
        filtered: usize,
        /// Entries that were the same as before.
        unchanged: usize,
    },
    /// The list is there, and nothing is in it.
    Empty,
    /// 304, or the same bytes again.
    NotModified,
    /// Nothing could be used; the words say what, why and what to do.
    Failed(String),
    /// The server asked us to wait (429, 503) until then.
    Held(String),
    /// 410: parked.
    Gone,
}

impl Outcome {
    /// True when nothing could be used.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Held(_) | Self::Gone)
    }

    /// In words, for a line about the source.
    pub fn words(&self) -> String {
        match self {
            Self::Read { new, changed, met, filtered, .. } => {
                [(*new, "new"), (*changed, "changed"), (*met, "met elsewhere"), (*filtered, "filtered")]
                    .iter()
                    .filter(|(count, what)| *count > 0 || *what == "new")
                    .map(|(count, what)| format!("{count} {what}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            }
            Self::Empty => "the list is empty".to_owned(),
            Self::NotModified => "nothing new".to_owned(),
            Self::Failed(words) | Self::Held(words) => words.clone(),
            Self::Gone => "gone for good (410)".to_owned(),
        }
    }
}

/// Everything we remember of a source. Lives in the store; survives a restart and a kill.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceState {
    /// How it stands.
    pub standing: Standing,
    /// First poll that was answered.
    pub first_success: Option<DateTime<Utc>>,
    /// Last poll, however it ended.
    pub last_poll: Option<DateTime<Utc>>,
    /// Last poll that ended in a document or a 304.
    pub last_success: Option<DateTime<Utc>>,
    /// Not before then.
    pub next_poll: Option<DateTime<Utc>>,
    /// Why then, in words.
    pub next_poll_reason: String,
    /// The part of the config it was computed under: schedule, zone, limits.
    pub planned_under: Option<Digest>,
    /// While it fails: what of the config may be why, as it was then.
    pub failed_under: Option<Digest>,
    /// Last status code, when there was an answer.
    pub http_status: Option<u16>,
    /// Last error in words; `None` after a success.
    pub last_error: Option<String>,
    /// What was read with a reservation at the last reading.
    pub warnings: Vec<String>,
    /// Polls that failed in a row.
    pub consecutive_failures: u32,
    /// Requests made, ever.
    pub requests: u64,
    /// Answered 304, ever.
    pub not_modified: u64,
    /// Body bytes that conditional requests saved, ever (the last body's size per 304).
    pub bytes_saved: u64,
    /// Validators of the last whole answer.
    pub validators: Option<Validators>,
    /// Hash of the last body, decoded; the same again needs no reading.
    pub body_hash: Option<Digest>,
    /// The rules under which the last whole document was read, or could not be.
    pub read_under: Option<Digest>,
    /// The version of our reading that read it; 0: one that did not say.
    pub reading: u32,
    /// True when the last whole document could not be read: its validators tell whether it still is that one.
    pub unread: bool,
    /// Size of the last body in bytes, decoded.
    pub body_bytes: u64,
    /// A permanent redirect that is being confirmed.
    pub redirect: Option<Redirect>,
    /// A confirmed permanent redirect: asked instead of the configured URL.
    pub moved_to: Option<Url>,
    /// The server said: not before then.
    pub held_until: Option<DateTime<Utc>>,
    /// The address that said so: after redirects, it may be another host's.
    pub held_by: Option<Url>,
    /// When to come again, as the last answer said.
    pub hints: Hints,
    /// Publication times of entries seen, newest first, at most 64: the rhythm that `adaptive` learns from.
    pub rhythm: Vec<DateTime<Utc>>,
    /// How long after its stated time the newest of them came in sight: their clock is wrong, or their zone, or our
    /// clock.
    pub late: Duration,
    /// The head of its last document.
    pub feed: Option<Feed>,
    /// Hash of the parts of the config that validators depend on (url, headers, auth).
    pub request_hash: Option<Digest>,
    /// Pages and texts: the most items that one document had, forgotten slowly.
    pub most_items: u32,
    /// Pages without selectors: where the list was found last.
    pub learned_item: Option<String>,
    /// What was measured of its guids and links.
    pub trust: Trust,
    /// When the certificate of the host that answered last ends.
    pub certificate_ends: Option<DateTime<Utc>>,
    /// How polls ended, by day, the oldest first; of the last thirty days.
    pub days: Vec<PollDay>,
    /// The hub that its last document named.
    pub hub: Option<Hub>,
    /// The id it had first, where that is not its own: its document here is known by it for ever.
    pub first_id: Option<String>,
    /// The subscription to a hub, as far as it bears on polls. Read along, never written.
    pub push: Option<Push>,
}

/// How the polls of one day (UTC) ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollDay {
    /// Days since 1970.
    pub day: i64,
    /// A document was read.
    pub read: u32,
    /// Nothing new: 304.
    pub unchanged: u32,
    /// Nothing could be used.
    pub failed: u32,
}

impl SourceState {
    /// Days of polls that are kept.
    const DAYS: usize = 30;
    /// Publication times kept to learn a source's rhythm from.
    const RHYTHM: usize = 64;

    /// Notes what a document of `now` says of when its entries were published. `looked` is when the one before it was
    /// had: what is new since came in sight later, whatever it says.
    pub fn published(
        &mut self,
        times: impl Iterator<Item = DateTime<Utc>>,
        looked: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) {
        let before = self.rhythm.first().copied();
        self.rhythm.extend(times);
        self.rhythm.sort_unstable_by(|one, two| two.cmp(one));
        self.rhythm.dedup();
        let fresh = self.rhythm.iter().take_while(|at| before.is_some_and(|before| **at > before)).count();
        self.rhythm.truncate(Self::RHYTHM);
        if let (Some(looked), Some(newest), 1..) = (looked, self.rhythm.first(), fresh) {
            // So many since then: the newest of them came, on average, so long ago.
            let ago = (now - looked) / i32::try_from(fresh + 1).unwrap_or(i32::MAX);
            let late = (now - *newest - ago).min((looked - *newest) * 2);
            self.late = late.to_std().unwrap_or_default();
        }
    }

    /// When it is polled next, and why then.
    pub fn next_in_words(&self) -> Option<String> {
        let next = self.next_poll?.format("%Y-%m-%d %H:%M:%S UTC");
        Some(format!("next poll {next}: {}", self.next_poll_reason))
    }

    /// Counts a poll that ended now, by how the source stands after it.
    pub fn tally(&mut self, now: DateTime<Utc>) {
        let day = now.timestamp().div_euclid(86_400);
        // A clock set back writes into the newest day: days only grow.
        if self.days.last().is_none_or(|last| last.day < day) {
            self.days.push(PollDay { day, ..PollDay::default() });
        }
        let known = self.days.len();
        self.days.drain(..known.saturating_sub(Self::DAYS));
        let Some(last) = self.days.last_mut() else { return };
        let count = match (self.standing, self.http_status) {
            (Standing::Ok, Some(304)) => &mut last.unchanged,
            (Standing::Ok, _) => &mut last.read,
            _ => &mut last.failed,
        };
        *count = count.saturating_add(1);
    }
}
