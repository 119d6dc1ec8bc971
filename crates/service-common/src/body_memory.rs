//! The memory that bodies of requests take.

use std::sync::Arc;

use axum::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory for all large bodies together, in bytes.
const LARGE_BODIES: usize = 32 << 20;
/// A body up to this size is not counted: the limit of concurrent requests bounds these bodies.
/// Clients that send large bodies can't prevent ordinary requests.
const SMALL_BODY: usize = 16 << 10;
/// Memory is counted in these units.
const UNIT: usize = 1 << 10;

/// The memory of the large bodies that a service holds at the same time. Clones share it.
#[derive(Clone)]
pub(crate) struct BodyMemory(Arc<Semaphore>);

/// Other requests use the memory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MemoryInUse;

/// A body that is being read, with the memory that is counted for it.
pub(crate) struct CountedBody {
    memory: BodyMemory,
    bytes: Vec<u8>,
    counted: Option<OwnedSemaphorePermit>,
}

impl BodyMemory {
    /// Returns the memory of a service whose bodies have at most `max_bytes`.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(
            LARGE_BODIES.max(max_bytes).div_ceil(UNIT),
        )))
    }

    /// Starts a body.
    pub(crate) fn body(&self) -> CountedBody {
        CountedBody {
            memory: self.clone(),
            bytes: Vec::new(),
            counted: None,
        }
    }
}

impl CountedBody {
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds bytes that have arrived.
    pub(crate) fn extend(&mut self, chunk: &[u8]) -> Result<(), MemoryInUse> {
        let bytes = self.bytes.len() + chunk.len();
        if bytes > SMALL_BODY {
            let counted = self.counted.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            let missing = u32::try_from(bytes.div_ceil(UNIT) - counted).map_err(|_| MemoryInUse)?;
            let permit = self.memory.0.clone().try_acquire_many_owned(missing);
            let permit = permit.map_err(|_| MemoryInUse)?;
            match &mut self.counted {
                Some(counted) => counted.merge(permit),
                None => self.counted = Some(permit),
            }
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }
}

impl AsRef<[u8]> for CountedBody {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The memory is counted until the bytes are dropped.
impl From<CountedBody> for Bytes {
    fn from(body: CountedBody) -> Self {
        Self::from_owner(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(memory: &BodyMemory, chunks: usize, chunk: usize) -> Result<Bytes, MemoryInUse> {
        let mut body = memory.body();
        for _ in 0..chunks {
            body.extend(&vec![7; chunk])?;
        }
        Ok(body.into())
    }

    #[test]
    fn large_bodies_share_their_memory_until_they_are_dropped() {
        let memory = BodyMemory::new(1 << 20);
        let held: Vec<Bytes> = (0..32).map(|_| read(&memory, 64, 16 << 10).unwrap()).collect();
        assert_eq!(held[31].len(), 1 << 20);
        assert_eq!(read(&memory, 2, 16 << 10), Err(MemoryInUse));
        drop(held);
        assert_eq!(memory.0.available_permits(), LARGE_BODIES / UNIT);
        read(&memory, 2, 16 << 10).unwrap();
    }

    #[test]
    fn a_small_body_is_accepted_while_large_ones_use_all_memory() {
        let memory = BodyMemory::new(1 << 20);
        let held: Vec<Bytes> = (0..32).map(|_| read(&memory, 1, 1 << 20).unwrap()).collect();
        read(&memory, 16, 1 << 10).unwrap();
        assert_eq!(read(&memory, 17, 1 << 10), Err(MemoryInUse));
        drop(held);
    }

    #[test]
    fn the_largest_body_of_the_settings_fits() {
        let bytes = 48 << 20;
        let memory = BodyMemory::new(bytes);
        assert_eq!(read(&memory, 48, 1 << 20).unwrap().len(), bytes);
    }
}
