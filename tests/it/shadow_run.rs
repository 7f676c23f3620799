//! Shadow tests as runs: on real figures, killed and resumed, capped, in storms, paused, refused.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use integrations::models::fake::Fault;
use tests::{
    db::{BOTH, Kind},
    lab::{Lab, Models, Via, lab},
};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    change::{
        command::Command,
        state::{Change, State},
    },
    engine::{
        jobs::JobError,
        shadow::{Tester, prompts_sent},
    },
    ports::model::{Completion, ModelClient, ModelError, ReplayInput},
    shadow::{
        analysis::{
            analyze,
            report::{Outcome, Report, Verdict},
        },
        arm::Arm,
    },
    store,
    values::{Hop, Usd},
};

async fn report(lab: &Lab, change: &Change) -> Report {
    let run = lab.desk.engine.test_run(change).await.unwrap().unwrap();
    serde_json::from_str(&run.report.unwrap()).unwrap()
}

#[tokio::test]
async fn the_cheap_model_is_good_enough_on_average_and_not_eligible_for_its_weak_kind() {
    let lab = lab(Kind::Sqlite, Models::CHEAP, Via::LiteLlm, usize::MAX)
        .await
        .unwrap();
    let change = lab.admitted().await;
    assert_eq!(
        lab.run(&lab.tester(), change.number).await.unwrap(),
        Some("submit evidence")
    );

    let change = lab.desk.change(change.number).await;
    assert_eq!(change.state, State::PolicyCheck);
    assert_eq!(
        change.test.as_ref().unwrap().verdict.as_ref().unwrap().outcome,
        "not_eligible"
    );
    let report = report(&lab, &change).await;
    let quality = |stratum: Option<&str>| {
        let found = report
            .endpoints
            .iter()
            .find(|endpoint| endpoint.endpoint == "quality" && endpoint.stratum.as_deref() == stratum);
        let found = found.unwrap();
        let counts = found.counts.unwrap();
        (counts.a, counts.b, counts.c, counts.d, found.outcome.unwrap())
    };
    // The published comparison, count by count.
    assert_eq!(quality(None), (1_051, 55, 31, 103, Outcome::NonInferior));
    assert_eq!(quality(Some("simple")), (353, 12, 13, 22, Outcome::NonInferior));
    assert_eq!(
        quality(Some("multiple_function")),
        (182, 2, 2, 14, Outcome::NonInferior)
    );
    assert_eq!(
        quality(Some("parallel_function")),
        (174, 7, 5, 14, Outcome::NonInferior)
    );
    assert_eq!(
        quality(Some("parallel_multiple_function")),
        (159, 12, 7, 22, Outcome::NonInferior)
    );
    assert_eq!(
        quality(Some("relevance")),
        (183, 22, 4, 31, Outcome::Inconclusive)
    );
    assert!(report.endpoints[0].measurably_worse);
    assert_eq!(report.verdict, Verdict::NotEligible);
    let cost = report.cost.as_ref().unwrap();
    assert!((cost.ratio.unwrap() - 0.016_832_304_937_462_936).abs() < 1e-9);
    let latency = report.latency.as_ref().unwrap();
    assert!((latency.p95.incumbent.0 - 9_298.25).abs() < 0.2, "{latency:?}");
    assert_eq!(lab.vendor.prompts_received(Models::CHEAP.candidate), 1_240);
    assert_eq!(lab.vendor.prompts_received(Models::CHEAP.incumbent), 1_240);
}

#[tokio::test]
async fn the_same_model_of_a_later_date_comes_out_clean_from_spans_as_well() {
    let lab = lab(Kind::Sqlite, Models::CLEAN, Via::Otlp, usize::MAX)
        .await
        .unwrap();
    let change = lab.admitted().await;
    lab.run(&lab.tester(), change.number).await.unwrap();
    let change = lab.desk.change(change.number).await;
    let report = report(&lab, &change).await;
    // Whoever computes it again from what is kept gets the same, the recorded arm included.
    let run = lab.desk.engine.test_run(&change).await.unwrap().unwrap();
    let pairs = lab.desk.engine.pairs(&change).await.unwrap();
    let again = analyze(&run.plan.analysis(), &pairs);
    assert_eq!((&again.endpoints, &again.aa), (&report.endpoints, &report.aa));
    assert!(pairs.iter().all(|pair| pair.arms.recorded.is_some()));
    assert_eq!((report.verdict, report.reasons), (Verdict::Eligible, vec![]));
    let counts = report.endpoints[0].counts.unwrap();
    assert_eq!((counts.a, counts.b, counts.c, counts.d), (1_046, 20, 67, 107));
    // July against August, the incumbent with itself.
    let noise = report.aa.recorded.unwrap().counts.unwrap();
    assert_eq!((noise.a, noise.b, noise.c, noise.d), (1_036, 37, 30, 137));
    let sent = prompts_sent(&lab.desk.engine, &run).await.unwrap();
    assert_eq!(sent["openai/gpt-4o-2024-08-06"], 1_240);
    assert_eq!((run.done, run.total), (2_480, 2_480));
    assert_eq!(run.plan_sha256, run.plan.digest().unwrap());
}

