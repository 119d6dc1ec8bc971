//! Error responses: the only place where errors get an HTTP status.

use std::{sync::Arc, time::Duration};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bauta_client::ProgramError;
use bauta_rpc::RpcError;
use bauta_service_common::{
    InvalidField, InvalidFields, Problem, RateLimitError, StreamError, unreadable_body,
};
use bauta_store::{Role, StoreError};
pub use bauta_wire::api::ProblemDocument;

use crate::{
    accounts::{LoginError, TokenError},
    audit_seals::SealError,
    databases::FreshnessError,
    deployment_counts::CountsError,
    eligibility::{EligibilityError, RegistrationError},
    feature_flags::{FlagChangeError, FlagError},
    leaf_stream::LeavesError,
    live::{self, ResumeExpired},
    ohttp::OhttpError,
    prefix::PrefixError,
    prover::{ProverError, RefusalKind},
    relay::RelayError,
    series::SpanError,
    tree_upload::UploadError,
    verifier::VerificationError,
    verifying_keys::VerifyingKeyError,
};

/// `Retry-After` if the database is behind. An indexer applies a batch in less time.
const BEHIND_RETRY: Duration = Duration::from_secs(1);
/// `Retry-After` if a client has too many event streams.
const STREAM_RETRY: Duration = Duration::from_secs(5);
/// `Retry-After` while another tree is uploaded.
const UPLOAD_RETRY: Duration = Duration::from_secs(10);
/// `Retry-After` if the operator pays for no further relays now.
const BUDGET_RETRY: Duration = Duration::from_mins(10);

/// The registered type of a key configuration that the gateway does not have.
const OHTTP_KEY_TYPE: &str = "https://iana.org/assignments/http-problem-types#ohttp-key";
/// The description of `node_unavailable`.
const NODE_UNAVAILABLE: &str = "the node is unavailable; retry later";
/// The code of an asset that has no leaf, or no account.
const UNKNOWN_ASSET: &str = "unknown_asset";
/// The code of circuits that are suspended or retired.
const CIRCUIT_INACTIVE: &str = "circuit_inactive";
/// The code of statements that the protocol has and that can't be proved yet.
const STATEMENT_NOT_BUILT: &str = "statement_not_built";

/// A failed request. Handlers return it, so that `?` converts every error of the domain code.
pub struct Failure(Problem);

