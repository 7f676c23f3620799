//! Judges that do not count, and why: who says "first" whatever is asked, who says nothing, who is late, who costs too much.

use integrations::models::fake::Fault;
use tests::{
    lab::Models,
    voices::{JUDGE, card, fair},
};
use workflow_engine::{
    catalog::shadow::Source, change::state::State, engine::jobs::JobError, shadow::judging::Choice, store,
    values::Usd,
};

use super::{bench, endpoint, label, report, tested, wei, why, workflow};

#[tokio::test]
async fn a_judge_that_always_says_first_is_refused_by_what_it_says() {
    let (lab, voices) = bench(90, |_, names| names[0].to_owned()).await;
    tested(&lab, &voices).await;
    label(&lab, 60).await;
    let report = tested(&lab, &voices).await;
    insta::assert_snapshot!(why(&report), @"judge: anthropic/claude-3-haiku-20240307 does not count: 100 % of its verdicts flip when the order is swapped; at most 35 % may; it agrees with people hardly more than chance would (kappa 0.00, least 0.40); the answer shown first wins 100.0 % of the time (between 96.9 and 100.0); it should stay within 40 to 60. Free text was left to the checks alone. Name another judge, or say more clearly what makes an answer good, under [workflows.shadow.judge], then file the change again.");
    let seen = report.judge.as_ref().unwrap();
    assert_eq!(
        (seen.agreement.first_position.k, seen.agreement.first_position.n),
        (120, 120)
    );
    // Refused, it is not asked about this run, and decides nothing.
    assert_eq!(seen.tally.judged, 0);
    assert_eq!(voices.anthropic.prompts_received(JUDGE), 120);
    assert_eq!(endpoint(&report, "judge"), None);
    assert_eq!(endpoint(&report, "score"), None);
}

#[tokio::test]
async fn a_judge_that_answers_with_a_web_page_or_with_talk_is_refused() {
    let (lab, voices) = bench(90, |_, names| {
        format!("Both {} and {} have their merits.", names[0], names[1])
    })
    .await;
    tested(&lab, &voices).await;
    label(&lab, 60).await;
    voices.anthropic.fail_next(40, Fault::WebPage);
    let report = tested(&lab, &voices).await;
    insta::assert_snapshot!(why(&report), @"judge: anthropic/claude-3-haiku-20240307 does not count: 120 of its 120 replies were no verdict (100 %; at most 5 % may be); it agrees with people hardly more than chance would (kappa 0.00, least 0.40); none of its verdicts preferred either answer. Free text was left to the checks alone. Name another judge, or say more clearly what makes an answer good, under [workflows.shadow.judge], then file the change again.");
    assert_eq!(report.judge.unwrap().agreement.unreadable.k, 120);
}

#[tokio::test]
async fn a_judge_that_is_slow_is_waited_for_and_no_reply_is_paid_twice() {
    let (lab, voices) = bench(90, fair).await;
    tested(&lab, &voices).await;
    label(&lab, 60).await;
    let change = lab.admitted().await;
    let tester = lab.tester_of(voices.models());
    voices.anthropic.fail_next(1, Fault::Silence);
    let late = lab.run(&tester, change.number).await;
    assert!(matches!(late, Err(JobError::NotYet { .. })), "{late:?}");
    let run = lab
        .desk
        .engine
        .test_run(&lab.desk.change(change.number).await)
        .await;
    let halfway = run.unwrap().unwrap();
    assert!(halfway.done < halfway.total && halfway.report.is_none());

    // Another process goes on where the first one was.
    let other = lab.tester_of(voices.models());
    lab.run(&other, change.number).await.unwrap();
    let report = report(&lab, &change).await;
    let questions = 2 * (60 + report.judge.unwrap().tally.judged);
    assert_eq!(voices.anthropic.prompts_received(JUDGE), questions + 1);
    assert_eq!(voices.anthropic.answers_given(), questions);
    let run = lab
        .desk
        .engine
        .test_run(&lab.desk.change(change.number).await)
        .await;
    let run = run.unwrap().unwrap();
    let judging =
        rust_decimal::Decimal::from(questions) * "0.00011".parse::<rust_decimal::Decimal>().unwrap();
    assert!(run.spent_usd.0 > judging, "{} {judging}", run.spent_usd);
    assert_eq!(run.done, run.total);
}

