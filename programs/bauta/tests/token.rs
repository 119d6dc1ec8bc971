//! Compares the reader of token accounts with the libraries of the token programs.

use anchor_lang::prelude::Pubkey;
use bauta::{
    errors::BautaError,
    token::{GroupMember, Mint, TOKEN_2022_PROGRAM, TOKEN_PROGRAM, TokenAccount},
};
use proptest::prelude::*;
use solana_program_pack::Pack;
use spl_token_2022_interface::{
    extension::{
        BaseStateWithExtensions, BaseStateWithExtensionsMut, Extension, ExtensionType, StateWithExtensions,
        StateWithExtensionsMut, confidential_mint_burn::ConfidentialMintBurn,
        confidential_transfer::ConfidentialTransferMint,
        confidential_transfer_fee::ConfidentialTransferFeeConfig, cpi_guard::CpiGuard,
        group_member_pointer::GroupMemberPointer, immutable_owner::ImmutableOwner,
        metadata_pointer::MetadataPointer, mint_close_authority::MintCloseAuthority,
        non_transferable::NonTransferable, permanent_delegate::PermanentDelegate,
        transfer_fee::TransferFeeConfig, transfer_hook::TransferHook,
    },
    state::{Account, AccountState, Mint as SplMint},
};
use spl_token_group_interface::state::TokenGroupMember;

fn one_token() -> SplMint {
    SplMint {
        supply: 1,
        is_initialized: true,
        ..SplMint::default()
    }
}

fn packed<T: Pack>(state: T) -> Vec<u8> {
    let mut data = vec![0; T::LEN];
    state.pack_into_slice(&mut data);
    data
}

