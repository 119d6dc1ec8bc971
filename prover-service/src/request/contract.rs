//! The contract form of requests, which earlier systems use: `{walletHash, tokenId, trackId,
//! merkleProof}`.
//!
//! A proof of ownership needs more than these four fields. It needs the secret behind the wallet's
//! hash, a scope and a context. So the form also requires the fields `secret`, `scope` and
//! `context`.

use bauta_primitives::{Attributes, Claim, EntryId, Root, tree::Siblings};
use bauta_service_common::{InvalidField, at_most};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    ProveRequest, RequestError, RequestPublicInputs, all_of, inputs::PrivateInputs, parse_address,
    statements::MAX_LEVELS,
};

/// The position of a leaf, with its path.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MerkleProof {
    /// The registry's root.
    #[schema(value_type = String)]
    pub root: Root,
    /// The leaf's index.
    pub index: u64,
    /// Three siblings for each level, from the leaf upwards.
    #[serde(deserialize_with = "at_most::<_, _, MAX_LEVELS>")]
    #[schema(value_type = Vec<Vec<String>>)]
    pub path: Vec<Siblings>,
}

/// The form of a request. The response has the same form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `{statement, public, private}`.
    Bauta,
    /// `{walletHash, tokenId, trackId, merkleProof}`.
    Contract,
}

impl Form {
    /// Replaces the field of an error by the corresponding field of the request's form.
    pub fn rename_field(self, field: InvalidField) -> InvalidField {
        const NAMES: [(&str, &str); 4] = [
            ("private.path", "merkleProof.path"),
            ("private.index", "merkleProof.index"),
            ("public.root", "merkleProof.root"),
            ("public.claim", "trackId"),
        ];
        match self {
            Self::Bauta => field,
            Self::Contract => NAMES
                .iter()
                .fold(field, |field, (from, to)| field.renamed(from, to)),
        }
    }
}

impl ProveRequest {
    /// Converts a request in the contract form to Bauta's form. Returns the original form.
    pub(super) fn convert_contract_form(&mut self) -> Result<Form, RequestError> {
        let given = [
            ("walletHash", self.wallet_hash.is_some()),
            ("tokenId", self.token_id.is_some()),
            ("trackId", self.track_id.is_some()),
            ("merkleProof", self.merkle_proof.is_some()),
            ("secret", self.secret.is_some()),
            ("scope", self.scope.is_some()),
            ("context", self.context.is_some()),
        ];
        let Some((first, _)) = given.iter().find(|(_, is_given)| *is_given) else {
            return Ok(Form::Bauta);
        };
        let of_other_form = [
            ("public", self.public.is_some()),
            ("private", self.private.is_some()),
            ("registry", self.registry.is_some()),
        ];
        let combined = of_other_form
            .iter()
            .filter(|(_, is_given)| *is_given)
            .map(|(field, _)| {
                let rule = format!("must not be combined with {first}, which belongs to the contract form");
                InvalidField::new(*field, rule)
            });
        let missing = given.iter().filter(|(_, is_given)| !is_given);
        let missing = missing.map(|(field, _)| missing_field(field));
        let invalid: Vec<InvalidField> = combined.chain(missing).collect();
        let (
            true,
            Some(wallet_hash),
            Some(token_id),
            Some(track_id),
            Some(leaf),
            Some(secret),
            Some(scope),
            Some(context),
        ) = (
            invalid.is_empty(),
            self.wallet_hash.take(),
            self.token_id.take(),
            self.track_id.take(),
            self.merkle_proof.take(),
            self.secret.take(),
            self.scope.take(),
            self.context.take(),
        )
        else {
            return Err(all_of(invalid).into());
        };
        let wrong_hash = (secret.0.commitment() != wallet_hash).then(|| {
            let rule = "must be the commitment of secret: Poseidon1(secret)";
            InvalidField::new("walletHash", rule)
        });
        let entry_id = match (wrong_hash, parse_token_id(&token_id)) {
            (None, Ok(entry_id)) => entry_id,
            (hash, token) => return Err(all_of(hash.into_iter().chain(token.err())).into()),
        };
        self.statement.get_or_insert_with(|| "ownership".to_owned());
        self.public = Some(RequestPublicInputs {
            root: Some(leaf.root),
            scope,
            claim: Claim::of_track(track_id),
            context,
        });
        self.private = Some(PrivateInputs {
            secret,
            entry_id,
            attributes: Attributes::of_track(track_id),
            index: Some(leaf.index),
            path: Some(leaf.path),
            reputation: None,
            address: None,
        });
        Ok(Form::Contract)
    }
}

fn missing_field(field: &str) -> InvalidField {
    if field == "secret" {
        let rule = "is missing: a proof of ownership needs the secret that walletHash is the hash of";
        return InvalidField::new(field, rule);
    }
    InvalidField::missing(field)
}

/// Parses an entry id, or computes the entry id of a mint.
fn parse_token_id(token: &str) -> Result<EntryId, InvalidField> {
    if token.starts_with("0x") {
        return EntryId::from_hex(token).map_err(|error| InvalidField::new("tokenId", error.to_string()));
    }
    parse_address(token).map(|mint| EntryId::of_mint(&mint)).ok_or_else(|| {
        let rule = "must be the address of a mint (32 bytes in base58) or an entry id (0x and 64 hexadecimal digits)";
        InvalidField::new("tokenId", rule)
    })
}
