//! What a panic does on chain.

use core::panic::PanicInfo;

unsafe extern "C" {
    fn sol_panic_(file: *const u8, length: u64, line: u64, column: u64) -> !;
}

/// Logs the position of a panic in the sources and ends the program.
///
/// Solana's default implementation also logs the message. Without it, the ELF has no code that
/// formats messages of panics. Bad input causes errors, never panics.
#[unsafe(no_mangle)]
fn custom_panic(info: &PanicInfo<'_>) {
    if let Some(at) = info.location() {
        let file = at.file();
        // SAFETY: the pointer and the length are those of a string.
        unsafe {
            sol_panic_(
                file.as_ptr(),
                file.len() as u64,
                u64::from(at.line()),
                u64::from(at.column()),
            )
        }
    }
}
