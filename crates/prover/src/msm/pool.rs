//! Memory that is kept from one proof to the next.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// Workspaces that nobody uses at present. As many are made as are ever in use or visited at once.
pub(super) struct Pool<T>(Mutex<VecDeque<T>>);

impl<T> Pool<T> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }

    /// Runs `work` with one of them. If `work` panics, its workspace is dropped.
    pub(super) fn with<R>(&self, new: impl FnOnce() -> T, work: impl FnOnce(&mut T) -> R) -> R {
        let kept = self.lock().pop_back();
        let mut workspace = kept.unwrap_or_else(new);
        let result = work(&mut workspace);
        self.lock().push_back(workspace);
        result
    }

    /// Visits those that nobody uses. One that another proof uses is left to that proof.
    ///
    /// One at a time is taken, and put behind the others: whoever wants one meanwhile finds the rest, and needn't make another.
    pub(super) fn for_each_free(&self, mut visit: impl FnMut(&mut T)) {
        let free = self.lock().len();
        for _ in 0..free {
            let Some(mut workspace) = self.lock().pop_front() else {
                break;
            };
            visit(&mut workspace);
            self.lock().push_back(workspace);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<T>> {
        // A list of free workspaces is good whatever happened to a thread that had it locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many workspaces as numbers, all free.
    fn pool(count: usize) -> Pool<usize> {
        let pool = Pool::new();
        pool.lock().extend(0..count);
        pool
    }

    #[test]
    fn work_during_a_visit_makes_no_workspace_while_one_is_free() {
        let pool = pool(3);
        for _ in 0..100 {
            pool.for_each_free(|_| pool.with(|| panic!("others are free"), |_| ()));
        }
        assert_eq!(pool.lock().len(), 3);
    }

    #[test]
    fn a_visit_sees_every_free_workspace_once() {
        let (pool, mut visited) = (pool(5), vec![]);
        pool.with(
            || panic!("five are free"),
            |_| pool.for_each_free(|workspace| visited.push(*workspace)),
        );
        assert_eq!(visited, [0, 1, 2, 3]);
    }
}
