//! Sends every instruction with data that is cut, with accounts that are missing, and with accounts
//! whose contents are malformed. Each is refused with its own error, and nothing changes.

use anchor_lang::error::ErrorCode;
use bauta::errors::BautaError;
use bauta_airdrop::AirdropError;
use bauta_program_test::TestChain;
use solana_account::Account;
use solana_instruction::Instruction;
use solana_signer::Signer;

use super::{Case, METAPLEX, account_names, cases, keypair, name_of};

/// Asserts that `chain` refuses the instruction with one of these errors and that no account of the
/// instruction changes.
#[track_caller]
fn assert_refused(case: &Case, chain: &TestChain, instruction: &Instruction, errors: &[u32], what: &str) {
    let mut after = chain.clone();
    let Err(refusal) = case.send(&mut after, instruction.clone()) else {
        panic!("{} with {what} was accepted", case.name);
    };
    assert!(
        refusal.code().is_some_and(|code| errors.contains(&code)),
        "{} with {what}: one of {:?} was expected, but the error is {refusal}: {:?}",
        case.name,
        errors.iter().copied().map(name_of).collect::<Vec<_>>(),
        refusal.transaction_error
    );
    // The payer of the transaction has paid its fee.
    let fee_payer = chain.payer.pubkey();
    for address in instruction.accounts.iter().map(|meta| meta.pubkey) {
        if address != fee_payer {
            assert_eq!(after.account(&address), chain.account(&address));
        }
    }
}

#[test]
fn data_that_is_too_short_is_refused() {
    for case in cases::all() {
        let length = case.instruction.data.len();
        // Every length would take a minute. 13 has no common factor with the sizes of the fields.
        let short = (0..length).filter(|bytes| *bytes <= 16 || bytes % 13 == 0 || bytes + 1 == length);
        for bytes in short {
            let mut instruction = case.instruction.clone();
            instruction.data.truncate(bytes);
            // The first eight bytes select the instruction.
            let error = if bytes < 8 {
                ErrorCode::InstructionFallbackNotFound
            } else {
                ErrorCode::InstructionDidNotDeserialize
            };
            let what = format!("{bytes} bytes of data");
            assert_refused(&case, &case.chain, &instruction, &[error.into()], &what);
        }
    }
}

#[test]
fn a_missing_account_is_refused() {
    for case in cases::all() {
        for number in 0..case.instruction.accounts.len() {
            let mut instruction = case.instruction.clone();
            instruction.accounts.truncate(number);
            let error = ErrorCode::AccountNotEnoughKeys;
            let what = format!("{number} accounts");
            assert_refused(&case, &case.chain, &instruction, &[error.into()], &what);
        }
    }
}

#[test]
fn a_malformed_account_is_refused() {
    for case in cases::all() {
        let metas = &case.instruction.accounts;
        for (name, meta) in account_names(case.name).iter().zip(metas) {
            let Some(account) = case.chain.account(&meta.pubkey) else {
                continue;
            };
            for (form, malformed) in forms(&account) {
                let errors = errors(case.name, name, &account, form);
                if errors.is_empty() {
                    continue;
                }
                let mut chain = case.chain.clone();
                chain.set_account(&meta.pubkey, malformed);
                let what = format!("{name}: {form:?}");
                assert_refused(&case, &chain, &case.instruction, &errors, &what);
            }
        }
    }
}

/// What is wrong with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Empty,
    ShorterThanDiscriminator,
    OnlyDiscriminator,
    OneByteLess,
    OneByteMore,
    OtherDiscriminator,
    OtherOwner,
}

fn forms(account: &Account) -> Vec<(Form, Account)> {
    let length = account.data.len();
    let with = |form, change: &dyn Fn(&mut Account)| {
        let mut changed = account.clone();
        change(&mut changed);
        (form, changed)
    };
    let resized = |form, length| with(form, &|account| account.data.resize(length, 0));
    if length < 9 {
        return vec![];
    }
    vec![
        resized(Form::Empty, 0),
        resized(Form::ShorterThanDiscriminator, 7),
        resized(Form::OnlyDiscriminator, 8),
        resized(Form::OneByteLess, length - 1),
        resized(Form::OneByteMore, length + 1),
        with(Form::OtherDiscriminator, &|account| account.data[7] ^= 1),
        with(Form::OtherOwner, &|account| {
            account.owner = keypair("another program").pubkey();
        }),
    ]
}

