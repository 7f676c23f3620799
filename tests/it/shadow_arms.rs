//! The arms of a test: narrowed, redacted, spared, stopped for harm.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use rust_decimal::Decimal;
use tests::{
    db::Kind,
    lab::{Lab, Models, Via, lab},
};
use workflow_engine::{
    catalog::Margins,
    change::state::{Change, State},
    ports::model::{Completion, ModelClient, ModelError, ReplayInput, Usage},
    shadow::analysis::report::{Report, Verdict},
    values::{Hop, Usd},
};

/// A model that this test writes.
struct Scripted<F>(F);

#[async_trait]
impl<F: Fn(&Hop, &ReplayInput) -> String + Send + Sync> ModelClient for Scripted<F> {
    async fn complete(&self, hop: &Hop, input: &ReplayInput) -> Result<Completion, ModelError> {
        Ok(Completion {
            text: Some((self.0)(hop, input)),
            finish_reason: Some("stop".to_owned()),
            usage: Some(Usage {
                input_tokens: 100,
                output_tokens: 10,
                ..Usage::default()
            }),
            response_model: Some(hop.model.clone()),
            attempts: 1,
            ..Completion::default()
        })
    }
}

async fn bench(models: Models, per_category: usize) -> Lab {
    lab(Kind::Sqlite, models, Via::LiteLlm, per_category)
        .await
        .unwrap()
}

async fn report(lab: &Lab, change: &Change) -> Report {
    let change = lab.desk.change(change.number).await;
    let run = lab.desk.engine.test_run(&change).await.unwrap().unwrap();
    serde_json::from_str(&run.report.unwrap()).unwrap()
}

#[tokio::test]
async fn a_workflow_narrows_what_its_tests_may_spend_and_replay() {
    let lab = bench(Models::CLEAN, 40).await;
    lab.testing(|own| {
        own.max_pairs = Some(100);
        own.budget_usd = Some(Usd(Decimal::from(3)));
    })
    .await;
    let change = lab.admitted().await;
    lab.run(&lab.tester(), change.number).await.unwrap();
    let change = lab.desk.change(change.number).await;
    let run = lab.desk.engine.test_run(&change).await.unwrap().unwrap();
    // Five kinds of 40: each keeps its floor of 40, whatever the total says.
    assert_eq!(run.plan.spend_cap_usd, Usd(Decimal::from(3)));
    assert_eq!(run.plan.traces(), 200);
    assert_eq!((run.plan.read, run.plan.unreadable.len()), (200, 0));
}

#[tokio::test]
async fn a_clearly_harmful_candidate_stops_the_test_with_a_sentence() {
    let lab = bench(Models::CLEAN, 80).await;
    let harmful = Scripted(|_: &Hop, _: &ReplayInput| "I would rather not call anything.".to_owned());
    let good = lab.client("vendor-key");
    let model = Arc::new(ByModel {
        of: Models::CLEAN.candidate,
        it: Arc::new(harmful),
        others: good,
    });
    let change = lab.admitted().await;
    lab.run(&lab.tester_asking(model), change.number).await.unwrap();
    let report = report(&lab, &change).await;
    let early = report.ended_early.unwrap();
    assert!(
        early.harm && early.after < 150 && report.n <= early.after,
        "{early:?}"
    );
    assert_eq!(report.verdict, Verdict::NotEligible);
    assert!(report.reasons[0].contains("of 400 calls, because the candidate was already shown to be worse"));
    // Calls in flight were paid for, no more.
    let asked = lab.vendor.prompts_received(Models::CLEAN.incumbent);
    assert!(
        asked <= early.after + 8,
        "{asked} asked, stopped after {}",
        early.after
    );
    assert_eq!(lab.desk.change(change.number).await.state, State::PolicyCheck);
}

/// One model answers by script, the others as they are.
struct ByModel {
    of: &'static str,
    it: Arc<dyn ModelClient>,
    others: Arc<dyn ModelClient>,
}

#[async_trait]
impl ModelClient for ByModel {
    async fn complete(&self, hop: &Hop, input: &ReplayInput) -> Result<Completion, ModelError> {
        let model = if hop.model == self.of {
            &self.it
        } else {
            &self.others
        };
        model.complete(hop, input).await
    }
}

#[tokio::test]
async fn every_arm_gets_the_same_redacted_prompt() {
    let lab = bench(Models::CLEAN, 6).await;
    lab.testing(|own| {
        own.redact = true;
        own.names = vec!["(?i)\\bcustomer\\b".to_owned(), "[0-9]{3,}".to_owned()];
        own.repeats = Some(3);
    })
    .await;
    let seen: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
    let book = Arc::clone(&seen);
    let model = Scripted(move |_: &Hop, input: &ReplayInput| {
        *book
            .lock()
            .unwrap()
            .entry(input.messages.to_string())
            .or_default() += 1;
        "Noted.".to_owned()
    });
    let change = lab.admitted().await;
    lab.run(&lab.tester_asking(Arc::new(model)), change.number)
        .await
        .unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 30);
    assert_eq!(seen.values().filter(|asked| **asked == 3).count(), 3);
    assert!(seen.values().all(|asked| *asked >= 2));
    assert!(seen.keys().any(|prompt| prompt.contains("Person-")));
    assert!(
        seen.keys()
            .all(|prompt| !prompt.to_lowercase().contains("customer "))
    );
}

#[tokio::test]
async fn recorded_answers_stand_in_where_a_first_block_shows_no_drift() {
    let lab = bench(Models::CLEAN, 40).await;
    lab.testing(|own| own.reuse_recorded = true).await;
    lab.edit(|catalog| {
        for workflow in &mut catalog.workflows {
            workflow.margins = Some(Margins {
                quality: 0.2,
                stratum_quality: 0.4,
                ..Margins::default()
            });
        }
    })
    .await;
    let change = lab.admitted().await;
    lab.run(&lab.tester(), change.number).await.unwrap();
    assert_eq!(lab.vendor.prompts_received(Models::CLEAN.incumbent), 100);
    assert_eq!(lab.vendor.prompts_received(Models::CLEAN.candidate), 200);
    let report = report(&lab, &change).await;
    // Quality over all, money and time only over calls made now.
    assert_eq!((report.n, report.endpoints[0].n), (200, 200));
    assert_eq!(report.cost.unwrap().n, 100);
    let change = lab.desk.change(change.number).await;
    let progress = lab.desk.engine.test_progress(&change).await.unwrap().unwrap();
    assert_eq!((progress.done, progress.total), (300, 300));
}
