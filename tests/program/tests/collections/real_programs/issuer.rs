//! Calls the real Token Metadata. [`TestChain::token_authority`] is the update authority of every
//! token.

use bauta_client::addresses;
use bauta_client::instructions::TokenMetadataAccounts;
use bauta_program_test::{Nft, SPL_TOKEN, TestChain};
use mpl_token_metadata::instructions::{
    BurnV1, BurnV1InstructionArgs, CreateV1, CreateV1InstructionArgs, DelegateStandardV1,
    DelegateStandardV1InstructionArgs, DelegateUtilityV1, DelegateUtilityV1InstructionArgs, LockV1,
    LockV1InstructionArgs, MintV1, MintV1InstructionArgs, TransferV1, TransferV1InstructionArgs,
    UnverifyCollectionV1, VerifyCollectionV1,
};
use mpl_token_metadata::types::{Collection, CollectionDetails, Creator, PrintSupply, TokenStandard};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

pub const SYSTEM: Address = Address::new_from_array([0; 32]);
const INSTRUCTIONS: Address = Address::from_str_const("Sysvar1nstructions1111111111111111111111111");
const COMPUTE_BUDGET: Address = Address::from_str_const("ComputeBudget111111111111111111111111111111");
pub const ASSOCIATED_TOKEN: Address = Address::from_str_const("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

/// What the issuer decides when it creates a token.
pub struct Token {
    pub standard: TokenStandard,
    /// The mint of the collection. The token is not a verified member yet.
    pub collection: Option<Address>,
    /// How many prints the token may have.
    pub prints: u64,
}

impl Token {
    pub fn of(standard: TokenStandard, collection: &Nft) -> Self {
        Self {
            standard,
            collection: Some(collection.mint),
            prints: 0,
        }
    }

    /// Returns a master that can have prints.
    pub fn master(standard: TokenStandard) -> Self {
        Self {
            standard,
            collection: None,
            prints: 10,
        }
    }
}

/// Creates the token that stands for a collection.
pub fn collection(chain: &mut TestChain) -> Nft {
    let owner = chain.token_authority();
    let token = Token {
        standard: TokenStandard::NonFungible,
        collection: None,
        prints: 0,
    };
    create(chain, &owner, &token, Some(CollectionDetails::V1 { size: 0 }))
}

/// Creates a token and mints it to `owner`.
pub fn mint(chain: &mut TestChain, owner: &Keypair, token: &Token) -> Nft {
    create(chain, owner, token, None)
}

/// Creates a token that is a verified member of a collection.
pub fn member(chain: &mut TestChain, standard: TokenStandard, collection: &Nft) -> Nft {
    let owner = chain.funded_keypair("holder");
    let nft = mint(chain, &owner, &Token::of(standard, collection));
    verify(chain, &nft, collection);
    nft
}

fn create(chain: &mut TestChain, owner: &Keypair, token: &Token, details: Option<CollectionDetails>) -> Nft {
    let authority = chain.token_authority();
    let key = chain.new_keypair("real mint");
    let nft = holder(
        &key.pubkey(),
        owner,
        token.standard == TokenStandard::ProgrammableNonFungible,
    );
    let (metadata, edition) = derived(&nft.mint);
    let create = CreateV1 {
        metadata,
        master_edition: Some(edition),
        mint: (nft.mint, true),
        authority: authority.pubkey(),
        payer: chain.payer.pubkey(),
        update_authority: (authority.pubkey(), true),
        system_program: SYSTEM,
        sysvar_instructions: INSTRUCTIONS,
        spl_token_program: Some(SPL_TOKEN),
    }
    .instruction(CreateV1InstructionArgs {
        name: "Token".into(),
        symbol: "TKN".into(),
        uri: "https://example.com/token.json".into(),
        seller_fee_basis_points: 500,
        creators: Some(vec![Creator {
            address: authority.pubkey(),
            verified: true,
            share: 100,
        }]),
        primary_sale_happened: true,
        is_mutable: true,
        token_standard: token.standard,
        collection: token.collection.map(|key| Collection { verified: false, key }),
        uses: None,
        collection_details: details,
        rule_set: None,
        decimals: Some(0),
        print_supply: Some(match token.prints {
            0 => PrintSupply::Zero,
            prints => PrintSupply::Limited(prints),
        }),
    });
    send(chain, create, &[&key, &authority]);
    let mint = MintV1 {
        token: nft.account,
        token_owner: Some(owner.pubkey()),
        metadata,
        master_edition: Some(edition),
        token_record: nft.token_metadata.token_record,
        mint: nft.mint,
        authority: authority.pubkey(),
        delegate_record: None,
        payer: chain.payer.pubkey(),
        system_program: SYSTEM,
        sysvar_instructions: INSTRUCTIONS,
        spl_token_program: SPL_TOKEN,
        spl_ata_program: ASSOCIATED_TOKEN,
        authorization_rules_program: None,
        authorization_rules: None,
    }
    .instruction(MintV1InstructionArgs {
        amount: 1,
        authorization_data: None,
    });
    send(chain, mint, &[&authority]);
    nft
}

/// Verifies that a token is a member of the collection that it names.
pub fn verify(chain: &mut TestChain, nft: &Nft, collection: &Nft) {
    let authority = chain.token_authority();
    let (metadata, edition) = derived(&collection.mint);
    let verify = VerifyCollectionV1 {
        authority: authority.pubkey(),
        delegate_record: None,
        metadata: derived(&nft.mint).0,
        collection_mint: collection.mint,
        collection_metadata: Some(metadata),
        collection_master_edition: Some(edition),
        system_program: SYSTEM,
        sysvar_instructions: INSTRUCTIONS,
    };
    send(chain, verify.instruction(), &[&authority]);
}

/// Removes a token from its collection.
pub fn unverify(chain: &mut TestChain, nft: &Nft, collection: &Nft) {
    let authority = chain.token_authority();
    let unverify = UnverifyCollectionV1 {
        authority: authority.pubkey(),
        delegate_record: None,
        metadata: derived(&nft.mint).0,
        collection_mint: collection.mint,
        collection_metadata: Some(derived(&collection.mint).0),
        system_program: SYSTEM,
        sysvar_instructions: INSTRUCTIONS,
    };
    send(chain, unverify.instruction(), &[&authority]);
}

/// Transfers a token to the associated token account of `to`.
pub fn transfer(chain: &mut TestChain, nft: &Nft, to: &Keypair) -> Nft {
    let sold = holder(&nft.mint, to, nft.token_metadata.token_record.is_some());
    let (metadata, edition) = derived(&nft.mint);
    let transfer = TransferV1 {
        token: nft.account,
        token_owner: nft.owner.pubkey(),
        destination_token: sold.account,
        destination_owner: to.pubkey(),
        mint: nft.mint,
        metadata,
        edition: Some(edition),
        token_record: nft.token_metadata.token_record,
        destination_token_record: sold.token_metadata.token_record,
        authority: nft.owner.pubkey(),
        payer: chain.payer.pubkey(),
        system_program: SYSTEM,
        sysvar_instructions: INSTRUCTIONS,
        spl_token_program: SPL_TOKEN,
        spl_ata_program: ASSOCIATED_TOKEN,
        authorization_rules_program: None,
        authorization_rules: None,
    }
    .instruction(TransferV1InstructionArgs {
        amount: 1,
        authorization_data: None,
    });
    send(chain, transfer, &[&nft.owner]);
    sold
}

/// Burns a token of a collection.
pub fn burn(chain: &mut TestChain, nft: &Nft, collection: &Nft) {
    let (metadata, edition) = derived(&nft.mint);
    let burn = BurnV1 {
        authority: nft.owner.pubkey(),
        collection_metadata: Some(derived(&collection.mint).0),
        metadata,
        edition: Some(edition),
        mint: nft.mint,
        token: nft.account,
        master_edition: None,
        master_edition_mint: None,
        master_edition_token: None,
        edition_marker: None,
        token_record: nft.token_metadata.token_record,
        system_program: SYSTEM,
        sysvar_instructions: INSTRUCTIONS,
        spl_token_program: SPL_TOKEN,
    }
    .instruction(BurnV1InstructionArgs { amount: 1 });
    send(chain, burn, &[&nft.owner]);
}

/// Makes the update authority the token's delegate, which then locks the token.
pub fn lock(chain: &mut TestChain, nft: &Nft) {
    let authority = chain.token_authority();
    let (metadata, edition) = derived(&nft.mint);
    let token_record = nft.token_metadata.token_record;
    let payer = chain.payer.pubkey();
    let delegate = if token_record.is_some() {
        DelegateUtilityV1 {
            delegate_record: None,
            delegate: authority.pubkey(),
            metadata,
            master_edition: Some(edition),
            token_record,
            mint: nft.mint,
            token: nft.account,
            authority: nft.owner.pubkey(),
            payer,
            system_program: SYSTEM,
            sysvar_instructions: INSTRUCTIONS,
            spl_token_program: Some(SPL_TOKEN),
            authorization_rules_program: None,
            authorization_rules: None,
        }
        .instruction(DelegateUtilityV1InstructionArgs {
            amount: 1,
            authorization_data: None,
        })
    } else {
        DelegateStandardV1 {
            delegate_record: None,
            delegate: authority.pubkey(),
            metadata,
            master_edition: Some(edition),
            token_record,
            mint: nft.mint,
            token: nft.account,
            authority: nft.owner.pubkey(),
            payer,
            system_program: SYSTEM,
            sysvar_instructions: INSTRUCTIONS,
            spl_token_program: Some(SPL_TOKEN),
            authorization_rules_program: None,
            authorization_rules: None,
        }
        .instruction(DelegateStandardV1InstructionArgs { amount: 1 })
    };
    send(chain, delegate, &[&nft.owner]);
    let lock = LockV1 {
        authority: authority.pubkey(),
        token_owner: Some(nft.owner.pubkey()),
        token: nft.account,
        mint: nft.mint,
        metadata,
        edition: Some(edition),
        token_record,
        payer,
        system_program: SYSTEM,
        sysvar_instructions: INSTRUCTIONS,
        spl_token_program: Some(SPL_TOKEN),
        authorization_rules_program: None,
        authorization_rules: None,
    }
    .instruction(LockV1InstructionArgs {
        authorization_data: None,
    });
    send(chain, lock, &[&authority]);
}

/// Returns the addresses of a mint's metadata and edition.
pub fn derived(mint: &Address) -> (Address, Address) {
    (
        addresses::metadata(mint).address,
        addresses::edition(mint).address,
    )
}

/// Returns a token in the associated token account of its owner.
pub fn holder(mint: &Address, owner: &Keypair, is_programmable: bool) -> Nft {
    let key = owner.pubkey();
    let seeds = [key.as_ref(), SPL_TOKEN.as_ref(), mint.as_ref()];
    let account = Address::find_program_address(&seeds, &ASSOCIATED_TOKEN).0;
    Nft {
        mint: *mint,
        account,
        owner: owner.insecure_clone(),
        program: SPL_TOKEN,
        token_metadata: if is_programmable {
            TokenMetadataAccounts::of_programmable(mint, &account)
        } else {
            TokenMetadataAccounts::of(mint)
        },
    }
}

/// Sends an instruction of a program of Metaplex with the greatest compute limit.
#[track_caller]
pub fn send(chain: &mut TestChain, instruction: Instruction, signers: &[&Keypair]) {
    let mut limit = vec![2];
    limit.extend(1_400_000_u32.to_le_bytes());
    let limit = Instruction {
        program_id: COMPUTE_BUDGET,
        accounts: vec![],
        data: limit,
    };
    if let Err(refusal) = chain.send(&[limit, instruction], signers) {
        panic!("the program refused: {refusal}: {:#?}", refusal.logs);
    }
}
