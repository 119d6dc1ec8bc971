//! Slots and blocks.

use serde::Deserialize;
use serde_json::json;
use solana_hash::Hash;
use solana_signature::Signature;

use crate::{Commitment, Rpc, RpcError, error::codes};

/// A block, without what is in its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its hash.
    pub blockhash: Hash,
    /// The hash of the block that it follows.
    pub previous_blockhash: Hash,
    /// The slot of that one.
    pub parent_slot: u64,
    /// When it was made, in Unix seconds, if the node knows.
    pub block_time: Option<i64>,
    /// Its transactions in the order of their execution, failed ones too: a transaction's index is its place here.
    pub signatures: Vec<Signature>,
}

impl Rpc {
    /// The newest slot.
    pub async fn slot(&self, commitment: Commitment) -> Result<u64, RpcError> {
        self.call("getSlot", &json!([{ "commitment": commitment }])).await
    }

    /// The number of blocks below the newest.
    pub async fn block_height(&self, commitment: Commitment) -> Result<u64, RpcError> {
        self.call("getBlockHeight", &json!([{ "commitment": commitment }]))
            .await
    }

    /// The oldest slot whose block the node still has.
    pub async fn first_available_block(&self) -> Result<u64, RpcError> {
        self.call("getFirstAvailableBlock", &json!([])).await
    }

    /// The slots from `first` to `last` that have a block; a node takes a range of 500,000 at most.
    pub async fn slots_with_block(
        &self,
        first: u64,
        last: u64,
        commitment: Commitment,
    ) -> Result<Vec<u64>, RpcError> {
        let params = json!([first, last, { "commitment": commitment }]);
        self.call("getBlocks", &params).await
    }

    /// The block of a slot. `None`: there is no block in that slot, and there never will be.
    ///
    /// Of a slot that is newer than the commitment, the error is transient. `commitment` has to be confirmed or finalized.
    pub async fn block(&self, slot: u64, commitment: Commitment) -> Result<Option<Block>, RpcError> {
        const METHOD: &str = "getBlock";
        let options = json!({
            "commitment": commitment,
            "transactionDetails": "signatures",
            "rewards": false,
            "maxSupportedTransactionVersion": 0,
        });
        match self
            .call::<Option<BlockJson>>(METHOD, &json!([slot, options]))
            .await
        {
            Ok(Some(block)) => block.read().map(Some),
            // How some nodes say that the block isn't there yet.
            Ok(None) => Err(RpcError::Refused {
                method: METHOD,
                code: codes::BLOCK_NOT_AVAILABLE,
                message: format!("no block yet for slot {slot}"),
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

    /// The hash of the chain's first block: which cluster this is.
    pub async fn genesis_hash(&self) -> Result<Hash, RpcError> {
        const METHOD: &str = "getGenesisHash";
        let text: String = self.call(METHOD, &json!([])).await?;
        text.parse().map_err(RpcError::answer(METHOD))
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
    fn read(self) -> Result<Block, RpcError> {
        let hash = |text: &str| text.parse().map_err(RpcError::answer("getBlock"));
        let signatures = self.signatures.iter();
        Ok(Block {
            blockhash: hash(&self.blockhash)?,
            previous_blockhash: hash(&self.previous_blockhash)?,
            parent_slot: self.parent_slot,
            block_time: self.block_time,
            signatures: signatures
                .map(|text| text.parse().map_err(RpcError::answer("getBlock")))
                .collect::<Result<_, _>>()?,
        })
    }
}
