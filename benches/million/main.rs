//! A million sources for a day, in virtual time: memory per source, CPU per poll, no host's limit broken, no herd.
//!
//! `cargo bench --bench million` takes a million; `cargo bench --bench million -- 50000 6` fifty thousand and six
//! hours. The store is made in the temporary directory (about 2 kB a source): where that is a disk, `TMPDIR=/dev/shm`
//! spares it. A small one is a test, tests/it/million.rs.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench prints, and may end so"
)]

mod day;
mod herd;
mod origins;

use std::time::Duration;

/// The daemon's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u32>().ok());
    let count = numbers.next().unwrap_or(1_000_000);
    let hours = numbers.next().unwrap_or(24);
    let dir = tempfile::tempdir().unwrap();
    let ran = day::run(count, Duration::from_hours(u64::from(hours)), dir.path());
    let (seen, all) = (&ran.seen, ran.outcomes.all());
    let each =
        |from: usize, to: usize| ran.memory[to].saturating_sub(ran.memory[from]) as f64 / f64::from(count);
    println!("{count} sources, {hours} hours, {all} polls, {} requests", seen.requests);
    println!("  {:?}", ran.outcomes);
    println!(
        "memory per source: {:.0} bytes as the config has it, {:.0} more in the loop; {:.0} in all at the end \
         ({:.0} MB resident)",
        each(0, 1),
        each(1, 2),
        each(0, 3),
        ran.memory[3] as f64 / 1e6
    );
    println!("start: {:.1} s of CPU", ran.start.as_secs_f64());
    println!(
        "CPU: {:.1} s, {:.1} µs a poll",
        ran.cpu.as_secs_f64(),
        ran.cpu.as_secs_f64() * 1e6 / all as f64
    );
    println!(
        "limits: {} requests broke one (a host at a time, a second apart, held hosts left alone, {} at once of 128); \
         {} holds",
        seen.broken, seen.at_once, seen.holds
    );
    let herd = herd::judge(&seen.seconds);
    println!(
        "herd: {} of {} ten-minute stretches have 100 requests a second or more; the busiest second of one has {} \
         to a mean of {:.1}: {:.2} x (at most 1.5), {:.1} minutes after the start",
        herd.busy,
        herd.stretches,
        herd.most,
        herd.mean,
        herd.ratio,
        herd.at as f64 / 60.0
    );
    println!(
        "  without cron; with it the busiest second has {}",
        seen.seconds.iter().zip(&seen.cron).map(|(all, cron)| all + cron).max().unwrap_or_default()
    );
    let hours: Vec<String> = seen
        .seconds
        .chunks(3600)
        .map(|hour| format!("{:.0}", f64::from(hour.iter().sum::<u32>()) / 3600.0))
        .collect();
    println!("  requests a second, by hour: {}", hours.join(" "));
}
