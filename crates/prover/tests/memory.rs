//! Measures the memory that a proof needs. docs/prover.md states these bounds.

mod common;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

use bauta_prover::Witness;
use common::{Values, engines, products, rng};

/// The system's allocator, with a count of the allocated bytes.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller upholds the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns the allocated bytes before `work`, the largest number during `work`, and the number
/// after it.
fn measured(work: impl FnOnce()) -> [usize; 3] {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    work();
    [before, PEAK.load(Ordering::Relaxed), LIVE.load(Ordering::Relaxed)]
}

#[test]
fn a_proof_of_4000_constraints_needs_less_than_12_mb_and_memory_does_not_grow() {
    let case = products(4000, 1, 2, Values::Random, 1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for engine in engines(&case.key) {
        let witness = Witness::new(case.wires.clone());
        let prove = || {
            pool.install(|| engine.prove(&witness, &mut rng(1))).unwrap();
        };
        let [before, peak, kept] = measured(prove);
        println!(
            "{:?}: {} at most, {} kept",
            engine.back_end(),
            peak - before,
            kept - before
        );
        assert!(
            peak - before < 12_000_000,
            "{:?}: {}",
            engine.back_end(),
            peak - before
        );
        for _ in 0..3 {
            let [before, peak, after] = measured(prove);
            assert!(
                peak - before < 3_000_000,
                "{:?}: {}",
                engine.back_end(),
                peak - before
            );
            // The queues of the thread pool occasionally grow by some bytes.
            assert!(
                after <= kept + 4096,
                "{:?}: {after} after {kept}",
                engine.back_end()
            );
        }
    }
}
