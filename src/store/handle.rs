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

/// Polls that are committed together at most: who only reads pages must get at the writer, too.
const TOGETHER: usize = 64;

/// Cheap to clone; all clones share the same connections.
#[derive(Clone)]
pub struct Handle {
    writer: Arc<Pool>,
    readers: Arc<Pool>,
    waiting: Arc<Mutex<VecDeque<Job>>>,
}

struct Pool {
    permits: Semaphore,
    idle: Mutex<Vec<Box<dyn Store>>>,
}

/// Work that may share a transaction; hands back how to answer who waits for it, once that has ended.
type Job = Box<dyn FnOnce(&mut dyn Store) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// A result, or the panic that came instead.
type Ended<T> = Result<Result<T, StoreError>, Box<dyn Any + Send>>;

impl Handle {
    /// Puts connections behind the async side. With no readers, the writer serves both.
    pub fn new(writer: Box<dyn Store>, readers: Vec<Box<dyn Store>>) -> Self {
        let pool = |stores: Vec<Box<dyn Store>>| {
            Arc::new(Pool { permits: Semaphore::new(stores.len()), idle: Mutex::new(stores) })
        };
        let writer = pool(vec![writer]);
        let readers = if readers.is_empty() { writer.clone() } else { pool(readers) };
        Self { writer, readers, waiting: Arc::default() }
    }

    /// Runs `work` on a reader.
    ///
    /// # Errors
    /// What `work` returns.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        run(&self.readers, work).await
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
    /// Each is still remembered as a whole or not at all, and what it returns is on the disk.
    ///
    /// # Errors
    /// What `work` returns, or why the transaction of all failed.
    pub async fn remember<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, mut answered) = oneshot::channel::<Ended<T>>();
        let job: Job = Box::new(move |store| {
            // What it began is rolled back alone, so a panic is this poll's and nobody else's.
            let ended = catch_unwind(AssertUnwindSafe(|| work(store)));
            Box::new(move |all| {
                // Who asked may have gone.
                let _ = answer.send(ended.map(|result| result.and_then(|value| all.map(|()| value))));
            })
        });
        locked(&self.waiting).push_back(job);
        let closed = || StoreError::Failed("the store is closed".to_owned());
        loop {
            tokio::select! {
                biased;
                ended = &mut answered => {
                    return ended.map_err(|_| closed())?.unwrap_or_else(|panic| resume_unwind(panic));
                }
                // Whoever gets the writer commits for all, those before it first.
                permit = self.writer.permits.acquire() => {
                    permit.map_err(|_| closed())?.forget();
                    let waiting = self.waiting.clone();
                    borrow(&self.writer, move |store| {
                        together(store, &waiting);
                        Ok(())
                    })
                    .await?;
                }
            }
        }
    }
}

/// Takes who waits, up to a limit, and commits for them.
fn together(store: &mut dyn Store, waiting: &Mutex<VecDeque<Job>>) {
    let mut jobs: VecDeque<Job> = {
        let mut waiting = locked(waiting);
        let count = waiting.len().min(TOGETHER);
        waiting.drain(..count).collect()
    };
    if jobs.is_empty() {
        return;
    }
    let mut answers: Vec<Answer> = Vec::with_capacity(jobs.len());
    let all = store.together(&mut |store| {
        while let Some(job) = jobs.pop_front() {
            answers.push(job(store));
        }
    });
    let again = |error: &StoreError| StoreError::Failed(error.to_string());
    for answer in answers {
        answer(all.as_ref().copied().map_err(again));
    }
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
    permit.map_err(|_| StoreError::Failed("the store is closed".to_owned()))?.forget();
    borrow(pool, work).await
}

/// Runs `work` on a blocking thread. The caller has taken a permit; it is given back here.
async fn borrow<T: Send + 'static>(
    pool: &Arc<Pool>,
    work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let closed = || StoreError::Failed("the store is closed".to_owned());
    let pool = pool.clone();
    let job = tokio::task::spawn_blocking(move || {
        let idle = locked(&pool.idle).pop();
        let Some(mut store) = idle else {
            pool.permits.add_permits(1);
            return Err(StoreError::Failed("the store is closed".to_owned()));
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
