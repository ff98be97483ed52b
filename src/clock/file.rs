//! A clock read from a file, so that a test can move the time of the real program from outside.
//! A test seam: nothing a user should set. Never writes the file.

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use super::{Clock, Hands};

/// How often the file is read.
const PACE: Duration = Duration::from_millis(10);

/// Time is what the file says: one RFC 3339 instant, read anew every 10 ms by a thread of its own
/// (so that it also works where no async runtime runs).
///
/// When the instant moves forward, both clocks move by as much. When it moves back, only the wall
/// clock does: the monotonic one stands. To jump the wall clock forward alone, start the
/// instant with `wall `. Write to a second file and rename it: a half-written file is ignored.
#[derive(Debug)]
pub struct FileClock {
    hands: Arc<Hands>,
}

impl FileClock {
    /// Reads the file for the first time and starts to watch it.
    ///
    /// # Errors
    /// When it cannot be read or holds no time.
    pub fn open(path: &Path) -> Result<Self, String> {
        let said = read(path)
            .ok_or_else(|| format!("{}: no RFC 3339 time in it (named by {})", path.display(), super::ENV))?;
        let hands = Arc::new(Hands::new(said.instant));
        let (watched, path) = (Arc::downgrade(&hands), path.to_owned());
        std::thread::Builder::new()
            .name("clock".to_owned())
            .spawn(move || watch(&watched, &path))
            .map_err(|error| format!("no thread for the clock: {error}"))?;
        Ok(Self { hands })
    }
}

impl Clock for FileClock {
    fn now(&self) -> DateTime<Utc> {
        self.hands.lock().wall
    }

    fn elapsed(&self) -> Duration {
        self.hands.lock().elapsed
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        Hands::sleep(&self.hands, span)
    }
}

struct Said {
    instant: DateTime<Utc>,
    wall_only: bool,
}

fn read(path: &Path) -> Option<Said> {
    let text = std::fs::read_to_string(path).ok()?;
    let (text, wall_only) = match text.trim().strip_prefix("wall ") {
        Some(rest) => (rest.trim_start(), true),
        None => (text.trim(), false),
    };
    let instant = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    Some(Said { instant, wall_only })
}

fn watch(hands: &Weak<Hands>, path: &Path) {
    loop {
        std::thread::sleep(PACE);
        let Some(hands) = hands.upgrade() else { return };
        let Some(said) = read(path) else { continue };
        let step = said.instant - hands.lock().wall;
        match step.to_std() {
            Ok(step) if !said.wall_only => hands.advance(step),
            _ => hands.lock().wall = said.instant,
        }
    }
}
