//! The private inputs of the statements `reputation` and `address`.

use bauta_circuits::{
    Address, AnyInputs, CircuitsError, Ownership, Reputation, Statement,
    statements::{AddressInputs, NotRevoked, ReputationInputs},
};
use bauta_primitives::{
    FieldElement, ProofInputs, Root,
    statements::{
        Address as Contents, AddressClaim, Gap, Handle, InvalidValue, Pattern, Salt, Score, ScoreClaim,
        parse_pid,
    },
    tree::{Depth, MembershipPath, Siblings},
};
use bauta_service_common::{InvalidField, InvalidFields, at_most};
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    all_of,
    redacted::{Redacted, RevocationKey},
};

/// Largest number of levels of a path that is read. No tree is deeper than 16.
pub const MAX_LEVELS: usize = 32;

/// The contents of a leaf of format `score`, and what the proof shows of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreRequest {
    /// The score in millionths.
    #[schema(value_type = u32, minimum = 0, maximum = 1_048_575)]
    score: Redacted<u32>,
    /// What the score is about.
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    domain: FieldElement,
    /// The Unix time in seconds from which the score is valid.
    #[schema(value_type = u64, maximum = 1_099_511_627_775_u64)]
    issued_at: Redacted<u64>,
    /// The Unix time in seconds from which the score is no longer valid.
    #[schema(value_type = u64, maximum = 1_099_511_627_775_u64)]
    expires_at: Redacted<u64>,
    /// The salt of the leaf.
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    salt: Redacted<Salt>,
    /// Whether the proof shows the score itself and not a threshold.
    exact: bool,
    /// The score or the threshold that the proof shows, in millionths.
    #[schema(minimum = 0, maximum = 1_048_575)]
    shown: u32,
    /// The Unix time in seconds at which the score is valid. The proof shows it.
    #[schema(maximum = 1_099_511_627_775_u64)]
    as_of: u64,
}

/// The contents of a leaf of format `address`, and what the proof shows of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressRequest {
    /// The components of the address, divided by hyphens.
    #[schema(value_type = String, max_length = 127, pattern = "^[0-9A-Z]{1,15}(-[0-9A-Z]{1,15}){0,7}$")]
    pid: Redacted<Zeroizing<String>>,
    /// The identifier by which the address is revoked.
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{30}$")]
    handle: Redacted<Handle>,
    /// The number of the schema.
    #[schema(value_type = u32)]
    schema: Redacted<u32>,
    /// The last Unix time in seconds at which the address is valid.
    #[schema(value_type = u64, maximum = 1_099_511_627_775_u64)]
    valid_until: Redacted<u64>,
    /// What the proof shows: `membership`, `structure` or `prefix:n`.
    #[schema(pattern = "^(membership|structure|prefix:[0-8])$")]
    pattern: String,
    /// The number of components that the proof shows at least. By default that of the pattern.
    #[schema(minimum = 0, maximum = 8)]
    min_components: Option<u8>,
    /// The Unix time in seconds at which the address is valid. The proof shows it.
    #[schema(maximum = 1_099_511_627_775_u64)]
    as_of: u64,
    /// The element of the list of revocations that contains the handle.
    revocations: RevocationsRequest,
}

/// An element of the list of revocations, and its path.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevocationsRequest {
    /// The lower key.
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{30}$")]
    key: RevocationKey,
    /// The next key.
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{30}$")]
    next: RevocationKey,
    /// The root of the auxiliary registry.
    #[schema(value_type = String)]
    root: Root,
    /// The index of the element's leaf.
    index: u64,
    /// Three siblings for each of the ten levels, from the leaf upwards.
    #[serde(deserialize_with = "at_most::<_, _, MAX_LEVELS>")]
    #[schema(value_type = Vec<Vec<String>>)]
    path: Vec<Siblings>,
}

/// Adds the statement's own private inputs. Refuses those of another statement.
pub fn with_own_inputs(
    statement: &str,
    inputs: ProofInputs,
    score: Option<ScoreRequest>,
    address: Option<AddressRequest>,
) -> Result<AnyInputs, InvalidFields> {
    let claim = inputs.claim;
    let unexpected = [
        (
            "private.reputation",
            score.is_some() && statement != Reputation::NAME,
        ),
        ("private.address", address.is_some() && statement != Address::NAME),
    ];
    let mut unexpected = unexpected.into_iter().filter(|(_, is_unexpected)| *is_unexpected);
    if let Some((field, _)) = unexpected.next() {
        let rule = format!("must be absent in a request for the statement {statement}");
        return Err(InvalidField::new(field, rule).into());
    }
    match (statement, score, address) {
        (Ownership::NAME, ..) => Ok(inputs.into()),
        (Reputation::NAME, Some(score), _) => Ok(inputs.with(claim, score.check()?).into()),
        (Reputation::NAME, None, _) => Err(InvalidField::missing("private.reputation").into()),
        (Address::NAME, _, Some(address)) => Ok(inputs.with(claim, address.check()?).into()),
        (Address::NAME, _, None) => Err(InvalidField::missing("private.address").into()),
        _ => {
            let rule = "must be a statement whose inputs this service reads";
            Err(InvalidField::new("statement", rule).into())
        }
    }
}

