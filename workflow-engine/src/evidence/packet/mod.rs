//! What an evidence packet holds: everything that approvers decide on, in one document whose digest they vote for.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    counters::{Counter, counters},
    dsse::Envelope,
    sentences,
    statement::Statement,
    supporting::Supporting,
};
use crate::{
    change::state::Change,
    policy::{Decision, Governance, Request, concerns},
    shadow::{analysis::report::Report, plan::ShadowPlan},
    values::{ChangeId, ChangeNumber, Digest, PersonId, Revision, Role, Route, RunId, Usd, WorkflowId},
};

/// The predicate of a packet. Cards, pages and auditors read it; nothing in it is computed anew later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Packet {
    /// What would happen, in one sentence.
    pub what: String,
    /// What the evidence says, in one or two.
    pub evidence: String,
    /// When it was sealed.
    pub sealed_at: DateTime<Utc>,
    /// What is asked for, and by whom.
    pub change: Summary,
    /// Before and after.
    pub routes: Routes,
    /// The shadow test; none where the policy needed none.
    pub test: Option<Tested>,
    /// What the policy said, and why.
    pub policy: Decision,
    /// The governance controls that this packet is evidence for.
    pub controls: Vec<ControlRef>,
    /// What it costs a month, as far as that is known.
    pub cost: Option<Monthly>,
    /// Who must agree, and what each should look at.
    pub slots: Vec<Asked>,
    /// Earlier runs of the same change, oldest first: nobody repeats a test until it passes unseen.
    pub earlier_runs: Vec<EarlierRun>,
    /// What must not happen even once, and how often it did.
    #[serde(default)]
    pub counters: Vec<Counter>,
    /// Results of other tools that people attached before it was sealed; they decide nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supporting: Vec<Supporting>,
    /// What an approver should know before trusting the figures.
    pub warnings: Vec<String>,
}

/// A change as a packet names it: opaque ids, and a commitment instead of the requester's words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its id.
    pub id: ChangeId,
    /// What people call it.
    pub number: ChangeNumber,
    /// The edition that this packet is about.
    pub revision: Revision,
    /// The workflow.
    pub workflow: WorkflowId,
    /// Its data class at submit.
    pub data_class: Option<String>,
    /// How risky the change is.
    pub tier: String,
    /// Who filed it.
    pub requester: PersonId,
    /// Who wrote it with them.
    pub co_authors: Vec<PersonId>,
    /// Whether it is filed to save money.
    pub claims_savings: bool,
    /// HMAC-SHA256 of the reason under a salt that can be erased.
    pub reason_commitment: Option<Digest>,
    /// The ended change that it takes up again.
    pub cites: Option<ChangeNumber>,
    /// When it was filed.
    pub filed_at: DateTime<Utc>,
}

/// The routes before and after, with the digests that apply and verify compare.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Routes {
    /// What serves the workflow today.
    pub baseline: Route,
    /// Its digest.
    pub baseline_sha256: Digest,
    /// What is proposed.
    pub candidate: Route,
    /// Its digest.
    pub candidate_sha256: Digest,
}

/// The shadow test: plan, sample, results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// The run.
    pub run: RunId,
    /// SHA-256 of the plan; in the ledger before the first prompt was sent.
    pub plan_sha256: Digest,
    /// The plan as it was frozen.
    pub plan: ShadowPlan,
    /// Which calls were replayed.
    pub sample: Sample,
    /// SHA-256 of the report.
    pub report_sha256: Digest,
    /// What was found.
    pub report: Report,
    /// What the replays cost.
    pub spent_usd: Usd,
    /// When the last answer was judged.
    pub finished_at: DateTime<Utc>,
}

/// The sample: whoever has the trace ids draws it again with the seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Key of the draw, hexadecimal.
    pub seed_hex: String,
    /// How many calls were drawn.
    pub traces: u64,
    /// SHA-256 of the sorted trace ids as a JSON list.
    pub sha256: Digest,
}

