//! Webhooks: final events are sent to the URLs of developers (Standard Webhooks).
//!
//! ```text
//!   final events --plan--> deliveries in the database --lease--> one of the instances --> POST
//!                                     ^                                |
//!                                     +------ again later -------------+--> delivered or dead
//! ```
//!
//! 1. An event that a webhook wants has one delivery, whatever happens to instances. It is sent at
//!    least once, and always with the same id.
//! 2. A message reaches only public addresses, and those that the operator allows.
//! 3. Webhooks whose last message was not delivered have places of their own. A webhook that answers
//!    gets one more place after each success, up to four. In both groups, an account has at most a
//!    quarter of the places, and the webhook that waits longest is the next one. So few accounts
//!    can't delay the webhooks of others.

mod addresses;
mod sealer;
mod signature;

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use bauta_service_common::{AUDIT, Network, Secret, Service};
use bauta_store::{
    AccountId, AuditRecord, BusyPlace, DeliveryAttempt, DeliveryOutcome, DueDelivery, Position, RandomId,
    Store, StoreError,
};
use chrono::{DateTime, SecondsFormat};
use rand::{Rng as _, rngs::OsRng};
use reqwest::{Client, StatusCode, Url, header, redirect::Policy};
use serde_json::json;
use tokio::task::{Id, JoinError, JoinSet};

pub use self::signature::WebhookSecret;
use self::{
    addresses::{ACCOUNT, AllowedAddresses, GuardedResolver, Lookup as _, NotPublic, SystemLookup},
    sealer::Sealer,
    signature::signatures,
};
use crate::{metrics, time::unix_seconds};

/// Seconds for which the secret before a rotation signs as well.
pub const ROTATION_SECONDS: u32 = 86_400;
/// Largest length of a URL in characters.
const MAX_URL_LENGTH: usize = 2_048;
/// Longest time of an attempt.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Longest time of the look-up when a webhook is created.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// Seconds for which an instance has a delivery.
const LEASE_SECONDS: u32 = 60;
/// Attempts of an instance at the same time for webhooks whose last message was delivered.
const PLACES: u16 = 128;
/// Attempts of an instance at the same time for the other webhooks.
const PLACES_OF_FAILING: u16 = 32;
/// The part of the places that an account can have, as a divisor.
const ACCOUNT_SHARE: u16 = 4;
/// Time between two looks at the deliveries that are due.
const INTERVAL: Duration = Duration::from_millis(500);
/// Time between two deletions of what is not kept.
const TIDY_INTERVAL: Duration = Duration::from_mins(5);
/// The same while there is more to delete than one deletion does.
const BUSY_TIDY_INTERVAL: Duration = Duration::from_secs(5);
/// Deliveries from which on a deletion has left some.
const MANY_DELETED: u64 = 10_000;
/// The code of a host without an allowed address.
const PRIVATE_ADDRESS: &str = "private_address";
/// Plans that are made before deliveries are leased again. A replay of a long history must not
/// delay what is due.
const PLANS_AT_ONCE: usize = 8;
/// Seconds after which a webhook without a success is disabled.
const LASTING_SECONDS: u32 = 3 * 86_400;
/// Days for which deliveries that have ended are kept.
const RETENTION_DAYS: u32 = 30;
/// Deliveries that have ended and are kept, of a webhook.
const KEPT_ENDED: u16 = 1_000;
/// Seconds from an attempt to the next one. After the last one, the delivery is dead.
const DELAYS: [u32; 8] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000];

/// Why webhooks can't be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum WebhookSetupError {
    /// The key has another form.
    #[error("WEBHOOK_KEY must be 64 hexadecimal digits: generate it with `openssl rand -hex 32`")]
    InvalidKey,
    /// The HTTP client can't be created.
    #[error("the HTTP client of webhooks: {0}")]
    Client(String),
}

/// Why a URL is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It has another form.
    #[error(
        "must be a URL of at most 2048 characters that begins with https://, without a password or a fragment"
    )]
    Invalid,
    /// The host has no address that messages may be sent to.
    #[error("the host must have a public address")]
    Private,
    /// The host has no address.
    #[error("the host must have an address")]
    Unknown,
}

/// Sends messages to webhooks.
pub struct Webhooks {
    sealer: Sealer,
    allowed: AllowedAddresses,
    lookup: SystemLookup,
    client: Client,
}

impl Webhooks {
    /// Creates the sender of the settings. `None` without `WEBHOOK_KEY`.
    pub fn new(key: Option<&Secret>, networks: &[Network]) -> Result<Option<Arc<Self>>, WebhookSetupError> {
        let Some(key) = key else { return Ok(None) };
        let allowed = AllowedAddresses::new(networks.to_vec());
        let lookup = SystemLookup::default();
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(0)
            .timeout(TIMEOUT)
            .dns_resolver(Arc::new(GuardedResolver::new(lookup.clone(), allowed.clone())))
            .build()
            .map_err(|error| WebhookSetupError::Client(error.to_string()))?;
        Ok(Some(Arc::new(Self {
            sealer: Sealer::new(key)?,
            allowed,
            lookup,
            client,
        })))
    }

