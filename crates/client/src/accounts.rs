//! Decodes the program's accounts.

use anchor_lang::{Discriminator, Owner, ZeroCopy};
use bytemuck::pod_read_unaligned;
use solana_address::Address;

use crate::ClientError;

/// Decodes an account of the program.
///
/// `T` is one of the program's types in [`bauta::state`]. The state is copied, so `data` needs no
/// alignment.
///
/// # Errors
/// If the account has another owner, length or discriminator.
pub fn decode_account<T: ZeroCopy + Discriminator + Owner>(
    owner: &Address,
    data: &[u8],
) -> Result<T, ClientError> {
    let kind = kind::<T>();
    if *owner != T::owner() {
        return Err(ClientError::ForeignAccount { owner: *owner });
    }
    let discriminator = T::DISCRIMINATOR;
    let expected = discriminator.len() + size_of::<T>();
    if data.len() != expected {
        return Err(ClientError::AccountLength {
            kind,
            length: data.len(),
            expected,
        });
    }
    let (head, state) = data.split_at(discriminator.len());
    if head != discriminator {
        return Err(ClientError::AccountKind { kind });
    }
    Ok(pod_read_unaligned(state))
}

fn kind<T>() -> &'static str {
    let path = std::any::type_name::<T>();
    path.rsplit("::").next().unwrap_or(path)
}
