//! Accounts: wallets that log in, and what they may do.
//!
//! ```text
//!   wallet --> challenge: a text with a nonce --> signature --> login
//!                                                                |
//!                     access token: 10 minutes, signed  <--------+--> refresh token: 30 days, used
//!                     here, and checked without a database            once, and replaced
//! ```
//!
//! 1. A nonce logs in once, within 5 minutes, and only the wallet that it was issued for.
//! 2. A refresh token is used once. A second use ends the login, because two parties have it.
//! 3. No row and no token names the wallet: an account is a keyed hash of its address.
//! 4. Roles are read from the database for each request, so a change counts at once.

mod challenge;
mod checkpoint;
mod error;
mod refresh_token;
mod token;

use bauta_service_common::{Origin, Secret};
use bauta_store::{AccountId, LoginChange, LoginEnd, NewLogin, Refreshed, Store};
use bauta_wire::api::{JsonWebKey, SignInInput};
use solana_address::Address;
use solana_signature::Signature;
use zeroize::Zeroizing;

use self::{
    challenge::{NONCE_SECONDS, Nonces},
    refresh_token::RefreshToken,
    token::Tokens,
};
pub use self::{
    checkpoint::Checkpoints,
    error::{AccountSetupError, LoginError, TokenError},
};
use crate::settings::AccountSettings;

/// Seconds for which an access token is valid.
pub const ACCESS_SECONDS: u32 = 600;
/// Seconds for which a login lasts.
const LOGIN_SECONDS: u32 = 30 * 86_400;
/// Largest number of logins of an account. A further one ends the oldest.
const MAX_LOGINS: u16 = 20;
/// Smallest length of `JWT_SECRET`.
const MIN_SECRET_LENGTH: usize = 32;

/// Context for the key of access tokens.
const TOKEN_CONTEXT: &str = "bauta api 2026-11-23 key of access tokens";
/// Context for the key of nonces.
const NONCE_CONTEXT: &str = "bauta api 2026-11-23 key of nonces";
/// Context for the key of account ids. It must not change: roles and keys belong to these ids.
const ACCOUNT_CONTEXT: &str = "bauta api 2026-11-23 key of account ids";
/// Context for the key of the checkpoints of the audit log. It must not change: auditors have the
/// public key.
const CHECKPOINT_CONTEXT: &str = "bauta api 2026-11-23 key of audit checkpoints";

/// A key of 32 bytes, which are wiped when it is dropped.
type Key = Zeroizing<[u8; 32]>;

/// Computes the ids of accounts.
pub struct AccountIds(Key);

impl AccountIds {
    /// Reads `ACCOUNT_KEY`.
    pub fn new(key: &Secret) -> Result<Self, AccountSetupError> {
        let mut bytes = Key::default();
        hex::decode_to_slice(key.expose().trim(), bytes.as_mut_slice())
            .map_err(|_| AccountSetupError::InvalidAccountKey)?;
        Ok(Self(derive(ACCOUNT_CONTEXT, bytes.as_slice())))
    }

    /// Creates the signer of checkpoints of the audit log, for the host that names the log.
    pub fn checkpoints(&self, host: &str) -> Checkpoints {
        Checkpoints::new(&derive(CHECKPOINT_CONTEXT, self.0.as_slice()), host)
    }

    /// Returns the id of a wallet's account.
    pub fn of(&self, wallet: &Address) -> AccountId {
        let hash = blake3::keyed_hash(&self.0, wallet.as_array());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_bytes()[..16]);
        AccountId(id)
    }
}

/// Derives a key from another one.
fn derive(context: &str, key: &[u8]) -> Key {
    Zeroizing::new(blake3::derive_key(context, key))
}

/// The tokens of a login.
pub struct Session {
    pub access_token: Zeroizing<String>,
    pub refresh_token: Zeroizing<String>,
}

/// Logs wallets in, and checks their tokens.
pub struct Accounts {
    ids: AccountIds,
    nonces: Nonces,
    tokens: Tokens,
    /// Signs checkpoints of the audit log.
    pub checkpoints: Checkpoints,
    /// The origin of this service.
    own: Origin,
    /// The other origins whose pages log wallets in.
    pages: Vec<Origin>,
}

