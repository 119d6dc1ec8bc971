//! The types of the API service.

mod accounts;
mod analytics;
mod audit;
mod circuits;
mod cluster_status;
mod clusters;
mod collections;
mod eligibility;
mod events;
mod feature_flags;
mod growth;
mod health;
mod holdings;
mod keys;
mod ledger;
mod login;
mod nullifiers;
mod operator_metrics;
mod operator_profile;
mod operator_queue;
mod problem;
mod proofs;
mod registrations;
mod registries;
mod relay;
mod scopes;
mod sponsorship;
mod tickets;
mod trees;
mod verifications;
mod webhooks;

pub use self::{
    accounts::{AccountDocument, AccountPage, RolesBody},
    analytics::{AnalyticsDocument, AnalyticsSeries, Every},
    audit::{AuditDocument, AuditPage, CheckpointDocument, SealDocument, SealPage},
    circuits::{CircuitDocument, CircuitList},
    cluster_status::{
        ClusterStatusDocument, IndexerStatusDocument, InstanceDocument, ProverStatusDocument,
        ReplicaStatusDocument,
    },
    clusters::{ClusterList, ConfigDocument},
    collections::{CollectionDocument, CollectionPage},
    eligibility::{EligibilityDocument, EligibilityRequest, EligibleAsset},
    events::{EventDocument, RevertedDocument},
    feature_flags::{FlagsBody, FlagsDocument},
    growth::{AnonymityDocument, GrowthDocument, GrowthSeries},
    health::Health,
    holdings::{HoldingDocument, HoldingPage},
    keys::{KeyBody, KeyDocument, KeyList, NewKeyDocument, RotationBody},
    ledger::{LedgerDocument, LedgerEntryDocument, LedgerPage, LedgerWalletDocument},
    login::{ChallengeBody, JsonWebKey, JsonWebKeySet, RefreshBody, SessionDocument, SignInInput, TokenBody},
    nullifiers::{NullifierDocument, NullifierPage},
    operator_metrics::{
        IndexerMetrics, MetricsDocument, ProofMetrics, QueueMetrics, RelayMetrics, UseMetrics, WalletMetrics,
        WebhookMetrics,
    },
    operator_profile::{ProfileBody, ProfileCaseDocument, ProfileDocument},
    operator_queue::{
        JobFilter, JobListDocument, OperatorJobDocument, PriorityDocument, QueueDocument, WorkersDocument,
    },
    problem::{InvalidFieldDocument, ProblemDocument},
    proofs::{
        AcceptedJobDocument, GenerateBody, GeneratedDocument, JobErrorDocument, ProofInputs,
        ProofJobDocument, SealedPrivate, SealingKeyDocument, VerdictDocument, VerifyBody,
    },
    registrations::{CompressedBody, LamportsDocument, RegistrationBody, RegistrationDocument},
    registries::{RegistryDocument, RegistryPage},
    relay::{
        AcceptedDocument, ConsumerAccountBody, ConsumerBody, ConsumerDocument, FEE_IN_TRANSACTION, FEE_KEY,
        FEE_SPONSORED, IDEMPOTENCY_KEY, RelayBody, RelayDocument, RelayStatusDocument, ToSignDocument,
    },
    scopes::{ScopeDocument, ScopePage},
    sponsorship::{SponsorshipBody, SponsorshipDocument},
    tickets::{TicketBody, TicketDocument},
    trees::{MAX_TILES, PathDocument, RootDocument, RootPage, StoredTreeDocument, TileRequest},
    verifications::{VerificationDocument, VerificationPage},
    webhooks::{
        DeliveryDocument, DeliveryList, NewWebhookDocument, ReplayBody, WebhookBody, WebhookDocument,
        WebhookList, WebhookSecretDocument,
    },
};
