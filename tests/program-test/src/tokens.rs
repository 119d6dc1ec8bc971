//! Tokens, created by the real token programs.

use bauta_client::instructions::TokenMetadataAccounts;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use solana_system_interface::instruction::create_account;
use spl_token_2022_interface::extension::{
    BaseStateWithExtensions, ExtensionType, StateWithExtensions, confidential_transfer, group_member_pointer,
    group_pointer, interest_bearing_mint, pausable, transfer_fee, transfer_hook,
};
use spl_token_2022_interface::instruction::{self as token, AuthorityType};
use spl_token_2022_interface::state::{Account as TokenAccount, Mint};
use spl_token_group_interface::instruction::{initialize_group, initialize_member};

use crate::{Receipt, Refusal, TestChain};

/// The address of the SPL Token program.
pub const SPL_TOKEN: Address = spl_token_2022_interface::inline_spl_token::ID;
/// The address of the Token-2022 program.
pub const TOKEN_2022: Address = spl_token_2022_interface::ID;

/// The properties of a token to create.
///
/// The default is a token that may be registered: SPL Token, supply 1, decimals 0, no mint
/// authority.
#[derive(Debug, Clone)]
pub struct MintSpec {
    /// The token program: [`SPL_TOKEN`] or [`TOKEN_2022`].
    pub program: Address,
    /// The number of decimals.
    pub decimals: u8,
    /// The amount to mint to the owner's account.
    pub supply: u64,
    /// Whether [`TestChain::token_authority`] keeps the mint authority.
    pub keep_mint_authority: bool,
    /// Whether [`TestChain::token_authority`] can freeze accounts.
    pub freezable: bool,
    /// The extensions of a Token-2022 mint, in the order of initialisation.
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
    /// Returns a Token-2022 mint with these extensions. Its other properties are the default.
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
    /// [`TestChain::token_authority`] can close the mint when its supply is 0, and create it again.
    CloseAuthority,
    /// [`TestChain::token_authority`] can take the token from any holder.
    PermanentDelegate,
    /// Holders can hide their balances.
    ConfidentialTransfer,
    /// A transfer withholds a fee of a ten-thousandth, rounded up.
    TransferFee,
    /// A transfer calls a program. Here it is none, so every transfer succeeds.
    TransferHook,
    /// [`TestChain::token_authority`] can stop all transfers.
    Pausable,
    /// Amounts are displayed with interest.
    InterestBearing,
    /// A pointer to the account that should contain the group membership of the mint.
    GroupMemberPointer(Address),
    /// A real membership in this group, with the pointer that the token program requires.
    /// [`TestChain::create_group`] creates the group.
    GroupMember(Address),
}

/// A token and the account that holds it.
pub struct Nft {
    /// The token's mint.
    pub mint: Address,
    /// The token account that holds it.
    pub account: Address,
    /// The owner of the token account.
    pub owner: Keypair,
    /// The token program: [`SPL_TOKEN`] or [`TOKEN_2022`].
    pub program: Address,
    /// The accounts of Token Metadata that a registration needs. None for a token without metadata.
    pub token_metadata: TokenMetadataAccounts,
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
    /// Returns the instruction that burns the token.
    ///
    /// # Panics
    /// Never, because `program` is one of the token programs.
    #[must_use]
    pub fn burn(&self) -> Instruction {
        let owner = self.owner.pubkey();
        token::burn(&self.program, &self.account, &self.mint, &owner, &[], 1).expect(BUILDS)
    }

    /// Returns the instruction that closes the token account. The account must be empty.
    ///
    /// # Panics
    /// Never, because `program` is one of the token programs.
    #[must_use]
    pub fn close_account(&self) -> Instruction {
        let owner = self.owner.pubkey();
        token::close_account(&self.program, &self.account, &owner, &owner, &[]).expect(BUILDS)
    }
}

const BUILDS: &str = "the token interface refuses only unknown program ids";
const WORKS: &str = "the token program accepts the instructions";

impl TestChain {
    /// Returns the mint, freeze, close and group authority of every token that a test chain
    /// creates.
    #[must_use]
    pub fn token_authority(&self) -> Keypair {
        crate::keypair("token authority")
    }

