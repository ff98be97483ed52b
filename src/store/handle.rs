//! The async side of the store: one writer and a few readers, each call on a blocking thread.
//!
//! What several polls have to remember at the same time is committed together: the disk is waited for once,
//! and nobody is answered before it has everything.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, oneshot};

use super::{Store, StoreError};

/// Pieces of work that are done in one go at most: others must get at the connection, too.
const TOGETHER: usize = 64;

/// Cheap to clone; all clones share the same connections.
#[derive(Clone)]
pub struct Handle {
    writer: Arc<Pool>,
    readers: Arc<Pool>,
    remembering: Arc<Line>,
    looking: Arc<Line>,
}

struct Pool {
    permits: Semaphore,
    idle: Mutex<Vec<Box<dyn Store>>>,
}

/// Work that waits to be done together with other such work.
struct Line {
    waiting: Mutex<Waiting>,
    all: fn(&mut dyn Store, Vec<Box<dyn Job>>),
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Box<dyn Job>>,
    /// Somebody sees to it that they are done.
    led: bool,
}

/// Work that may share a transaction. It may have to be done again, when what was done was taken back.
trait Job: Send {
    /// Does it, and keeps what came of it.
    fn run(&mut self, store: &mut dyn Store);
    /// Tells who waits for it, once the transaction has ended.
    fn answer(self: Box<Self>, all: Result<(), StoreError>);
}

/// A result, or the panic that came instead.
type Ended<T> = Result<Result<T, StoreError>, Box<dyn Any + Send>>;

struct Asked<T, W> {
    work: W,
    ended: Option<Ended<T>>,
    answer: oneshot::Sender<Ended<T>>,
}

impl<T: Send, W: FnMut(&mut dyn Store) -> Result<T, StoreError> + Send> Job for Asked<T, W> {
    fn run(&mut self, store: &mut dyn Store) {
        // What it began is taken back, so a panic is this poll's and nobody else's.
        self.ended = Some(catch_unwind(AssertUnwindSafe(|| (self.work)(store))));
    }

    fn answer(self: Box<Self>, all: Result<(), StoreError>) {
        let Self { work, ended, answer } = *self;
        // Who waits may want to have for himself what was lent to the work.
        drop(work);
        let ended = match ended {
            Some(ended) => ended.map(|result| result.and_then(|value| all.map(|()| value))),
            // It was not even begun.
            None => Ok(Err(all.err().unwrap_or_else(closed))),
        };
        // Who asked may have gone.
        let _ = answer.send(ended);
    }
}

impl Handle {
    /// Puts connections behind the async side. With no readers, the writer serves both.
    pub fn new(writer: Box<dyn Store>, readers: Vec<Box<dyn Store>>) -> Self {
        let pool = |stores: Vec<Box<dyn Store>>| {
            Arc::new(Pool { permits: Semaphore::new(stores.len()), idle: Mutex::new(stores) })
        };
        let writer = pool(vec![writer]);
        let readers = if readers.is_empty() { writer.clone() } else { pool(readers) };
        let line = |all| Arc::new(Line { waiting: Mutex::default(), all });
        Self { writer, readers, remembering: line(commit_all), looking: line(look_all) }
    }

    /// Runs `work` on a reader.
    ///
    /// # Errors
    /// What `work` returns.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let result = run(&self.readers, work).await;
        // Who asked over HTTP is told that the log has more.
        if let Err(error) = &result {
            tracing::warn!("reading the store failed: {error}");
        }
        result
    }

    /// Runs `work` on the writer.
    ///
    /// # Errors
    /// What `work` returns.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        run(&self.writer, work).await
    }

    /// Runs `work`, which commits a poll, on the writer, in one transaction with others that wait by then.
    /// Each is still remembered as a whole or not at all, and what it returns is on the disk: where one breaks off
    /// half-way, the transaction is taken back, and `work` of all is run again, each in a transaction of its own.
    ///
    /// # Errors
    /// What `work` returns, or why the transaction of all failed.
    pub async fn remember<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        stand_in_line(&self.remembering, &self.writer, work).await
    }

    /// Runs `work`, a quick look, on a reader, in one go with others that wait by then: mostly that takes longer to
    /// begin than to do.
    ///
    /// # Errors
    /// What `work` returns.
    pub async fn look<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        stand_in_line(&self.looking, &self.readers, work).await
    }
}

