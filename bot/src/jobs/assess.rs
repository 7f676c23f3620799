//! After the test: the policy on the measured result, who must agree, and the sealed packet that people vote on.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    approval::{Case, Requirement, matrix},
    catalog::Catalog,
    change::{
        command::Command,
        effect::Effect,
        slots::Slot,
        state::{Assessment, Change, State},
    },
    engine::{
        Engine,
        jobs::{Handler, JobError, report},
    },
    evidence::{
        dsse::Envelope,
        packet::{Contents, EarlierRun, Packet, Sample, Tested},
    },
    ledger::key::SigningKey,
    policy::{
        Answer, Asked, BudgetFacts, Decision, Measured, Phase, Request, Rulebook, change::is_of_policy,
    },
    store::{self, calls::CallStore, queue::Job, shadow::Run},
    usage::price::book::PriceBook,
    values::{Digest, Hop},
};

use super::{
    policy_change,
    spend::{spend, spent_by_cost_center},
    subject::Subject,
};

/// Asks all ten controls, finds the people, seals the packet, and sends the answer through the door.
pub struct Assess {
    engine: Engine,
    calls: CallStore,
    prices: Arc<PriceBook>,
    key: Arc<SigningKey>,
}

impl Assess {
    /// Assessment for this engine's changes: `prices` are the lists (the catalog's own go before them), `key` signs packets.
    #[must_use]
    pub fn new(engine: Engine, calls: CallStore, prices: Arc<PriceBook>, key: Arc<SigningKey>) -> Self {
        Self {
            engine,
            calls,
            prices,
            key,
        }
    }
}

#[async_trait]
impl Handler for Assess {
    fn kinds(&self) -> &'static [&'static str] {
        &["assess"]
    }

    async fn run(&self, job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        let Effect::Assess { revision } = serde_json::from_str(&job.payload).map_err(JobError::permanent)?
        else {
            return Err(JobError::permanent("not an assessment"));
        };
        let subject = Subject::load(&self.engine, job).await?;
        if subject.change.state != State::PolicyCheck || subject.change.revision != revision {
            return Ok(());
        }
        let command = match is_of_policy(&subject.change) {
            true => policy_change::assess(&self.engine, &subject, &self.key).await?,
            false => self.assess(&subject).await?,
        };
        report(&self.engine, job, subject.change.number, command).await
    }
}

impl Assess {
    async fn assess(&self, subject: &Subject) -> Result<Command, JobError> {
        let change = &subject.change;
        let workflow = subject.workflow()?;
        let test = self.test(change).await?;
        let request = self.request(subject, test.as_ref()).await?;
        let decision = Rulebook::new(&subject.catalog).decide(&request);
        let tier = workflow.risk;
        let people = self.people(&subject.catalog).await?;
        let case = Case {
            requester: &change.requester,
            co_authors: &change.co_authors,
            now: subject.now,
        };
        // Owner and editors are those of today, like everybody else who is asked.
        let entry = people.workflow(change.workflow.as_str()).unwrap_or(workflow);
        let who = matrix(&people, entry, tier, &case);
        let slots = who.as_deref().unwrap_or_default();
        let packet = Packet::of(Contents {
            change,
            request: &request,
            decision: &decision,
            tier: tier.as_str(),
            test,
            slots,
            earlier_runs: self.earlier(change).await?,
            supporting: self.engine.supporting(change.number).await?,
            sealed_at: subject.now,
        });
        let digest = self.seal(change, &packet).await?;
        let assessment = self.keep(subject, &decision).await?;
        Ok(match (decision.decision, &who) {
            (Answer::Deny, _) => Command::Deny {
                assessment,
                packet: digest,
                why: decision.sentence(),
            },
            (Answer::Permit, Err(unfillable)) => Command::Deny {
                assessment,
                packet: digest,
                why: unfillable.to_string(),
            },
            (Answer::Permit, Ok(who)) => Command::Permit {
                assessment,
                packet: digest,
                slots: who
                    .iter()
                    .map(|slot| open_slot(slot, &packet, &subject.catalog))
                    .collect(),
                deadline_at: subject.now + TimeDelta::hours(subject.catalog.approval.deadline_hours),
            },
        })
    }

    /// The finished test of this revision; none where the policy waived it.
    async fn test(&self, change: &Change) -> Result<Option<Tested>, JobError> {
        let Some(test) = change.test.as_ref().filter(|test| test.verdict.is_some()) else {
            return Ok(None);
        };
        let run = store::shadow::by_id(self.engine.db(), &test.run).await?;
        let run = run.ok_or_else(|| JobError::permanent(format!("shadow run {} is not there", test.run)))?;
        tested(run).map(Some)
    }

