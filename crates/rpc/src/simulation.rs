//! Simulates transactions, and reads the fees that recent transactions paid.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;
use serde_json::{Value, json};
use solana_address::Address;
use solana_transaction::versioned::VersionedTransaction;

use crate::{CommitmentLevel, ExecutionError, Rpc, RpcError, client::WithContext, instruction_data, send};

const METHOD: &str = "simulateTransaction";
/// The largest number of characters of the data of all instructions that a simulation invoked.
/// Decoding them takes less than a second.
const MAX_DATA_CHARACTERS: usize = 200_000;

/// What a transaction would have done at the newest block of a commitment level.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The transaction's error. `None` if it would have succeeded.
    pub error: Option<ExecutionError>,
    /// The compute units that the transaction consumed.
    pub compute_units: Option<u64>,
    /// The data that the last program returned, and this program.
    pub return_data: Option<(Address, Vec<u8>)>,
}

/// What a transaction that calls programs would have done.
#[derive(Clone, Debug)]
pub struct CallSimulation {
    /// The outcome.
    pub simulation: Simulation,
    /// The lamports that the requested account would have afterwards. `None` if the transaction
    /// fails.
    pub lamports: Option<u64>,
    /// The instructions that programs invoked, in the order of their execution. Incomplete if the
    /// transaction fails.
    pub invoked: Vec<InvokedInstruction>,
}

/// An instruction that a program invoked in a simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvokedInstruction {
    /// The program that was invoked.
    pub program: Address,
    /// The instruction's data. `None` if the node shows its meaning instead, as it does for programs
    /// of the cluster.
    pub data: Option<Vec<u8>>,
}

impl Rpc {
    /// Simulates a transaction. The node doesn't check the signatures, and uses a recent blockhash
    /// instead of the transaction's.
    pub async fn simulate(
        &self,
        transaction: &VersionedTransaction,
        level: CommitmentLevel,
    ) -> Result<Simulation, RpcError> {
        self.simulate_with(transaction, options(level))
            .await?
            .simulation()
    }

    /// Simulates a transaction like [`Self::simulate`]. Also returns the lamports that an account
    /// of the transaction would have afterwards, and the instructions that programs invoked. Fails
    /// if the transaction would succeed, but the node did not record these instructions.
    pub async fn simulate_call(
        &self,
        transaction: &VersionedTransaction,
        account: &Address,
        level: CommitmentLevel,
    ) -> Result<CallSimulation, RpcError> {
        let mut options = options(level);
        options["accounts"] = json!({ "encoding": "base64", "addresses": [account.to_string()] });
        options["innerInstructions"] = true.into();
        self.simulate_with(transaction, options).await?.call()
    }

    async fn simulate_with(
        &self,
        transaction: &VersionedTransaction,
        options: Value,
    ) -> Result<SimulationJson, RpcError> {
        let encoded = BASE64.encode(send::serialize(transaction)?);
        let response: WithContext<SimulationJson> = self.call(METHOD, &json!([encoded, options])).await?;
        Ok(response.value)
    }

    /// Returns the lowest price of each recent block, in micro-lamports for each compute unit.
    pub async fn recent_prices(&self) -> Result<Vec<u64>, RpcError> {
        let fees: Vec<FeeJson> = self.call("getRecentPrioritizationFees", &json!([])).await?;
        Ok(fees.into_iter().map(|fee| fee.prioritization_fee).collect())
    }
}