impl Sample {
    /// The sample of these traces.
    #[must_use]
    pub fn of<'a>(seed_hex: &str, traces: impl IntoIterator<Item = &'a str>) -> Self {
        let mut ids: Vec<&str> = traces.into_iter().collect();
        ids.sort_unstable();
        Self {
            seed_hex: seed_hex.to_owned(),
            traces: ids.len() as u64,
            // A list of text always has a canonical form.
            sha256: Digest::of_json(&ids).unwrap_or_else(|_| Digest::of(&[])),
        }
    }
}

/// A governance control with the frameworks it answers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlRef {
    /// `GOV-CHG-01` to `GOV-AGT-12`.
    pub id: String,
    /// What it asks.
    pub what: String,
    /// Framework references.
    pub refs: Vec<String>,
}

/// Cost a month: what was spent, times the measured ratio. The saving that may be claimed is the least one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Monthly {
    /// On today's route, as recorded.
    pub now: Usd,
    /// On the candidate.
    pub then: Usd,
    /// Its limits.
    pub then_range: Option<[Usd; 2]>,
    /// What is saved; negative where it costs more.
    pub saving: Usd,
    /// What is saved at least; none where the limits are not known.
    pub saving_at_least: Option<Usd>,
    /// The candidate's list price of input divided by today's.
    pub list_input_ratio: Option<f64>,
}

/// A slot as the packet asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Whose agreement.
    pub role: Role,
    /// The group behind it.
    pub group: String,
    /// How many different people.
    pub needed: u32,
    /// Who may fill it at the moment of sealing.
    pub eligible: Vec<PersonId>,
    /// Who may fill it after escalation.
    pub escalation: Vec<PersonId>,
    /// What they should look at.
    pub concerns: Vec<String>,
}

/// A run that came before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlierRun {
    /// Its id.
    pub run: RunId,
    /// SHA-256 of its plan.
    pub plan_sha256: Digest,
    /// Its verdict, if it came to one.
    pub verdict: Option<String>,
}

/// What a packet is made of.
#[derive(Clone, Debug)]
pub struct Contents<'a> {
    /// The change.
    pub change: &'a Change,
    /// What the policy was asked.
    pub request: &'a Request,
    /// What it said.
    pub decision: &'a Decision,
    /// How risky the change is.
    pub tier: &'a str,
    /// The shadow test.
    pub test: Option<Tested>,
    /// Who must agree.
    pub slots: &'a [crate::approval::Requirement],
    /// Runs that came before.
    pub earlier_runs: Vec<EarlierRun>,
    /// What people attached.
    pub supporting: Vec<Supporting>,
    /// The moment of sealing.
    pub sealed_at: DateTime<Utc>,
}

impl Packet {
    /// Puts a packet together.
    #[must_use]
    pub fn of(contents: Contents<'_>) -> Self {
        let Contents {
            change,
            request,
            decision,
            ..
        } = contents;
        let monthly = request.monthly_now;
        let words = &request.workflow.words;
        let evidence = match &contents.test {
            Some(test) => sentences::evidence(&test.report, words, monthly),
            None => "No shadow test was made: the policy needs none here.".to_owned(),
        };
        Self {
            what: sentences::what(&change.baseline, &change.candidate),
            evidence,
            sealed_at: contents.sealed_at,
            change: summary(change, request, contents.tier),
            routes: Routes {
                baseline: change.baseline.clone(),
                baseline_sha256: change.baseline.digest(),
                candidate: change.candidate.clone(),
                candidate_sha256: change.candidate.digest(),
            },
            policy: decision.clone(),
            controls: controls(decision),
            cost: monthly.and_then(|now| self::monthly(now, request)),
            slots: contents
                .slots
                .iter()
                .map(|slot| asked(slot, request, &change.baseline))
                .collect(),
            earlier_runs: contents.earlier_runs,
            supporting: contents.supporting,
            counters: contents
                .test
                .as_ref()
                .map(|test| counters(&test.report))
                .unwrap_or_default(),
            warnings: contents.test.as_ref().map(warnings).unwrap_or_default(),
            test: contents.test,
        }
    }

    /// The statement to sign: `change/142/revision/2`.
    ///
    /// # Errors
    /// When a figure in it is no number, which no report has.
    pub fn statement(&self) -> Result<Statement, serde_json::Error> {
        let name = format!(
            "change/{}/revision/{}",
            self.change.number.0, self.change.revision.0
        );
        Ok(Statement::new(name, serde_json::to_value(self)?))
    }

