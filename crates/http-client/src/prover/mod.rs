//! The routes of the prover service.

mod jobs;
mod operator;
mod proofs;

pub use self::{jobs::JobState, proofs::Proved};
use crate::{HttpError, Settings, transport::Transport};

/// The prover service, which makes proofs for members who delegate proving.
#[derive(Clone, Debug)]
pub struct ProverService(Transport);

impl ProverService {
    /// Uses the prover service at a URL without a key. Does not connect.
    pub fn new(url: &str) -> Result<Self, HttpError> {
        Self::with(url, Settings::default())
    }

    /// Uses the prover service at a URL. Does not connect.
    ///
    /// # Errors
    /// If the URL has another form, or if there is a key and the URL is neither `https` nor that of
    /// this machine.
    pub fn with(url: &str, settings: Settings) -> Result<Self, HttpError> {
        Transport::new(url, settings).map(Self)
    }

    /// Returns scheme, host and port of the URL. Its path may contain a key.
    #[must_use]
    pub fn host(&self) -> String {
        self.0.host()
    }
}
