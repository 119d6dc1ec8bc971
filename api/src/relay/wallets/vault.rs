//! The settings of Vault. They are checked in every build.

use bauta_key_store::{VaultAccess, is_local};

use crate::{relay::error::RelaySetupError, settings::RelaySettings};

/// Returns the settings of Vault.
pub fn access(settings: &RelaySettings) -> Result<VaultAccess<'_>, RelaySetupError> {
    let (Some(url), Some(token)) = (&settings.vault_url, &settings.vault_token) else {
        return Err(RelaySetupError::NoVault);
    };
    let url = url.expose().trim();
    let is_local = is_local(url).ok_or(RelaySetupError::VaultUrl)?;
    Ok((url, token.expose().trim(), is_local))
}