    /// The packet of digest `packet` in an envelope's JSON. Signature and ledger are checked by [`super::verify`], not here.
    #[must_use]
    pub fn sealed_in(envelope: &[u8], packet: Digest) -> Option<Self> {
        let envelope = Envelope::parse(envelope).ok()?;
        let statement = Statement::from_payload(envelope.payload_of(packet)?).ok()?;
        Self::from_predicate(statement.predicate()).ok()
    }

    /// The packet that a statement holds.
    ///
    /// # Errors
    /// When the predicate has another shape.
    pub fn from_predicate(predicate: &Value) -> Result<Self, serde_json::Error> {
        Self::deserialize(predicate)
    }

    /// Digest of what `role` looks at: while it stays the same, the policy may keep that role's vote in a new revision.
    #[must_use]
    pub fn inputs(&self, role: Role) -> Digest {
        let route = &self.routes;
        let report = self.test.as_ref().map(|test| &test.report);
        let value = match role {
            Role::Platform => serde_json::json!([role, route, report.map(|report| &report.latency)]),
            Role::Security => {
                let outcomes: Vec<_> = self
                    .policy
                    .findings
                    .iter()
                    .map(|finding| (&finding.control, finding.outcome))
                    .collect();
                serde_json::json!([role, route, self.change.data_class, outcomes])
            }
            Role::Finance => serde_json::json!([role, route, self.cost, report.map(|report| &report.cost)]),
            Role::Owner | Role::BreakGlass => serde_json::json!([role, route, report]),
        };
        Digest::of_json(&value).unwrap_or_else(|_| Digest::of(self.what.as_bytes()))
    }
}

fn summary(change: &Change, request: &Request, tier: &str) -> Summary {
    Summary {
        id: change.id.clone(),
        number: change.number,
        revision: change.revision,
        workflow: change.workflow.clone(),
        data_class: request.workflow.class.as_ref().map(|class| class.id.clone()),
        tier: tier.to_owned(),
        requester: change.requester.clone(),
        co_authors: change.co_authors.iter().cloned().collect(),
        claims_savings: change.claims_savings,
        reason_commitment: change.reason.as_ref().map(|note| note.commitment),
        cites: change.cites,
        filed_at: change.filed_at,
    }
}

/// The controls that the decision gives evidence for.
fn controls(decision: &Decision) -> Vec<ControlRef> {
    let control = |control: &Governance| ControlRef {
        id: control.id.clone(),
        what: control.what.clone(),
        refs: control.refs.clone(),
    };
    let mut controls: Vec<_> = decision.cites.iter().map(control).collect();
    controls.sort_by(|a, b| a.id.cmp(&b.id));
    controls
}

fn monthly(now: Usd, request: &Request) -> Option<Monthly> {
    let cost = request.measured.as_ref()?.report.cost.as_ref()?;
    let (ratio, limits) = cost.of_a_month()?;
    let then = now.times(ratio)?;
    let range = limits.and_then(|limits| Some([now.times(limits.lower)?, now.times(limits.upper)?]));
    Some(Monthly {
        now,
        then,
        then_range: range,
        saving: now - then,
        saving_at_least: range.map(|[_, upper]| now - upper),
        list_input_ratio: request.list_input,
    })
}

fn asked(slot: &crate::approval::Requirement, request: &Request, baseline: &Route) -> Asked {
    Asked {
        role: slot.role,
        group: slot.group.clone(),
        needed: slot.needed,
        eligible: slot.eligible.iter().cloned().collect(),
        escalation: slot.escalation.iter().cloned().collect(),
        concerns: concerns(slot.role, request, baseline),
    }
}

/// The plan's warnings, then the report's notes but those on overall quality, which the evidence's sentences say already.
fn warnings(test: &Tested) -> Vec<String> {
    let mut warnings = test.plan.warnings();
    let notes = test.report.notes.iter();
    warnings.extend(notes.filter(|note| !note.starts_with("quality: ")).cloned());
    warnings
}

#[cfg(test)]
mod tests;