/// Returns the errors with which the program may refuse an account of this form. Empty if the
/// program does not read the account, or if the form is valid.
fn errors(instruction: &str, name: &str, account: &Account, form: Form) -> Vec<u32> {
    let own = |error: BautaError| vec![error.into()];
    let anchor = |errors: &[ErrorCode]| errors.iter().map(|error| (*error).into()).collect();
    // The program's address stands for an optional account that the case omits.
    if account.executable {
        return vec![];
    }
    if METAPLEX.contains(&account.owner) {
        return foreign_errors(instruction, name, form).map_or_else(Vec::new, own);
    }
    match (instruction, name, form) {
        ("create_registry", "tree", Form::OtherOwner) => own(BautaError::TreeNotOwned),
        ("create_registry", "tree", Form::OtherDiscriminator) => own(BautaError::TreeInUse),
        ("create_registry", "tree", _) => own(BautaError::TreeWrongSize),
        // An account of another owner counts as a token without a leaf, which takes no path.
        (
            "register_holder" | "register_core_holder" | "register_compressed_holder",
            "holding",
            Form::OtherOwner,
        ) => own(BautaError::UnexpectedPath),
        // The system program creates no account that has data.
        ("stage_path", "staged", Form::OtherOwner) => vec![0],
        // A mint has no discriminator. No account of a token program becomes one of another program
        // while it has data, so a mint of another owner counts as closed. The changed byte is in the
        // mint's authority.
        ("register_holder" | "evict_holder" | "create_campaign", "mint", Form::OtherDiscriminator)
        | ("evict_holder", "mint", Form::OtherOwner) => vec![],
        ("register_holder", "mint", Form::OtherOwner) => own(BautaError::NotAMint),
        ("register_holder" | "evict_holder", "mint", _) => own(BautaError::InvalidMint),
        ("register_holder" | "evict_holder", "token_account", Form::OtherDiscriminator) => {
            own(BautaError::TokenAccountOfAnotherMint)
        }
        ("register_holder" | "evict_holder", "token_account", _) => own(BautaError::InvalidTokenAccount),
        ("create_campaign", "mint", Form::OtherOwner) => vec![AirdropError::WrongTokenProgram.into()],
        ("create_campaign", "mint", _) => vec![AirdropError::InvalidMint.into()],
        ("claim", "vault", _) => vec![AirdropError::VaultTooLow.into()],
        ("claim", "recipient_account", _) => vec![AirdropError::WrongRecipientAccount.into()],
        ("sweep", "vault", _) => vec![AirdropError::NothingToSweep.into()],
        _ if ![bauta::ID, bauta_airdrop::ID].contains(&account.owner) => vec![],
        // These instructions compare an address of the account and read nothing else. The program
        // creates no account of another length at the address.
        ("suspend_circuit" | "retire_circuit", "config", Form::OneByteMore)
        | ("reclaim_nullifier", "nullifier", Form::OneByteMore) => vec![],
        (_, _, Form::Empty | Form::ShorterThanDiscriminator) => {
            anchor(&[ErrorCode::AccountDiscriminatorNotFound])
        }
        // Anchor's constraints read some accounts before the program does.
        (_, _, Form::OnlyDiscriminator | Form::OneByteLess) => anchor(&[
            ErrorCode::AccountDiscriminatorMismatch,
            ErrorCode::AccountDidNotDeserialize,
        ]),
        (_, _, Form::OneByteMore | Form::OtherDiscriminator) => {
            anchor(&[ErrorCode::AccountDiscriminatorMismatch])
        }
        (_, _, Form::OtherOwner) => anchor(&[ErrorCode::AccountOwnedByWrongProgram]),
    }
}

/// Returns the error with which the program refuses an account of Metaplex or of a compression
/// program of this form. `None` if the form is valid.
fn foreign_errors(instruction: &str, name: &str, form: Form) -> Option<BautaError> {
    match (instruction, name, form) {
        // The changed byte is in a field that the program does not read. In `mint` it is in the
        // owner's address. An empty asset and one that Core does not own count as burnt. Plugins
        // are at the end of an asset, and an eviction does not read them. An eviction accepts
        // metadata of any length.
        (_, "metadata" | "core_collection", Form::OtherDiscriminator)
        | ("evict_holder", "metadata", Form::OneByteLess | Form::OneByteMore)
        | (
            "evict_holder",
            "mint",
            Form::Empty | Form::OtherOwner | Form::OtherDiscriminator | Form::OneByteLess | Form::OneByteMore,
        )
        // The eviction of a compressed asset uses only the address of the Core collection. The
        // TreeConfig of a closed tree does not exist, and its last bytes are padding.
        | ("evict_compressed_holder", "core_collection", _)
        | ("evict_compressed_holder", "tree_config", Form::OtherOwner)
        | (_, "tree_config", Form::OneByteLess | Form::OneByteMore) => None,
        (_, "metadata", Form::OneByteLess | Form::OneByteMore) => Some(BautaError::InvalidMetadata),
        (_, "metadata", _) => Some(BautaError::WrongMetadata),
        // The program reads only the first bytes.
        (_, "edition", Form::Empty | Form::OtherOwner) => Some(BautaError::WrongEdition),
        (_, "token_record", Form::Empty | Form::OtherOwner) => Some(BautaError::WrongTokenRecord),
        (_, "core_collection", Form::Empty | Form::OtherOwner) => Some(BautaError::WrongCoreCollection),
        (_, "core_collection", _) => Some(BautaError::InvalidCoreCollection),
        (_, "merkle_tree", Form::OtherOwner) => Some(BautaError::WrongTreeProgram),
        (_, "merkle_tree", _) => Some(BautaError::InvalidTree),
        (_, "tree_config", Form::OtherOwner) => Some(BautaError::TreeClosed),
        (_, "tree_config", _) => Some(BautaError::NotABubblegumTree),
        (_, "asset", Form::OtherDiscriminator) => Some(BautaError::NotTokenOwner),
        (_, "asset", Form::Empty | Form::OtherOwner) => Some(BautaError::NotACoreAsset),
        (_, "asset" | "mint", _) => Some(BautaError::InvalidCoreAsset),
        _ => None,
    }
}
