//! Assets of the types that people own: tokens of a Token-2022 group, tokens of Token Metadata, and
//! assets of Metaplex Core. The token programs are real.

use anyhow::{Context, Result, bail};
use bauta::state::CollectionKind;
use bauta::token::TOKEN_PROGRAM;
use bauta_client::addresses;
use bauta_client::instructions::TokenMetadataAccounts;
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
use crate::metaplex;

/// The program of the groups and of their tokens.
const TOKEN_2022: Address = spl_token_2022_interface::ID;

/// Creates tokens. Contains the sizes and the rents of their accounts.
pub struct Tokens {
    group: AccountSize,
    member: AccountSize,
    mint: AccountSize,
    account: AccountSize,
}

/// The size of an account at its creation, and the rent for the size to which it grows.
struct AccountSize {
    bytes: u64,
    lamports: u64,
}

/// A collection of assets.
pub struct Collection {
    pub key: Address,
    pub kind: CollectionKind,
}

impl Collection {
    /// Returns the name of the type of its assets.
    pub fn name(&self) -> &'static str {
        match self.kind {
            CollectionKind::Asset => "single asset",
            CollectionKind::Group => "Token-2022 group",
            CollectionKind::TokenMetadata => "Token Metadata",
            CollectionKind::Core => "Metaplex Core",
            CollectionKind::Prints => "prints",
        }
    }
}

/// An asset and its owner.
pub struct Nft {
    /// The mint, or the address of the Core asset.
    pub mint: Address,
    pub owner: Keypair,
    /// The key of the collection.
    pub collection: Address,
    pub form: Form,
}