impl Failure {
    /// Returns the problem.
    pub const fn problem(&self) -> &Problem {
        &self.0
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<InvalidField> for Failure {
    fn from(field: InvalidField) -> Self {
        Self(field.into())
    }
}

impl From<PrefixError> for Failure {
    fn from(error: PrefixError) -> Self {
        InvalidField::new("prefix", error.to_string()).into()
    }
}

impl From<SpanError> for Failure {
    fn from(error: SpanError) -> Self {
        InvalidField::new(error.parameter(), error.to_string()).into()
    }
}

impl From<InvalidFields> for Failure {
    fn from(fields: InvalidFields) -> Self {
        Self(fields.into())
    }
}

impl From<RateLimitError> for Failure {
    fn from(error: RateLimitError) -> Self {
        Self(error.into())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

impl From<Arc<CountsError>> for Failure {
    fn from(error: Arc<CountsError>) -> Self {
        match &*error {
            CountsError::Store(error) => error.into(),
            error @ (CountsError::Clock(_) | CountsError::Ended) => Self(Problem::internal(error)),
        }
    }
}

impl From<&StoreError> for Failure {
    fn from(error: &StoreError) -> Self {
        let not_found = |code| Problem::new(StatusCode::NOT_FOUND, code, error.to_string());
        Self(match error {
            StoreError::Unreachable(_) | StoreError::TimedOut(_) => {
                Problem::unavailable("database_away", "the database is unavailable; retry later", error)
            }
            StoreError::Unknown { what: "scope", .. } => not_found("unknown_scope"),
            StoreError::Unknown { .. } => not_found("unknown_registry"),
            StoreError::UnknownRoot { .. } => not_found("unknown_root"),
            StoreError::UnknownTile { .. } => not_found("unknown_tile"),
            StoreError::TreeNotStored { .. } => not_found("tree_not_stored"),
            StoreError::RootNotValid { .. } => {
                Problem::new(StatusCode::CONFLICT, "root_not_valid", error.to_string())
            }
            _ => Problem::internal(error),
        })
    }
}

impl From<LeavesError> for Failure {
    fn from(error: LeavesError) -> Self {
        match error {
            LeavesError::TooLarge => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Self(Problem::new(status, "tree_too_large", error.to_string()))
            }
            // It ends a response that has begun.
            LeavesError::Slow => Self(Problem::internal(&error)),
            LeavesError::Store(error) => error.into(),
        }
    }
}

impl From<Arc<SealError>> for Failure {
    fn from(error: Arc<SealError>) -> Self {
        match &*error {
            SealError::Store(error) => error.into(),
            error @ (SealError::Broken(_) | SealError::Cut { .. } | SealError::NoOwnSeal) => {
                Self(Problem::internal(error))
            }
        }
    }
}

impl From<FreshnessError> for Failure {
    fn from(error: FreshnessError) -> Self {
        match error {
            FreshnessError::Behind { .. } => Self(
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "behind", error.to_string())
                    .retry_after(BEHIND_RETRY),
            ),
            FreshnessError::Store(error) => error.into(),
        }
    }
}

impl From<EligibilityError> for Failure {
    fn from(error: EligibilityError) -> Self {
        let error = match error {
            EligibilityError::Store(error) => return error.into(),
            error => error,
        };
        let refused = |status, code| Problem::new(status, code, error.to_string());
        Self(match &error {
            EligibilityError::NoNode => refused(StatusCode::SERVICE_UNAVAILABLE, "feature_disabled"),
            EligibilityError::WrongKind { .. } => {
                refused(StatusCode::UNPROCESSABLE_ENTITY, "not_a_holders_registry")
            }
            EligibilityError::TooManyTokens => refused(StatusCode::UNPROCESSABLE_ENTITY, "too_many_tokens"),
            EligibilityError::Busy => {
                refused(StatusCode::SERVICE_UNAVAILABLE, "busy").retry_after(BEHIND_RETRY)
            }
            EligibilityError::Node(node) => node_unavailable(node),
            EligibilityError::Slow | EligibilityError::Store(_) => {
                Problem::unavailable("node_unavailable", NODE_UNAVAILABLE, &error)
            }
        })
    }
}

impl From<RegistrationError> for Failure {
    fn from(error: RegistrationError) -> Self {
        let detail = error.to_string();
        let refused = |code| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail.clone());
        let because = |code, error: Option<&ProgramError>| match error {
            Some(error) => refused(code).with("reason", snake_case(&error.name)),
            None => refused(code),
        };
        Self(match error {
            RegistrationError::Lookup(error) => return error.into(),
            RegistrationError::UnknownAsset => Problem::new(StatusCode::NOT_FOUND, UNKNOWN_ASSET, detail),
            RegistrationError::NotHeld => refused("asset_not_held"),
            RegistrationError::InNoCollection => refused("not_in_collection"),
            RegistrationError::NoLookupTable => refused("unknown_lookup_table"),
            RegistrationError::TooLong { .. } => refused("transaction_too_long"),
            RegistrationError::NotEligible(error) => because("not_eligible", Some(&error)),
            RegistrationError::Behind => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "behind", detail).retry_after(BEHIND_RETRY)
            }
            RegistrationError::Simulation { program, .. } => because("simulation_failed", program.as_ref()),
        })
    }
}

impl From<VerifyingKeyError> for Failure {
    fn from(error: VerifyingKeyError) -> Self {
        Self(match error {
            VerifyingKeyError::NoNode => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "feature_disabled",
                error.to_string(),
            ),
            VerifyingKeyError::Node(node) => node_unavailable(&node),
            VerifyingKeyError::Missing { .. } | VerifyingKeyError::FailedBefore => {
                Problem::unavailable("node_unavailable", NODE_UNAVAILABLE, &error)
            }
        })
    }
}

impl From<ResumeExpired> for Failure {
    fn from(error: ResumeExpired) -> Self {
        Self(Problem::new(
            StatusCode::GONE,
            "resume_expired",
            error.to_string(),
        ))
    }
}

