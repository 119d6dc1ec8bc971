//! Slots, block heights and blockhashes that go together.
//!
//! surfpool counts the blocks of a new chain from 0 while its slots begin at 31, so that a block with transactions and an
//! empty one beside it have hashes and heights of two different series; and it begins a kept chain again with a slot
//! that has had its block. Here both counts are the slot, and a kept chain goes on with a slot that it never had.

use solana_epoch_schedule::EpochSchedule;
use surfpool_core::{
    surfnet::{BlockIdentifier, svm::SurfnetSvm},
    types::SyntheticBlockhash,
};

/// How far a chain may have come past the slot it wrote down last: to the one that was open.
const OPEN: u64 = 1;

/// Sets the slot that the chain begins or goes on with.
pub fn settle(svm: &mut SurfnetSvm) {
    let mut slot = svm.get_latest_absolute_slot();
    if svm.last_checkpoint_slot > 0 {
        slot += OPEN + 1;
    }
    let schedule: EpochSchedule = svm.inner.get_sysvar();
    let (epoch, index) = schedule.get_epoch_and_slot_index(slot);
    let now = &mut svm.latest_epoch_info;
    now.absolute_slot = slot;
    now.block_height = slot;
    now.epoch = epoch;
    now.slot_index = index;
    svm.chain_tip = BlockIdentifier {
        index: slot,
        hash: SyntheticBlockhash::new(slot.saturating_sub(1)).to_string(),
    };
    // Every slot from 0 has a block, at most an empty one; its time follows from this.
    svm.genesis_slot = 0;
    svm.genesis_updated_at = svm.updated_at.saturating_sub(slot * svm.slot_time);
    svm.reconstruct_sysvars();
}
