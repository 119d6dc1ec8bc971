//! Real tokens: collections are Token-2022 groups, tokens their members, with supply 1 and no mint authority.

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

/// Creates tokens; knows what their accounts cost.
pub struct Tokens {
    group: Room,
    member: Room,
    account: Room,
}

/// An account's length at its creation, and the rent of the length that it grows to.
struct Room {
    bytes: u64,
    lamports: u64,
}

/// A token and the account it lies in.
pub struct Nft {
    pub mint: Address,
    pub account: Address,
    pub owner: Keypair,
}

impl Tokens {
    /// Asks the node for the rents.
    pub async fn new(chain: &Chain) -> Result<Self> {
        use ExtensionType::{GroupMemberPointer, GroupPointer, TokenGroup, TokenGroupMember};
        let room = async |first: &[ExtensionType], last: &[ExtensionType]| -> Result<Room> {
            let last = ExtensionType::try_calculate_account_len::<Mint>(last)?;
            Ok(Room {
                bytes: ExtensionType::try_calculate_account_len::<Mint>(first)? as u64,
                lamports: chain.rent(last).await?,
            })
        };
        let bytes = ExtensionType::try_calculate_account_len::<TokenAccount>(&[])?;
        Ok(Self {
            group: room(&[GroupPointer], &[GroupPointer, TokenGroup]).await?,
            member: room(&[GroupMemberPointer], &[GroupMemberPointer, TokenGroupMember]).await?,
            account: Room {
                bytes: bytes as u64,
                lamports: chain.rent(bytes).await?,
            },
        })
    }

    /// Makes a collection whose authority is the payer.
    pub async fn create_group(&self, chain: &Chain, most: u64) -> Result<Address> {
        let (group, authority) = (Keypair::new(), chain.payer.pubkey());
        let key = group.pubkey();
        let instructions = [
            self.group.create(&authority, &key),
            group_pointer::instruction::initialize(&PROGRAM, &key, None, Some(key))?,
            token::initialize_mint2(&PROGRAM, &key, &authority, None, 0)?,
            initialize_group(&PROGRAM, &key, &key, &authority, Some(authority), most),
        ];
        chain.send(&instructions, &[&group]).await?;
        Ok(key)
    }

    /// Makes a token of a collection for its owner.
    pub async fn mint(&self, chain: &Chain, group: &Address, owner: Keypair) -> Result<Nft> {
        let (mint, account, authority) = (Keypair::new(), Keypair::new(), chain.payer.pubkey());
        let (key, place) = (mint.pubkey(), account.pubkey());
        let instructions = [
            self.member.create(&authority, &key),
            group_member_pointer::instruction::initialize(&PROGRAM, &key, None, Some(key))?,
            token::initialize_mint2(&PROGRAM, &key, &authority, None, 0)?,
            initialize_member(&PROGRAM, &key, &key, &authority, group, &authority),
            self.account.create(&authority, &place),
            token::initialize_account3(&PROGRAM, &place, &key, &owner.pubkey())?,
            token::mint_to(&PROGRAM, &key, &place, &authority, &[], 1)?,
            token::set_authority(&PROGRAM, &key, None, AuthorityType::MintTokens, &authority, &[])?,
        ];
        chain.send(&instructions, &[&mint, &account]).await?;
        Ok(Nft {
            mint: key,
            account: place,
            owner,
        })
    }

    /// Moves a token to somebody's new account.
    pub async fn transfer(&self, chain: &Chain, nft: &Nft, to: Keypair) -> Result<Nft> {
        let account = Keypair::new();
        let place = account.pubkey();
        let (from, holder) = (&nft.account, nft.owner.pubkey());
        let instructions = [
            self.account.create(&chain.payer.pubkey(), &place),
            token::initialize_account3(&PROGRAM, &place, &nft.mint, &to.pubkey())?,
            token::transfer_checked(&PROGRAM, from, &nft.mint, &place, &holder, &[], 1, 0)?,
        ];
        let sent = chain.send(&instructions, &[&account, &nft.owner]).await;
        sent.map_err(anyhow::Error::from).context("moving a token")?;
        Ok(Nft {
            mint: nft.mint,
            account: place,
            owner: to,
        })
    }
}

impl Room {
    fn create(&self, payer: &Address, address: &Address) -> Instruction {
        create_account(payer, address, self.lamports, self.bytes, &PROGRAM)
    }
}