impl From<StreamError> for Failure {
    fn from(error: StreamError) -> Self {
        let detail = error.to_string();
        Self(
            match error {
                StreamError::OfClient { .. } => {
                    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", detail)
                }
                StreamError::Anonymous { .. } | StreamError::Total { .. } => {
                    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
                }
            }
            .retry_after(STREAM_RETRY),
        )
    }
}

impl From<VerificationError> for Failure {
    fn from(error: VerificationError) -> Self {
        let detail = error.to_string();
        match error {
            VerificationError::UnknownCircuit => {
                Self(Problem::new(StatusCode::NOT_FOUND, "unknown_circuit", detail))
            }
            VerificationError::CircuitInactive => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Self(Problem::new(status, CIRCUIT_INACTIVE, detail))
            }
            VerificationError::Key(error) => error.into(),
            VerificationError::Damaged(_) => Self(Problem::internal(&detail)),
            VerificationError::Pairing(error) => Self(error.into()),
            VerificationError::Store(error) => error.into(),
        }
    }
}

impl From<FlagError> for Failure {
    fn from(error: FlagError) -> Self {
        let detail = error.to_string();
        Self(match error {
            FlagError::Off => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "feature_disabled", detail),
            FlagError::NoPercentile { .. } | FlagError::NotYet { .. } => {
                Problem::new(StatusCode::FORBIDDEN, "not_in_rollout", detail)
            }
        })
    }
}

impl From<OhttpError> for Failure {
    fn from(error: OhttpError) -> Self {
        let refused = |code| Problem::new(StatusCode::BAD_REQUEST, code, error.to_string());
        Self(match error {
            // RFC 9458, section 5.3. The client reads the keys again.
            OhttpError::UnknownKey => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Problem::new(status, "unknown_ohttp_key", error.to_string()).with_type(OHTTP_KEY_TYPE)
            }
            OhttpError::Unreadable => refused("invalid_ohttp_request"),
            OhttpError::Used => refused("ohttp_request_used"),
            OhttpError::Internal => Problem::internal(&error),
        })
    }
}

impl From<FlagChangeError> for Failure {
    fn from(error: FlagChangeError) -> Self {
        match error {
            FlagChangeError::OtherVersion { .. } => Self(Problem::new(
                StatusCode::CONFLICT,
                "flags_changed",
                error.to_string(),
            )),
            FlagChangeError::Store(error) => error.into(),
        }
    }
}

impl From<UploadError> for Failure {
    fn from(error: UploadError) -> Self {
        let detail = error.to_string();
        let refused = |status, code| Problem::new(status, code, detail.clone());
        let unprocessable = |code| refused(StatusCode::UNPROCESSABLE_ENTITY, code);
        Self(match error {
            UploadError::Disabled => refused(StatusCode::SERVICE_UNAVAILABLE, "feature_disabled"),
            UploadError::Busy => refused(StatusCode::SERVICE_UNAVAILABLE, "busy").retry_after(UPLOAD_RETRY),
            UploadError::WrongKind { .. } => unprocessable("not_an_attested_registry"),
            UploadError::NotCurrent { .. } => refused(StatusCode::CONFLICT, "root_not_current"),
            UploadError::TooLarge { .. } => refused(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            UploadError::PartOfLeaf { .. } | UploadError::InvalidLeaf { .. } => {
                unprocessable("invalid_leaves")
            }
            UploadError::OtherRoot { .. } => unprocessable("other_root"),
            UploadError::Slow(_) => refused(StatusCode::REQUEST_TIMEOUT, "body_timeout"),
            UploadError::Stopped => Problem::internal(&detail),
            UploadError::Interrupted(error) => unreadable_body(&*error),
            UploadError::Store(error) => return error.into(),
        })
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self(Problem::new(
            StatusCode::UNAUTHORIZED,
            error.code(),
            error.to_string(),
        ))
    }
}

impl From<LoginError> for Failure {
    fn from(error: LoginError) -> Self {
        let status = match error {
            LoginError::Store(error) => return error.into(),
            LoginError::OriginNotAllowed => StatusCode::FORBIDDEN,
            _ => StatusCode::UNAUTHORIZED,
        };
        Self(Problem::new(status, error.code(), error.to_string()))
    }
}

impl From<ProverError> for Failure {
    fn from(error: ProverError) -> Self {
        Self(match &error {
            ProverError::NoProver => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "feature_disabled",
                error.to_string(),
            ),
            ProverError::Busy => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", error.to_string())
                .retry_after(BEHIND_RETRY),
            ProverError::UnknownJob => Problem::new(StatusCode::NOT_FOUND, "unknown_job", error.to_string()),
            ProverError::Unavailable(_) => Problem::unavailable(
                "prover_unavailable",
                "the prover service is unavailable; retry later",
                &error,
            ),
            ProverError::NotMeasured(_) => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_measured", error.to_string())
            }
            ProverError::Invalid(fields) => fields.clone().into(),
            ProverError::Refused(refusal) => {
                let status = status_of(refusal.kind);
                let problem = Problem::new(status, refusal.kind.code(), refusal.detail.clone());
                match refusal.retry_after {
                    Some(delay) => problem.retry_after(delay),
                    None => problem,
                }
            }
        })
    }
}

