//! Memory that is reused by later proofs.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// The workspaces that are not in use. New ones are created only if more are in use or visited at
/// the same time than ever before.
pub(super) struct Pool<T>(Mutex<VecDeque<T>>);

impl<T> Pool<T> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }

    /// Runs `work` with a workspace. Creates one with `new` if none is idle. If `work` panics, its
    /// workspace is dropped.
    pub(super) fn with<R>(&self, new: impl FnOnce() -> T, work: impl FnOnce(&mut T) -> R) -> R {
        let kept = self.lock().pop_back();
        let mut workspace = kept.unwrap_or_else(new);
        let result = work(&mut workspace);
        self.lock().push_back(workspace);
        result
    }

    /// Calls `visit` with each idle workspace. Workspaces that are in use are not visited.
    ///
    /// Only one workspace at a time is taken out, and it is put back behind the others. Meanwhile,
    /// other threads find the remaining idle ones and need not create more.
    pub(super) fn for_each_idle(&self, mut visit: impl FnMut(&mut T)) {
        let idle = self.lock().len();
        for _ in 0..idle {
            let Some(mut workspace) = self.lock().pop_front() else {
                break;
            };
            visit(&mut workspace);
            self.lock().push_back(workspace);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<T>> {
        // The list of idle workspaces stays valid if a thread panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a pool of `count` idle workspaces, numbered from 0.
    fn pool(count: usize) -> Pool<usize> {
        let pool = Pool::new();
        pool.lock().extend(0..count);
        pool
    }

    #[test]
    fn work_during_a_visit_creates_no_workspace_while_one_is_idle() {
        let pool = pool(3);
        for _ in 0..100 {
            pool.for_each_idle(|_| pool.with(|| panic!("others are idle"), |_| ()));
        }
        assert_eq!(pool.lock().len(), 3);
    }

    #[test]
    fn a_visit_calls_every_idle_workspace_once() {
        let (pool, mut visited) = (pool(5), vec![]);
        pool.with(
            || panic!("five are idle"),
            |_| pool.for_each_idle(|workspace| visited.push(*workspace)),
        );
        assert_eq!(visited, [0, 1, 2, 3]);
    }
}
