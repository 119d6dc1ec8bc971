//! Memory that is kept from one proof to the next.

use std::sync::{Mutex, PoisonError};

/// Workspaces that nobody uses at present. As many are made as are ever in use at once.
pub(super) struct Pool<T>(Mutex<Vec<T>>);

impl<T> Pool<T> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Runs `work` with one of them. If `work` panics, its workspace is dropped.
    pub(super) fn with<R>(&self, new: impl FnOnce() -> T, work: impl FnOnce(&mut T) -> R) -> R {
        let kept = self.lock().pop();
        let mut workspace = kept.unwrap_or_else(new);
        let result = work(&mut workspace);
        self.lock().push(workspace);
        result
    }

    /// Visits those that nobody uses. One that another proof uses is left to that proof.
    pub(super) fn for_each_free(&self, visit: impl FnMut(&mut T)) {
        let mut free = std::mem::take(&mut *self.lock());
        free.iter_mut().for_each(visit);
        self.lock().append(&mut free);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<T>> {
        // A list of free workspaces is good whatever happened to a thread that had it locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
