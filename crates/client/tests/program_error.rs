//! Tests the decoding of error codes.

use anchor_lang::error::ErrorCode;
use bauta::errors::BautaError;
use bauta_client::ProgramError;
use solana_address::Address;
use solana_instruction::error::InstructionError;
use solana_system_interface::error::SystemError;
use solana_transaction_error::TransactionError;

fn failed(index: u8, code: u32) -> TransactionError {
    TransactionError::InstructionError(index, InstructionError::Custom(code))
}

#[test]
fn a_code_has_the_name_and_the_message_of_the_program() {
    for error in [
        BautaError::NotUpgradeAuthority,
        BautaError::NullifierUsed,
        BautaError::WrongCollection,
    ] {
        let decoded = ProgramError::from_code(error.into());
        assert_eq!(decoded.name, format!("{error:?}"));
        assert_eq!(decoded.message, error.to_string());
    }
}

#[test]
fn codes_of_anchor_and_unknown_codes_are_named_so() {
    let last = u32::from(BautaError::TreeClosed);
    assert_eq!(ProgramError::from_code(last + 1).name, "Unknown");
    assert_eq!(ProgramError::from_code(u32::MAX).name, "Unknown");
    assert_eq!(ProgramError::from_code(3010).name, "Anchor");
}

/// The names are those of `solana_system_interface::error::SystemError`.
#[test]
fn codes_of_the_system_program_are_not_named_as_those_of_anchor() {
    for (error, name) in [
        (SystemError::AccountAlreadyInUse, "AccountAlreadyInUse"),
        (
            SystemError::ResultWithNegativeLamports,
            "ResultWithNegativeLamports",
        ),
        (SystemError::InvalidProgramId, "System"),
    ] {
        assert_eq!(ProgramError::from_code(error as u32).name, name);
    }
    assert_eq!(ProgramError::from_code(99).name, "System");
    let first = ErrorCode::InstructionMissing.into();
    assert_eq!(ProgramError::from_code(first).name, "Anchor");
}

#[test]
fn only_a_failed_instruction_of_this_program_has_its_errors() {
    let programs = [Address::new_from_array([1; 32]), bauta::ID];
    let code = u32::from(BautaError::Paused);
    assert_eq!(ProgramError::of_transaction(&failed(0, code), &programs), None);
    let error = ProgramError::of_transaction(&failed(1, code), &programs).unwrap();
    assert_eq!(error.name, "Paused");
    assert_eq!(ProgramError::of_transaction(&failed(2, code), &programs), None);
    let other = TransactionError::InstructionError(1, InstructionError::InvalidAccountData);
    assert_eq!(ProgramError::of_transaction(&other, &programs), None);
}
