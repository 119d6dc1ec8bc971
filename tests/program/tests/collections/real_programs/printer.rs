//! Prints of a master, made by the real Token Metadata. A master's holder decides to print.

use bauta_client::instructions::TokenMetadataAccounts;
use bauta_program_test::{MintSpec, Nft, SPL_TOKEN, TestChain};
use mpl_token_metadata::instructions::{
    MintNewEditionFromMasterEditionViaToken, MintNewEditionFromMasterEditionViaTokenInstructionArgs,
};
use mpl_token_metadata::types::MintNewEditionFromMasterEditionViaTokenArgs;
use solana_address::Address;
use solana_signer::Signer;

use super::issuer::{SYSTEM, derived, send};

/// The number of every print. Each master here is printed once.
const NUMBER: u64 = 1;

/// Prints a master for its holder. Any token of one unit becomes a print.
pub fn print(chain: &mut TestChain, master: &Nft) -> Nft {
    let authority = chain.token_authority();
    let mut nft = chain.mint(
        &master.owner,
        &MintSpec {
            keep_mint_authority: true,
            freezable: true,
            ..MintSpec::default()
        },
    );
    nft.token_metadata = TokenMetadataAccounts::of(&nft.mint);
    let (new_metadata, new_edition) = derived(&nft.mint);
    let (metadata, master_edition) = derived(&master.mint);
    let print = MintNewEditionFromMasterEditionViaToken {
        new_metadata,
        new_edition,
        master_edition,
        new_mint: nft.mint,
        // One account marks 248 numbers.
        edition_mark_pda: marker(master, b"0"),
        new_mint_authority: authority.pubkey(),
        payer: chain.payer.pubkey(),
        token_account_owner: master.owner.pubkey(),
        token_account: master.account,
        new_metadata_update_authority: authority.pubkey(),
        metadata,
        token_program: SPL_TOKEN,
        system_program: SYSTEM,
        rent: None,
    }
    .instruction(MintNewEditionFromMasterEditionViaTokenInstructionArgs {
        mint_new_edition_from_master_edition_via_token_args: MintNewEditionFromMasterEditionViaTokenArgs {
            edition: NUMBER,
        },
    });
    send(chain, print, &[&authority, &master.owner]);
    nft
}

/// Returns the address of the account that marks the numbers of a master's prints.
fn marker(master: &Nft, last_seed: &[u8]) -> Address {
    let program = mpl_token_metadata::ID;
    let seeds: [&[u8]; 5] = [
        b"metadata",
        program.as_ref(),
        master.mint.as_ref(),
        b"edition",
        last_seed,
    ];
    Address::find_program_address(&seeds, &program).0
}