#[tokio::test]
async fn a_killed_test_goes_on_without_asking_or_paying_twice() {
    for kind in BOTH {
        let Some(lab) = lab(kind, Models::CLEAN, Via::LiteLlm, 16).await else {
            continue;
        };
        let change = lab.admitted().await;
        // Killed with the process: nothing of it comes to an end.
        for _ in 0..3 {
            let (tester, number, revision) = (lab.tester(), change.number, change.revision);
            let before = lab.vendor.answers_given();
            let running =
                tokio::spawn(async move { tester.run(number, revision, &CancellationToken::new()).await });
            while lab.vendor.answers_given() < before + 20 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            running.abort();
            let _ = running.await;
        }
        let tester = lab.tester();
        assert_eq!(
            lab.run(&tester, change.number).await.unwrap(),
            Some("submit evidence")
        );
        let change = lab.desk.change(change.number).await;
        let run = lab.desk.engine.test_run(&change).await.unwrap().unwrap();
        assert_eq!((run.done, run.total), (160, 160));
        assert_eq!(
            store::shadow::of_change(lab.desk.engine.db(), &change.id)
                .await
                .unwrap()
                .len(),
            1
        );
        // At most the calls that were in flight at each kill were asked again.
        let asked = lab.vendor.answers_given();
        assert!((160..=160 + 3 * 4).contains(&asked), "{asked} answers for 160");
        let stored = store::shadow::answers(lab.desk.engine.db(), &run.id)
            .await
            .unwrap();
        // What was recorded stands beside them, and was paid for long ago.
        let sum = stored
            .iter()
            .filter(|answer| answer.arm != Arm::Recorded)
            .filter_map(|answer| answer.result.cost_usd)
            .sum();
        assert_eq!(run.spent_usd, sum);
    }
}

#[tokio::test]
async fn a_service_that_ends_in_order_loses_no_answer() {
    let lab = lab(Kind::Sqlite, Models::CLEAN, Via::LiteLlm, 16).await.unwrap();
    let change = lab.admitted().await;
    let stop = CancellationToken::new();
    let (tester, token) = (lab.tester(), stop.clone());
    let running = tokio::spawn(async move { tester.run(change.number, change.revision, &token).await });
    while lab.vendor.answers_given() < 20 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stop.cancel();
    assert!(matches!(running.await.unwrap(), Err(JobError::NotYet { .. })));
    lab.run(&lab.tester(), change.number).await.unwrap();
    assert_eq!(lab.vendor.answers_given(), 160);
}

#[tokio::test]
async fn the_spend_cap_is_passed_by_no_more_than_the_calls_in_flight() {
    let lab = lab(Kind::Sqlite, Models::CLEAN, Via::LiteLlm, 16).await.unwrap();
    lab.edit(|catalog| catalog.policy.shadow_budget_usd = "0.05".parse().map(Usd).unwrap())
        .await;
    let change = lab.admitted().await;
    let tester = lab.tester();
    assert_eq!(lab.run(&tester, change.number).await.unwrap(), Some("fail test"));
    let change = lab.desk.change(change.number).await;
    assert_eq!(change.state, State::ShadowFailed);
    insta::assert_snapshot!(change.ending.as_deref().unwrap(), @"The test reached its spend cap of $0.05 before it was complete. File the change again with a higher cap or fewer traces.");
    let run = lab.desk.engine.test_run(&change).await.unwrap().unwrap();
    let dearest = store::shadow::answers(lab.desk.engine.db(), &run.id)
        .await
        .unwrap()
        .iter()
        .filter_map(|answer| answer.result.cost_usd)
        .max()
        .unwrap();
    let cap = run.plan.spend_cap_usd;
    assert!(run.spent_usd >= cap && run.spent_usd.0 <= cap.0 + dearest.0 * rust_decimal::Decimal::from(4));
}

