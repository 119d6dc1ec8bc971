//! Logins of wallets.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::Secret;

/// The input of the wallet's feature `solana:signIn`. Pass it on unchanged.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SignInInput {
    /// The host of the page.
    pub domain: String,
    /// The wallet.
    pub address: String,
    /// What the signature is for.
    pub statement: Cow<'static, str>,
    /// The service.
    pub uri: String,
    /// The version of the text.
    pub version: Cow<'static, str>,
    /// The cluster.
    pub chain_id: Cow<'static, str>,
    /// The nonce: 64 hexadecimal digits.
    pub nonce: String,
    /// The time of the challenge (ISO 8601).
    pub issued_at: String,
    /// The time from which the service refuses the challenge.
    pub expiration_time: String,
}

/// A public key as a JSON Web Key (RFC 7517).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JsonWebKey {
    /// The type of the key.
    pub kty: Cow<'static, str>,
    /// The curve.
    pub crv: Cow<'static, str>,
    /// The algorithm.
    pub alg: Cow<'static, str>,
    /// The use.
    pub r#use: Cow<'static, str>,
    /// The id of the key: its thumbprint (RFC 7638).
    pub kid: String,
    /// The public key in base64url.
    pub x: String,
}

/// A request of a wallet to log in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChallengeBody {
    /// The wallet.
    pub address: String,
}

/// A signed challenge.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    /// The wallet.
    pub address: String,
    /// The nonce of the challenge.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-f]{64}$"))]
    pub nonce: String,
    /// The wallet's signature of the text of the challenge, in base58.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[1-9A-HJ-NP-Za-km-z]{64,88}$"))]
    pub signature: String,
}

/// A refresh token.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RefreshBody {
    /// The newest refresh token of the login.
    #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 128))]
    pub refresh_token: Secret,
}

/// The tokens of a login.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionDocument {
    /// The token for `Authorization: Bearer`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub access_token: Secret,
    /// Seconds until the access token expires.
    pub expires_in: u32,
    /// The token that gets the next access token, once.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub refresh_token: Secret,
}

/// The public keys of access tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JsonWebKeySet {
    /// One key: that of this service.
    pub keys: Vec<JsonWebKey>,
}
