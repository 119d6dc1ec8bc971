//! Webhooks of an account. Each call needs the access token of a developer.

use bauta_wire::api::{
    DeliveryList, NewWebhookDocument, ReplayBody, WebhookBody, WebhookDocument, WebhookList,
    WebhookSecretDocument,
};

use super::{Api, check_id};
use crate::{HttpError, transport::Request};

impl Api {
    /// Returns the webhooks of the account without their secrets.
    pub async fn webhooks(&self) -> Result<WebhookList, HttpError> {
        self.0.document(&Request::get("v1/webhooks").keyed()).await
    }

    /// Creates a webhook. Its secret is returned only once.
    pub async fn create_webhook(&self, body: &WebhookBody) -> Result<NewWebhookDocument, HttpError> {
        let request = Request::post("v1/webhooks", body)?.keyed().once();
        self.0.document(&request).await
    }

    /// Deletes a webhook with its messages.
    pub async fn delete_webhook(&self, webhook: &str) -> Result<(), HttpError> {
        let request = Request::delete(webhook_path(webhook, "")?);
        self.0.send(&request.keyed().once()).await?;
        Ok(())
    }

    /// Returns the newest messages to a webhook.
    pub async fn webhook_deliveries(&self, webhook: &str) -> Result<DeliveryList, HttpError> {
        let request = Request::get(webhook_path(webhook, "/deliveries")?);
        self.0.document(&request.keyed()).await
    }

    /// Enables a webhook that was disabled.
    pub async fn enable_webhook(&self, webhook: &str) -> Result<WebhookDocument, HttpError> {
        let request = Request::empty_post(webhook_path(webhook, "/enable")?);
        self.0.document(&request.keyed()).await
    }

    /// Sends all final events after a resume token again.
    pub async fn replay_webhook(&self, webhook: &str, from: &str) -> Result<(), HttpError> {
        let body = ReplayBody {
            from: from.to_owned(),
        };
        let request = Request::post(webhook_path(webhook, "/replay")?, &body)?;
        self.0.send(&request.keyed()).await?;
        Ok(())
    }

    /// Replaces the secret of a webhook, which is returned only once. The one before signs as well
    /// for 24 hours.
    pub async fn rotate_webhook(&self, webhook: &str) -> Result<WebhookSecretDocument, HttpError> {
        let request = Request::empty_post(webhook_path(webhook, "/rotate")?);
        self.0.document(&request.keyed().once()).await
    }
}

fn webhook_path(webhook: &str, rest: &str) -> Result<String, HttpError> {
    check_id("webhook", webhook)?;
    Ok(format!("v1/webhooks/{webhook}{rest}"))
}
