//! Makes slots, block heights and blockhashes consistent.
//!
//! surfpool counts the blocks of a new chain from 0, but its slots begin at 31. Blocks with
//! transactions and empty blocks therefore have hashes and heights of two different series. In
//! addition, surfpool continues a stored chain with a slot that already has a block.
//!
//! This module sets the block height to the slot, and continues a stored chain with a slot that was
//! never used.

use solana_epoch_schedule::EpochSchedule;
use surfpool_core::{
    surfnet::{BlockIdentifier, svm::SurfnetSvm},
    types::SyntheticBlockhash,
};

/// The number of slots that a stored chain may have advanced after its last checkpoint: the slot
/// that was open.
const OPEN_SLOTS: u64 = 1;

/// Sets the first slot of a new chain, or the next slot of a stored chain.
pub fn set_start_slot(svm: &mut SurfnetSvm) {
    let mut slot = svm.get_latest_absolute_slot();
    if svm.last_checkpoint_slot > 0 {
        slot += OPEN_SLOTS + 1;
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
    // Every slot from 0 has a block, which may be empty. The time of a block follows from these
    // values.
    svm.genesis_slot = 0;
    svm.genesis_updated_at = svm.updated_at.saturating_sub(slot * svm.slot_time);
    svm.reconstruct_sysvars();
}
