//! The main job in chat: a request is filed by a form, three parties decide, the card follows, on both ways in.

use integrations::chat::slack::fake::Outcome;
use tests::{
    db::Kind,
    desk,
    talk::{CHANNEL, Talk, Way, talk},
};
use workflow_engine::{change::state::State, values::ChangeNumber};

async fn approve_by_three(talk: &Talk) {
    let (_, root) = talk.under_review().await;
    for user in ["U02ANA", "U03PRIYA", "U04TOMAS"] {
        let clicked = talk
            .slack
            .person(user)
            .click(CHANNEL, &root.ts, "approve")
            .await
            .unwrap();
        assert_eq!(clicked, Outcome::Acknowledged(None));
    }
    talk.until_root(&root.ts, "Approved").await;
    talk.until_said(&root.ts, "Tomás L.").await;
    talk.until_said(&root.ts, "Everybody who must agree has agreed")
        .await;
    assert_eq!(talk.change().await.state, State::Approved);
    let card = talk.root(&root.ts).words();
    for line in [
        "*Platform*  approved by Ana R.",
        "*Security*  approved by Priya S.",
        "*Finance*  approved by Tomás L.",
    ] {
        assert!(card.contains(line), "{card}");
    }
    assert_eq!(talk.slack.roots(CHANNEL).len(), 1, "one thread a request");
}

#[tokio::test]
async fn filed_by_form_and_approved_by_three_over_sockets() {
    approve_by_three(&talk(Kind::Sqlite, Way::Sockets).await.unwrap()).await;
}

#[tokio::test]
async fn filed_by_form_and_approved_by_three_over_http() {
    approve_by_three(&talk(Kind::Sqlite, Way::Http).await.unwrap()).await;
}

#[tokio::test]
async fn filed_by_form_and_approved_by_three_on_postgres() {
    if let Some(talk) = talk(Kind::Postgres, Way::Sockets).await {
        approve_by_three(&talk).await;
    }
}

#[tokio::test]
async fn a_denial_needs_its_reason_and_ends_the_change_for_everybody() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    let (_, root) = talk.under_review().await;
    let tomas = talk.slack.person("U04TOMAS");
    tomas.click(CHANNEL, &root.ts, "deny").await.unwrap();
    talk.until("the form opens", || tomas.open_form().is_some()).await;
    assert!(tomas.submit(&[]).await.is_err(), "the form itself wants a reason");
    tomas
        .submit(&[("reason", "measured cost is 2.1 times today's")])
        .await
        .unwrap();
    talk.until_root(
        &root.ts,
        "Denied by Tomás L. for Finance: “measured cost is 2.1 times today's”",
    )
    .await;
    talk.until_said(&root.ts, "denied for Finance").await;
    talk.slack
        .person("U02ANA")
        .reply(CHANNEL, &root.ts, "approve")
        .await
        .unwrap();
    talk.until_whispered("U02ANA", "This change has ended (denied)")
        .await;
}

#[tokio::test]
async fn conditions_and_concerns_are_asked_for_in_forms_and_shown_on_the_card() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    let (_, root) = talk.under_review().await;
    let tomas = talk.slack.person("U04TOMAS");
    tomas.click(CHANNEL, &root.ts, "approve_if").await.unwrap();
    talk.until("the form opens", || tomas.open_form().is_some()).await;
    tomas.submit(&[("canary", "a few")]).await.unwrap();
    assert_eq!(
        tomas.open_form().unwrap().errors["canary"],
        "A whole number from 1 to 100."
    );
    tomas
        .submit(&[("canary", "10"), ("cap", "25,000")])
        .await
        .unwrap();
    assert!(tomas.open_form().is_none());
    talk.until_root(
        &root.ts,
        "approved by Tomás L., 09:00, if at most 10 of 100 calls, below $25,000 a month",
    )
    .await;

    let priya = talk.slack.person("U03PRIYA");
    priya.click(CHANNEL, &root.ts, "concern").await.unwrap();
    talk.until("the form opens", || priya.open_form().is_some()).await;
    priya
        .submit(&[("reason", "retention of the vendor is <unclear>")])
        .await
        .unwrap();
    talk.until_root(
        &root.ts,
        "*Concern 1*  Priya S.: retention of the vendor is &lt;unclear&gt;",
    )
    .await;
    priya.reply(CHANNEL, &root.ts, "resolve 1").await.unwrap();
    talk.until_said(&root.ts, "settled concern 1").await;
    assert!(!talk.root(&root.ts).words().contains("Concern 1"));
}

