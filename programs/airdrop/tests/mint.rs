//! Compares the check of mints with the library of the token programs.

use anchor_lang::error::Error;
use anchor_lang::prelude::Pubkey;
use bauta::token::{TOKEN_2022_PROGRAM, TOKEN_PROGRAM};
use bauta_airdrop::{AirdropError, mint};
use proptest::prelude::*;
use spl_token_2022_interface::extension::{
    BaseStateWithExtensionsMut, Extension, ExtensionType, StateWithExtensionsMut,
    confidential_mint_burn::ConfidentialMintBurn, confidential_transfer::ConfidentialTransferMint,
    confidential_transfer_fee::ConfidentialTransferFeeConfig, default_account_state::DefaultAccountState,
    group_member_pointer::GroupMemberPointer, group_pointer::GroupPointer,
    interest_bearing_mint::InterestBearingConfig, metadata_pointer::MetadataPointer,
    mint_close_authority::MintCloseAuthority, non_transferable::NonTransferable, pausable::PausableConfig,
    permanent_delegate::PermanentDelegate, scaled_ui_amount::ScaledUiAmountConfig,
    transfer_fee::TransferFeeConfig, transfer_hook::TransferHook,
};
use spl_token_2022_interface::state::Mint;

/// The extensions that a campaign accepts.
const ALLOWED: [ExtensionType; 8] = [
    ExtensionType::InterestBearingConfig,
    ExtensionType::MetadataPointer,
    ExtensionType::TokenMetadata,
    ExtensionType::GroupPointer,
    ExtensionType::TokenGroup,
    ExtensionType::GroupMemberPointer,
    ExtensionType::TokenGroupMember,
    ExtensionType::ScaledUiAmount,
];

/// Returns the decimals, or the code of the error.
fn check(program: &Pubkey, data: &[u8]) -> Result<u8, u32> {
    mint::check(program, data).map_err(|error| match error {
        Error::AnchorError(error) => error.error_code_number,
        other @ Error::ProgramError(_) => panic!("{other}"),
    })
}