    /// Starts the task that sends messages until the service shuts down.
    pub fn start(self: &Arc<Self>, store: &Store, service: &Service) {
        let (shutdown, store, sender) = (service.shutdown(), store.clone(), self.clone());
        service.spawn("webhooks", async move {
            let mut attempts = Attempts::default();
            while !shutdown.is_cancelled() {
                let has_more = match sender.step(&store, &mut attempts).await {
                    Ok(has_more) => has_more,
                    Err(error) => {
                        // `/ready` says that the database is unavailable.
                        tracing::debug!(event = "webhooks_not_read", %error);
                        false
                    }
                };
                if has_more {
                    continue;
                }
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = attempts.wait() => {}
                }
            }
            // What is not finished is leased again by another instance.
            let _ = tokio::time::timeout(TIMEOUT, attempts.finish()).await;
            Ok::<_, Infallible>(())
        });
    }

    /// Checks a URL of an account. Looks its host up.
    pub async fn check(&self, account: AccountId, text: &str) -> Result<(), UrlError> {
        let url = self.parse(text)?;
        let Some(host) = url.domain() else {
            // An address, which `parse` has checked.
            return Ok(());
        };
        let lookup = ACCOUNT.scope(account, self.lookup.lookup(host.to_owned()));
        let lookup = tokio::time::timeout(LOOKUP_TIMEOUT, lookup);
        let Ok(Ok(found)) = lookup.await else {
            return Err(UrlError::Unknown);
        };
        let is_allowed = found.iter().any(|address| self.allowed.contains(*address));
        is_allowed.then_some(()).ok_or(UrlError::Private)
    }

    /// Encrypts a secret.
    pub fn seal(&self, webhook: &RandomId, secret: &WebhookSecret) -> Vec<u8> {
        self.sealer.seal(webhook, secret)
    }

    /// Reads a URL. HTTP without TLS is for addresses in the operator's networks only.
    fn parse(&self, text: &str) -> Result<Url, UrlError> {
        let url: Url = text.parse().map_err(|_| UrlError::Invalid)?;
        let has_credential = !url.username().is_empty() || url.password().is_some();
        if text.chars().count() > MAX_URL_LENGTH || has_credential || url.fragment().is_some() {
            return Err(UrlError::Invalid);
        }
        let host = url.host_str().unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse().ok();
        match (url.scheme(), address) {
            ("https", None) if !host.is_empty() => Ok(url),
            ("https", Some(address)) if self.allowed.contains(address) => Ok(url),
            ("http", Some(address)) if self.allowed.is_of_operator(address) => Ok(url),
            ("https" | "http", Some(_)) => Err(UrlError::Private),
            _ => Err(UrlError::Invalid),
        }
    }

    /// Plans deliveries, and begins those that are due. Returns whether there is more to plan.
    async fn step(self: &Arc<Self>, store: &Store, attempts: &mut Attempts) -> Result<bool, StoreError> {
        attempts.tidy(store).await;
        let mut has_more = true;
        for _ in 0..PLANS_AT_ONCE {
            has_more = store.plan_deliveries().await?;
            if !has_more {
                break;
            }
        }
        attempts.collect();
        for (answering, places) in [(true, PLACES), (false, PLACES_OF_FAILING)] {
            let free = attempts.free(answering, places);
            if free == 0 {
                continue;
            }
            let (busy, of_account) = (attempts.busy(), places / ACCOUNT_SHARE);
            let due = store.lease_deliveries(answering, free, of_account, LEASE_SECONDS, &busy);
            for delivery in due.await? {
                let (sender, store) = (self.clone(), store.clone());
                let place = BusyPlace {
                    webhook: delivery.webhook,
                    account: delivery.account,
                    answering,
                };
                attempts.begin(place, async move {
                    sender.attempt(&store, &delivery).await;
                });
            }
        }
        Ok(has_more)
    }

    /// Sends a message, and records what it led to.
    async fn attempt(&self, store: &Store, delivery: &DueDelivery) {
        let (status, code) = match self.send(delivery).await {
            Ok(status) if status.is_success() => (Some(status), None),
            Ok(status) if status.is_redirection() => (Some(status), Some("redirect")),
            Ok(status) => (Some(status), Some("refused")),
            Err(code) => (None, Some(code)),
        };
        let is_gone = status == Some(StatusCode::GONE);
        let outcome = match code {
            None => DeliveryOutcome::Delivered,
            Some(_) if is_gone => DeliveryOutcome::Dead,
            Some(_) => next_attempt(delivery.attempt).map_or(DeliveryOutcome::Dead, DeliveryOutcome::Retry),
        };
        metrics::record_webhook(match outcome {
            DeliveryOutcome::Delivered => "delivered",
            DeliveryOutcome::Retry(_) => "failed",
            DeliveryOutcome::Dead => "dead",
        });
        let account = delivery.account.to_string();
        let refusal = code.filter(|code| *code == PRIVATE_ADDRESS).map(|code| {
            let webhook = hex::encode(delivery.webhook);
            tracing::info!(target: AUDIT, event = "webhook_refused", code, account, webhook);
            AuditRecord {
                subject: Some(webhook),
                ..AuditRecord::refusal("webhook_refused", code, Some(&account))
            }
        });
        let attempt = DeliveryAttempt {
            outcome,
            status: status.map(|status| status.as_u16()),
            code,
            disable: is_gone.then_some("gone"),
            refusal: refusal.as_ref(),
        };
        let finished = store.finish_delivery(delivery, &attempt, LASTING_SECONDS);
        if let Err(error) = finished.await {
            // The lease ends, and the message is sent again.
            tracing::warn!(event = "webhook_not_recorded", %error);
        }
    }

    /// Sends a message. The error is a code.
    async fn send(&self, delivery: &DueDelivery) -> Result<StatusCode, &'static str> {
        let url = self.parse(&delivery.url).map_err(|_| PRIVATE_ADDRESS)?;
        let secrets: Option<Vec<WebhookSecret>> = delivery
            .secrets
            .iter()
            .map(|sealed| self.sealer.open(&delivery.webhook, sealed))
            .collect();
        let secrets = secrets.ok_or("unreadable_secret")?;
        let (id, now, body) = (message_id(delivery.position), unix_seconds(), body(delivery));
        let request = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-signature", signatures(&secrets, &id, now, &body))
            .header("webhook-id", id)
            .header("webhook-timestamp", now)
            .body(body);
        // The body of the response is not read.
        match ACCOUNT.scope(delivery.account, request.send()).await {
            Ok(response) => Ok(response.status()),
            Err(error) if is_not_public(&error) => Err(PRIVATE_ADDRESS),
            Err(error) if error.is_timeout() => Err("timeout"),
            Err(_) => Err("unreachable"),
        }
    }
}