impl ScoreRequest {
    fn check(self) -> Result<ReputationInputs, InvalidFields> {
        let score = Score::new(
            self.score.0,
            self.domain,
            self.issued_at.0,
            self.expires_at.0,
            self.salt.0,
        );
        Ok(ReputationInputs {
            score: score.map_err(|error| within("private.reputation", error))?,
            claim: ScoreClaim {
                exact: self.exact,
                shown: self.shown,
                domain: self.domain,
                as_of: self.as_of,
            },
        })
    }
}

impl AddressRequest {
    fn check(self) -> Result<AddressInputs, InvalidFields> {
        let field = |error| within("private.address", error);
        let components = parse_pid(&self.pid.0).map_err(|InvalidValue { rule, .. }| {
            let rule = format!("must have components, which {rule}");
            InvalidField::new("private.address.pid", rule)
        })?;
        let address =
            Contents::new(components, self.handle.0, self.schema.0, self.valid_until.0).map_err(field)?;
        let pattern = Pattern::parse(&self.pattern).map_err(field)?;
        let mut claim = AddressClaim::of(pattern, &address, self.as_of);
        claim.min_components = self.min_components.unwrap_or(claim.min_components);
        Ok(AddressInputs {
            address,
            claim,
            not_revoked: self.revocations.check()?,
        })
    }
}

impl RevocationsRequest {
    fn check(self) -> Result<NotRevoked, InvalidFields> {
        let index = Depth::Ten.check_index(self.index);
        let index =
            index.map_err(|error| InvalidField::new("private.address.revocations.index", error.to_string()));
        let path = MembershipPath::new(Depth::Ten, index?, self.path)
            .map_err(|error| InvalidField::new(REVOCATIONS_PATH, CircuitsError::from(error).to_string()))?;
        let gap = Gap::new(self.key.0, self.next.0);
        let gap = gap.map_err(|error| within("private.address.revocations", error))?;
        NotRevoked::new(gap, path, self.root)
            .map_err(|error| all_of([InvalidField::new(REVOCATIONS_PATH, error.to_string())]))
    }
}

const REVOCATIONS_PATH: &str = "private.address.revocations.path";

/// Returns the field of a request that an error of the statement belongs to.
pub fn field_of(statement: &str, error: &CircuitsError) -> String {
    match error {
        CircuitsError::WrongClaim { .. } => "public.claim".to_owned(),
        CircuitsError::WrongAttributes => "private.attributes".to_owned(),
        CircuitsError::Private(error) => match error.field {
            "gap" => "private.address.revocations".to_owned(),
            "prefix" => "private.address.pattern".to_owned(),
            field => format!("private.{statement}.{field}"),
        },
        CircuitsError::WrongAuxiliaryRoot => REVOCATIONS_PATH.to_owned(),
        _ => "private.path".to_owned(),
    }
}

fn within(object: &str, InvalidValue { field, rule }: InvalidValue) -> InvalidField {
    InvalidField::new(format!("{object}.{field}"), rule)
}

#[cfg(test)]
mod tests {
    use bauta_service_common::from_json;

    use super::*;

    #[test]
    fn an_error_about_a_number_of_a_leaf_does_not_repeat_it() {
        for wrong in ["\"750001\"", "750001.5", "-750001", "18750001000"] {
            let text = format!(r#"{{"score": {wrong}}}"#);
            let error = from_json::<ScoreRequest>(text.as_bytes()).err().unwrap();
            let error = error.to_string();
            assert!(!error.contains("75000"), "{error}");
            assert!(error.contains("whole number"), "{error}");
            let text = format!(r#"{{"schema": {wrong}}}"#);
            let error = from_json::<AddressRequest>(text.as_bytes()).err().unwrap();
            assert!(!error.to_string().contains("75000"), "{error}");
        }
        let right = Redacted::<u32>::deserialize(serde_json::json!(750_001));
        assert_eq!(right.unwrap().0, 750_001);
    }
}