/// Returns the status of an error of the prover service. A timeout there has the status 503 here,
/// because a client could otherwise raise the alert of errors of this service.
const fn status_of(kind: RefusalKind) -> StatusCode {
    match kind {
        RefusalKind::DatabaseUnavailable
        | RefusalKind::OutOfMemory
        | RefusalKind::Overloaded
        | RefusalKind::ProofTimeout
        | RefusalKind::Timeout => StatusCode::SERVICE_UNAVAILABLE,
        RefusalKind::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        RefusalKind::QueueFull | RefusalKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        RefusalKind::StatementNotBuilt => StatusCode::NOT_IMPLEMENTED,
        RefusalKind::UnknownCircuit | RefusalKind::UnknownJob => StatusCode::NOT_FOUND,
        RefusalKind::UnknownSealingKey => StatusCode::CONFLICT,
    }
}

impl From<RelayError> for Failure {
    fn from(error: RelayError) -> Self {
        let error = match error {
            RelayError::Store(error) => return error.into(),
            RelayError::Verification(error) => return error.into(),
            error => error,
        };
        let conflict = |code| Problem::new(StatusCode::CONFLICT, code, error.to_string());
        let refused = |code| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, error.to_string());
        let later = |code, delay| {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, code, error.to_string()).retry_after(delay)
        };
        Self(match &error {
            RelayError::OtherRelayer => refused("other_relayer"),
            RelayError::NotSponsored | RelayError::OpenEnded => refused("scope_not_sponsored"),
            RelayError::SponsorshipPaused => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "sponsorship_paused",
                error.to_string(),
            ),
            RelayError::FeeNotAccepted => refused("fee_not_accepted"),
            RelayError::NoKeyBudget => refused("key_without_budget"),
            RelayError::Gated => refused("scope_gated"),
            RelayError::NotGated => refused("scope_not_gated"),
            RelayError::ConsumerNotListed => refused("consumer_not_listed"),
            RelayError::ConsumerAccounts { .. } => refused("consumer_accounts"),
            RelayError::ConsumerChanged => refused("consumer_changed"),
            RelayError::ConsumerTooExpensive { .. } => refused("consumer_too_expensive"),
            RelayError::NotBuilt(_) => refused("transaction_not_built"),
            RelayError::OwnRecipient => refused("own_recipient"),
            RelayError::CoSignature(_) => refused("co_signature_refused"),
            RelayError::BlockhashExpired => conflict("blockhash_expired"),
            RelayError::ScopeNotOpen { .. } => refused("scope_not_open"),
            RelayError::CircuitInactive => refused(CIRCUIT_INACTIVE),
            RelayError::OtherClaim { .. } => refused("other_claim"),
            RelayError::AuxiliaryRoot(_) => refused("auxiliary_root"),
            RelayError::ExpiresSoon => refused("expires_soon"),
            RelayError::RootNotValid => conflict("root_not_valid"),
            RelayError::NullifierUsed => conflict("nullifier_used"),
            RelayError::InFlight => conflict("nullifier_in_flight"),
            RelayError::FailedTwice => refused("nullifier_failed_twice"),
            RelayError::ProofRefused => refused("proof_refused"),
            RelayError::Simulation { .. } => refused("simulation_failed"),
            RelayError::BudgetExhausted => later("budget_exhausted", BUDGET_RETRY),
            RelayError::WalletExhausted => later("wallet_exhausted", BUDGET_RETRY),
            RelayError::TooManyOpen | RelayError::TooManyOpenOfKey => later("too_many_relays", BEHIND_RETRY),
            RelayError::Busy | RelayError::BalanceMoves => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", error.to_string())
                    .retry_after(BEHIND_RETRY)
            }
            RelayError::Node(node) => node_unavailable(node),
            RelayError::NodesDisagree | RelayError::NodesUnavailable => {
                Problem::unavailable("node_unavailable", NODE_UNAVAILABLE, &error)
            }
            RelayError::Internal(_) | RelayError::Store(_) | RelayError::Verification(_) => {
                Problem::internal(&error)
            }
        })
    }
}

