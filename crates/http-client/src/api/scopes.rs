//! Scopes, and what was verified in them.

use bauta_primitives::Nullifier;
use bauta_wire::api::{
    AnalyticsSeries, Every, NullifierDocument, NullifierPage, ScopeDocument, ScopePage, VerificationPage,
};
use solana_address::Address;

use super::{Api, PageOf, Span, name_of};
use crate::{HttpError, transport::Request};

impl Api {
    /// Returns a page of the scopes, optionally only of those over a registry.
    pub async fn scopes(&self, registry: Option<&Address>, page: &PageOf) -> Result<ScopePage, HttpError> {
        let request = Request::get("v1/scopes").query("registry", registry);
        self.0.document(&page.of(request)).await
    }

    /// Returns a scope.
    pub async fn scope(&self, scope: &Address) -> Result<ScopeDocument, HttpError> {
        self.0.document(&Request::get(format!("v1/scopes/{scope}"))).await
    }

    /// Returns the verifications of a scope by hour or day. The default is by day.
    pub async fn scope_analytics(
        &self,
        scope: &Address,
        every: Option<Every>,
        span: Span,
    ) -> Result<AnalyticsSeries, HttpError> {
        let request = Request::get(format!("v1/scopes/{scope}/analytics")).query("every", every.map(name_of));
        self.0.document(&span.of(request)).await
    }

    /// Returns the verifications of a track in all scopes by hour or day. The default is by day.
    pub async fn track_analytics(
        &self,
        track: u64,
        every: Option<Every>,
        span: Span,
    ) -> Result<AnalyticsSeries, HttpError> {
        let request = Request::get(format!("v1/tracks/{track}/analytics")).query("every", every.map(name_of));
        self.0.document(&span.of(request)).await
    }

    /// Returns a page of the used nullifiers that begin with the same bits, for example `a4f/12`.
    /// The service learns that the client is interested in one of about 256 nullifiers. Without a
    /// prefix, the page is one of all nullifiers.
    pub async fn nullifiers(
        &self,
        scope: &Address,
        prefix: Option<&str>,
        page: &PageOf,
    ) -> Result<NullifierPage, HttpError> {
        let path = format!("v1/scopes/{scope}/nullifiers");
        let request = Request::get(path).query("prefix", prefix);
        self.0.document(&page.of(request)).await
    }

    /// Returns whether a nullifier was used. The service learns which one the client is interested
    /// in: prefer [`Self::nullifiers`].
    pub async fn nullifier(
        &self,
        scope: &Address,
        nullifier: Nullifier,
    ) -> Result<NullifierDocument, HttpError> {
        let path = format!("v1/scopes/{scope}/nullifiers/{nullifier}");
        self.0.document(&Request::get(path)).await
    }

    /// Returns a page of the verifications in a scope, the newest first.
    pub async fn verifications(&self, scope: &Address, page: &PageOf) -> Result<VerificationPage, HttpError> {
        let path = format!("v1/scopes/{scope}/verifications");
        self.0.document(&page.of(Request::get(path))).await
    }
}
