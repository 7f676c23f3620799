//! Before the first prompt: the plan is made, kept, and announced to the ledger.

use std::collections::{BTreeMap, BTreeSet};

use super::{Halt, Tester, cost};
use crate::{
    catalog::{Catalog, PolicySettings, Testing, Workflow, shadow::Source},
    change::{command::Command, state::Change},
    engine::Request,
    ports::{
        calls::Window,
        model::{Completion, Usage},
    },
    shadow::{
        analysis::plan::Mode,
        features::{Look, Needs},
        freeze::Pool,
        mirror::{self, Seen},
        plan::{Latency, Limits, Redaction, Sampled, ShadowPlan, Terms, kinds_by, margins},
        recorded::CallHead,
        run::{Rest, total},
        strata::Pilot,
    },
    store::{self, shadow::Run},
    usage::price::PriceBook,
    values::{Actor, Hop, RunId, Usd},
};

impl Tester {
    /// The run of the change's edition, its plan frozen: the one that was begun, or a new one.
    pub(super) async fn prepared(
        &self,
        change: &Change,
        catalog: &Catalog,
        prices: &PriceBook,
    ) -> Result<Run, Halt> {
        if let Some(test) = &change.test {
            let run = store::shadow::by_id(self.engine.db(), &test.run).await?;
            if let Some(run) = run.filter(|run| run.revision == change.revision) {
                return Ok(run);
            }
        }
        let begun = store::shadow::of_change(self.engine.db(), &change.id).await?;
        let begun = begun
            .into_iter()
            .rev()
            .find(|run| run.revision == change.revision && run.finished_at.is_none());
        let run = match begun {
            Some(run) => run,
            None => self.begin(change, catalog, prices).await?,
        };
        // Under this key the plan is frozen once, however often we come by.
        self.engine
            .handle(Request {
                actor: Actor::Service("run_test".to_owned()),
                key: format!("plan:{}", run.id),
                change: change.number,
                command: Command::FreezePlan {
                    plan: run.plan_sha256,
                    run: run.id.clone(),
                },
                notes: Vec::new(),
                completes: None,
            })
            .await?;
        Ok(run)
    }

    async fn begin(&self, change: &Change, catalog: &Catalog, prices: &PriceBook) -> Result<Run, Halt> {
        let workflow = catalog.workflow(change.workflow.as_str()).ok_or_else(|| {
            Halt::Failed(format!(
                "The catalog has no workflow {} any more. Put it back or withdraw the request.",
                change.workflow
            ))
        })?;
        let arms = [&change.baseline.primary, &change.candidate.primary];
        if workflow.shadow.source == Source::Replay {
            self.must_be_askable(&arms, prices)?;
        }
        if let Some(card) = &workflow.shadow.judge {
            self.must_be_askable(&[&card.hop()], prices)?;
            self.may_judge(card, change, (catalog, workflow))?;
        }
        let terms = Terms {
            pilot: self.pilot(workflow).await?,
            ..self.terms(change, catalog, workflow)
        };
        let window = Window {
            workflow: change.workflow.clone(),
            from: terms.from,
            until: terms.until,
            kind_prefix: workflow.strata.tag_prefix.clone(),
        };
        let days = self.settings.window.num_days();
        let (plan, sample) = match terms.source {
            Source::Replay => {
                let heads = self.calls.heads(&window).await?;
                self.frozen(terms, &heads, &Needs::of(workflow)).await?
            }
            Source::Mirror => mirror_plan(terms, self.calls.seen(&window).await?),
        };
        if sample.is_empty() {
            return Err(Halt::Failed(nothing_to_replay(&plan, days)));
        }
        if let Err(error) = plan.analysis().check() {
            return Err(Halt::Failed(format!(
                "This plan cannot be judged: {error}. Mend the workflow's margins or strata in the catalog and file the change again."
            )));
        }
        let digest = plan
            .digest()
            .map_err(|error| Halt::Failed(format!("The plan has no digest: {error}.")))?;
        let run = Run {
            id: RunId(self.engine.clock().new_id().to_string()),
            change: change.id.clone(),
            revision: change.revision,
            plan_sha256: digest,
            total: total(&plan, &sample, Rest::AskToo),
            plan,
            sample,
            done: 0,
            spent_usd: Usd::ZERO,
            started_at: self.now_ms(),
            finished_at: None,
            report: None,
            report_sha256: None,
        };
        store::shadow::insert(self.engine.db(), &run).await?;
        Ok(run)
    }

    /// Reads what may be drawn, and freezes the plan.
    async fn frozen(
        &self,
        terms: Terms,
        heads: &[CallHead],
        needs: &Needs,
    ) -> Result<(ShadowPlan, Vec<Sampled>), Halt> {
        let pool = Pool::draw(&terms, heads);
        let mut looks = BTreeMap::new();
        for ids in pool.ids().chunks(256) {
            for call in self.calls.contents(ids).await? {
                looks.insert(call.trace_id.clone(), needs.look(&call));
            }
        }
        Ok(ShadowPlan::freeze(terms, pool, &looks))
    }