/// The attempts of this instance that have not ended.
#[derive(Default)]
struct Attempts {
    tasks: JoinSet<()>,
    /// The place of each task.
    begun: HashMap<Id, BusyPlace>,
    /// The time of the next deletion of what is not kept. `None`: now.
    tidy_at: Option<Instant>,
}

impl Attempts {
    fn begin(&mut self, place: BusyPlace, attempt: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(attempt);
        self.begun.insert(task.id(), place);
    }

    /// Returns the places that are taken. Their webhooks get no further attempt now.
    fn busy(&self) -> Vec<BusyPlace> {
        self.begun.values().copied().collect()
    }

    /// Deletes what is not kept, if it is time. An error does not keep messages from being sent.
    async fn tidy(&mut self, store: &Store) {
        if self.tidy_at.is_some_and(|at| Instant::now() < at) {
            return;
        }
        let deleted = store.tidy_webhooks(RETENTION_DAYS, KEPT_ENDED).await;
        let deleted = deleted.unwrap_or_else(|error| {
            tracing::warn!(event = "webhooks_not_tidied", %error);
            0
        });
        let pause = if deleted < MANY_DELETED {
            TIDY_INTERVAL
        } else {
            BUSY_TIDY_INTERVAL
        };
        self.tidy_at = Some(Instant::now() + pause);
    }

    /// Returns how many of the places of a group are free.
    fn free(&self, answering: bool, places: u16) -> u16 {
        let used = self.begun.values().filter(|place| place.answering == answering);
        places.saturating_sub(u16::try_from(used.count()).unwrap_or(u16::MAX))
    }

    /// Removes the attempts that have ended.
    fn collect(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.end(ended);
        }
    }

    /// Waits for the next look at the deliveries.
    async fn wait(&mut self) {
        let next = tokio::time::sleep(INTERVAL);
        tokio::pin!(next);
        tokio::select! {
            () = &mut next => {}
            Some(ended) = self.tasks.join_next_with_id() => self.end(ended),
        }
    }

    async fn finish(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    fn end(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
        self.begun.remove(&id);
    }
}

/// Returns the seconds until the next attempt, a tenth more or less. `None` after the last one.
fn next_attempt(attempt: u32) -> Option<u32> {
    let done = usize::try_from(attempt).unwrap_or(usize::MAX);
    let delay = *DELAYS.get(done.checked_sub(1)?)?;
    let spread = delay / 10;
    Some(delay - spread + OsRng.gen_range(0..=2 * spread))
}