fn options(level: CommitmentLevel) -> Value {
    json!({ "encoding": "base64", "commitment": level, "sigVerify": false, "replaceRecentBlockhash": true })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SimulationJson {
    err: Option<ExecutionError>,
    /// The requested accounts after the transaction. A node omits them if there are none.
    accounts: Option<Vec<Option<LamportsJson>>>,
    /// The instructions that programs invoked, by the instruction of the transaction.
    inner_instructions: Option<Vec<InvokedJson>>,
    units_consumed: Option<u64>,
    return_data: Option<ReturnDataJson>,
}

impl SimulationJson {
    fn simulation(self) -> Result<Simulation, RpcError> {
        let return_data = self.return_data.map(|data| {
            let program = data
                .program_id
                .parse()
                .map_err(RpcError::invalid_response(METHOD))?;
            let bytes = BASE64
                .decode(&data.data.0)
                .map_err(RpcError::invalid_response(METHOD))?;
            Ok((program, bytes))
        });
        Ok(Simulation {
            error: self.err,
            compute_units: self.units_consumed,
            return_data: return_data.transpose()?,
        })
    }

    fn call(mut self) -> Result<CallSimulation, RpcError> {
        let groups = self.inner_instructions.take();
        if groups.is_none() && self.err.is_none() {
            let reason = "the inner instructions are missing";
            return Err(RpcError::invalid_response(METHOD)(reason));
        }
        let all = groups.into_iter().flatten().flat_map(|group| group.instructions);
        let all: Vec<InstructionJson> = all.collect();
        let characters = |instruction: &InstructionJson| instruction.data.as_ref().map_or(0, String::len);
        let total: usize = all.iter().map(characters).sum();
        if total > MAX_DATA_CHARACTERS {
            let reason = format!(
                "the data of the invoked instructions has {total} characters: the limit is {MAX_DATA_CHARACTERS}"
            );
            return Err(RpcError::invalid_response(METHOD)(reason));
        }
        let invoked = all
            .into_iter()
            .map(InstructionJson::parse)
            .collect::<Result<_, _>>()?;
        let accounts = self.accounts.take().unwrap_or_default();
        let lamports = accounts.into_iter().flatten().next();
        Ok(CallSimulation {
            simulation: self.simulation()?,
            lamports: lamports.map(|account| account.lamports),
            invoked,
        })
    }
}

#[derive(Deserialize)]
struct InvokedJson {
    instructions: Vec<InstructionJson>,
}

/// An instruction with the addresses of its accounts. The node replaces the data of programs that it
/// knows by its meaning.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InstructionJson {
    program_id: String,
    data: Option<String>,
}

impl InstructionJson {
    fn parse(self) -> Result<InvokedInstruction, RpcError> {
        let data = self.data.map(|data| instruction_data::decode(&data));
        Ok(InvokedInstruction {
            program: self
                .program_id
                .parse()
                .map_err(RpcError::invalid_response(METHOD))?,
            data: data.transpose().map_err(RpcError::invalid_response(METHOD))?,
        })
    }
}

#[derive(Deserialize)]
struct LamportsJson {
    lamports: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReturnDataJson {
    program_id: String,
    /// The encoded bytes and the name of the encoding.
    data: (String, String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FeeJson {
    prioritization_fee: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(json: Value) -> Result<CallSimulation, RpcError> {
        serde_json::from_value::<SimulationJson>(json).unwrap().call()
    }

    #[test]
    fn invoked_instructions_that_were_not_recorded_are_not_none() {
        assert!(call(json!({ "err": null })).is_err());
        assert!(call(json!({ "err": null, "innerInstructions": null })).is_err());
        let none = call(json!({ "err": null, "innerInstructions": [] }));
        assert!(none.unwrap().invoked.is_empty());
        // A transaction that fails before its first instruction has none.
        assert!(call(json!({ "err": "AccountNotFound" })).is_ok());
    }

    #[test]
    fn invoked_instructions_are_read_with_their_data_or_without_it() {
        let program = Address::new_unique();
        let found = call(json!({ "err": null, "innerInstructions": [
            { "index": 2, "instructions": [
                { "programId": program.to_string(), "accounts": [], "data": "2j", "stackHeight": 2 },
                { "programId": Address::default().to_string(), "program": "system", "parsed": {}, "stackHeight": 3 },
            ] },
            { "index": 3, "instructions": [{ "programId": program.to_string(), "accounts": [], "data": "" }] },
        ] }));
        let invoked = |program, data: Option<&[u8]>| InvokedInstruction {
            program,
            data: data.map(<[u8]>::to_vec),
        };
        assert_eq!(
            found.unwrap().invoked,
            [
                invoked(program, Some(&bs58::decode("2j").into_vec().unwrap())),
                invoked(Address::default(), None),
                invoked(program, Some(&[])),
            ]
        );
        let invalid = json!({ "programId": program.to_string(), "data": "0" });
        assert!(call(json!({ "innerInstructions": [{ "instructions": [invalid] }] })).is_err());
        let long = json!({ "programId": program.to_string(), "data": "2".repeat(13_000) });
        let simulated =
            |count| call(json!({ "innerInstructions": [{ "instructions": vec![long.clone(); count] }] }));
        assert!(simulated(1).is_ok());
        let error = simulated(16).unwrap_err().to_string();
        assert!(error.contains("208000 characters"), "{error}");
    }
}