type Initialise = fn(&mut StateWithExtensionsMut<'_, Mint>);

fn extension<E: Extension + bytemuck::Pod + Default>(state: &mut StateWithExtensionsMut<'_, Mint>) {
    state.init_extension::<E>(false).expect("the mint has space");
}

/// Creates the data of a mint with 6 decimals with the library of the token program.
fn mint_2022(types: &[ExtensionType], initialise: &[Initialise]) -> Vec<u8> {
    let space = ExtensionType::try_calculate_account_len::<Mint>(types).expect("extensions of mints");
    let mut data = vec![0; space];
    let mut state = StateWithExtensionsMut::<Mint>::unpack_uninitialized(&mut data).expect("zeros");
    for initialise in initialise {
        initialise(&mut state);
    }
    state.base = Mint {
        decimals: 6,
        is_initialized: true,
        ..Mint::default()
    };
    state.pack_base();
    if !types.is_empty() {
        state.init_account_type().expect("a mint");
    }
    data
}

/// Creates the data of a mint with one extension of a type, written by hand.
fn with_type(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut data = mint_2022(&[], &[]);
    data.resize(165, 0);
    data.push(1);
    data.extend(kind.to_le_bytes());
    data.extend(u16::try_from(value.len()).expect("a short value").to_le_bytes());
    data.extend(value);
    data
}

#[test]
fn a_plain_mint_of_both_programs_is_accepted_with_its_decimals() {
    let plain = mint_2022(&[], &[]);
    for program in [TOKEN_PROGRAM, TOKEN_2022_PROGRAM] {
        assert_eq!(check(&program, &plain), Ok(6));
    }
    let other = Pubkey::new_from_array([7; 32]);
    assert_eq!(check(&other, &plain), Err(AirdropError::WrongTokenProgram.into()));
    let mut uninitialised = plain.clone();
    uninitialised[45] = 0;
    for wrong in [&uninitialised[..], &plain[..81], &[]] {
        assert_eq!(
            check(&TOKEN_2022_PROGRAM, wrong),
            Err(AirdropError::InvalidMint.into())
        );
    }
}

#[test]
fn extensions_that_describe_the_token_are_accepted() {
    let harmless: [(ExtensionType, Initialise); 5] = [
        (
            ExtensionType::InterestBearingConfig,
            extension::<InterestBearingConfig>,
        ),
        (ExtensionType::MetadataPointer, extension::<MetadataPointer>),
        (ExtensionType::GroupPointer, extension::<GroupPointer>),
        (ExtensionType::GroupMemberPointer, extension::<GroupMemberPointer>),
        (ExtensionType::ScaledUiAmount, extension::<ScaledUiAmountConfig>),
    ];
    let (types, initialise): (Vec<_>, Vec<_>) = harmless.into_iter().unzip();
    assert_eq!(check(&TOKEN_2022_PROGRAM, &mint_2022(&types, &initialise)), Ok(6));
}

#[test]
fn every_extension_that_can_move_hide_or_stop_tokens_is_refused() {
    let refused: [(ExtensionType, Initialise); 10] = [
        (ExtensionType::TransferHook, extension::<TransferHook>),
        (ExtensionType::TransferFeeConfig, extension::<TransferFeeConfig>),
        (ExtensionType::PermanentDelegate, extension::<PermanentDelegate>),
        (ExtensionType::MintCloseAuthority, extension::<MintCloseAuthority>),
        (
            ExtensionType::ConfidentialTransferMint,
            extension::<ConfidentialTransferMint>,
        ),
        (
            ExtensionType::ConfidentialTransferFeeConfig,
            extension::<ConfidentialTransferFeeConfig>,
        ),
        (
            ExtensionType::ConfidentialMintBurn,
            extension::<ConfidentialMintBurn>,
        ),
        (ExtensionType::Pausable, extension::<PausableConfig>),
        (ExtensionType::NonTransferable, extension::<NonTransferable>),
        (
            ExtensionType::DefaultAccountState,
            extension::<DefaultAccountState>,
        ),
    ];
    for (kind, initialise) in refused {
        // It is found before and after an accepted one.
        let pointer: Initialise = extension::<MetadataPointer>;
        let types = [kind, ExtensionType::MetadataPointer];
        for order in [[initialise, pointer], [pointer, initialise]] {
            assert_eq!(
                check(&TOKEN_2022_PROGRAM, &mint_2022(&types, &order)),
                Err(AirdropError::MintExtensionRefused.into()),
                "{kind:?}"
            );
        }
    }
}

#[test]
fn every_type_that_is_not_allowed_is_refused_also_unknown_ones() {
    for kind in 1..=u16::MAX {
        let allowed = ALLOWED.iter().any(|allowed| *allowed as u16 == kind);
        let expected = if allowed {
            Ok(6)
        } else {
            Err(AirdropError::MintExtensionRefused.into())
        };
        assert_eq!(
            check(&TOKEN_2022_PROGRAM, &with_type(kind, &[0; 40])),
            expected,
            "{kind}"
        );
    }
}

#[test]
fn a_list_of_extensions_that_exceeds_the_account_is_refused() {
    let whole = with_type(ExtensionType::MetadataPointer as u16, &[0; 64]);
    for length in 168..whole.len() {
        assert_eq!(
            check(&TOKEN_2022_PROGRAM, &whole[..length]),
            Err(AirdropError::InvalidMint.into()),
            "{length}"
        );
    }
    // One byte is no type, and zeros end the list.
    assert_eq!(check(&TOKEN_2022_PROGRAM, &whole[..167]), Ok(6));
    let ended = [&whole[..], &[0; 7]].concat();
    assert_eq!(check(&TOKEN_2022_PROGRAM, &ended), Ok(6));
}

proptest! {
    /// A mint with an extension that is not allowed is refused wherever the library finds it.
    #[test]
    fn no_data_makes_the_check_panic_or_accepts_what_the_library_refuses(
        tail in prop::collection::vec(any::<u8>(), 0..200),
        kinds in prop::collection::vec((0..30u16, 0..40usize), 0..5),
    ) {
        let mut data = mint_2022(&[], &[]);
        data.resize(165, 0);
        data.push(1);
        for (kind, length) in kinds {
            data.extend(kind.to_le_bytes());
            data.extend(u16::try_from(length).expect("a short value").to_le_bytes());
            data.extend(vec![1; length]);
        }
        data.extend(tail);
        if check(&TOKEN_2022_PROGRAM, &data) == Ok(6) {
            use spl_token_2022_interface::extension::{BaseStateWithExtensions, StateWithExtensions};
            let state = StateWithExtensions::<Mint>::unpack(&data).expect("the library reads the mint");
            for kind in state.get_extension_types().unwrap_or_default() {
                prop_assert!(ALLOWED.contains(&kind), "{kind:?}");
            }
        }
    }
}