    /// Creates a token that may be registered.
    pub fn mint_nft(&mut self, owner: &Keypair) -> Nft {
        self.mint(owner, &MintSpec::default())
    }

    /// Creates a token with the given properties.
    ///
    /// # Panics
    /// If the token program refuses.
    pub fn mint(&mut self, owner: &Keypair, spec: &MintSpec) -> Nft {
        let authority = self.token_authority();
        let mint = self.new_keypair("mint");
        let mut instructions = self.create_mint(&mint, spec);
        let account = self.new_keypair("token account");
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
            token_metadata: TokenMetadataAccounts::default(),
        }
    }

    /// Sets an authority of a mint that [`TestChain::token_authority`] has.
    ///
    /// # Panics
    /// If the token program refuses.
    pub fn set_mint_authority(&mut self, nft: &Nft, kind: AuthorityType, to: Option<&Address>) {
        let authority = self.token_authority();
        let set =
            token::set_authority(&nft.program, &nft.mint, to, kind, &authority.pubkey(), &[]).expect(BUILDS);
        self.send(&[set], &[&authority]).expect(WORKS);
    }

    /// Creates a Token-2022 group: a mint that contains its own `TokenGroup`.
    ///
    /// # Panics
    /// If the token program refuses.
    pub fn create_group(&mut self) -> Address {
        let authority = self.token_authority();
        let group = self.new_keypair("group");
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

    /// Transfers a token to a new account of `to`. The old account remains, without a token.
    ///
    /// # Panics
    /// If the token program refuses.
    pub fn transfer_nft(&mut self, nft: &Nft, to: &Keypair) -> Nft {
        let spec = MintSpec {
            program: nft.program,
            extensions: self
                .has_transfer_fee(&nft.mint)
                .then_some(MintExtension::TransferFee)
                .into_iter()
                .collect(),
            ..MintSpec::default()
        };
        let account = self.new_keypair("token account");
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

    /// Burns a token. Its supply is then 0.
    pub fn burn_nft(&mut self, nft: &Nft) -> Result<Receipt, Refusal> {
        self.send(&[nft.burn()], &[&nft.owner])
    }

    /// Approves a delegate, who may then transfer the token.
    pub fn approve_nft(&mut self, nft: &Nft, delegate: &Address) -> Result<Receipt, Refusal> {
        let owner = nft.owner.pubkey();
        let approve = token::approve(&nft.program, &nft.account, delegate, &owner, &[], 1).expect(BUILDS);
        self.send(&[approve], &[&nft.owner])
    }

    /// Gives a token account to another owner, who then has its tokens.
    ///
    /// # Panics
    /// If the token program refuses.
    pub fn give_token_account(&mut self, program: &Address, account: &Address, from: &Keypair, to: &Address) {
        let owner = from.pubkey();
        let kind = AuthorityType::AccountOwner;
        let give = token::set_authority(program, account, Some(to), kind, &owner, &[]).expect(BUILDS);
        self.send(&[give], &[from]).expect(WORKS);
    }

    /// Closes an empty token account.
    pub fn close_token_account(&mut self, nft: &Nft) -> Result<Receipt, Refusal> {
        self.send(&[nft.close_account()], &[&nft.owner])
    }

    /// Closes a mint. It needs [`MintExtension::CloseAuthority`] and a supply of 0.
    pub fn close_mint(&mut self, nft: &Nft) -> Result<Receipt, Refusal> {
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

    /// Freezes the account of a freezable token.
    pub fn freeze_nft(&mut self, nft: &Nft) -> Result<Receipt, Refusal> {
        let authority = self.token_authority();
        let freeze = token::freeze_account(&nft.program, &nft.account, &nft.mint, &authority.pubkey(), &[])
            .expect(BUILDS);
        self.send(&[freeze], &[&authority])
    }

    /// Thaws the account of a freezable token.
    pub fn thaw_nft(&mut self, nft: &Nft) -> Result<Receipt, Refusal> {
        let authority = self.token_authority();
        let thaw = token::thaw_account(&nft.program, &nft.account, &nft.mint, &authority.pubkey(), &[])
            .expect(BUILDS);
        self.send(&[thaw], &[&authority])
    }

    /// Returns the amount in a token account, or 0 if the account doesn't exist.
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

    fn has_transfer_fee(&self, mint: &Address) -> bool {
        let account = self.account(mint).expect("the mint exists");
        StateWithExtensions::<Mint>::unpack(&account.data)
            .and_then(|state| state.get_extension_types())
            .expect("a token program wrote the mint")
            .contains(&ExtensionType::TransferFeeConfig)
    }

    fn create_mint(&self, mint: &Keypair, spec: &MintSpec) -> Vec<Instruction> {
        let authority = self.token_authority().pubkey();
        let (key, program) = (mint.pubkey(), spec.program);
        let mut before = vec![];
        let mut types = vec![];
        let mut after = vec![];
        let mut types_after = vec![];
        for extension in &spec.extensions {
            let (kind, instruction) = initialize_extension(*extension, &program, &key, &authority);
            types.push(kind);
            before.push(instruction);
            if let MintExtension::GroupMember(group) = extension {
                types_after.push(ExtensionType::TokenGroupMember);
                after.push(initialize_member(
                    &program, &key, &key, &authority, group, &authority,
                ));
            }
        }
        let length = |types: &[ExtensionType]| {
            ExtensionType::try_calculate_account_len::<Mint>(types)
                .expect("all extensions are extensions of mints")
        };
        // The token program extends the account for the extensions that are initialised after the
        // mint.
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
        // The extensions of the token account that those of the mint require.
        let required: Vec<ExtensionType> = spec
            .extensions
            .iter()
            .filter_map(|extension| match extension {
                MintExtension::TransferFee => Some(ExtensionType::TransferFeeAmount),
                MintExtension::TransferHook => Some(ExtensionType::TransferHookAccount),
                MintExtension::Pausable => Some(ExtensionType::PausableAccount),
                _ => None,
            })
            .collect();
        let length = ExtensionType::try_calculate_account_len::<TokenAccount>(&required)
            .expect("the extensions are those of token accounts");
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

/// Returns the type of an extension, and the instruction that initialises it before the mint.
fn initialize_extension(
    extension: MintExtension,
    program: &Address,
    mint: &Address,
    authority: &Address,
) -> (ExtensionType, Instruction) {
    let member_pointer = |to| group_member_pointer::instruction::initialize(program, mint, None, Some(to));
    let (kind, instruction) = match extension {
        MintExtension::CloseAuthority => (
            ExtensionType::MintCloseAuthority,
            token::initialize_mint_close_authority(program, mint, Some(authority)),
        ),
        MintExtension::PermanentDelegate => (
            ExtensionType::PermanentDelegate,
            token::initialize_permanent_delegate(program, mint, authority),
        ),
        MintExtension::ConfidentialTransfer => (
            ExtensionType::ConfidentialTransferMint,
            confidential_transfer::instruction::initialize_mint(program, mint, Some(*authority), true, None),
        ),
        MintExtension::TransferFee => (
            ExtensionType::TransferFeeConfig,
            transfer_fee::instruction::initialize_transfer_fee_config(
                program,
                mint,
                Some(authority),
                Some(authority),
                1,
                1,
            ),
        ),
        MintExtension::TransferHook => (
            ExtensionType::TransferHook,
            transfer_hook::instruction::initialize(program, mint, Some(*authority), None),
        ),
        MintExtension::Pausable => (
            ExtensionType::Pausable,
            pausable::instruction::initialize(program, mint, authority),
        ),
        MintExtension::InterestBearing => (
            ExtensionType::InterestBearingConfig,
            interest_bearing_mint::instruction::initialize(program, mint, Some(*authority), 100),
        ),
        MintExtension::GroupMemberPointer(to) => (ExtensionType::GroupMemberPointer, member_pointer(to)),
        MintExtension::GroupMember(_) => (ExtensionType::GroupMemberPointer, member_pointer(*mint)),
    };
    (kind, instruction.expect(BUILDS))
}