#[tokio::test]
async fn a_judge_without_a_key_leaves_its_question_open_and_the_replays_stand() {
    let (lab, voices) = bench(90, fair).await;
    tested(&lab, &voices).await;
    label(&lab, 60).await;
    voices.anthropic.fail_next(200, Fault::Status(401));
    let report = tested(&lab, &voices).await;
    assert!(why(&report).contains("does not count"), "{:?}", report.reasons);
    assert_eq!(report.n, 90);
}

#[tokio::test]
async fn the_spend_cap_holds_for_the_judge_too() {
    let (lab, voices) = bench(90, fair).await;
    tested(&lab, &voices).await;
    label(&lab, 60).await;
    let first = lab.desk.engine.db();
    let runs = store::shadow::of_workflow(first, &workflow(), 1).await.unwrap();
    // What the replays cost, and a little.
    let cap = Usd(runs[0].spent_usd.0 + "0.002".parse::<rust_decimal::Decimal>().unwrap());
    lab.testing(|own| own.budget_usd = Some(cap)).await;
    let report = tested(&lab, &voices).await;
    assert!(
        why(&report).contains("reached its spend cap"),
        "{:?}",
        report.reasons
    );
    let asked = voices.anthropic.prompts_received(JUDGE);
    assert!((1..60).contains(&asked), "{asked}");
}

#[tokio::test]
async fn a_judge_of_the_family_of_an_arm_is_refused_before_anything_is_sent() {
    let (lab, voices) = bench(2, fair).await;
    lab.testing(|own| {
        let mut card = card();
        card.provider = "openai".to_owned();
        card.model = "gpt-4o-mini-2024-07-18".to_owned();
        own.judge = Some(card);
    })
    .await;
    let change = lab.admitted().await;
    let ended = lab.run(&lab.tester_of(voices.models()), change.number).await;
    assert_eq!(ended.unwrap(), Some("fail test"));
    let change = lab.desk.change(change.number).await;
    assert_eq!(change.state, State::ShadowFailed);
    insta::assert_snapshot!(change.ending.unwrap(), @"The judge gpt-4o-mini-2024-07-18 is of the same family as gpt-4o-2024-05-13 (openai), and judges favour their own. Name a judge of another vendor under [workflows.shadow.judge] and file the change again.");
    assert_eq!(voices.openai.prompts_received(Models::CLEAN.candidate), 0);
}

#[tokio::test]
async fn a_judge_that_the_policy_does_not_let_see_the_data_is_never_asked() {
    // Where nothing is asked again, the judge would still be shown what was said.
    for source in [Source::Replay, Source::Mirror] {
        let (lab, voices) = bench(2, fair).await;
        lab.edit(|catalog| {
            let vendor = catalog
                .vendors
                .iter_mut()
                .find(|vendor| vendor.provider == "anthropic");
            let facts = &mut vendor.unwrap().facts;
            facts.retain(|fact| fact.name != "training_use");
        })
        .await;
        lab.testing(|own| own.source = source).await;
        let change = lab.admitted().await;
        let ended = lab.run(&lab.tester_of(voices.models()), change.number).await;
        assert_eq!(ended.unwrap(), Some("fail test"));
        let ending = lab.desk.change(change.number).await.ending.unwrap();
        let begins = "The judge anthropic/claude-3-haiku-20240307 may not see this data: ";
        assert!(ending.starts_with(begins), "{ending}");
        assert!(ending.ends_with("Nothing was sent."));
    }
}

#[tokio::test]
async fn a_kind_of_three_traces_is_labelled_to_its_end_and_too_few_labels_refuse() {
    let (lab, voices) = bench(3, fair).await;
    tested(&lab, &voices).await;
    let mut labels = 0;
    while let Some(pair) = lab.vault().to_label(&wei(), &workflow()).await.unwrap().pair {
        let place = (pair.run, pair.trace_id);
        lab.vault()
            .label(&wei(), &workflow(), place, Choice::Neither)
            .await
            .unwrap();
        labels += 1;
    }
    assert!((1..=3).contains(&labels));
    let report = tested(&lab, &voices).await;
    let few = format!("people have labelled {labels} pairs; at least 60 are needed");
    assert!(why(&report).contains(&few), "{:?}", report.reasons);
}