/// The node failed. What it has written is not logged, because it can have addresses of the
/// request.
fn node_unavailable(error: &RpcError) -> Problem {
    Problem::unavailable("node_unavailable", NODE_UNAVAILABLE, &error.summary())
}

/// The statement of the request can't be proved.
pub fn statement_not_built() -> Failure {
    Failure(Problem::new(
        StatusCode::NOT_IMPLEMENTED,
        STATEMENT_NOT_BUILT,
        "this statement isn't built yet: pid must be the address of an asset, and pattern must be membership",
    ))
}

/// The asset has no leaf in the registry.
pub fn unknown_asset() -> Failure {
    Failure(Problem::new(
        StatusCode::NOT_FOUND,
        UNKNOWN_ASSET,
        "no holder of this asset is registered in the registry",
    ))
}

/// There is no gateway for Oblivious HTTP.
pub fn no_ohttp() -> Failure {
    Failure(Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "feature_disabled",
        "this service has no gateway for Oblivious HTTP (OHTTP_KEY)",
    ))
}

/// Too many requests of the gateway are in progress.
pub fn ohttp_busy() -> Failure {
    let detail = "too many requests of the gateway for Oblivious HTTP are in progress; retry later";
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail);
    Failure(problem.retry_after(BEHIND_RETRY))
}

/// Wallets can't log in.
pub fn no_accounts() -> Failure {
    Failure(Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "feature_disabled",
        "wallets can't log in at this service (JWT_SECRET)",
    ))
}

/// The ledger has no such wallet.
pub fn unknown_wallet() -> Failure {
    let detail = "the ledger has no such wallet; GET /v1/ledger lists them";
    Failure(Problem::new(StatusCode::NOT_FOUND, "unknown_wallet", detail))
}

/// The account has none of the roles.
pub fn missing_role(roles: &[Role]) -> Failure {
    let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    let detail = format!(
        "the wallet needs the role {} for this route; an owner grants it",
        roles.join(" or ")
    );
    Failure(Problem::new(StatusCode::FORBIDDEN, "missing_role", detail).with("roles", roles))
}

/// The wallet is not the authority of the registry.
pub fn not_the_authority() -> Failure {
    Failure(Problem::new(
        StatusCode::FORBIDDEN,
        "not_the_authority",
        "the wallet is not the authority of the registry on chain; log in with the authority's wallet",
    ))
}

/// The authority of the registry may not upload with its wallet.
pub fn authority_not_listed() -> Failure {
    Failure(Problem::new(
        StatusCode::FORBIDDEN,
        "authority_not_listed",
        "this service accepts no uploads of this wallet (UPLOAD_AUTHORITIES): send an API key with the permission \
         trees; the operator can also add the wallet",
    ))
}

/// A wallet's token on a route of relays or proofs.
pub fn wallet_not_accepted() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "wallet_not_accepted",
        "this route refuses access tokens of wallets: a token would join the wallet and the proof; send no token, or \
         an API key where the route needs one",
    )
}

/// No owner would remain.
pub fn last_owner() -> Failure {
    Failure(Problem::new(
        StatusCode::CONFLICT,
        "last_owner",
        "the wallet is the last owner: make another wallet an owner first",
    ))
}

/// The account has no such key.
pub fn unknown_key() -> Failure {
    Failure(Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_key",
        "the account has no valid API key with this prefix; keys of API_KEYS are changed there",
    ))
}

/// The account has too many keys.
pub fn too_many_keys(max: u16) -> Failure {
    let detail =
        format!("the account has {max} valid API keys, which is the limit; replace one, or revoke one first");
    Failure(Problem::new(StatusCode::CONFLICT, "too_many_keys", detail))
}