async fn stand_in_line<T: Send + 'static>(
    line: &Arc<Line>,
    pool: &Arc<Pool>,
    work: impl FnMut(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (answer, answered) = oneshot::channel::<Ended<T>>();
    let job: Box<dyn Job> = Box::new(Asked { work, ended: None, answer });
    let leads = {
        let mut waiting = locked(&line.waiting);
        waiting.jobs.push_back(job);
        !std::mem::replace(&mut waiting.led, true)
    };
    if leads {
        // Who asked first may go away; the others must not notice.
        tokio::spawn(lead(Lead(line.clone()), pool.clone()));
    }
    let ended = answered.await.map_err(|_| closed())?;
    ended.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Sees to it that who waits is served. However it ends, somebody else can take over.
struct Lead(Arc<Line>);

impl Drop for Lead {
    fn drop(&mut self) {
        locked(&self.0.waiting).led = false;
    }
}

async fn lead(lead: Lead, pool: Arc<Pool>) {
    loop {
        let line = lead.0.clone();
        let work = move |store: &mut dyn Store| {
            let jobs = {
                let mut waiting = locked(&line.waiting);
                let count = waiting.jobs.len().min(TOGETHER);
                waiting.jobs.drain(..count).collect()
            };
            (line.all)(store, jobs);
            Ok(())
        };
        let ended = run(&pool, work).await;
        let mut waiting = locked(&lead.0.waiting);
        if ended.is_err() {
            // They are told that nobody serves them.
            waiting.jobs.clear();
        }
        if waiting.jobs.is_empty() {
            waiting.led = false;
            return;
        }
    }
}

/// Commits for all of them at once.
fn commit_all(store: &mut dyn Store, mut jobs: Vec<Box<dyn Job>>) {
    let mut all = store.together(&mut |store| jobs.iter_mut().for_each(|job| job.run(store)));
    if matches!(all, Err(StoreError::Conflict)) {
        // One broke off half-way and took the others along: now each for itself.
        for job in &mut jobs {
            job.run(store);
        }
        all = Ok(());
    }
    answer(jobs, &all);
}

/// Looks for all of them at once.
fn look_all(store: &mut dyn Store, mut jobs: Vec<Box<dyn Job>>) {
    let all = store.at_one_moment(&mut |store| jobs.iter_mut().for_each(|job| job.run(store)));
    answer(jobs, &all);
}

fn answer(jobs: Vec<Box<dyn Job>>, all: &Result<(), StoreError>) {
    let again = |error: &StoreError| StoreError::Failed(error.to_string());
    for job in jobs {
        job.answer(all.as_ref().copied().map_err(again));
    }
}

fn closed() -> StoreError {
    StoreError::Failed("the store is closed".to_owned())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Work is done outside the lock, so nothing is ever half changed under it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn run<T: Send + 'static>(
    pool: &Arc<Pool>,
    work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    // The permit is taken before the thread: a busy store parks tasks, not threads.
    let permit = pool.permits.acquire().await;
    permit.map_err(|_| closed())?.forget();
    borrow(pool, work).await
}

/// Runs `work` on a blocking thread. The caller has taken a permit; it is given back here.
async fn borrow<T: Send + 'static>(
    pool: &Arc<Pool>,
    work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let pool = pool.clone();
    let job = tokio::task::spawn_blocking(move || {
        let idle = locked(&pool.idle).pop();
        let Some(mut store) = idle else {
            pool.permits.add_permits(1);
            return Err(closed());
        };
        let result = catch_unwind(AssertUnwindSafe(|| work(store.as_mut())));
        locked(&pool.idle).push(store);
        pool.permits.add_permits(1);
        // A panic inside the store is a defect that may have left anything behind: it ends the process.
        result.unwrap_or_else(|panic| resume_unwind(panic))
    });
    match job.await {
        Ok(result) => result,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(_) => Err(closed()),
    }
}
