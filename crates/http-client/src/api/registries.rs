//! Registries, their collections and their members.

use bauta_primitives::Root;
use bauta_wire::api::{
    AnonymityDocument, CollectionPage, EligibilityDocument, EligibilityRequest, GrowthSeries, HoldingPage,
    PathDocument, RegistrationBody, RegistrationDocument, RegistryDocument, RegistryPage, RootPage,
};
use solana_address::Address;

use super::{Api, PageOf, Span};
use crate::{HttpError, transport::Request};

impl Api {
    /// Returns a page of the registries.
    pub async fn registries(&self, page: &PageOf) -> Result<RegistryPage, HttpError> {
        self.0.document(&page.of(Request::get("v1/registries"))).await
    }

    /// Returns a registry.
    pub async fn registry(&self, registry: &Address) -> Result<RegistryDocument, HttpError> {
        let path = format!("v1/registries/{registry}");
        self.0.document(&Request::get(path)).await
    }

    /// Returns a page of the roots of a registry that are valid now.
    pub async fn roots(&self, registry: &Address, page: &PageOf) -> Result<RootPage, HttpError> {
        let path = format!("v1/registries/{registry}/roots");
        self.0.document(&page.of(Request::get(path))).await
    }

    /// Returns a page of the collections whose assets can register.
    pub async fn collections(&self, registry: &Address, page: &PageOf) -> Result<CollectionPage, HttpError> {
        let path = format!("v1/registries/{registry}/collections");
        self.0.document(&page.of(Request::get(path))).await
    }

    /// Returns a page of the holdings whose mints begin with the same bits, for example `a4f/12`.
    /// The service learns that the client is interested in one of about 256 tokens. Without a
    /// prefix, the page is one of all holdings.
    pub async fn holdings(
        &self,
        registry: &Address,
        prefix: Option<&str>,
        page: &PageOf,
    ) -> Result<HoldingPage, HttpError> {
        let path = format!("v1/registries/{registry}/holdings");
        let request = Request::get(path).query("prefix", prefix);
        self.0.document(&page.of(request)).await
    }

    /// Returns the present anonymity set of a track.
    pub async fn anonymity(&self, registry: &Address, track: u64) -> Result<AnonymityDocument, HttpError> {
        let path = format!("v1/registries/{registry}/anonymity");
        self.0
            .document(&Request::get(path).query("track", Some(track)))
            .await
    }

    /// Returns the registrations and evictions of a track by day.
    pub async fn growth(
        &self,
        registry: &Address,
        track: u64,
        span: Span,
    ) -> Result<GrowthSeries, HttpError> {
        let path = format!("v1/registries/{registry}/growth");
        let request = Request::get(path).query("track", Some(track));
        self.0.document(&span.of(request)).await
    }

    /// Returns the tokens of a wallet that belong to a collection of the registry, and for each
    /// whether the program accepts it. The service learns the wallet.
    pub async fn eligibility(
        &self,
        registry: &Address,
        owner: &Address,
    ) -> Result<EligibilityDocument, HttpError> {
        let path = format!("v1/registries/{registry}/eligibility");
        let body = EligibilityRequest {
            owner: owner.to_string(),
        };
        self.0.document(&Request::post(path, &body)?).await
    }

    /// Returns the transactions that register an asset. The owner signs and sends them. A caller
    /// that does not trust the service makes the instructions with `bauta-client`, or compares.
    pub async fn registrations(
        &self,
        registry: &Address,
        body: &RegistrationBody,
    ) -> Result<RegistrationDocument, HttpError> {
        let path = format!("v1/registries/{registry}/registrations");
        self.0.document(&Request::post(path, body)?).await
    }

    /// Returns the path of a leaf to a root, by default to the root to prove against. The service
    /// learns which leaf the client is interested in: prefer [`Self::path_by_tiles`].
    pub async fn path(
        &self,
        registry: &Address,
        index: u64,
        root: Option<Root>,
    ) -> Result<PathDocument, HttpError> {
        let path = format!("v1/registries/{registry}/paths/{index}");
        self.0.document(&Request::get(path).query("root", root)).await
    }
}
