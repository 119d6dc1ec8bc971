//! Real tokens. Collections are Token-2022 groups, and tokens are their members, with a supply of 1
//! and without a mint authority.

use anyhow::{Context, Result};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use solana_system_interface::instruction::create_account;
use spl_token_2022_interface::extension::{ExtensionType, group_member_pointer, group_pointer};
use spl_token_2022_interface::instruction::{self as token, AuthorityType};
use spl_token_2022_interface::state::{Account as TokenAccount, Mint};
use spl_token_group_interface::instruction::{initialize_group, initialize_member};

use crate::chain::Chain;

const PROGRAM: Address = spl_token_2022_interface::ID;

/// Creates tokens. Contains the sizes and the rents of their accounts.
pub struct Tokens {
    group: AccountSize,
    member: AccountSize,
    account: AccountSize,
}

/// The size of an account at its creation, and the rent for the size to which it grows.
struct AccountSize {
    bytes: u64,
    lamports: u64,
}

/// A token and its token account.
pub struct Nft {
    pub mint: Address,
    pub account: Address,
    pub owner: Keypair,
}

impl Tokens {
    /// Requests the rents from the node.
    pub async fn new(chain: &Chain) -> Result<Self> {
        use ExtensionType::{GroupMemberPointer, GroupPointer, TokenGroup, TokenGroupMember};
        let size = async |first: &[ExtensionType], last: &[ExtensionType]| -> Result<AccountSize> {
            let last = ExtensionType::try_calculate_account_len::<Mint>(last)?;
            Ok(AccountSize {
                bytes: ExtensionType::try_calculate_account_len::<Mint>(first)? as u64,
                lamports: chain.rent(last).await?,
            })
        };
        let bytes = ExtensionType::try_calculate_account_len::<TokenAccount>(&[])?;
        Ok(Self {
            group: size(&[GroupPointer], &[GroupPointer, TokenGroup]).await?,
            member: size(&[GroupMemberPointer], &[GroupMemberPointer, TokenGroupMember]).await?,
            account: AccountSize {
                bytes: bytes as u64,
                lamports: chain.rent(bytes).await?,
            },
        })
    }

    /// Creates a collection whose authority is the payer.
    pub async fn create_group(&self, chain: &Chain, max_size: u64) -> Result<Address> {
        let (group, authority) = (Keypair::new(), chain.payer.pubkey());
        let key = group.pubkey();
        let instructions = [
            self.group.create(&authority, &key),
            group_pointer::instruction::initialize(&PROGRAM, &key, None, Some(key))?,
            token::initialize_mint2(&PROGRAM, &key, &authority, None, 0)?,
            initialize_group(&PROGRAM, &key, &key, &authority, Some(authority), max_size),
        ];
        chain.send(&instructions, &[&group]).await?;
        Ok(key)
    }

    /// Creates a token of a collection for an owner.
    pub async fn mint(&self, chain: &Chain, group: &Address, owner: Keypair) -> Result<Nft> {
        let (mint, account, authority) = (Keypair::new(), Keypair::new(), chain.payer.pubkey());
        let (key, account_address) = (mint.pubkey(), account.pubkey());
        let instructions = [
            self.member.create(&authority, &key),
            group_member_pointer::instruction::initialize(&PROGRAM, &key, None, Some(key))?,
            token::initialize_mint2(&PROGRAM, &key, &authority, None, 0)?,
            initialize_member(&PROGRAM, &key, &key, &authority, group, &authority),
            self.account.create(&authority, &account_address),
            token::initialize_account3(&PROGRAM, &account_address, &key, &owner.pubkey())?,
            token::mint_to(&PROGRAM, &key, &account_address, &authority, &[], 1)?,
            token::set_authority(&PROGRAM, &key, None, AuthorityType::MintTokens, &authority, &[])?,
        ];
        chain.send(&instructions, &[&mint, &account]).await?;
        Ok(Nft {
            mint: key,
            account: account_address,
            owner,
        })
    }

    /// Transfers a token to a new account of another owner.
    pub async fn transfer(&self, chain: &Chain, nft: &Nft, to: Keypair) -> Result<Nft> {
        let account = Keypair::new();
        let account_address = account.pubkey();
        let (from, holder) = (&nft.account, nft.owner.pubkey());
        let instructions = [
            self.account.create(&chain.payer.pubkey(), &account_address),
            token::initialize_account3(&PROGRAM, &account_address, &nft.mint, &to.pubkey())?,
            token::transfer_checked(&PROGRAM, from, &nft.mint, &account_address, &holder, &[], 1, 0)?,
        ];
        let sent = chain.send(&instructions, &[&account, &nft.owner]).await;
        sent.map_err(anyhow::Error::from).context("token transfer")?;
        Ok(Nft {
            mint: nft.mint,
            account: account_address,
            owner: to,
        })
    }
}

impl AccountSize {
    fn create(&self, payer: &Address, address: &Address) -> Instruction {
        create_account(payer, address, self.lamports, self.bytes, &PROGRAM)
    }
}
