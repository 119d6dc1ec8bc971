//! Logins of wallets. The access token of a login is the `key` of [`Settings`](crate::Settings).

use bauta_wire::{
    Secret,
    api::{AccountDocument, ChallengeBody, RefreshBody, SessionDocument, SignInInput, TokenBody},
};
use solana_address::Address;

use super::Api;
use crate::{HttpError, transport::Request};

impl Api {
    /// Returns what a wallet signs to log in.
    pub async fn challenge(&self, wallet: &Address) -> Result<SignInInput, HttpError> {
        let body = ChallengeBody {
            address: wallet.to_string(),
        };
        self.0.document(&Request::post("v1/auth/challenge", &body)?).await
    }

    /// Logs in with a signed challenge. A challenge is used once.
    pub async fn token(&self, body: &TokenBody) -> Result<SessionDocument, HttpError> {
        self.0
            .document(&Request::post("v1/auth/token", body)?.once())
            .await
    }

    /// Replaces the tokens of a login. A refresh token is used once: a second use ends the login.
    pub async fn refresh(&self, refresh_token: &Secret) -> Result<SessionDocument, HttpError> {
        let body = RefreshBody {
            refresh_token: refresh_token.clone(),
        };
        self.0
            .document(&Request::post("v1/auth/refresh", &body)?.once())
            .await
    }

    /// Ends a login.
    pub async fn logout(&self, refresh_token: &Secret) -> Result<(), HttpError> {
        let body = RefreshBody {
            refresh_token: refresh_token.clone(),
        };
        self.0.send(&Request::post("v1/auth/logout", &body)?).await?;
        Ok(())
    }

    /// Returns the account of the access token.
    pub async fn account(&self) -> Result<AccountDocument, HttpError> {
        self.0.document(&Request::get("v1/account").keyed()).await
    }
}
