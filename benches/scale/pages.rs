//! Which trees of the store the polls write to: counted in its log, so the same on every machine and under any load.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::Connection;

/// Bytes before the first frame of a log.
const HEAD: usize = 32;
/// Bytes of a frame before its page.
const FRAME: usize = 24;

/// As long as it lives, nothing of the log is written to where it belongs.
pub(crate) struct Log {
    db: Connection,
    /// Reads and writes of files until now.
    before: [i64; 2],
}

impl Log {
    pub(crate) fn keep(store: &Path) -> Self {
        let db = Connection::open(store).unwrap();
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        db.execute_batch("BEGIN").unwrap();
        let _: i64 = db.query_row("SELECT count(*) FROM installation", [], |row| row.get(0)).unwrap();
        Self { db, before: files() }
    }

    /// Prints how many pages of each tree a poll wrote.
    pub(crate) fn print(self, store: &Path, polls: i64) {
        let [read, write] = files();
        let log = std::fs::read(store.with_extension("db-wal")).unwrap();
        let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
        let size = usize::try_from(number(8)).unwrap();
        let mut written: HashMap<i64, i64> = HashMap::new();
        for frame in (HEAD..log.len() - size).step_by(FRAME + size) {
            // What an earlier turn of the log left has other salts.
            if log[frame + 8..frame + 16] == log[16..24] {
                *written.entry(i64::from(number(frame))).or_default() += 1;
            }
        }
        // Only now: whoever closes a store last writes the log to where it belongs, and takes it away.
        self.db.execute_batch("COMMIT").unwrap();
        let db = self.db;
        let mut trees: HashMap<String, (i64, i64)> = HashMap::new();
        let mut pages = db.prepare("SELECT name, pageno FROM dbstat").unwrap();
        let mut rows = pages.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let tree = trees.entry(row.get(0).unwrap()).or_default();
            tree.0 += 1;
            tree.1 += written.remove(&row.get(1).unwrap()).unwrap_or_default();
        }
        let others = written.values().sum();
        trees.insert("(free)".to_owned(), (0, others));
        let mut trees: Vec<_> = trees.into_iter().filter(|(_, (_, written))| *written > 0).collect();
        trees.sort_by_key(|(_, (_, written))| -written);
        let all: i64 = trees.iter().map(|(_, (_, written))| written).sum();
        let of_a_poll = |count: i64| count as f64 / polls as f64;
        println!(
            "  by a poll: {:.1} pages written; {:.1} reads of files, {:.1} writes",
            of_a_poll(all),
            of_a_poll(read - self.before[0]),
            of_a_poll(write - self.before[1])
        );
        for (name, (pages, written)) in trees {
            println!("  {name:>24} {:>7.2}  of {pages}", of_a_poll(written));
        }
    }
}

/// How often the process has read and written.
fn files() -> [i64; 2] {
    let told = std::fs::read_to_string("/proc/self/io").unwrap();
    ["syscr: ", "syscw: "].map(|what| {
        let line = told.lines().find_map(|line| line.strip_prefix(what));
        line.unwrap().parse().unwrap()
    })
}