/// The account has too many keys for web pages.
pub fn too_many_keys_for_pages(max: u16) -> Failure {
    let detail = format!(
        "the account has {max} valid publishable keys, which is the limit; replace one, or revoke one first"
    );
    Failure(Problem::new(StatusCode::CONFLICT, "too_many_keys", detail))
}

/// The account has created too many keys today.
pub fn too_many_new_keys(max: u16) -> Failure {
    let detail =
        format!("the account has created {max} API keys in 24 hours, which is the limit; retry later");
    Failure(Problem::new(StatusCode::CONFLICT, "too_many_new_keys", detail))
}

/// Another key has the random prefix.
pub fn prefix_taken() -> Failure {
    Failure(Problem::unavailable(
        "busy",
        "the random prefix of the key is taken; retry",
        &"a new API key has the prefix of another",
    ))
}

/// The service has no wallets.
pub fn no_relay() -> Failure {
    Failure(Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "feature_disabled",
        "this service doesn't relay verifications (RELAY_PAYERS)",
    ))
}

/// No relay has this id.
pub fn unknown_relay() -> Failure {
    Failure(Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_relay",
        "there is no relay with this id",
    ))
}

/// The relay has too many event streams.
pub fn too_many_streams_of_relay(error: StreamError) -> Failure {
    match error {
        StreamError::OfClient { max } => {
            let detail = format!("the relay has {max} open streams, which is the limit; close one first");
            Failure(
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", detail)
                    .retry_after(STREAM_RETRY),
            )
        }
        error => error.into(),
    }
}

/// The program's initialisation has not been indexed.
pub fn not_initialised() -> Failure {
    Failure(Problem::new(
        StatusCode::NOT_FOUND,
        "not_initialised",
        "the program is not initialised, or its initialisation has not been indexed",
    ))
}

/// No registered circuit has this verifying key.
pub fn unknown_verifying_key() -> Failure {
    Failure(Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_verifying_key",
        "no registered circuit has a verifying key with this hash",
    ))
}

/// The service has no web keys.
pub fn no_proving_keys() -> Failure {
    Failure(Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "feature_disabled",
        "this service has no proving keys for browsers (PROVING_KEYS_DIR)",
    ))
}

/// No web key has this digest.
pub fn unknown_proving_key() -> Failure {
    Failure(Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_proving_key",
        "this service has no proving key for browsers with this SHA-256",
    ))
}

/// The service has no webhooks.
pub fn no_webhooks() -> Failure {
    Failure(Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "feature_disabled",
        "this service sends no webhooks (WEBHOOK_KEY)",
    ))
}

/// The account has no such webhook.
pub fn unknown_webhook() -> Failure {
    Failure(Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_webhook",
        "the account has no webhook with this id",
    ))
}

/// The account has too many webhooks.
pub fn too_many_webhooks(max: u16) -> Failure {
    let detail = format!("the account has {max} webhooks, which is the limit; delete one first");
    Failure(Problem::new(StatusCode::CONFLICT, "too_many_webhooks", detail))
}

/// The URL of a webhook is at an internal address.
pub fn private_address() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "private_address",
        "the URL of a webhook must be at a public address, or at one that the operator allows (WEBHOOK_NETWORKS)",
    )
}

/// The resume token is of another stream.
pub fn other_stream(error: live::TokenError) -> Problem {
    Problem::new(StatusCode::CONFLICT, "other_stream", error.to_string())
}

/// The request is for a websocket, and is no upgrade.
pub fn websocket_expected(reason: &str) -> Problem {
    let detail = format!("this route is a websocket: {reason}");
    Problem::new(StatusCode::UPGRADE_REQUIRED, "websocket_expected", detail)
}

/// The range has no byte of the leaves.
pub fn range_not_satisfiable(bytes: u64) -> Problem {
    let detail = format!("the leaves have {bytes} bytes; the range begins after them");
    Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", detail)
}

/// Converts the name of an error to snake case.
pub fn snake_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for (index, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && index > 0 {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_name_of_the_error_in_snake_case() {
        assert_eq!(snake_case("HasPermanentDelegate"), "has_permanent_delegate");
        assert_eq!(snake_case("NotAMint"), "not_a_mint");
    }
}
