//! Tells systemd how we are. Where there is no systemd nothing happens, and nothing here ever fails the
//! program. Never decides when to say what (daemon.rs does).

use std::time::Duration;

use sd_notify::NotifyState;

#[cfg(test)]
mod tests;

/// The store is open and the first load is done: `READY=1`. Also ends a reload.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The config is read again: `RELOADING=1`. Must be followed by [`ready`], whatever comes of it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// No new polls, the last answers go out: `STOPPING=1`.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// One line for `systemctl status`.
pub fn status(text: &str) {
    tell(&[NotifyState::Status(&one_line(text))]);
}

/// We are alive: to be said at least every [`watchdog_interval`].
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// How often to say [`alive`]: half of what systemd waits for (`WatchdogSec`); `None` when it does not wait.
pub fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2).filter(|half| !half.is_zero())
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd was not told");
    }
}

/// A line break would begin a second assignment.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}
