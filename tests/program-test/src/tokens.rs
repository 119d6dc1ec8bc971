//! Real tokens, made by the real token programs.

use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use solana_system_interface::instruction::create_account;
use spl_token_2022_interface::extension::{
    ExtensionType, StateWithExtensions, confidential_transfer, group_member_pointer, group_pointer,
};
use spl_token_2022_interface::instruction::{self as token, AuthorityType};
use spl_token_2022_interface::state::{Account as TokenAccount, Mint};
use spl_token_group_interface::instruction::{initialize_group, initialize_member};

use crate::{Refused, Sent, World};

/// The SPL Token program.
pub const SPL_TOKEN: Address = spl_token_2022_interface::inline_spl_token::ID;
/// The Token-2022 program.
pub const TOKEN_2022: Address = spl_token_2022_interface::ID;

/// What kind of token to make. The default is what may register: SPL Token, supply 1, decimals 0, no mint authority.
#[derive(Debug, Clone)]
pub struct MintSpec {
    /// [`SPL_TOKEN`] or [`TOKEN_2022`].
    pub program: Address,
    /// Decimals.
    pub decimals: u8,
    /// How much is minted to the owner's account.
    pub supply: u64,
    /// Whether [`World::token_authority`] stays able to mint.
    pub keep_mint_authority: bool,
    /// Whether [`World::token_authority`] can freeze accounts.
    pub freezable: bool,
    /// Extensions of a Token-2022 mint, in order of initialisation.
    pub extensions: Vec<MintExtension>,
}

impl Default for MintSpec {
    fn default() -> Self {
        Self {
            program: SPL_TOKEN,
            decimals: 0,
            supply: 1,
            keep_mint_authority: false,
            freezable: false,
            extensions: vec![],
        }
    }
}

impl MintSpec {
    /// A Token-2022 mint with these extensions, and otherwise one that may register.
    #[must_use]
    pub fn token_2022(extensions: Vec<MintExtension>) -> Self {
        Self {
            program: TOKEN_2022,
            extensions,
            ..Self::default()
        }
    }
}

/// An extension of a Token-2022 mint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MintExtension {
    /// [`World::token_authority`] can close the mint once its supply is 0, and make it again.
    CloseAuthority,
    /// [`World::token_authority`] can take the token from any holder.
    PermanentDelegate,
    /// Balances can be hidden.
    ConfidentialTransfer,
    /// A pointer that says: this account tells of which group the mint is a member.
    GroupMemberPointer(Address),
    /// A real membership in this group (made by [`World::create_group`]), with the pointer that the token program wants.
    GroupMember(Address),
}

/// A token and the account it lies in.
pub struct Nft {
    /// The token.
    pub mint: Address,
    /// Where it lies.
    pub account: Address,
    /// Who holds it.
    pub owner: Keypair,
    /// The program that keeps it: [`SPL_TOKEN`] or [`TOKEN_2022`].
    pub program: Address,
}

impl Clone for Nft {
    fn clone(&self) -> Self {
        Self {
            owner: self.owner.insecure_clone(),
            ..*self
        }
    }
}

impl Nft {
    /// The instruction that burns the token.
    ///
    /// # Panics
    /// Never: the token's program is one of the token programs.
    #[must_use]
    pub fn burn(&self) -> Instruction {
        let owner = self.owner.pubkey();
        token::burn(&self.program, &self.account, &self.mint, &owner, &[], 1).expect(BUILDS)
    }

    /// The instruction that closes the account, once empty.
    ///
    /// # Panics
    /// Never: the token's program is one of the token programs.
    #[must_use]
    pub fn close_account(&self) -> Instruction {
        let owner = self.owner.pubkey();
        token::close_account(&self.program, &self.account, &owner, &owner, &[]).expect(BUILDS)
    }
}

const BUILDS: &str = "the token interface refuses nothing but foreign program ids";
const WORKS: &str = "the token program makes what the harness asks of it";

impl World {
    /// The mint, freeze, close and group authority of every token made here.
    #[must_use]
    pub fn token_authority(&self) -> Keypair {
        crate::keypair("token authority")
    }

    /// Makes a token that may register.
    pub fn mint_nft(&mut self, owner: &Keypair) -> Nft {
        self.mint(owner, &MintSpec::default())
    }

