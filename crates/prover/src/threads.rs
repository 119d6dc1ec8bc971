//! Whether a proof may use several threads.

/// Where independent pieces of work run. The number of threads is that of the rayon pool that the call runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    /// All on the calling thread.
    One,
    /// Spread over the pool.
    #[cfg(feature = "parallel")]
    Pool,
}

impl Threads {
    /// Several threads, if the crate is built with them.
    pub(crate) fn many() -> Self {
        #[cfg(feature = "parallel")]
        if rayon::current_num_threads() > 1 {
            return Self::Pool;
        }
        Self::One
    }

    /// Runs both.
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

    /// Results of all items, in order.
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

    /// Runs all items.
    pub(crate) fn for_each<T: Send>(self, items: Vec<T>, work: impl Fn(T) + Sync + Send) {
        self.map(items, work);
    }
}
