//! The rule that makes a verdict of the endpoints: every gate must be passed; blame needs more than a bad mean.

use super::plan::{Mode, Plan};
use super::report::{Endpoint, Outcome, Report, Verdict};
use super::words;
use crate::shadow::statistics::multiplicity::holm;

/// Fills `mcnemar_holm`: McNemar's p of overall quality and of every material stratum, adjusted together, so
/// that twenty strata do not raise a false alarm a week.
pub(super) fn adjust_blame(plan: &Plan, endpoints: &mut [Endpoint]) {
    let mut family: Vec<&mut Endpoint> = endpoints
        .iter_mut()
        .filter(|e| is_quality_gate(plan, e))
        .collect();
    let p: Vec<f64> = family.iter().map(|e| e.mcnemar_exact.unwrap_or(1.0)).collect();
    for (endpoint, adjusted) in family.iter_mut().zip(holm(&p)) {
        endpoint.mcnemar_holm = Some(adjusted);
    }
}

/// Decides the report's verdict, with the reasons and notes that go with it.
pub(super) fn decide(plan: &Plan, report: &mut Report) {
    let gates = gates(plan, report);
    report.verdict = if gates.iter().all(|gate| gate.outcome == Outcome::NonInferior) {
        Verdict::Eligible
    } else if gates
        .iter()
        .any(|gate| gate.blamed || gate.outcome == Outcome::Inferior)
    {
        Verdict::NotEligible
    } else {
        Verdict::Inconclusive
    };
    let open = gates
        .into_iter()
        .filter(|gate| gate.outcome != Outcome::NonInferior);
    report.reasons = open.map(|gate| format!("{}: {}", gate.what, gate.why)).collect();
    report.notes = words::notes(plan, report);
}

/// One condition of eligibility.
struct Gate {
    what: String,
    outcome: Outcome,
    /// Clearly worse by itself, so that "cannot be told yet" would be too kind.
    blamed: bool,
    why: String,
}

fn gates(plan: &Plan, report: &Report) -> Vec<Gate> {
    let mut gates: Vec<Gate> = report
        .endpoints
        .iter()
        .filter(|e| is_quality_gate(plan, e) || e.endpoint != "quality" && e.margin.is_some())
        .map(|e| of_endpoint(plan, e))
        .collect();
    gates.extend(unmeasured(plan, report));
    if plan.claims_savings {
        let outcome = report
            .cost
            .as_ref()
            .map_or(Outcome::Inconclusive, |cost| cost.outcome);
        gates.push(plain("cost", outcome, words::cost(report.cost.as_ref())));
    }
    if let Some(latency) = &report.latency {
        let outcome = latency
            .p95_ratio
            .map_or(Outcome::Inconclusive, |ratio| ratio.outcome);
        gates.push(plain("latency", outcome, words::latency(latency)));
    }
    gates
}

/// `quality` over all traces and of material strata.
fn is_quality_gate(plan: &Plan, endpoint: &Endpoint) -> bool {
    endpoint.endpoint == "quality"
        && endpoint
            .stratum
            .as_deref()
            .is_none_or(|name| plan.is_material(name))
}

fn of_endpoint(plan: &Plan, endpoint: &Endpoint) -> Gate {
    let outcome = endpoint.outcome.unwrap_or(Outcome::Inconclusive);
    // A p-value of a fixed sample means nothing where one stops at will.
    let exempt = plan.mode == Mode::Sequential && endpoint.stratum.is_none();
    let blamed = outcome != Outcome::NonInferior
        && endpoint.estimate < 0.0
        && !exempt
        && endpoint.mcnemar_holm.is_some_and(|p| p <= 2.0 * plan.alpha);
    Gate {
        what: words::name(endpoint),
        outcome,
        blamed,
        why: words::endpoint(endpoint, blamed),
    }
}

/// What the plan sets a margin for and no trace has on both arms: a test that was not made is not passed.
fn unmeasured(plan: &Plan, report: &Report) -> Vec<Gate> {
    let measured = |name: &str| report.endpoints.iter().any(|e| e.endpoint == name);
    let named = plan
        .margins
        .checks
        .keys()
        .map(|name| (name.as_str(), words::UNMEASURED));
    std::iter::once(("quality", words::NO_PAIRS))
        .chain(named)
        .filter(|(name, _)| !measured(name))
        .map(|(name, why)| plain(name, Outcome::Inconclusive, why.to_owned()))
        .collect()
}

fn plain(what: &str, outcome: Outcome, why: String) -> Gate {
    Gate {
        what: what.to_owned(),
        outcome,
        blamed: false,
        why,
    }
}
