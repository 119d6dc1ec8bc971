//! A tree of V1 of the real Bubblegum. Its reference tree follows each change.

use bauta::bubblegum::{BUBBLEGUM_PROGRAM, CompressedLeaf, LeafData, SPL_COMPRESSION_PROGRAM, Version};
use bauta::token_metadata::TOKEN_METADATA_PROGRAM;
use bauta_client::addresses;
use bauta_program_test::{CompressedNft, Nft, SPL_NOOP, SPL_TOKEN, TestChain, compressed_metadata};
use mpl_bubblegum::hash::hash_creators;
use mpl_bubblegum::instructions::{
    Burn, BurnInstructionArgs, CancelRedeem, CancelRedeemInstructionArgs, CreateTreeConfig,
    CreateTreeConfigInstructionArgs, DecompressV1, DecompressV1InstructionArgs, Delegate,
    DelegateInstructionArgs, MintToCollectionV1, MintToCollectionV1InstructionArgs, Redeem,
    RedeemInstructionArgs, Transfer, TransferInstructionArgs, UnverifyCollection,
    UnverifyCollectionInstructionArgs,
};
use mpl_bubblegum::types::MetadataArgs;
use solana_account::Account;
use solana_address::Address;
use solana_instruction::AccountMeta;
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::super::compressed::Compressed;
use super::issuer::{ASSOCIATED_TOKEN, SYSTEM, derived, holder, send};
use super::{chain, issuer};

const RENT: Address = Address::from_str_const("SysvarRent111111111111111111111111111111111");

/// A registry with a real collection of Token Metadata and a real tree.
pub struct RealTree {
    /// The registry and the reference tree.
    pub fixture: Compressed,
    /// The token that stands for the collection.
    pub collection: Nft,
}

impl RealTree {
    /// Creates a collection with rules, and a tree of V1 of depth 5 with a canopy of two levels.
    pub fn new(rules: u16) -> Self {
        let mut chain = chain();
        let collection = issuer::collection(&mut chain);
        let mut fixture = Compressed::with_key(chain, collection.mint, Version::V1, rules);
        create(&mut fixture);
        Self { fixture, collection }
    }

    pub fn chain(&mut self) -> &mut TestChain {
        &mut self.fixture.inner.chain
    }

    fn address(&self) -> Address {
        self.fixture.tree.address
    }

    fn config(&self) -> Address {
        addresses::tree_config(&self.address()).address
    }

    /// Returns the nodes of a proof as the accounts that follow those of an instruction.
    fn proof(&self, nft: &CompressedNft) -> Vec<AccountMeta> {
        let nodes = self.fixture.tree.proof(nft.index).into_iter();
        nodes
            .map(|node| AccountMeta::new_readonly(Address::new_from_array(node), false))
            .collect()
    }

    /// Mints an asset that is a verified member of the collection.
    pub fn mint(&mut self) -> CompressedNft {
        let owner = self.fixture.owner("holder");
        let key = self.collection.mint;
        let (collection_metadata, collection_edition) = derived(&key);
        let (config, tree) = (self.config(), self.address());
        let chain = self.chain();
        let authority = chain.token_authority();
        let mint = MintToCollectionV1 {
            tree_config: config,
            leaf_owner: owner.pubkey(),
            leaf_delegate: owner.pubkey(),
            merkle_tree: tree,
            payer: chain.payer.pubkey(),
            tree_creator_or_delegate: authority.pubkey(),
            collection_authority: authority.pubkey(),
            collection_authority_record_pda: None,
            collection_mint: key,
            collection_metadata,
            collection_edition,
            bubblegum_signer: bubblegum_signer(),
            log_wrapper: SPL_NOOP,
            compression_program: SPL_COMPRESSION_PROGRAM,
            token_metadata_program: TOKEN_METADATA_PROGRAM,
            system_program: SYSTEM,
        }
        .instruction(MintToCollectionV1InstructionArgs {
            metadata: metadata(&compressed_metadata(Some((key, false)))),
        });
        send(chain, mint, &[&authority]);
        self.fixture.tree.append(CompressedNft {
            id: Address::default(),
            index: 0,
            leaf: CompressedLeaf {
                owner: owner.pubkey(),
                delegate: None,
                data: LeafData::Metadata(compressed_metadata(Some((key, true)))),
                creator_hash: hash_creators(&[]),
                asset_data_hash: None,
                flags: 0,
            },
            core_collection: None,
            owner,
        })
    }

    /// Makes `delegate` the delegate of an asset.
    pub fn delegate(&mut self, nft: &CompressedNft, delegate: &Address) -> CompressedNft {
        let leaf = Leaf::of(self, nft);
        let call = Delegate {
            tree_config: self.config(),
            leaf_owner: nft.leaf.owner,
            previous_leaf_delegate: leaf.delegate,
            new_leaf_delegate: *delegate,
            merkle_tree: self.address(),
            log_wrapper: SPL_NOOP,
            compression_program: SPL_COMPRESSION_PROGRAM,
            system_program: SYSTEM,
        }
        .instruction_with_remaining_accounts(
            DelegateInstructionArgs {
                root: leaf.root,
                data_hash: leaf.data_hash,
                creator_hash: leaf.creator_hash,
                nonce: leaf.nonce,
                index: nft.index,
            },
            &self.proof(nft),
        );
        send(self.chain(), call, &[&nft.owner]);
        let mut delegated = nft.clone();
        delegated.leaf.delegate = Some(*delegate);
        self.fixture.tree.set(nft.index, Some(&delegated));
        delegated
    }