#[tokio::test]
async fn what_cannot_be_filed_is_said_inside_the_form() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    let maya = talk.slack.person("U01MAYA");
    maya.command(CHANNEL, "/route").await.unwrap();
    talk.until("the form opens", || maya.open_form().is_some()).await;
    maya.submit(&[("workflow", "support-answer"), ("candidate", "gpt-4o-0513")])
        .await
        .unwrap();
    let said = maya.open_form().unwrap().errors["candidate"].clone();
    assert_eq!(
        said,
        "gpt-4o-0513 serves support-answer already. Pick another candidate."
    );
    assert!(talk.slack.roots(CHANNEL).is_empty());
    maya.submit(&[("candidate", "gpt-4o-0806")]).await.unwrap();
    assert!(maya.open_form().is_none());
    talk.until_whispered("U01MAYA", "Filed as #1 and recorded").await;
}

#[tokio::test]
async fn words_in_the_thread_decide_and_comment() {
    let talk = talk(Kind::Sqlite, Way::Http).await.unwrap();
    let (_, root) = talk.under_review().await;
    let ana = talk.slack.person("U02ANA");
    ana.reply(CHANNEL, &root.ts, "approve this later?").await.unwrap();
    ana.reply(CHANNEL, &root.ts, "approve #1").await.unwrap();
    talk.until_said(&root.ts, "approved for Platform").await;
    talk.slack
        .person("U03PRIYA")
        .reply(CHANNEL, &root.ts, "ask where does the vendor keep it?")
        .await
        .unwrap();
    talk.until_root(&root.ts, "*Question 1*  Priya S.: where does the vendor keep it?")
        .await;
    talk.slack
        .person("U01MAYA")
        .reply(CHANNEL, &root.ts, "answer 1 in the EU")
        .await
        .unwrap();
    talk.until_said(&root.ts, "answered question 1: “in the EU”")
        .await;
    ana.reply(CHANNEL, &root.ts, "deny #99 because no").await.unwrap();
    talk.until_whispered("U02ANA", "This is the thread of #1").await;
    // The comment is on the change, and is not said twice in the thread where it was typed.
    let events =
        workflow_engine::store::changes::events(talk.desk.engine.db(), talk.change().await.id.as_str())
            .await
            .unwrap();
    assert!(events.iter().any(|event| event.kind == "commented"));
    assert!(
        talk.slack
            .thread(CHANNEL, &root.ts)
            .iter()
            .all(|reply| !reply.words().contains("commented"))
    );
}

#[tokio::test]
async fn a_decision_taken_elsewhere_reaches_every_copy() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    let (change, root) = talk.under_review().await;
    talk.until("Priya is asked", || !talk.slack.messages("U03PRIYA").is_empty())
        .await;
    talk.slack.person("U03PRIYA").open_home().await;
    talk.until("her home page is there", || {
        talk.slack
            .home("U03PRIYA")
            .is_some_and(|page| page.to_string().contains("Awaiting approval"))
    })
    .await;
    talk.desk.approve("priya", &change).await.unwrap();
    talk.until_root(&root.ts, "approved by Priya S.").await;
    talk.until("her message follows", || {
        talk.slack.messages("U03PRIYA")[0]
            .words()
            .contains("Security has decided")
    })
    .await;
    talk.desk
        .person(
            "maya",
            ChangeNumber(1),
            workflow_engine::change::command::Command::Withdraw,
        )
        .await
        .unwrap();
    talk.until_root(&root.ts, "Withdrawn").await;
    talk.until("her message ends", || {
        talk.slack.messages("U03PRIYA")[0].button("approve").is_none()
    })
    .await;
    talk.until("her home page is empty", || {
        talk.slack
            .home("U03PRIYA")
            .is_some_and(|page| page.to_string().contains("Nothing waits for you"))
    })
    .await;
    let _ = desk::approval(&change);
}

#[tokio::test]
async fn help_status_and_list_are_whispered() {
    let talk = talk(Kind::Sqlite, Way::Http).await.unwrap();
    talk.under_review().await;
    let wei = talk.slack.person("U05WEI");
    for (typed, heard) in [
        (
            "/route help",
            "*/route deny #142 because …*: denies it; the reason is needed",
        ),
        (
            "/route status #1",
            "Waiting for Platform (@platform-approvers), Security (@sec-oncall), Finance (@finance-approvers)",
        ),
        (
            "/route list",
            "support-answer · to gpt-4o-0806 · Awaiting approval",
        ),
        ("/route status #9", "There is no route change #9"),
        ("/route stauts #1", "Did you mean `/route status #142`?"),
        ("/route approve #1", "You are not among the people asked here."),
    ] {
        wei.command(CHANNEL, typed).await.unwrap();
        talk.until_whispered("U05WEI", heard).await;
    }
}