    /// Whoever will be asked: both routes' first hops, the judge. Found out before a plan is announced.
    fn must_be_askable(&self, hops: &[&Hop], prices: &PriceBook) -> Result<(), Halt> {
        for hop in hops {
            if !self.models.contains_key(&hop.provider) {
                return Err(Halt::Failed(format!(
                    "The governor has no access to {}, so {} cannot be asked. Set [models.\"{}\"] in governor.toml and file the change again.",
                    hop.provider, hop.model, hop.provider
                )));
            }
            if cost(prices, hop, &smallest(), self.engine.clock().now()).is_none() {
                return Err(Halt::Failed(format!(
                    "There is no price for {}/{}, so a spend cap could not hold. Add one under [[prices]] in the catalog and file the change again.",
                    hop.provider, hop.model
                )));
            }
        }
        Ok(())
    }

    /// What the workflow's newest finished test tells of its kinds.
    async fn pilot(&self, workflow: &Workflow) -> Result<Option<Pilot>, Halt> {
        let runs = store::shadow::of_workflow(self.engine.db(), &workflow.id, 1).await?;
        let Some((run, report)) = runs
            .first()
            .and_then(|run| Some((&run.id, run.report.as_deref()?)))
        else {
            return Ok(None);
        };
        let report = serde_json::from_str(report).map_err(store::error::StoreError::from)?;
        Ok(Pilot::of(run, &report))
    }

    fn terms(&self, change: &Change, catalog: &Catalog, workflow: &Workflow) -> Terms {
        let until = self.engine.clock().now();
        let mut seed = [0; 16];
        self.engine.clock().random(&mut seed);
        let own = &workflow.shadow;
        Terms {
            change: change.number,
            revision: change.revision,
            workflow: change.workflow.clone(),
            baseline: change.baseline.clone(),
            candidate: change.candidate.clone(),
            from: until - self.settings.window,
            until,
            kinds_by: kinds_by(workflow),
            immaterial: workflow.strata.immaterial.clone(),
            own_checks: own.checks.clone(),
            redaction: own.redact.then(|| Redaction {
                names: own.names.clone(),
            }),
            judge: own.judge.clone(),
            source: own.source,
            pilot: None,
            reuse_recorded: own.reuse_recorded,
            margins: margins(workflow),
            claims_savings: change.claims_savings,
            seed: self.settings.seed.unwrap_or(seed),
            limits: self.limits(&catalog.policy, own),
        }
    }

    /// Money and size by the policy, which a workflow may narrow.
    fn limits(&self, policy: &PolicySettings, own: &Testing) -> Limits {
        let budget = own.budget_usd.unwrap_or(policy.shadow_budget_usd);
        let pairs = own.max_pairs.unwrap_or(policy.shadow_max_pairs);
        Limits {
            traces: pairs.min(policy.shadow_max_pairs).into(),
            spend_cap_usd: budget.min(policy.shadow_budget_usd),
            concurrency: self.settings.concurrency,
            repeats: own.repeats.map_or(self.settings.repeats, u64::from),
            mode: if own.accept_early {
                Mode::Sequential
            } else {
                Mode::Fixed
            },
            latency: self.settings.latency.clone(),
        }
    }
}

/// Pairs that the gateway has made: kinds are told by rows alone, nothing is repeated, judged or looked at while it runs.
fn mirror_plan(mut terms: Terms, seen: Vec<Seen>) -> (ShadowPlan, Vec<Sampled>) {
    terms.kinds_by.retain(|by| by.is_told_by_rows());
    terms.redaction = None;
    terms.judge = None;
    terms.reuse_recorded = false;
    terms.limits = Limits {
        repeats: 0,
        mode: Mode::Fixed,
        latency: Latency::Gateway,
        ..terms.limits
    };
    let heads = mirror::pair(seen, (&terms.baseline.primary, &terms.candidate.primary));
    let with_content: BTreeSet<&str> = heads
        .iter()
        .filter(|head| head.mirror.as_ref().is_some_and(|partner| partner.with_content))
        .map(|head| head.trace_id.as_str())
        .collect();
    let pool = Pool::draw(&terms, &heads);
    let looks = pool.ids().into_iter().map(|id| (id, Look::default())).collect();
    let (mut plan, sample) = ShadowPlan::freeze(terms, pool, &looks);
    let kept = sample
        .iter()
        .filter(|sampled| with_content.contains(sampled.trace_id.as_str()));
    plan.with_content = Some(kept.count() as u64);
    (plan, sample)
}

/// An answer of one token, to see whether there is a price at all.
fn smallest() -> Completion {
    let usage = Usage {
        input_tokens: 1,
        output_tokens: 1,
        ..Usage::default()
    };
    Completion {
        usage: Some(usage),
        ..Completion::default()
    }
}

fn nothing_to_replay(plan: &ShadowPlan, days: i64) -> String {
    let workflow = &plan.workflow;
    if plan.recorded == 0 {
        return format!(
            "No calls of {workflow} were recorded in the last {days} days. Check that its calls are tagged and reach the governor."
        );
    }
    let reasons: Vec<String> = plan
        .excluded
        .iter()
        .chain(&plan.unreadable)
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    let remedy = match plan.source {
        Source::Replay => "can be replayed. Let the gateway log prompts for this workflow".to_owned(),
        Source::Mirror => format!(
            "has its mirror call. Check that the gateway mirrors this workflow to {}",
            plan.candidate.primary.model
        ),
    };
    format!(
        "None of the {} recorded calls of {workflow} {remedy}. Left out: {}.",
        plan.recorded,
        reasons.join(", ")
    )
}
