//! The name of a cluster.

use bauta_client::ClusterTag;

/// Returns the name of the cluster with this genesis hash, as wallets use it. Every cluster that is
/// not public is called `solana:localnet`.
pub fn name(genesis_hash: [u8; 32]) -> &'static str {
    // The tag of a public cluster is its genesis hash.
    match ClusterTag::new(genesis_hash) {
        ClusterTag::MAINNET => "solana:mainnet",
        ClusterTag::DEVNET => "solana:devnet",
        ClusterTag::TESTNET => "solana:testnet",
        _ => "solana:localnet",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_cluster_has_its_own_name_and_every_other_is_local() {
        assert_eq!(name(ClusterTag::MAINNET.to_bytes()), "solana:mainnet");
        assert_eq!(name(ClusterTag::DEVNET.to_bytes()), "solana:devnet");
        assert_eq!(name([7; 32]), "solana:localnet");
    }
}