/// What holds the asset.
pub enum Form {
    /// A token account holds the token.
    Token {
        account: Address,
        token_metadata: TokenMetadataAccounts,
    },
    /// The asset itself names its owner.
    Core,
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
            mint: size(&[], &[]).await?,
            account: AccountSize {
                bytes: bytes as u64,
                lamports: chain.rent(bytes).await?,
            },
        })
    }

    /// Creates a collection of a kind.
    pub async fn create_collection(
        &self,
        chain: &Chain,
        kind: CollectionKind,
        max_size: u64,
    ) -> Result<Collection> {
        let key = match kind {
            CollectionKind::Group => self.create_group(chain, max_size).await?,
            // The program reads no account of such a collection.
            CollectionKind::TokenMetadata => Keypair::new().pubkey(),
            CollectionKind::Core => {
                let key = Keypair::new().pubkey();
                chain.write_account(&metaplex::core_collection(key)).await?;
                key
            }
            CollectionKind::Asset | CollectionKind::Prints => {
                bail!("the demo has no collection of this kind")
            }
        };
        Ok(Collection { key, kind })
    }

    /// Creates an asset of a collection for an owner.
    pub async fn mint(&self, chain: &Chain, collection: &Collection, owner: Keypair) -> Result<Nft> {
        let (mint, form) = self.mint_for(chain, collection, &owner.pubkey()).await?;
        Ok(Nft {
            mint,
            owner,
            collection: collection.key,
            form,
        })
    }

    /// Creates an asset of a collection for an owner whose keypair is unknown.
    pub async fn mint_for(
        &self,
        chain: &Chain,
        collection: &Collection,
        owner: &Address,
    ) -> Result<(Address, Form)> {
        let key = &collection.key;
        match collection.kind {
            CollectionKind::Group => self.mint_member(chain, key, owner).await,
            CollectionKind::TokenMetadata => self.mint_with_metadata(chain, key, owner).await,
            CollectionKind::Core => {
                let asset = Keypair::new().pubkey();
                let account = metaplex::core_asset(asset, owner, key);
                chain.write_account(&account).await?;
                Ok((asset, Form::Core))
            }
            CollectionKind::Asset | CollectionKind::Prints => {
                bail!("the demo has no collection of this kind")
            }
        }
    }

    /// Creates a group whose authority is the payer.
    async fn create_group(&self, chain: &Chain, max_size: u64) -> Result<Address> {
        let (group, authority) = (Keypair::new(), chain.payer.pubkey());
        let key = group.pubkey();
        let instructions = [
            self.group.create(&authority, &key, &TOKEN_2022),
            group_pointer::instruction::initialize(&TOKEN_2022, &key, None, Some(key))?,
            token::initialize_mint2(&TOKEN_2022, &key, &authority, None, 0)?,
            initialize_group(&TOKEN_2022, &key, &key, &authority, Some(authority), max_size),
        ];
        chain.send(&instructions, &[&group]).await?;
        Ok(key)
    }

    /// Creates a token of a group, with a supply of 1 and without a mint authority.
    async fn mint_member(&self, chain: &Chain, group: &Address, owner: &Address) -> Result<(Address, Form)> {
        let (mint, account, authority) = (Keypair::new(), Keypair::new(), chain.payer.pubkey());
        let (key, account_address) = (mint.pubkey(), account.pubkey());
        let mut instructions = vec![
            self.member.create(&authority, &key, &TOKEN_2022),
            group_member_pointer::instruction::initialize(&TOKEN_2022, &key, None, Some(key))?,
            token::initialize_mint2(&TOKEN_2022, &key, &authority, None, 0)?,
            initialize_member(&TOKEN_2022, &key, &key, &authority, group, &authority),
        ];
        instructions.extend(self.mint_one(&TOKEN_2022, &authority, &key, &account_address, owner, None)?);
        chain.send(&instructions, &[&mint, &account]).await?;
        let form = Form::Token {
            account: account_address,
            token_metadata: TokenMetadataAccounts::default(),
        };
        Ok((key, form))
    }

    /// Creates a token of SPL Token. Its metadata names the collection, and its edition account is
    /// the mint authority.
    async fn mint_with_metadata(
        &self,
        chain: &Chain,
        collection: &Address,
        owner: &Address,
    ) -> Result<(Address, Form)> {
        let (mint, account, authority) = (Keypair::new(), Keypair::new(), chain.payer.pubkey());
        let (key, account_address) = (mint.pubkey(), account.pubkey());
        let edition = addresses::edition(&key).address;
        let mut instructions = vec![
            self.mint.create(&authority, &key, &TOKEN_PROGRAM),
            token::initialize_mint2(&TOKEN_PROGRAM, &key, &authority, Some(&edition), 0)?,
        ];
        let to_edition = self.mint_one(
            &TOKEN_PROGRAM,
            &authority,
            &key,
            &account_address,
            owner,
            Some(&edition),
        )?;
        instructions.extend(to_edition);
        chain.send(&instructions, &[&mint, &account]).await?;
        chain.write_account(&metaplex::metadata(&key, collection)).await?;
        chain.write_account(&metaplex::edition(&key)).await?;
        let form = Form::Token {
            account: account_address,
            token_metadata: TokenMetadataAccounts::of(&key),
        };
        Ok((key, form))
    }

    /// Returns the instructions that mint one token into a new account, and then give the mint
    /// authority to `next`, or to no one.
    fn mint_one(
        &self,
        program: &Address,
        authority: &Address,
        mint: &Address,
        account: &Address,
        owner: &Address,
        next: Option<&Address>,
    ) -> Result<[Instruction; 4]> {
        let mint_tokens = AuthorityType::MintTokens;
        Ok([
            self.account.create(authority, account, program),
            token::initialize_account3(program, account, mint, owner)?,
            token::mint_to(program, mint, account, authority, &[], 1)?,
            token::set_authority(program, mint, next, mint_tokens, authority, &[])?,
        ])
    }

    /// Transfers a token of a group to a new account of another owner.
    pub async fn transfer(&self, chain: &Chain, nft: &Nft, to: Keypair) -> Result<Nft> {
        let Form::Token {
            account: from,
            token_metadata,
        } = &nft.form
        else {
            bail!("a Core asset has no token account");
        };
        let account = Keypair::new();
        let account_address = account.pubkey();
        let holder = nft.owner.pubkey();
        let program = &TOKEN_2022;
        let instructions = [
            self.account
                .create(&chain.payer.pubkey(), &account_address, program),
            token::initialize_account3(program, &account_address, &nft.mint, &to.pubkey())?,
            token::transfer_checked(program, from, &nft.mint, &account_address, &holder, &[], 1, 0)?,
        ];
        let sent = chain.send(&instructions, &[&account, &nft.owner]).await;
        sent.map_err(anyhow::Error::from).context("token transfer")?;
        Ok(Nft {
            mint: nft.mint,
            owner: to,
            collection: nft.collection,
            form: Form::Token {
                account: account_address,
                token_metadata: *token_metadata,
            },
        })
    }
}

impl AccountSize {
    fn create(&self, payer: &Address, address: &Address, program: &Address) -> Instruction {
        create_account(payer, address, self.lamports, self.bytes, program)
    }
}