    /// Makes a token as specified.
    ///
    /// # Panics
    /// When the token program refuses.
    pub fn mint(&mut self, owner: &Keypair, spec: &MintSpec) -> Nft {
        let authority = self.token_authority();
        let mint = self.next_keypair("mint");
        let mut instructions = self.create_mint(&mint, spec);
        let account = self.next_keypair("token account");
        instructions.extend(self.create_token_account(
            &account.pubkey(),
            &mint.pubkey(),
            &owner.pubkey(),
            spec,
        ));
        instructions.push(
            token::mint_to(
                &spec.program,
                &mint.pubkey(),
                &account.pubkey(),
                &authority.pubkey(),
                &[],
                spec.supply,
            )
            .expect(BUILDS),
        );
        if !spec.keep_mint_authority {
            instructions.push(
                token::set_authority(
                    &spec.program,
                    &mint.pubkey(),
                    None,
                    AuthorityType::MintTokens,
                    &authority.pubkey(),
                    &[],
                )
                .expect(BUILDS),
            );
        }
        self.send(&instructions, &[&mint, &account, &authority])
            .expect(WORKS);
        Nft {
            mint: mint.pubkey(),
            account: account.pubkey(),
            owner: owner.insecure_clone(),
            program: spec.program,
        }
    }

    /// Makes a Token-2022 group: a mint that holds its own `TokenGroup`.
    ///
    /// # Panics
    /// When the token program refuses.
    pub fn create_group(&mut self) -> Address {
        let authority = self.token_authority();
        let group = self.next_keypair("group");
        let key = group.pubkey();
        let bare = ExtensionType::try_calculate_account_len::<Mint>(&[ExtensionType::GroupPointer])
            .expect("a mint can have a group pointer");
        let whole = ExtensionType::try_calculate_account_len::<Mint>(&[
            ExtensionType::GroupPointer,
            ExtensionType::TokenGroup,
        ])
        .expect("a mint can have a group");
        let instructions = [
            create_account(
                &self.payer.pubkey(),
                &key,
                self.rent(whole),
                bare as u64,
                &TOKEN_2022,
            ),
            group_pointer::instruction::initialize(&TOKEN_2022, &key, None, Some(key)).expect(BUILDS),
            token::initialize_mint2(&TOKEN_2022, &key, &authority.pubkey(), None, 0).expect(BUILDS),
            initialize_group(
                &TOKEN_2022,
                &key,
                &key,
                &authority.pubkey(),
                Some(authority.pubkey()),
                1000,
            ),
        ];
        self.send(&instructions, &[&group, &authority]).expect(WORKS);
        key
    }

    /// Moves a token to somebody else's new account; the old account stays, empty.
    ///
    /// # Panics
    /// When the token program refuses.
    pub fn transfer_nft(&mut self, nft: &Nft, to: &Keypair) -> Nft {
        let spec = MintSpec {
            program: nft.program,
            ..MintSpec::default()
        };
        let account = self.next_keypair("token account");
        let mut instructions = self.create_token_account(&account.pubkey(), &nft.mint, &to.pubkey(), &spec);
        instructions.push(
            token::transfer_checked(
                &nft.program,
                &nft.account,
                &nft.mint,
                &account.pubkey(),
                &nft.owner.pubkey(),
                &[],
                1,
                0,
            )
            .expect(BUILDS),
        );
        self.send(&instructions, &[&account, &nft.owner]).expect(WORKS);
        Nft {
            account: account.pubkey(),
            owner: to.insecure_clone(),
            ..*nft
        }
    }

    /// Burns a token: its supply is 0 afterwards.
    pub fn burn_nft(&mut self, nft: &Nft) -> Result<Sent, Refused> {
        self.send(&[nft.burn()], &[&nft.owner])
    }

    /// Lets somebody else move a token.
    pub fn approve_nft(&mut self, nft: &Nft, delegate: &Address) -> Result<Sent, Refused> {
        let owner = nft.owner.pubkey();
        let approve = token::approve(&nft.program, &nft.account, delegate, &owner, &[], 1).expect(BUILDS);
        self.send(&[approve], &[&nft.owner])
    }

    /// Closes an empty token account.
    pub fn close_token_account(&mut self, nft: &Nft) -> Result<Sent, Refused> {
        self.send(&[nft.close_account()], &[&nft.owner])
    }

