//! The async side of the store: one writer and a few readers, each call on a blocking thread.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::{Store, StoreError};

/// Cheap to clone; all clones share the same connections.
#[derive(Clone)]
pub struct Handle {
    writer: Arc<Pool>,
    readers: Arc<Pool>,
}

struct Pool {
    permits: Semaphore,
    idle: Mutex<Vec<Box<dyn Store>>>,
}

impl Handle {
    /// Puts connections behind the async side. With no readers, the writer serves both.
    pub fn new(writer: Box<dyn Store>, readers: Vec<Box<dyn Store>>) -> Self {
        let pool = |stores: Vec<Box<dyn Store>>| {
            Arc::new(Pool { permits: Semaphore::new(stores.len()), idle: Mutex::new(stores) })
        };
        let writer = pool(vec![writer]);
        let readers = if readers.is_empty() { writer.clone() } else { pool(readers) };
        Self { writer, readers }
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
}

async fn run<T: Send + 'static>(
    pool: &Arc<Pool>,
    work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let closed = || StoreError::Failed("the store is closed".to_owned());
    let pool = pool.clone();
    // The permit is taken before the thread: a busy store parks tasks, not threads.
    let permit = pool.permits.acquire().await.map_err(|_| closed())?;
    permit.forget();
    let job = tokio::task::spawn_blocking(move || {
        let idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(mut store) = idle else {
            pool.permits.add_permits(1);
            return Err(StoreError::Failed("the store is closed".to_owned()));
        };
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(store.as_mut())));
        pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(store);
        pool.permits.add_permits(1);
        // A panic inside the store is a defect that may have left anything behind: it ends the process.
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    match job.await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(closed()),
    }
}