/// Returns the id of an event's message.
pub fn message_id(position: Position) -> String {
    let Position {
        slot,
        transaction_index,
        instruction_index,
        inner_index,
    } = position;
    format!("{slot}-{transaction_index}-{instruction_index}-{inner_index}")
}

fn body(delivery: &DueDelivery) -> String {
    let position = delivery.position;
    let time = DateTime::from_timestamp(delivery.time, 0);
    json!({
        "type": delivery.name,
        "timestamp": time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)),
        "data": {
            "position": format!(
                "{}.{}.{}.{}",
                position.slot, position.transaction_index, position.instruction_index, position.inner_index
            ),
            "scope": delivery.scope.map(|scope| scope.to_string()),
            "registry": delivery.registry.map(|registry| registry.to_string()),
            "slot": position.slot.to_string(),
            "timestamp": delivery.time,
            "commitment": "finalized",
        },
    })
    .to_string()
}

/// Returns whether a request failed because the host has no allowed address.
fn is_not_public(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<NotPublic>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhooks(networks: &[&str]) -> Arc<Webhooks> {
        let networks: Vec<Network> = networks.iter().map(|network| network.parse().unwrap()).collect();
        Webhooks::new(Some(&Secret::new("0".repeat(64))), &networks)
            .unwrap()
            .unwrap()
    }

    #[test]
    fn a_url_is_https_without_a_credential_and_never_an_internal_address() {
        let (public, own) = (webhooks(&[]), webhooks(&["127.0.0.0/8"]));
        for url in [
            "https://example.org/hook?a=b",
            "https://1.1.1.1/",
            "https://[2606:4700::1]:8443/",
        ] {
            assert!(public.parse(url).is_ok(), "{url}");
        }
        for (url, expected) in [
            ("", UrlError::Invalid),
            ("example.org", UrlError::Invalid),
            ("http://example.org/", UrlError::Invalid),
            ("ftp://example.org/", UrlError::Invalid),
            ("https://user@example.org/", UrlError::Invalid),
            ("https://:password@example.org/", UrlError::Invalid),
            ("https://example.org/#part", UrlError::Invalid),
            ("https://127.0.0.1/", UrlError::Private),
            ("https://2130706433/", UrlError::Private),
            ("https://0x7f.1/", UrlError::Private),
            ("https://[::1]/", UrlError::Private),
            ("https://[::ffff:10.0.0.1]/", UrlError::Private),
            ("https://169.254.169.254/latest", UrlError::Private),
            ("http://1.1.1.1/", UrlError::Private),
            (
                &format!("https://example.org/{}", "a".repeat(2_048)),
                UrlError::Invalid,
            ),
        ] {
            assert_eq!(public.parse(url).err(), Some(expected), "{url}");
        }
        assert!(own.parse("http://127.0.0.1:80/").is_ok());
        assert!(own.parse("http://10.0.0.1/").is_err() && own.parse("http://localhost/").is_err());
    }

    #[tokio::test]
    async fn webhooks_that_do_not_answer_take_no_place_of_those_that_do() {
        let mut attempts = Attempts::default();
        let account = AccountId([1; 16]);
        for number in 0..PLACES_OF_FAILING {
            let mut id = RandomId::default();
            id[..2].copy_from_slice(&number.to_be_bytes());
            let place = BusyPlace {
                webhook: id,
                account,
                answering: false,
            };
            attempts.begin(place, std::future::pending());
        }
        let answering = BusyPlace {
            webhook: [0xff; 16],
            account,
            answering: true,
        };
        attempts.begin(answering, std::future::ready(()));
        assert_eq!(attempts.free(false, PLACES_OF_FAILING), 0);
        assert_eq!(attempts.free(true, PLACES), PLACES - 1);
        assert_eq!(attempts.busy().len(), usize::from(PLACES_OF_FAILING) + 1);
        let ended = attempts.tasks.join_next_with_id().await.unwrap();
        attempts.end(ended);
        assert_eq!(attempts.free(true, PLACES), PLACES);
        assert!(!attempts.busy().contains(&answering));
        // One whose task panics.
        attempts.begin(answering, async { panic!("a defect") });
        let ended = attempts.tasks.join_next_with_id().await.unwrap();
        attempts.end(ended);
        assert_eq!(attempts.free(true, PLACES), PLACES);
    }

    #[test]
    fn a_message_is_tried_nine_times_within_three_days() {
        let delays: Vec<u32> = (1..=8).map(|attempt| next_attempt(attempt).unwrap()).collect();
        assert!(delays.iter().sum::<u32>() < 3 * 86_400);
        assert_eq!(next_attempt(9), None);
        assert_eq!(next_attempt(0), None);
    }
}
