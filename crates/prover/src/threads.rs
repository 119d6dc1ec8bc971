//! The choice between one thread and the rayon pool.

/// Where independent pieces of work run. The number of threads is that of the rayon pool in which
/// the call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    /// All work runs on the calling thread.
    One,
    /// The work is split over the pool.
    #[cfg(feature = "parallel")]
    Pool,
}

impl Threads {
    /// Returns `Pool` if the crate is built with threads and the pool has more than one, and `One`
    /// otherwise.
    pub(crate) fn many() -> Self {
        #[cfg(feature = "parallel")]
        if rayon::current_num_threads() > 1 {
            return Self::Pool;
        }
        Self::One
    }

    /// Runs both functions and returns both results.
    pub(crate) fn join<X: Send, Y: Send>(
        self,
        first: impl FnOnce() -> X + Send,
        second: impl FnOnce() -> Y + Send,
    ) -> (X, Y) {
        match self {
            Self::One => (first(), second()),
            #[cfg(feature = "parallel")]
            Self::Pool => rayon::join(first, second),
        }
    }

    /// Runs `work` on every item and returns the results in the order of the items.
    pub(crate) fn map<T: Send, R: Send>(self, items: Vec<T>, work: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
        match self {
            Self::One => items.into_iter().map(work).collect(),
            #[cfg(feature = "parallel")]
            Self::Pool => {
                use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
                items.into_par_iter().with_max_len(1).map(work).collect()
            }
        }
    }

    /// Runs `work` on every item.
    pub(crate) fn for_each<T: Send>(self, items: Vec<T>, work: impl Fn(T) + Sync + Send) {
        self.map(items, work);
    }
}
