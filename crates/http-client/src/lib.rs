//! An asynchronous HTTP client of the API and of the prover service of Bauta.
//!
//! ```text
//!   Api, ProverService: one method for each route. The tests list the exceptions
//!         |
//!     Transport: key, rollout, time limits, retries, bounds
//!         |
//!       reqwest --> the service
//! ```
//!
//! The services use the same request and response types ([`wire`]). A service is not trusted with
//! the integrity of a tree: [`Api::path_by_tiles`] computes the hash of each tile again. The root
//! must come from the registry's account, which the caller reads from its own node.
//!
//! Each request has a time limit and each response a limit of bytes. A request that failed for now
//! is repeated after `Retry-After`, or after a delay that doubles. A request that may have had an
//! effect is repeated only if the service recognises the repetition. An error response is
//! [`HttpError::Problem`] with the stable code of the service and the field that breaks its rule.
//!
//! ```no_run
//! use bauta_http::{Api, HttpError, PageOf};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), HttpError> {
//! let api = Api::new("https://api.example.org")?;
//! for scope in api.scopes(None, &PageOf::default()).await?.data {
//!     println!("{} is {}", scope.address, scope.status);
//! }
//! # Ok(())
//! # }
//! ```

mod api;
mod error;
mod key;
mod prover;
mod relay;
mod retry;
mod stream;
mod tiles;
mod transport;

pub use api::{Api, EventFilter, Generated, PageOf, RelayOutcome, Span};
pub use bauta_wire as wire;
pub use error::{HttpError, ServiceProblem};
pub use key::ApiKey;
pub use prover::{JobState, Proved, ProverService};
pub use relay::relay_body;
pub use retry::Retries;
pub use stream::{EventStream, ServerEvent};
pub use tiles::Tile;
pub use transport::Settings;