    async fn request(&self, subject: &Subject, test: Option<&Tested>) -> Result<Request, JobError> {
        let (change, catalog, workflow) = (&subject.change, &subject.catalog, subject.workflow()?);
        let zone = catalog.company.time_zone;
        let spend = spend(&self.calls, workflow.id.as_str(), zone, subject.now).await?;
        let budget = catalog
            .budgets
            .iter()
            .find(|budget| budget.workflow.as_ref() == Some(&workflow.id));
        let asked = Asked {
            budget: budget.map(|budget| BudgetFacts {
                limit: budget.monthly_usd,
                spent: spend.this_month,
            }),
            cost_center_budget: self.cost_center_budget(subject).await?,
            monthly_now: spend.a_month,
            claims_savings: change.claims_savings,
            measured: test.map(|test| Measured {
                report: test.report.clone(),
                on: test.finished_at.with_timezone(&zone).date_naive(),
            }),
            list_input: self.list_input(subject),
        };
        Ok(Request::new(catalog, workflow, &change.candidate, (Phase::Full, subject.today)).with(asked))
    }

    /// The budget of the workflow's cost centre, where the policy asks for it and there is one.
    async fn cost_center_budget(&self, subject: &Subject) -> Result<Option<BudgetFacts>, JobError> {
        let (catalog, center) = (&subject.catalog, &subject.workflow()?.cost_center);
        let mut budgets = catalog.budgets.iter();
        let budget = budgets.find(|budget| budget.cost_center.as_ref() == Some(center));
        let Some(budget) = budget.filter(|_| catalog.policy.cost_center_budgets) else {
            return Ok(None);
        };
        let spent = spent_by_cost_center(&self.calls, catalog, center, subject.now).await?;
        Ok(Some(BudgetFacts {
            limit: budget.monthly_usd,
            spent,
        }))
    }

    /// The candidate's list price of input divided by today's, where both are known.
    fn list_input(&self, subject: &Subject) -> Option<f64> {
        let mut book = PriceBook::clone(&self.prices);
        book.add_overrides(&subject.catalog.prices);
        let price = |hop: &Hop| {
            let prices = book.in_force(&hop.provider, &hop.model, subject.now)?;
            prices.entry.price("input_cost_per_token")
        };
        let (now, then) = (
            price(&subject.change.baseline.primary)?,
            price(&subject.change.candidate.primary)?,
        );
        then.checked_div(now)?.to_string().parse().ok()
    }

    /// Who may decide is asked of the catalog as it stands now; who must, of the one at submit.
    async fn people(&self, kept: &Catalog) -> Result<Catalog, JobError> {
        let (_, now) = self.engine.catalog().await?;
        Ok(Catalog {
            approval: kept.approval.clone(),
            ..Catalog::clone(&now)
        })
    }

    async fn earlier(&self, change: &Change) -> Result<Vec<EarlierRun>, JobError> {
        let current = change.test.as_ref().map(|test| &test.run);
        let runs = store::shadow::of_change(self.engine.db(), &change.id).await?;
        let earlier = runs.into_iter().filter(|run| Some(&run.id) != current);
        Ok(earlier.map(EarlierRun::from).collect())
    }

    async fn seal(&self, change: &Change, packet: &Packet) -> Result<Digest, JobError> {
        let statement = packet.statement().map_err(JobError::permanent)?;
        let envelope = Envelope::seal(statement.to_payload().map_err(JobError::permanent)?, &self.key);
        let at = packet.sealed_at.timestamp_millis();
        Ok(store::packets::insert(self.engine.db(), &change.id, change.revision, &envelope, at).await?)
    }

    async fn keep(&self, subject: &Subject, decision: &Decision) -> Result<Assessment, JobError> {
        let (change, at) = (&subject.change, subject.now.timestamp_millis());
        Ok(Assessment {
            tier: subject.workflow()?.risk,
            decision: store::decisions::insert(self.engine.db(), &change.id, decision, at).await?,
            controls: decision.determining.clone(),
        })
    }
}

fn open_slot(slot: &Requirement, packet: &Packet, catalog: &Catalog) -> Slot {
    Slot {
        role: slot.role,
        group: slot.group.clone(),
        needed: slot.needed,
        eligible: slot.eligible.clone(),
        escalation: slot.escalation.clone(),
        escalated: false,
        inputs: packet.inputs(slot.role),
        keep_votes: catalog.policy.keep_votes.contains(&slot.role),
        votes: Vec::new(),
        recused: std::collections::BTreeSet::new(),
    }
}

fn tested(run: Run) -> Result<Tested, JobError> {
    let missing = || JobError::permanent(format!("shadow run {} has no report", run.id));
    let report = run.report.as_deref().ok_or_else(missing)?;
    let finished = run
        .finished_at
        .and_then(chrono::DateTime::from_timestamp_millis)
        .ok_or_else(missing)?;
    Ok(Tested {
        report: serde_json::from_str(report).map_err(JobError::permanent)?,
        report_sha256: run.report_sha256.ok_or_else(missing)?,
        finished_at: finished,
        sample: Sample::of(
            &run.plan.seed_hex,
            run.sample.iter().map(|drawn| drawn.trace_id.as_str()),
        ),
        plan_sha256: run.plan_sha256,
        plan: run.plan,
        spent_usd: run.spent_usd,
        run: run.id,
    })
}