    /// Closes a mint that has a [`MintExtension::CloseAuthority`] and supply 0.
    pub fn close_mint(&mut self, nft: &Nft) -> Result<Sent, Refused> {
        let authority = self.token_authority();
        let close = token::close_account(
            &nft.program,
            &nft.mint,
            &authority.pubkey(),
            &authority.pubkey(),
            &[],
        )
        .expect(BUILDS);
        self.send(&[close], &[&authority])
    }

    /// Freezes the account a freezable token lies in.
    pub fn freeze_nft(&mut self, nft: &Nft) -> Result<Sent, Refused> {
        let authority = self.token_authority();
        let freeze = token::freeze_account(&nft.program, &nft.account, &nft.mint, &authority.pubkey(), &[])
            .expect(BUILDS);
        self.send(&[freeze], &[&authority])
    }

    /// How much of a token lies in an account; 0 when there is no such account.
    #[must_use]
    pub fn token_amount(&self, account: &Address) -> u64 {
        self.account(account)
            .and_then(|account| {
                StateWithExtensions::<TokenAccount>::unpack(&account.data)
                    .map(|state| state.base.amount)
                    .ok()
            })
            .unwrap_or(0)
    }

    fn create_mint(&self, mint: &Keypair, spec: &MintSpec) -> Vec<Instruction> {
        let authority = self.token_authority().pubkey();
        let (key, program) = (mint.pubkey(), spec.program);
        let mut before = vec![];
        let mut types = vec![];
        let mut after = vec![];
        let mut types_after = vec![];
        for extension in &spec.extensions {
            match *extension {
                MintExtension::CloseAuthority => {
                    types.push(ExtensionType::MintCloseAuthority);
                    before.push(
                        token::initialize_mint_close_authority(&program, &key, Some(&authority))
                            .expect(BUILDS),
                    );
                }
                MintExtension::PermanentDelegate => {
                    types.push(ExtensionType::PermanentDelegate);
                    before.push(
                        token::initialize_permanent_delegate(&program, &key, &authority).expect(BUILDS),
                    );
                }
                MintExtension::ConfidentialTransfer => {
                    types.push(ExtensionType::ConfidentialTransferMint);
                    before.push(
                        confidential_transfer::instruction::initialize_mint(
                            &program,
                            &key,
                            Some(authority),
                            true,
                            None,
                        )
                        .expect(BUILDS),
                    );
                }
                MintExtension::GroupMemberPointer(to) => {
                    types.push(ExtensionType::GroupMemberPointer);
                    before.push(
                        group_member_pointer::instruction::initialize(&program, &key, None, Some(to))
                            .expect(BUILDS),
                    );
                }
                MintExtension::GroupMember(group) => {
                    types.push(ExtensionType::GroupMemberPointer);
                    types_after.push(ExtensionType::TokenGroupMember);
                    before.push(
                        group_member_pointer::instruction::initialize(&program, &key, None, Some(key))
                            .expect(BUILDS),
                    );
                    after.push(initialize_member(
                        &program, &key, &key, &authority, &group, &authority,
                    ));
                }
            }
        }
        let length = |types: &[ExtensionType]| {
            ExtensionType::try_calculate_account_len::<Mint>(types).expect("extensions of mints alone")
        };
        // the token program grows the account itself for what is initialised after the mint
        let bare = length(&types);
        types.extend(types_after);
        let whole = length(&types);
        let freeze_authority = spec.freezable.then_some(&authority);
        let mut instructions = vec![create_account(
            &self.payer.pubkey(),
            &key,
            self.rent(whole),
            bare as u64,
            &program,
        )];
        instructions.extend(before);
        instructions.push(
            token::initialize_mint2(&program, &key, &authority, freeze_authority, spec.decimals)
                .expect(BUILDS),
        );
        instructions.extend(after);
        instructions
    }

    fn create_token_account(
        &self,
        account: &Address,
        mint: &Address,
        owner: &Address,
        spec: &MintSpec,
    ) -> Vec<Instruction> {
        // none of the extensions above wants anything of the holder's account
        let length = ExtensionType::try_calculate_account_len::<TokenAccount>(&[])
            .expect("an account without extensions has a length");
        vec![
            create_account(
                &self.payer.pubkey(),
                account,
                self.rent(length),
                length as u64,
                &spec.program,
            ),
            token::initialize_account3(&spec.program, account, mint, owner).expect(BUILDS),
        ]
    }
}
