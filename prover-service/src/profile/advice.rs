//! What the figures advise.

use super::{Case, CircuitType};
use crate::{prover::Prover, time};

/// The slowest of a hundred proofs may take so many times the median before it is said.
const UNEVEN: f64 = 2.0;
/// Averages of two network sizes that differ by more are said to differ.
const DIFFERENT: f64 = 1.25;
/// A proof keeps at least one processor busy; with less than this part of one, it waited for others.
const STARVED: f64 = 0.7;

/// What the figures of an instance advise, each with the figures that it is drawn from.
pub fn of(cases: &[Case], prover: &Prover) -> Vec<String> {
    let mut advice = Vec::new();
    let slowest = |left: f64, right: &Case| left.max(right.p99_ms);
    let p99 = cases.iter().fold(0.0, slowest);
    advice.extend(capacity(cases, prover));
    advice.extend(threads(cases));
    advice.extend(sizes(cases));
    advice.extend(uneven(cases));
    advice.extend(starved(cases));
    let limit = time::fraction_of_milliseconds(prover.timeout());
    if p99 > limit / 2.0 {
        advice.push(format!(
            "PROOF_TIMEOUT_MS is {limit:.0}, and the slowest of a hundred took {p99:.1} ms without waiting: raise it."
        ));
    }
    advice
}

/// Whether some proofs take far longer than others, by the case where that is worst.
fn uneven(cases: &[Case]) -> Option<String> {
    let ratio = |case: &&Case| case.p99_ms / case.p50_ms;
    let case = cases
        .iter()
        .max_by(|left, right| ratio(left).total_cmp(&ratio(right)))?;
    (ratio(&case) > UNEVEN).then(|| {
        format!(
            "{} at {}: the slowest of a hundred took {:.1} ms, the median {:.1} ms: other work shares the processors; give the prover \
             processors of its own, or fewer MAX_CONCURRENT_PROOFS.",
            case.circuit_type.as_str(),
            case.network_size,
            case.p99_ms,
            case.p50_ms
        )
    })
}

/// Whether the process had to wait for a processor, by the case where that is worst.
fn starved(cases: &[Case]) -> Option<String> {
    let measured = cases.iter().filter_map(|case| Some((case, case.cpu_percent?)));
    let (case, percent) = measured.min_by(|(_, left), (_, right)| left.total_cmp(right))?;
    (percent < 100.0 * STARVED).then(|| {
        format!(
            "{} at {}: the process had {percent:.0} % of a processor while it proved: it waited for others; look at the machine's load.",
            case.circuit_type.as_str(),
            case.network_size
        )
    })
}

/// Proofs that this instance can make.
#[allow(clippy::cast_precision_loss, reason = "nobody has 2^53 threads")]
fn capacity(cases: &[Case], prover: &Prover) -> Option<String> {
    let case = cases
        .iter()
        .filter(|case| case.circuit_type == CircuitType::Default)
        .max_by(|left, right| left.avg_ms.total_cmp(&right.avg_ms))?;
    let threads = prover.threads();
    let per_second = 1e3 * threads as f64 / case.avg_ms;
    Some(format!(
        "{threads} threads at {:.1} ms a proof make about {per_second:.1} proofs a second: for more than {:.1} a second (70 %), start another \
         worker.",
        case.avg_ms,
        0.7 * per_second
    ))
}

/// One thread or all.
fn threads(cases: &[Case]) -> Option<String> {
    let average = |wanted: CircuitType| {
        let mut these = cases.iter().filter(|case| case.circuit_type == wanted);
        these.next().map(|case| case.avg_ms)
    };
    let (one, all) = (average(CircuitType::Default)?, average(CircuitType::Optimized)?);
    let gain = one / all;
    Some(if gain > 1.1 {
        format!(
            "A proof on all threads takes {all:.1} ms, on one {one:.1} ms ({gain:.1} times as long): where single answers matter more than their \
             number, run fewer proofs at a time (MAX_CONCURRENT_PROOFS=1)."
        )
    } else {
        format!(
            "A proof on all threads takes {all:.1} ms, on one {one:.1} ms: more threads for a proof gain nothing here; keep \
             MAX_CONCURRENT_PROOFS at the number of processors or more."
        )
    })
}

/// Whether the registry's size matters.
fn sizes(cases: &[Case]) -> Option<String> {
    let first = cases.first()?;
    let these = || {
        cases
            .iter()
            .filter(|case| case.circuit_type == first.circuit_type)
    };
    let smallest = these().min_by_key(|case| case.network_size)?;
    let largest = these().max_by_key(|case| case.network_size)?;
    if smallest.network_size == largest.network_size {
        return None;
    }
    let ratio = largest.p50_ms / smallest.p50_ms;
    let figures = format!(
        "{:.1} ms with {} members, {:.1} ms with {}",
        smallest.p50_ms, smallest.network_size, largest.p50_ms, largest.network_size
    );
    Some(if (1.0 / DIFFERENT..=DIFFERENT).contains(&ratio) {
        format!("The registry's size doesn't matter ({figures}): the circuit's depth alone does.")
    } else {
        format!(
            "The medians differ ({figures}), though the circuit is the same: the machine was not quiet; run it again with more iterations."
        )
    })
}
