//! Simulates transactions, and reads the fees that recent transactions paid.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;
use serde_json::{Value, json};
use solana_address::Address;
use solana_transaction::versioned::VersionedTransaction;

use crate::{CommitmentLevel, ExecutionError, Rpc, RpcError, client::WithContext, send};

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

impl Rpc {
    /// Simulates a transaction. The node doesn't check the signatures, and uses a recent blockhash
    /// instead of the transaction's.
    pub async fn simulate(
        &self,
        transaction: &VersionedTransaction,
        level: CommitmentLevel,
    ) -> Result<Simulation, RpcError> {
        self.simulate_with(transaction, options(level))
            .await
            .map(|(simulation, _)| simulation)
    }

    /// Simulates a transaction like [`Self::simulate`]. Also returns the lamports that an account
    /// of the transaction would have afterwards. `None` if the transaction fails.
    pub async fn simulate_balance(
        &self,
        transaction: &VersionedTransaction,
        account: &Address,
        level: CommitmentLevel,
    ) -> Result<(Simulation, Option<u64>), RpcError> {
        let mut options = options(level);
        options["accounts"] = json!({ "encoding": "base64", "addresses": [account.to_string()] });
        let (simulation, accounts) = self.simulate_with(transaction, options).await?;
        let lamports = accounts.into_iter().flatten().next();
        Ok((simulation, lamports.map(|account| account.lamports)))
    }

    async fn simulate_with(
        &self,
        transaction: &VersionedTransaction,
        options: Value,
    ) -> Result<(Simulation, Vec<Option<LamportsJson>>), RpcError> {
        const METHOD: &str = "simulateTransaction";
        let encoded = BASE64.encode(send::serialize(transaction)?);
        let response: WithContext<SimulationJson> = self.call(METHOD, &json!([encoded, options])).await?;
        let return_data = response.value.return_data.map(|data| {
            let program = data
                .program_id
                .parse()
                .map_err(RpcError::invalid_response(METHOD))?;
            let bytes = BASE64
                .decode(&data.data.0)
                .map_err(RpcError::invalid_response(METHOD))?;
            Ok((program, bytes))
        });
        let simulation = Simulation {
            error: response.value.err,
            compute_units: response.value.units_consumed,
            return_data: return_data.transpose()?,
        };
        Ok((simulation, response.value.accounts.unwrap_or_default()))
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
    units_consumed: Option<u64>,
    return_data: Option<ReturnDataJson>,
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
