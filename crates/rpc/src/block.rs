//! Reads slots and blocks.

use serde::Deserialize;
use serde_json::json;
use solana_hash::Hash;
use solana_signature::Signature;

use crate::{CommitmentLevel, Rpc, RpcError, error::codes, transaction::ANY_VERSION};

/// A block, with the signatures of its transactions but without their contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The block's hash.
    pub blockhash: Hash,
    /// The hash of the parent block.
    pub previous_blockhash: Hash,
    /// The slot of the parent block.
    pub parent_slot: u64,
    /// The time of the block in Unix seconds. `None` if the node does not have it.
    pub block_time: Option<i64>,
    /// The block's transactions in the order of their execution, including failed ones. The
    /// position of a signature here is the transaction's index in the block.
    pub signatures: Vec<Signature>,
}

impl Rpc {
    /// Returns the newest slot of a commitment level.
    pub async fn slot(&self, level: CommitmentLevel) -> Result<u64, RpcError> {
        self.call("getSlot", &json!([{ "commitment": level }])).await
    }

    /// Returns the number of blocks below the newest one.
    pub async fn block_height(&self, level: CommitmentLevel) -> Result<u64, RpcError> {
        self.call("getBlockHeight", &json!([{ "commitment": level }]))
            .await
    }

    /// Returns the oldest slot whose block the node still has.
    pub async fn first_available_block(&self) -> Result<u64, RpcError> {
        self.call("getFirstAvailableBlock", &json!([])).await
    }

    /// Returns the slots from `first` to `last`, inclusive, that have a block. A node accepts a
    /// range of at most 500,000 slots.
    pub async fn slots_with_block(
        &self,
        first: u64,
        last: u64,
        level: CommitmentLevel,
    ) -> Result<Vec<u64>, RpcError> {
        let params = json!([first, last, { "commitment": level }]);
        self.call("getBlocks", &params).await
    }

    /// Returns the block of a slot. `None` means that the slot was skipped, or that the block is
    /// missing on this node, for example after a restart from a snapshot. The node does not say
    /// which: `None` is no evidence of what is on the chain.
    ///
    /// `level` must be confirmed or finalized. If the slot has not reached that level yet, the call
    /// fails with a retryable error.
    pub async fn block(&self, slot: u64, level: CommitmentLevel) -> Result<Option<Block>, RpcError> {
        const METHOD: &str = "getBlock";
        let options = json!({
            "commitment": level,
            "transactionDetails": "signatures",
            "rewards": false,
            "maxSupportedTransactionVersion": ANY_VERSION,
        });
        match self
            .call::<Option<BlockJson>>(METHOD, &json!([slot, options]))
            .await
        {
            Ok(Some(block)) => block.parse().map(Some),
            // Some nodes return null while the block does not exist yet.
            Ok(None) => Err(RpcError::Refused {
                method: METHOD,
                code: codes::BLOCK_NOT_AVAILABLE,
                message: format!("slot {slot} has no block yet"),
                error: None,
                logs: Vec::new(),
            }),
            Err(RpcError::Refused {
                code: codes::SLOT_SKIPPED | codes::LONG_TERM_STORAGE_SLOT_SKIPPED,
                ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the hash of the first block, which identifies the cluster.
    pub async fn genesis_hash(&self) -> Result<Hash, RpcError> {
        const METHOD: &str = "getGenesisHash";
        let text: String = self.call(METHOD, &json!([])).await?;
        text.parse().map_err(RpcError::invalid_response(METHOD))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockJson {
    blockhash: String,
    previous_blockhash: String,
    parent_slot: u64,
    block_time: Option<i64>,
    signatures: Vec<String>,
}

impl BlockJson {
    fn parse(self) -> Result<Block, RpcError> {
        let hash = |text: &str| text.parse().map_err(RpcError::invalid_response("getBlock"));
        let signatures = self.signatures.iter();
        Ok(Block {
            blockhash: hash(&self.blockhash)?,
            previous_blockhash: hash(&self.previous_blockhash)?,
            parent_slot: self.parent_slot,
            block_time: self.block_time,
            signatures: signatures
                .map(|text| text.parse().map_err(RpcError::invalid_response("getBlock")))
                .collect::<Result<_, _>>()?,
        })
    }
}
