//! Tokens that their owners register.

use bauta_rpc::Rpc;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::{Keypair, read_keypair_file};
use solana_signer::Signer;
use solana_system_interface::instruction::create_account;
use spl_token_2022_interface::extension::ExtensionType;
use spl_token_2022_interface::instruction::{self as token, AuthorityType};
use spl_token_2022_interface::state::{Account, Mint};

use crate::support::Home;

const PROGRAM: Address = spl_token_2022_interface::ID;

/// A token with a supply of 1, and its owner.
pub struct Token {
    pub mint: Address,
    pub owner: Keypair,
    account: Address,
}

impl Token {
    /// Creates a token without authorities for a new owner with 10 SOL, whose keypair is in the
    /// file.
    pub async fn mint(rpc: &Rpc, home: &Home, file: &str) -> Self {
        home.text(&["keypair", file]);
        let owner = read_keypair_file(home.file(file)).unwrap();
        rpc.airdrop(&owner.pubkey(), 10_000_000_000).await.unwrap();
        let (mint, account) = (Keypair::new(), Keypair::new());
        let (payer, key, target) = (owner.pubkey(), mint.pubkey(), account.pubkey());
        let bytes = ExtensionType::try_calculate_account_len::<Mint>(&[]).unwrap();
        let instructions = [
            space(rpc, &payer, &key, bytes).await,
            token::initialize_mint2(&PROGRAM, &key, &payer, None, 0).unwrap(),
            space(rpc, &payer, &target, account_bytes()).await,
            token::initialize_account3(&PROGRAM, &target, &key, &payer).unwrap(),
            token::mint_to(&PROGRAM, &key, &target, &payer, &[], 1).unwrap(),
            token::set_authority(&PROGRAM, &key, None, AuthorityType::MintTokens, &payer, &[]).unwrap(),
        ];
        let signers = [&owner, &mint, &account];
        rpc.send_and_confirm(&instructions, &signers).await.unwrap();
        Self {
            mint: key,
            owner,
            account: target,
        }
    }

    /// Transfers the token to an unknown owner.
    pub async fn transfer(&self, rpc: &Rpc) {
        let (account, to) = (Keypair::new(), Keypair::new().pubkey());
        let (payer, target) = (self.owner.pubkey(), account.pubkey());
        let instructions = [
            space(rpc, &payer, &target, account_bytes()).await,
            token::initialize_account3(&PROGRAM, &target, &self.mint, &to).unwrap(),
            token::transfer_checked(&PROGRAM, &self.account, &self.mint, &target, &payer, &[], 1, 0).unwrap(),
        ];
        let signers = [&self.owner, &account];
        rpc.send_and_confirm(&instructions, &signers).await.unwrap();
    }
}

async fn space(rpc: &Rpc, payer: &Address, address: &Address, bytes: usize) -> Instruction {
    let rent = rpc.rent_exempt_balance(bytes).await.unwrap();
    create_account(payer, address, rent, bytes as u64, &PROGRAM)
}

fn account_bytes() -> usize {
    ExtensionType::try_calculate_account_len::<Account>(&[]).unwrap()
}