impl Accounts {
    /// Creates the accounts from the settings. `None` without `JWT_SECRET`. Wallets log in on pages
    /// of `PUBLIC_URL` and of `pages`.
    pub fn new(settings: &AccountSettings, pages: &[Origin]) -> Result<Option<Self>, AccountSetupError> {
        let Some(secret) = &settings.jwt_secret else {
            return Ok(None);
        };
        let secret = secret.expose().trim().as_bytes();
        if secret.len() < MIN_SECRET_LENGTH {
            return Err(AccountSetupError::ShortSecret);
        }
        let key = settings.account_key.as_ref();
        let own = settings.public_url.clone().ok_or(AccountSetupError::NoUrl)?;
        let key = key.ok_or(AccountSetupError::NoAccountKey)?;
        let ids = AccountIds::new(key)?;
        Ok(Some(Self {
            checkpoints: ids.checkpoints(own.host()),
            ids,
            nonces: Nonces::new(derive(NONCE_CONTEXT, secret)),
            tokens: Tokens::new(
                &derive(TOKEN_CONTEXT, secret),
                own.as_str(),
                &settings.jwt_audience,
            ),
            own,
            pages: pages.to_vec(),
        }))
    }

    /// Returns the id of a wallet's account.
    pub fn id_of(&self, wallet: &Address) -> AccountId {
        self.ids.of(wallet)
    }

    /// Returns the public key of access tokens.
    pub fn web_key(&self) -> JsonWebKey {
        self.tokens.web_key()
    }

    /// Returns the account of an access token that is valid at `now`.
    pub fn check(&self, token: &str, now: i64) -> Result<AccountId, TokenError> {
        self.tokens.check(token, now)
    }

    /// Returns the account that an access token names. Its signature is not verified.
    pub fn named(&self, token: &str) -> Option<AccountId> {
        self.tokens.named(token)
    }

    /// Returns what a wallet signs to log in on a page of an origin, or outside a page.
    pub fn challenge(
        &self,
        wallet: &Address,
        origin: Option<&str>,
        cluster: &'static str,
        now: i64,
    ) -> Result<SignInInput, LoginError> {
        let nonce = self.nonces.issue(wallet, now);
        Ok(self.input(wallet, self.page(origin)?, cluster, &nonce, now))
    }

    /// Logs a wallet in with its signature of a challenge. Also returns the login.
    pub async fn log_in(
        &self,
        store: &Store,
        wallet: &Address,
        origin: Option<&str>,
        cluster: &'static str,
        (nonce, signature): (&str, &Signature),
        now: i64,
    ) -> Result<(Session, LoginChange), LoginError> {
        let page = self.page(origin)?;
        let issued_at = self.nonces.check(nonce, wallet, now)?;
        let input = self.input(wallet, page, cluster, nonce, issued_at);
        if !signature.verify(wallet.as_array(), challenge::signed_text(&input).as_bytes()) {
            return Err(LoginError::SignatureRefused);
        }
        let (account, refresh) = (self.ids.of(wallet), RefreshToken::random());
        let login = NewLogin {
            account,
            nonce_hash: bauta_primitives::sha256(nonce.as_bytes()),
            // Clocks of instances differ.
            nonce_seconds: 2 * NONCE_SECONDS,
            id_hash: refresh.id_hash(),
            secret_hash: refresh.secret_hash(),
            seconds: LOGIN_SECONDS,
        };
        let begun = store.begin_login(&login, MAX_LOGINS).await?;
        let begun = begun.ok_or(LoginError::NonceUsed)?;
        Ok((self.session(account, &refresh, now), begun))
    }

    /// Replaces a refresh token.
    pub async fn refresh(&self, store: &Store, token: &str, now: i64) -> Result<Session, LoginError> {
        let token = RefreshToken::parse(token).ok_or(LoginError::UnknownRefreshToken)?;
        let next = token.next();
        let (id, secret) = (token.id_hash(), token.secret_hash());
        match store.refresh_login(&id, &secret, &next.secret_hash()).await? {
            Refreshed::Replaced(account) => Ok(self.session(account, &next, now)),
            Refreshed::Reused(ended) => Err(LoginError::RefreshTokenReused(ended)),
            Refreshed::Ended => Err(LoginError::LoginEnded),
            Refreshed::Expired => Err(LoginError::LoginExpired),
            Refreshed::Unknown => Err(LoginError::UnknownRefreshToken),
        }
    }

