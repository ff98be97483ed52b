//! Without systemd every call is a plain no-op.

use super::*;

#[test]
fn nothing_happens_without_systemd() {
    reloading();
    ready();
    status("polling 3 sources");
    alive();
    stopping();
}

#[test]
fn a_status_is_one_line() {
    assert_eq!(one_line("a\nREADY=1\r\0b"), "a READY=1  b");
}
