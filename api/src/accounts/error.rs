use bauta_store::{LoginChange, StoreError};

/// Why the accounts can't be used as configured.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AccountSetupError {
    /// The secret is short.
    #[error("JWT_SECRET must have at least 32 characters: generate it with `openssl rand -hex 32`")]
    ShortSecret,
    /// The key of account ids is missing.
    #[error("ACCOUNT_KEY is not set: accounts need it; generate it with `openssl rand -hex 32`, and keep it")]
    NoAccountKey,
    /// The key of account ids has another form.
    #[error("ACCOUNT_KEY must be 64 hexadecimal digits: generate it with `openssl rand -hex 32`")]
    InvalidAccountKey,
    /// The URL of the service is missing.
    #[error(
        "PUBLIC_URL is not set: access tokens need it; set it to the origin under which clients reach this service, \
         such as https://api.example.org"
    )]
    NoUrl,
}

/// Why an access token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The request has no token.
    #[error("a wallet must log in for this route: send Authorization: Bearer and the access token")]
    Missing,
    /// The request has an API key.
    #[error(
        "this route needs the access token of a wallet, and accepts no API key: log in, and send the token"
    )]
    ApiKey,
    /// It is no token, or not signed by this service.
    #[error("this service has not issued the access token: log in")]
    Invalid,
    /// It is for another service.
    #[error("the access token is for another audience: log in at this service")]
    OtherAudience,
    /// Its time is over.
    #[error("the access token has expired: refresh it")]
    Expired,
}

impl TokenError {
    /// Returns the stable error code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing_token",
            Self::ApiKey => "wallet_required",
            Self::Invalid => "invalid_token",
            Self::OtherAudience => "other_audience",
            Self::Expired => "expired_token",
        }
    }
}

/// Why a login is refused. The wallet gets no tokens.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The page may not log wallets in.
    #[error("wallets can't log in on pages of this origin; the operator lists origins in ALLOWED_ORIGINS")]
    OriginNotAllowed,
    /// The nonce was not issued for the wallet.
    #[error("this service has not issued the nonce for this wallet: request a challenge")]
    UnknownNonce,
    /// The nonce is too old.
    #[error("the nonce has expired: it is valid for 300 s; request another challenge")]
    NonceExpired,
    /// The nonce was used.
    #[error("the nonce was used before: request another challenge")]
    NonceUsed,
    /// The signature is not the wallet's, or of another text.
    #[error(
        "the signature is not the wallet's signature of the text of the challenge; request a challenge and sign its text"
    )]
    SignatureRefused,
    /// No login has the token.
    #[error("no login has this refresh token: log in")]
    UnknownRefreshToken,
    /// The token was used.
    #[error("the refresh token was used before, so the login has been ended: log in")]
    RefreshTokenReused(LoginChange),
    /// The login was ended before.
    #[error("the login has been ended: log in")]
    LoginEnded,
    /// The login is too old.
    #[error("the login has expired: it lasts for 30 days; log in")]
    LoginExpired,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LoginError {
    /// Returns the stable error code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OriginNotAllowed => "origin_not_allowed",
            Self::UnknownNonce => "unknown_nonce",
            Self::NonceExpired => "expired_nonce",
            Self::NonceUsed => "used_nonce",
            Self::SignatureRefused => "signature_refused",
            Self::UnknownRefreshToken => "unknown_refresh_token",
            Self::RefreshTokenReused(_) => "used_refresh_token",
            Self::LoginEnded => "ended_login",
            Self::LoginExpired => "expired_login",
            Self::Store(_) => "database_away",
        }
    }
}