type Initialise = fn(&mut StateWithExtensionsMut<'_, SplMint>);

fn extension<E: Extension + bytemuck::Pod + Default>(state: &mut StateWithExtensionsMut<'_, SplMint>) {
    state.init_extension::<E>(false).unwrap();
}

/// Creates the data of a Token-2022 mint with the library of the token program.
fn mint_2022(extensions: &[(ExtensionType, Initialise)], base: SplMint) -> Vec<u8> {
    let types: Vec<ExtensionType> = extensions.iter().map(|(kind, _)| *kind).collect();
    let space = ExtensionType::try_calculate_account_len::<SplMint>(&types).unwrap();
    let mut data = vec![0; space];
    let mut state = StateWithExtensionsMut::<SplMint>::unpack_uninitialized(&mut data).unwrap();
    for (_, initialise) in extensions {
        initialise(&mut state);
    }
    state.base = base;
    state.pack_base();
    state.init_account_type().unwrap();
    data
}

fn harmless() -> Vec<(ExtensionType, Initialise)> {
    vec![
        (ExtensionType::MetadataPointer, extension::<MetadataPointer>),
        (ExtensionType::GroupMemberPointer, extension::<GroupMemberPointer>),
        (ExtensionType::TransferHook, extension::<TransferHook>),
        (ExtensionType::NonTransferable, extension::<NonTransferable>),
    ]
}

/// The types of mint extensions that are accepted.
const ACCEPTED: [ExtensionType; 13] = [
    ExtensionType::DefaultAccountState,
    ExtensionType::NonTransferable,
    ExtensionType::InterestBearingConfig,
    ExtensionType::TransferHook,
    ExtensionType::MetadataPointer,
    ExtensionType::TokenMetadata,
    ExtensionType::GroupPointer,
    ExtensionType::TokenGroup,
    ExtensionType::GroupMemberPointer,
    ExtensionType::TokenGroupMember,
    ExtensionType::ScaledUiAmount,
    ExtensionType::Pausable,
    ExtensionType::PermissionedBurn,
];

/// The types of mint extensions that are refused, with the error of each.
const REFUSED: [(ExtensionType, BautaError); 6] = [
    (ExtensionType::TransferFeeConfig, BautaError::HasTransferFee),
    (
        ExtensionType::MintCloseAuthority,
        BautaError::HasMintCloseAuthority,
    ),
    (
        ExtensionType::ConfidentialTransferMint,
        BautaError::HasConfidentialExtension,
    ),
    (ExtensionType::PermanentDelegate, BautaError::HasPermanentDelegate),
    (
        ExtensionType::ConfidentialTransferFeeConfig,
        BautaError::HasConfidentialExtension,
    ),
    (
        ExtensionType::ConfidentialMintBurn,
        BautaError::HasConfidentialExtension,
    ),
];

/// Creates the data of a Token-2022 mint with one extension without contents.
fn mint_with_type(kind: u16) -> Vec<u8> {
    let mut data = packed(one_token());
    data.resize(165, 0);
    data.push(1);
    data.extend(kind.to_le_bytes());
    data.extend([0, 0]);
    data
}

/// A later version of Token-2022 may add an extension that moves or hides tokens.
#[test]
fn only_known_extensions_are_accepted() {
    for kind in 1..=u16::MAX {
        let data = mint_with_type(kind);
        let result = Mint::read(&TOKEN_2022_PROGRAM, &data).unwrap().check_unique();
        let known = |own: ExtensionType| u16::from(own) == kind;
        if ACCEPTED.into_iter().any(known) {
            result.unwrap();
        } else {
            let own = REFUSED.into_iter().find(|(own, _)| known(*own));
            refused(
                result,
                own.map_or(BautaError::UnknownMintExtension, |(_, error)| error),
            );
        }
    }
}

/// A new version of the library has a type that this program has not decided about.
#[test]
fn every_mint_extension_of_the_library_is_accepted_or_has_its_own_error() {
    let decided: Vec<u16> = ACCEPTED
        .into_iter()
        .chain(REFUSED.map(|(kind, _)| kind))
        .map(u16::from)
        .collect();
    let of_accounts = [
        ExtensionType::TransferFeeAmount,
        ExtensionType::ConfidentialTransferAccount,
        ExtensionType::ImmutableOwner,
        ExtensionType::MemoTransfer,
        ExtensionType::CpiGuard,
        ExtensionType::NonTransferableAccount,
        ExtensionType::TransferHookAccount,
        ExtensionType::ConfidentialTransferFeeAmount,
        ExtensionType::PausableAccount,
    ]
    .map(u16::from);
    for kind in 1..=u16::MAX {
        if ExtensionType::try_from(kind).is_ok() {
            assert!(
                decided.contains(&kind) || of_accounts.contains(&kind),
                "extension type {kind}"
            );
        }
    }
}

#[track_caller]
fn refused<T>(result: anchor_lang::Result<T>, expected: BautaError) {
    assert_eq!(result.err().expect("refused"), expected.into());
}

#[test]
fn a_unique_token_of_either_program_is_accepted() {
    let plain = packed(one_token());
    Mint::read(&TOKEN_PROGRAM, &plain)
        .unwrap()
        .check_unique()
        .unwrap();
    Mint::read(&TOKEN_2022_PROGRAM, &plain)
        .unwrap()
        .check_unique()
        .unwrap();
    let extended = mint_2022(&harmless(), one_token());
    Mint::read(&TOKEN_2022_PROGRAM, &extended)
        .unwrap()
        .check_unique()
        .unwrap();
}

#[test]
fn a_token_that_could_have_a_second_holder_is_refused() {
    let with = |change: fn(&mut SplMint)| {
        let mut mint = one_token();
        change(&mut mint);
        packed(mint)
    };
    for (data, error) in [
        (with(|mint| mint.supply = 0), BautaError::SupplyNotOne),
        (with(|mint| mint.supply = 2), BautaError::SupplyNotOne),
        (with(|mint| mint.decimals = 1), BautaError::DecimalsNotZero),
        (
            with(|mint| mint.mint_authority = Some(Pubkey::new_unique()).into()),
            BautaError::HasMintAuthority,
        ),
    ] {
        refused(Mint::read(&TOKEN_PROGRAM, &data).unwrap().check_unique(), error);
    }
}

#[test]
fn a_mint_with_an_extension_that_hides_or_moves_the_token_is_refused() {
    let dangerous: [(ExtensionType, Initialise, BautaError); 6] = [
        (
            ExtensionType::TransferFeeConfig,
            extension::<TransferFeeConfig>,
            BautaError::HasTransferFee,
        ),
        (
            ExtensionType::MintCloseAuthority,
            extension::<MintCloseAuthority>,
            BautaError::HasMintCloseAuthority,
        ),
        (
            ExtensionType::PermanentDelegate,
            extension::<PermanentDelegate>,
            BautaError::HasPermanentDelegate,
        ),
        (
            ExtensionType::ConfidentialTransferMint,
            extension::<ConfidentialTransferMint>,
            BautaError::HasConfidentialExtension,
        ),
        (
            ExtensionType::ConfidentialTransferFeeConfig,
            extension::<ConfidentialTransferFeeConfig>,
            BautaError::HasConfidentialExtension,
        ),
        (
            ExtensionType::ConfidentialMintBurn,
            extension::<ConfidentialMintBurn>,
            BautaError::HasConfidentialExtension,
        ),
    ];
    for (kind, initialise, error) in dangerous {
        // The extension is tested at the first and at the last position.
        for at in [0, 4] {
            let mut extensions = harmless();
            extensions.insert(at, (kind, initialise));
            let data = mint_2022(&extensions, one_token());
            refused(
                Mint::read(&TOKEN_2022_PROGRAM, &data).unwrap().check_unique(),
                error,
            );
        }
    }
}

#[test]
fn group_membership_is_read_from_the_mint_and_not_from_a_pointer() {
    fn member(state: &mut StateWithExtensionsMut<'_, SplMint>) {
        let member = state.init_extension::<TokenGroupMember>(false).unwrap();
        member.mint = Pubkey::new_from_array([1; 32]);
        member.group = Pubkey::new_from_array([2; 32]);
        member.member_number = 7.into();
    }
    let mut extensions = harmless();
    let pointers = mint_2022(&extensions, one_token());
    let mint = Mint::read(&TOKEN_2022_PROGRAM, &pointers).unwrap();
    assert_eq!(mint.group_member().unwrap(), None);
    extensions.push((ExtensionType::TokenGroupMember, member));
    let data = mint_2022(&extensions, one_token());
    let own = Mint::read(&TOKEN_2022_PROGRAM, &data)
        .unwrap()
        .group_member()
        .unwrap();
    let library = StateWithExtensions::<SplMint>::unpack(&data).unwrap();
    let library = library.get_extension::<TokenGroupMember>().unwrap();
    assert_eq!(
        own,
        Some(GroupMember {
            mint: library.mint,
            group: library.group
        })
    );
}

#[test]
fn an_account_that_is_not_a_mint_is_refused() {
    let plain = packed(one_token());
    let extended = mint_2022(&harmless(), one_token());
    refused(Mint::read(&Pubkey::new_unique(), &plain), BautaError::NotAMint);
    // SPL Token has no extensions.
    refused(Mint::read(&TOKEN_PROGRAM, &extended), BautaError::InvalidMint);
    refused(
        Mint::read(&TOKEN_2022_PROGRAM, &plain[..81]),
        BautaError::InvalidMint,
    );
    refused(Mint::read(&TOKEN_PROGRAM, &[]), BautaError::InvalidMint);
    let uninitialised = packed(SplMint {
        is_initialized: false,
        ..one_token()
    });
    refused(
        Mint::read(&TOKEN_PROGRAM, &uninitialised),
        BautaError::InvalidMint,
    );
    // A token account and a multisig account are not mints.
    let mut account = extended.clone();
    account[165] = 2;
    refused(Mint::read(&TOKEN_2022_PROGRAM, &account), BautaError::InvalidMint);
    let mut multisig = extended.clone();
    multisig.resize(355, 0);
    refused(
        Mint::read(&TOKEN_2022_PROGRAM, &multisig),
        BautaError::InvalidMint,
    );
    // The last extension is longer than the data.
    let mut truncated = extended;
    truncated.truncate(truncated.len() - 1);
    refused(
        Mint::read(&TOKEN_2022_PROGRAM, &truncated)
            .unwrap()
            .check_unique(),
        BautaError::InvalidMint,
    );
}

fn account() -> impl Strategy<Value = Account> {
    (
        any::<[u8; 32]>(),
        any::<[u8; 32]>(),
        any::<u64>(),
        1..3u8,
        any::<bool>(),
    )
        .prop_map(|(mint, owner, amount, state, delegated)| Account {
            mint: mint.into(),
            owner: owner.into(),
            amount,
            state: if state == 1 {
                AccountState::Initialized
            } else {
                AccountState::Frozen
            },
            delegate: delegated.then(Pubkey::new_unique).into(),
            ..Account::default()
        })
}

fn extended_account(base: Account) -> Vec<u8> {
    let extensions = [ExtensionType::ImmutableOwner, ExtensionType::CpiGuard];
    let space = ExtensionType::try_calculate_account_len::<Account>(&extensions).unwrap();
    let mut data = vec![0; space];
    let mut state = StateWithExtensionsMut::<Account>::unpack_uninitialized(&mut data).unwrap();
    state.init_extension::<ImmutableOwner>(false).unwrap();
    state.init_extension::<CpiGuard>(false).unwrap();
    state.base = base;
    state.pack_base();
    state.init_account_type().unwrap();
    data
}

proptest! {
    #[test]
    fn token_accounts_are_read_like_the_library_reads_them(base in account()) {
        let expected = TokenAccount {
            mint: base.mint,
            owner: base.owner,
            amount: base.amount,
            frozen: base.is_frozen(),
        };
        prop_assert_eq!(TokenAccount::read(&TOKEN_PROGRAM, &packed(base)).unwrap(), expected);
        let expected = TokenAccount::read(&TOKEN_PROGRAM, &packed(base)).unwrap();
        prop_assert_eq!(TokenAccount::read(&TOKEN_2022_PROGRAM, &extended_account(base)).unwrap(), expected);
    }

    #[test]
    fn readers_do_not_panic_on_any_bytes(data in prop::collection::vec(any::<u8>(), 0..600), kind in 0..3u8) {
        let mut data = data;
        if let Some(byte) = data.get_mut(165) {
            *byte = kind;
        }
        if let Some(byte) = data.get_mut(45) {
            *byte = 1;
        }
        for program in [TOKEN_PROGRAM, TOKEN_2022_PROGRAM] {
            drop(TokenAccount::read(&program, &data));
            if let Ok(mint) = Mint::read(&program, &data) {
                drop(mint.check_unique());
                drop(mint.group_member());
            }
        }
    }
}

#[test]
fn an_account_that_is_not_a_token_account_is_refused() {
    let uninitialised = packed(Account::default());
    refused(
        TokenAccount::read(&TOKEN_PROGRAM, &uninitialised),
        BautaError::InvalidTokenAccount,
    );
    let base = Account {
        state: AccountState::Initialized,
        ..Account::default()
    };
    refused(
        TokenAccount::read(&Pubkey::new_unique(), &packed(base)),
        BautaError::InvalidTokenAccount,
    );
    refused(
        TokenAccount::read(&TOKEN_PROGRAM, &extended_account(base)),
        BautaError::InvalidTokenAccount,
    );
    // A closed account has no data.
    refused(
        TokenAccount::read(&TOKEN_PROGRAM, &[]),
        BautaError::InvalidTokenAccount,
    );
    let mut mint = extended_account(base);
    mint[165] = 1;
    refused(
        TokenAccount::read(&TOKEN_2022_PROGRAM, &mint),
        BautaError::InvalidTokenAccount,
    );
}