    /// Transfers an asset to a new owner. The owner or the delegate signs.
    pub fn transfer(&mut self, nft: &CompressedNft, signer: &Keypair) -> CompressedNft {
        let leaf = Leaf::of(self, nft);
        let buyer = self.fixture.owner("buyer");
        let is_signed_by = |address| (address, address == signer.pubkey());
        let call = Transfer {
            tree_config: self.config(),
            leaf_owner: is_signed_by(nft.leaf.owner),
            leaf_delegate: is_signed_by(leaf.delegate),
            new_leaf_owner: buyer.pubkey(),
            merkle_tree: self.address(),
            log_wrapper: SPL_NOOP,
            compression_program: SPL_COMPRESSION_PROGRAM,
            system_program: SYSTEM,
        }
        .instruction_with_remaining_accounts(
            TransferInstructionArgs {
                root: leaf.root,
                data_hash: leaf.data_hash,
                creator_hash: leaf.creator_hash,
                nonce: leaf.nonce,
                index: nft.index,
            },
            &self.proof(nft),
        );
        send(self.chain(), call, &[signer]);
        let sold = nft.sold_to(&buyer);
        self.fixture.tree.set(nft.index, Some(&sold));
        sold
    }

    pub fn burn(&mut self, nft: &CompressedNft) {
        let leaf = Leaf::of(self, nft);
        let call = Burn {
            tree_config: self.config(),
            leaf_owner: (nft.leaf.owner, true),
            leaf_delegate: (leaf.delegate, false),
            merkle_tree: self.address(),
            log_wrapper: SPL_NOOP,
            compression_program: SPL_COMPRESSION_PROGRAM,
            system_program: SYSTEM,
        }
        .instruction_with_remaining_accounts(
            BurnInstructionArgs {
                root: leaf.root,
                data_hash: leaf.data_hash,
                creator_hash: leaf.creator_hash,
                nonce: leaf.nonce,
                index: nft.index,
            },
            &self.proof(nft),
        );
        send(self.chain(), call, &[&nft.owner]);
        self.fixture.tree.set(nft.index, None);
    }

    /// Takes an asset out of the tree, to decompress it.
    pub fn redeem(&mut self, nft: &CompressedNft) {
        let leaf = Leaf::of(self, nft);
        let call = Redeem {
            tree_config: self.config(),
            leaf_owner: nft.leaf.owner,
            leaf_delegate: leaf.delegate,
            merkle_tree: self.address(),
            voucher: self.voucher(nft),
            log_wrapper: SPL_NOOP,
            compression_program: SPL_COMPRESSION_PROGRAM,
            system_program: SYSTEM,
        }
        .instruction_with_remaining_accounts(
            RedeemInstructionArgs {
                root: leaf.root,
                data_hash: leaf.data_hash,
                creator_hash: leaf.creator_hash,
                nonce: leaf.nonce,
                index: nft.index,
            },
            &self.proof(nft),
        );
        send(self.chain(), call, &[&nft.owner]);
        self.fixture.tree.set(nft.index, None);
    }

    /// Puts a redeemed asset into the tree again.
    pub fn cancel_redemption(&mut self, nft: &CompressedNft) {
        let call = CancelRedeem {
            tree_config: self.config(),
            leaf_owner: nft.leaf.owner,
            merkle_tree: self.address(),
            voucher: self.voucher(nft),
            log_wrapper: SPL_NOOP,
            compression_program: SPL_COMPRESSION_PROGRAM,
            system_program: SYSTEM,
        }
        .instruction_with_remaining_accounts(
            CancelRedeemInstructionArgs {
                root: self.fixture.tree.root(),
            },
            &self.proof(nft),
        );
        send(self.chain(), call, &[&nft.owner]);
        self.fixture.tree.set(nft.index, Some(nft));
    }

    /// Makes a redeemed asset a token.
    pub fn decompress(&mut self, nft: &CompressedNft) -> Nft {
        let token = holder(&nft.id, &nft.owner, false);
        let (metadata_account, master_edition) = derived(&nft.id);
        let call = DecompressV1 {
            voucher: self.voucher(nft),
            leaf_owner: nft.leaf.owner,
            token_account: token.account,
            mint: nft.id,
            mint_authority: bubblegum_address(&[nft.id.as_ref()]),
            metadata_account,
            master_edition,
            system_program: SYSTEM,
            sysvar_rent: RENT,
            token_metadata_program: TOKEN_METADATA_PROGRAM,
            token_program: SPL_TOKEN,
            associated_token_program: ASSOCIATED_TOKEN,
            log_wrapper: SPL_NOOP,
        }
        .instruction(DecompressV1InstructionArgs {
            metadata: metadata(metadata_bytes(nft)),
        });
        send(self.chain(), call, &[&nft.owner]);
        token
    }

