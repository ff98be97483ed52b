//! The two ways out: data to stdout, words to stderr. Colors only where they are wanted.

use std::fmt::Display;
use std::io::Write;

use anstream::{AutoStream, ColorChoice};

use super::Color;

/// Takes `--color` for everything printed from now on.
pub(super) fn choose(color: Color) {
    let choice = match color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    };
    choice.write_global();
}

/// True when words may have colors.
pub fn color() -> bool {
    AutoStream::choice(&std::io::stderr()) != ColorChoice::Never
}

/// Prints data, as it is: the caller writes the line ends.
///
/// # Errors
/// When stdout is closed or full; `BrokenPipe` ends the program quietly when it is handed up.
pub fn data(text: impl Display) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    write!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Says something to the person at the terminal, with a line end.
pub fn words(text: impl Display) {
    // When stderr is gone there is nobody left to tell.
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Says what went wrong.
pub fn error(text: impl Display) {
    use owo_colors::OwoColorize as _;
    // The stream takes the color out again where it is not wanted.
    words(format_args!("{} {text}", "error:".bright_red()));
}

/// `1 source`, `2 sources`.
pub fn count<N: Copy + Display + PartialEq + From<u8>>(number: N, one: &str, many: &str) -> String {
    format!("{number} {}", if number == N::from(1) { one } else { many })
}