    /// Ends the login of a refresh token. Returns the login. A token that was used before ends it too,
    /// with the error of [`Accounts::refresh`].
    pub async fn log_out(&self, store: &Store, token: &str) -> Result<LoginChange, LoginError> {
        let token = RefreshToken::parse(token).ok_or(LoginError::UnknownRefreshToken)?;
        match store.end_login(&token.id_hash(), &token.secret_hash()).await? {
            LoginEnd::LoggedOut(ended) => Ok(ended),
            LoginEnd::Reused(ended) => Err(LoginError::RefreshTokenReused(ended)),
            LoginEnd::Unknown => Err(LoginError::UnknownRefreshToken),
        }
    }

    fn session(&self, account: AccountId, refresh: &RefreshToken, now: i64) -> Session {
        Session {
            access_token: Zeroizing::new(self.tokens.issue(account, now)),
            refresh_token: refresh.text(),
        }
    }

    /// Returns the origin of the page that logs a wallet in. A program has none, and uses that of
    /// this service.
    fn page(&self, origin: Option<&str>) -> Result<&Origin, LoginError> {
        let Some(origin) = origin else {
            return Ok(&self.own);
        };
        let mut pages = std::iter::once(&self.own).chain(&self.pages);
        pages
            .find(|page| page.as_str() == origin)
            .ok_or(LoginError::OriginNotAllowed)
    }

    fn input(
        &self,
        wallet: &Address,
        page: &Origin,
        cluster: &'static str,
        nonce: &str,
        issued_at: i64,
    ) -> SignInInput {
        challenge::sign_in_input(wallet, page.host(), self.own.as_str(), cluster, nonce, issued_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> AccountSettings {
        AccountSettings {
            jwt_secret: Some(Secret::new("s".repeat(MIN_SECRET_LENGTH))),
            jwt_audience: "bauta-api".to_owned(),
            account_key: Some(Secret::new("0a".repeat(32))),
            public_url: Some("https://api.example.org".parse().unwrap()),
            logins_per_minute: 10,
        }
    }

    #[test]
    fn accounts_are_off_without_a_secret_and_need_every_other_setting_with_it() {
        let mut off = settings();
        off.jwt_secret = None;
        assert!(Accounts::new(&off, &[]).unwrap().is_none());
        let error = |change: fn(&mut AccountSettings)| {
            let mut settings = settings();
            change(&mut settings);
            Accounts::new(&settings, &[]).err().unwrap().to_string()
        };
        let short = error(|settings| settings.jwt_secret = Some(Secret::new("s".repeat(31))));
        assert!(short.contains("32 characters"), "{short}");
        assert!(error(|settings| settings.account_key = None).contains("ACCOUNT_KEY is not"));
        assert!(error(|settings| settings.public_url = None).contains("PUBLIC_URL is not"));
        let key = error(|settings| settings.account_key = Some(Secret::new("0a".repeat(31))));
        assert!(key.contains("64 hexadecimal digits"), "{key}");
    }

    #[test]
    fn an_account_does_not_change_with_the_secret_of_tokens() {
        let (first, mut changed) = (settings(), settings());
        changed.jwt_secret = Some(Secret::new("t".repeat(MIN_SECRET_LENGTH)));
        let id = |settings: &AccountSettings| {
            let accounts = Accounts::new(settings, &[]).unwrap().unwrap();
            accounts.id_of(&Address::from([7; 32]))
        };
        assert_eq!(id(&first), id(&changed));
        changed.account_key = Some(Secret::new("0b".repeat(32)));
        assert_ne!(id(&first), id(&changed));
    }

    #[test]
    fn a_page_logs_wallets_in_only_under_its_own_allowed_origin() {
        let pages = ["http://localhost:5173".parse().unwrap()];
        let accounts = Accounts::new(&settings(), &pages).unwrap().unwrap();
        let domain = |origin| {
            let input = accounts.challenge(&Address::from([7; 32]), origin, "solana:localnet", 1_800_000_000);
            input.map(|input| input.domain).map_err(|error| error.code())
        };
        assert_eq!(domain(None).unwrap(), "api.example.org");
        assert_eq!(
            domain(Some("https://api.example.org")).unwrap(),
            "api.example.org"
        );
        assert_eq!(domain(Some("http://localhost:5173")).unwrap(), "localhost:5173");
        for origin in ["https://evil.example", "null", "http://api.example.org", ""] {
            assert_eq!(domain(Some(origin)), Err("origin_not_allowed"), "{origin}");
        }
    }
}