    /// Removes an asset from the collection.
    pub fn unverify(&mut self, nft: &CompressedNft) -> CompressedNft {
        let leaf = Leaf::of(self, nft);
        let key = self.collection.mint;
        let (collection_metadata, collection_edition) = derived(&key);
        let authority = self.chain().token_authority();
        let call = UnverifyCollection {
            tree_config: self.config(),
            leaf_owner: nft.leaf.owner,
            leaf_delegate: leaf.delegate,
            merkle_tree: self.address(),
            payer: self.chain().payer.pubkey(),
            tree_creator_or_delegate: authority.pubkey(),
            collection_authority: authority.pubkey(),
            collection_authority_record_pda: None,
            collection_mint: key,
            collection_metadata,
            collection_edition,
            bubblegum_signer: bubblegum_signer(),
            log_wrapper: SPL_NOOP,
            compression_program: SPL_COMPRESSION_PROGRAM,
            token_metadata_program: TOKEN_METADATA_PROGRAM,
            system_program: SYSTEM,
        }
        .instruction_with_remaining_accounts(
            UnverifyCollectionInstructionArgs {
                root: leaf.root,
                data_hash: leaf.data_hash,
                creator_hash: leaf.creator_hash,
                nonce: leaf.nonce,
                index: nft.index,
                metadata: metadata(metadata_bytes(nft)),
            },
            &self.proof(nft),
        );
        send(self.chain(), call, &[&authority]);
        let mut left = nft.clone();
        left.leaf.data = LeafData::Metadata(compressed_metadata(Some((key, false))));
        self.fixture.tree.set(nft.index, Some(&left));
        left
    }

    fn voucher(&self, nft: &CompressedNft) -> Address {
        let nonce = u64::from(nft.index).to_le_bytes();
        bubblegum_address(&[b"voucher", self.address().as_ref(), &nonce])
    }

    /// Asserts that the reference tree has the same bytes as the real one, but for the slot of its
    /// creation.
    #[track_caller]
    pub fn assert_same_tree(&mut self) {
        let (own, tree) = (self.fixture.tree.data(), self.address());
        let real = self.chain().account(&tree).expect("the tree exists");
        assert_eq!(real.owner, SPL_COMPRESSION_PROGRAM);
        assert!(real.data[..42] == own[..42], "another header");
        assert!(real.data[50..] == own[50..], "another tree");
    }
}

/// The fields of a leaf that Bubblegum's instructions have.
struct Leaf {
    root: [u8; 32],
    delegate: Address,
    data_hash: [u8; 32],
    creator_hash: [u8; 32],
    nonce: u64,
}

impl Leaf {
    fn of(tree: &RealTree, nft: &CompressedNft) -> Self {
        let LeafData::Hash(data_hash) = nft.hashed().leaf.data else {
            panic!("the leaf has a hash");
        };
        Self {
            root: tree.fixture.tree.root(),
            delegate: nft.leaf.delegate.unwrap_or(nft.leaf.owner),
            data_hash,
            creator_hash: nft.leaf.creator_hash,
            nonce: u64::from(nft.index),
        }
    }
}

/// Replaces the written tree by one that Bubblegum creates at the same address.
fn create(fixture: &mut Compressed) {
    let (address, bytes) = (fixture.tree.address, fixture.tree.data().len());
    let chain = &mut fixture.inner.chain;
    let config = addresses::tree_config(&address).address;
    chain.set_account(&config, Account::default());
    let empty = Account {
        lamports: chain.rent(bytes),
        data: vec![0; bytes],
        owner: SPL_COMPRESSION_PROGRAM,
        ..Account::default()
    };
    chain.set_account(&address, empty);
    let creator = chain.token_authority();
    let create = CreateTreeConfig {
        tree_config: config,
        merkle_tree: address,
        payer: chain.payer.pubkey(),
        tree_creator: creator.pubkey(),
        log_wrapper: SPL_NOOP,
        compression_program: SPL_COMPRESSION_PROGRAM,
        system_program: SYSTEM,
    }
    .instruction(CreateTreeConfigInstructionArgs {
        max_depth: 5,
        max_buffer_size: 8,
        public: None,
    });
    send(chain, create, &[&creator]);
}

fn bubblegum_address(seeds: &[&[u8]]) -> Address {
    Address::find_program_address(seeds, &BUBBLEGUM_PROGRAM).0
}

fn bubblegum_signer() -> Address {
    bubblegum_address(&[b"collection_cpi"])
}

fn metadata_bytes(nft: &CompressedNft) -> &[u8] {
    let LeafData::Metadata(bytes) = &nft.leaf.data else {
        panic!("an asset of V1 has metadata");
    };
    bytes
}

fn metadata(bytes: &[u8]) -> MetadataArgs {
    borsh::from_slice(bytes).expect("the metadata is well-formed")
}
