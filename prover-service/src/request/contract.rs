//! The form of requests that operators of earlier systems know: `{walletHash, tokenId, trackId, merkleProof}`.
//!
//! Ownership needs more than those four say: a hash of a wallet proves nothing, the secret behind it does; and a proof is for one scope and
//! one context. So `secret`, `scope` and `context` stand beside them, and a request without is refused by the field's name.

use bauta_primitives::{Attributes, Claim, EntryId, Root, tree::Siblings};
use bauta_service_common::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{PrivateInputs, ProveRequest, PublicInputs, missing};

/// Where a leaf is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MerkleProof {
    /// The registry's root.
    #[schema(value_type = String)]
    pub root: Root,
    /// The leaf's position.
    pub index: u64,
    /// Three siblings for each level, from the leaf upwards.
    #[schema(value_type = Vec<Vec<String>>)]
    pub path: Vec<Siblings>,
}

/// In which words a proof was asked for; the answer has the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `{statement, public, private}`.
    Bauta,
    /// `{walletHash, tokenId, trackId, merkleProof}`.
    Contract,
}

impl Form {
    /// A problem in the words of the request.
    pub fn rename(self, problem: Problem) -> Problem {
        const NAMES: [(&str, &str); 4] = [
            ("private.path", "merkleProof.path"),
            ("private.index", "merkleProof.index"),
            ("public.root", "merkleProof.root"),
            ("public.claim", "trackId"),
        ];
        match self {
            Self::Bauta => problem,
            Self::Contract => NAMES
                .iter()
                .fold(problem, |problem, (from, to)| problem.renamed(from, to)),
        }
    }
}

impl ProveRequest {
    /// Puts a request of the contract's form into Bauta's. Says which form it was.
    pub(super) fn translate(&mut self) -> Result<Form, Problem> {
        let given = [
            ("walletHash", self.wallet_hash.is_some()),
            ("tokenId", self.token_id.is_some()),
            ("trackId", self.track_id.is_some()),
            ("merkleProof", self.merkle_proof.is_some()),
            ("secret", self.secret.is_some()),
            ("scope", self.scope.is_some()),
            ("context", self.context.is_some()),
        ];
        let Some((first, _)) = given.iter().find(|(_, given)| *given) else {
            return Ok(Form::Bauta);
        };
        for (field, given) in [
            ("public", self.public.is_some()),
            ("private", self.private.is_some()),
            ("registry", self.registry.is_some()),
        ] {
            if given {
                let rule = format!("must not be given beside {first}, which is of the contract's form");
                return Err(Problem::invalid(field, rule));
            }
        }
        let wallet_hash = self.wallet_hash.take().ok_or_else(|| missing("walletHash"))?;
        let token_id = self.token_id.take().ok_or_else(|| missing("tokenId"))?;
        let track_id = self.track_id.take().ok_or_else(|| missing("trackId"))?;
        let place = self.merkle_proof.take().ok_or_else(|| missing("merkleProof"))?;
        let secret = self.secret.take().ok_or_else(|| {
            Problem::invalid(
                "secret",
                "is missing: walletHash is a hash, and ownership is proved with the secret behind it",
            )
        })?;
        if secret.0.commitment() != wallet_hash {
            return Err(Problem::invalid(
                "walletHash",
                "must be the commitment of secret: Poseidon1(secret)",
            ));
        }
        self.statement.get_or_insert_with(|| "ownership".to_owned());
        self.public = Some(PublicInputs {
            root: Some(place.root),
            scope: self.scope.take().ok_or_else(|| missing("scope"))?,
            claim: Claim::of_track(track_id),
            context: self.context.take().ok_or_else(|| missing("context"))?,
        });
        self.private = Some(PrivateInputs {
            secret,
            entry_id: entry_id(&token_id)?,
            attributes: Attributes::of_track(track_id),
            index: Some(place.index),
            path: Some(place.path),
        });
        Ok(Form::Contract)
    }
}

/// An entry id, or that of a mint.
fn entry_id(token: &str) -> Result<EntryId, Problem> {
    if token.starts_with("0x") {
        return EntryId::from_hex(token).map_err(|error| Problem::invalid("tokenId", error.to_string()));
    }
    let mint = bs58::decode(token).into_vec().ok();
    let mint = mint.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    mint.map(|mint| EntryId::of_mint(&mint)).ok_or_else(|| {
        Problem::invalid(
            "tokenId",
            "must be a mint's address (32 bytes in base58), or an entry id: 0x and 64 hexadecimal digits",
        )
    })
}