#[tokio::test]
async fn a_storm_of_rate_limits_delays_the_test_and_changes_nothing() {
    let lab = lab(Kind::Sqlite, Models::CLEAN, Via::LiteLlm, 12).await.unwrap();
    let change = lab.admitted().await;
    lab.vendor.fail_next(60, Fault::RateLimited { retry_after_ms: 1 });
    let tester = lab.tester();
    let mut tries = 0;
    let ended = loop {
        tries += 1;
        match lab.run(&tester, change.number).await {
            Ok(ended) => break ended,
            Err(JobError::Retry { .. } | JobError::NotYet { .. }) if tries < 40 => {}
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(ended, Some("submit evidence"));
    assert_eq!(lab.vendor.answers_given(), 120);
    assert!(lab.vendor.most_in_flight() <= 4);
}

#[tokio::test]
async fn a_paused_test_stands_still_and_goes_on_where_it_was() {
    let lab = lab(Kind::Sqlite, Models::CLEAN, Via::LiteLlm, 16).await.unwrap();
    let change = lab.admitted().await;
    let pauser = Arc::new(Pauses {
        inner: lab.client("vendor-key"),
        asked: AtomicBool::new(false),
    });
    let tester = lab.tester_asking(pauser.clone());
    let running = tokio::spawn({
        let tester = tester.clone();
        async move {
            tester
                .run(change.number, change.revision, &CancellationToken::new())
                .await
        }
    });
    while !pauser.asked.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    lab.desk
        .person("maya", change.number, Command::PauseTest)
        .await
        .unwrap();
    assert!(matches!(running.await.unwrap(), Ok(None)));
    let run = lab
        .desk
        .engine
        .test_run(&lab.desk.change(change.number).await)
        .await
        .unwrap()
        .unwrap();
    assert!(run.done < run.total);
    let left = lab
        .desk
        .engine
        .test_progress(&lab.desk.change(change.number).await)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((left.done, left.total), (run.done, run.total));

    lab.desk
        .person("maya", change.number, Command::ResumeTest)
        .await
        .unwrap();
    assert_eq!(
        lab.run(&lab.tester(), change.number).await.unwrap(),
        Some("submit evidence")
    );
    assert_eq!(lab.vendor.answers_given(), 160);
}

/// Slow enough that somebody can press a button meanwhile.
struct Pauses {
    inner: Arc<dyn ModelClient>,
    asked: AtomicBool,
}

#[async_trait]
impl ModelClient for Pauses {
    async fn complete(&self, hop: &Hop, input: &ReplayInput) -> Result<Completion, ModelError> {
        self.asked.store(true, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(40)).await;
        self.inner.complete(hop, input).await
    }
}

#[tokio::test]
async fn the_plan_is_on_record_before_the_first_prompt_leaves() {
    let lab = lab(Kind::Sqlite, Models::CLEAN, Via::LiteLlm, 2).await.unwrap();
    let change = lab.admitted().await;
    let witness = Arc::new(Witness {
        inner: lab.client("vendor-key"),
        engine: lab.desk.engine.clone(),
        number: change.number,
        frozen: AtomicBool::new(false),
    });
    lab.run(&lab.tester_asking(witness.clone()), change.number)
        .await
        .unwrap();
    assert!(witness.frozen.load(Ordering::Relaxed));
}

struct Witness {
    inner: Arc<dyn ModelClient>,
    engine: workflow_engine::engine::Engine,
    number: workflow_engine::values::ChangeNumber,
    frozen: AtomicBool,
}

#[async_trait]
impl ModelClient for Witness {
    async fn complete(&self, hop: &Hop, input: &ReplayInput) -> Result<Completion, ModelError> {
        let loaded = store::changes::by_number(self.engine.db(), self.number)
            .await
            .unwrap()
            .unwrap();
        assert!(
            loaded.change.test.is_some(),
            "a prompt left before its plan was on record"
        );
        self.frozen.store(true, Ordering::Relaxed);
        self.inner.complete(hop, input).await
    }
}

#[tokio::test]
async fn what_a_person_must_mend_ends_the_test_with_a_remedy() {
    let lab = lab(Kind::Sqlite, Models::CLEAN, Via::LiteLlm, 2).await.unwrap();
    let change = lab.admitted().await;
    let tester: Tester = lab.tester_asking(lab.client("a-wrong-key"));
    assert_eq!(lab.run(&tester, change.number).await.unwrap(), Some("fail test"));
    let ending = lab.desk.change(change.number).await.ending.unwrap();
    assert!(
        ending.ends_with(": Incorrect API key provided. Check the vendor's API key in the configuration."),
        "{ending}"
    );
}

#[tokio::test]
async fn without_recorded_calls_nothing_is_sent_and_people_read_why() {
    let lab = lab(Kind::Sqlite, Models::CLEAN, Via::LiteLlm, 0).await.unwrap();
    let change = lab.admitted().await;
    assert_eq!(
        lab.run(&lab.tester(), change.number).await.unwrap(),
        Some("fail test")
    );
    let ending = lab.desk.change(change.number).await.ending.unwrap();
    insta::assert_snapshot!(ending, @"No calls of support-answer were recorded in the last 45 days. Check that its calls are tagged and reach the governor.");
    assert_eq!(lab.vendor.prompts_received(Models::CLEAN.candidate), 0);
}

#[tokio::test]
async fn two_runs_over_the_same_calls_draw_the_same_sample_and_say_the_same() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let lab = lab(Kind::Sqlite, Models::CLEAN, Via::LiteLlm, 12).await.unwrap();
        let change = lab.admitted().await;
        lab.run(&lab.tester(), change.number).await.unwrap();
        let change = lab.desk.change(change.number).await;
        let run = lab.desk.engine.test_run(&change).await.unwrap().unwrap();
        seen.push((run.sample, run.report_sha256));
    }
    assert_eq!(seen[0], seen[1]);
}
