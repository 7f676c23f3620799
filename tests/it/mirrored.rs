//! Tests on mirrored calls: pairs that the gateway has made, judged without asking or paying anybody.

use serde_json::json;
use tests::{
    db::{BOTH, Kind},
    lab::{Lab, Models, Via, lab},
};
use workflow_engine::{
    catalog::shadow::Source,
    change::state::{Change, State},
    engine::shadow::examples::Asked,
    shadow::analysis::report::{Outcome, Report, Verdict},
    store::shadow::Run,
    values::{PersonId, Usd},
};

async fn mirrored(kind: Kind, models: Models, per_category: usize) -> Option<Lab> {
    let lab = lab(kind, models, Via::LiteLlm, per_category).await?;
    lab.testing(|own| own.source = Source::Mirror).await;
    Some(lab)
}

/// The run of the change, which must have come to its end.
async fn ended(lab: &Lab) -> (Change, Run, Report) {
    let change = lab.admitted().await;
    // No vendor is known to this tester: it could ask nobody.
    let tester = lab.tester_of(std::collections::BTreeMap::new());
    let ended = lab.run(&tester, change.number).await.unwrap();
    let change = lab.desk.change(change.number).await;
    assert_eq!(ended, Some("submit evidence"), "{:?}", change.ending);
    let run = lab.desk.engine.test_run(&change).await.unwrap().unwrap();
    let report = serde_json::from_str(run.report.as_deref().unwrap()).unwrap();
    (change, run, report)
}

#[tokio::test]
async fn mirrored_pairs_are_judged_by_the_same_checks_and_nobody_is_asked_or_paid() {
    for kind in BOTH {
        let Some(lab) = mirrored(kind, Models::CHEAP, 60).await else {
            continue;
        };
        lab.mirror(Models::CHEAP, 60, |_, _| true).await;
        let (change, run, report) = ended(&lab).await;
        assert_eq!(lab.vendor.answers_given(), 0);
        assert_eq!((run.spent_usd, run.done, run.total), (Usd::ZERO, 600, 600));
        assert_eq!(run.plan.source, Source::Mirror);
        assert_eq!(
            (run.plan.recorded, &run.plan.excluded),
            (300, &Default::default())
        );
        assert_eq!(
            (run.plan.with_content, report.n, report.mirrored),
            (Some(300), 300, true)
        );
        // Cost, time and what differs are measured as if they had been asked.
        let cost = report.cost.as_ref().unwrap();
        assert!(
            cost.ratio.unwrap() < 0.05 && cost.outcome == Outcome::NonInferior,
            "{cost:?}"
        );
        assert!(report.latency.is_some());
        let wrong = report
            .endpoints
            .iter()
            .find(|endpoint| endpoint.stratum.as_deref() == Some("relevance"))
            .unwrap();
        assert!(wrong.counts.unwrap().b > 0, "{wrong:?}");
        assert_eq!(change.state, State::PolicyCheck);
        // Those who may read them read both answers.
        let page = lab
            .vault()
            .examples(&PersonId::from("wei"), change.number, &Asked::default())
            .await
            .unwrap();
        assert!(page.items[0].candidate.answer.is_some() && page.items[0].input.is_some());
        let words = run.plan.warnings().join("\n");
        assert!(
            words.contains("nothing was asked again, and nothing was paid"),
            "{words}"
        );
    }
}

#[tokio::test]
async fn calls_without_a_partner_with_two_or_of_another_model_are_counted_by_reason() {
    let lab = mirrored(Kind::Sqlite, Models::CLEAN, 20).await.unwrap();
    lab.mirror(Models::CLEAN, 20, |index, row| {
        if index % 10 == 0 {
            row["model"] = json!("openai/gpt-3.5-turbo-0125");
        }
        index % 10 != 1
    })
    .await;
    // The gateway sends the third of each ten twice.
    lab.mirror(Models::CLEAN, 20, |index, row| {
        row["id"] = json!(format!("again-{index}"));
        row["litellm_call_id"] = json!(format!("again-{index}"));
        row["response"]["id"] = json!(format!("again-{index}"));
        index % 10 == 2
    })
    .await;
    let (_, run, report) = ended(&lab).await;
    let expected = [("no_partner", 10), ("two_partners", 10), ("wrong_model", 10)];
    let expected = expected.map(|(why, n)| (why.to_owned(), n));
    assert_eq!(run.plan.excluded, expected.into());
    assert_eq!((run.plan.recorded, report.n), (100, 70));
    let warnings = run.plan.warnings().join("\n");
    assert!(warnings.contains("Only 70 % of the recorded calls"), "{warnings}");
}

#[tokio::test]
async fn without_contents_the_packet_says_that_only_whether_answers_came_is_compared() {
    let lab = mirrored(Kind::Sqlite, Models::CLEAN, 40).await.unwrap();
    // Every twentieth mirror failed, and the gateway was told to keep no prompts of mirrors.
    lab.mirror(Models::CLEAN, 40, |index, row| {
        row["messages"] = json!("redacted-by-litellm");
        row["response"] = json!("redacted-by-litellm");
        if index % 20 == 0 {
            row["status"] = json!("failure");
        }
        true
    })
    .await;
    let (_, run, report) = ended(&lab).await;
    assert_eq!(run.plan.with_content, Some(0));
    let quality = &report.endpoints[0];
    let counts = quality.counts.unwrap();
    assert_eq!((counts.a, counts.b, counts.c), (190, 10, 0));
    assert_ne!(report.verdict, Verdict::Eligible);
    let names: Vec<&str> = report.endpoints.iter().map(|it| it.endpoint.as_str()).collect();
    assert!(
        names
            .iter()
            .all(|name| name.starts_with("quality") || *name == "transport"),
        "{names:?}"
    );
    let words = run.plan.warnings().join("\n");
    assert!(
        words.contains("Their prompts and answers were not kept"),
        "{words}"
    );
}
