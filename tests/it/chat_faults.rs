//! What goes wrong in chat: stale, double and foreign clicks, lost acknowledgements, rate limits, deleted messages.

use axum::http::StatusCode;
use bot::jobs::post_card::PostCard;
use integrations::chat::slack::{fake::Outcome, signature};
use secrecy::SecretString;
use tests::{
    db::{Kind, leases_run_out},
    desk,
    talk::{CHANNEL, Talk, Way, talk},
};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    change::{
        command::{Command, Proposal},
        state::State,
    },
    engine::jobs::{Handler, JobError},
    ports::clock::Clock,
    store::{
        claims,
        queue::{Job, Wanted},
    },
    values::ChangeNumber,
};

use crate::tampering::tamper;

#[tokio::test]
async fn a_stale_click_records_nothing_and_hears_what_changed() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    let (change, root) = talk.under_review().await;
    let seen = root.button("approve").unwrap()["value"]
        .as_str()
        .unwrap()
        .to_owned();
    let proposal = Proposal {
        candidate: change.candidate.clone(),
        baseline: change.baseline.clone(),
        claims_savings: false,
        co_authors: change.co_authors.clone(),
        reason: None,
    };
    talk.desk
        .person("maya", ChangeNumber(1), Command::Revise(proposal))
        .await
        .unwrap();
    talk.until_root(&root.ts, "revision 2").await;
    talk.slack
        .person("U02ANA")
        .click_with(CHANNEL, &root.ts, "approve", &seen)
        .await
        .unwrap();
    let heard = talk.until_whispered("U02ANA", "has changed since").await;
    assert!(
        heard.contains("Maya O. revised it at 09:00 UTC to gpt-4o-0806. Nothing was recorded."),
        "{heard}"
    );
    assert!(talk.change().await.slots.iter().all(|slot| slot.votes.is_empty()));
}

#[tokio::test]
async fn a_double_click_is_one_vote_and_a_friendly_word() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    let (_, root) = talk.under_review().await;
    let priya = talk.slack.person("U03PRIYA");
    priya.click(CHANNEL, &root.ts, "approve").await.unwrap();
    priya.click(CHANNEL, &root.ts, "approve").await.unwrap();
    talk.until_whispered(
        "U03PRIYA",
        "Your approval is recorded already; nothing more to do.",
    )
    .await;
    talk.until_root(&root.ts, "1 of 3").await;
    assert_eq!(
        talk.change()
            .await
            .slots
            .iter()
            .map(|slot| slot.votes.len())
            .sum::<usize>(),
        1
    );
}

#[tokio::test]
async fn the_requester_guests_strangers_and_the_unlinked_hear_why_not() {
    let talk = talk(Kind::Sqlite, Way::Http).await.unwrap();
    let (_, root) = talk.under_review().await;
    for (user, heard) in [
        (
            "U01MAYA",
            "You filed this request, so you can't decide on it. Anyone in @platform-approvers or @sec-oncall or @finance-approvers can.",
        ),
        ("U05WEI", "You are not among the people asked here."),
        ("U90NEW", "slack = \"U90NEW\""),
        ("U91GUEST", "Guests of this workspace can't act on route changes"),
        ("U92OTHER", "You are here from another company"),
    ] {
        let clicked = talk
            .slack
            .person(user)
            .click(CHANNEL, &root.ts, "approve")
            .await
            .unwrap();
        assert_eq!(clicked, Outcome::Acknowledged(None));
        talk.until_whispered(user, heard).await;
    }
    talk.slack.change_user("U02ANA", |user| user.deleted = true);
    talk.slack
        .person("U02ANA")
        .click(CHANNEL, &root.ts, "approve")
        .await
        .unwrap();
    talk.until_whispered("U02ANA", "switched off").await;
    let change = talk.change().await;
    assert!(change.slots.iter().all(|slot| slot.votes.is_empty()));
}

#[tokio::test]
async fn a_button_of_another_installation_does_nothing() {
    let talk = talk(Kind::Sqlite, Way::Http).await.unwrap();
    let (_, root) = talk.under_review().await;
    let forged = root.button("approve").unwrap()["value"]
        .as_str()
        .unwrap()
        .replacen("v1.1.1", "v1.1.2", 1);
    talk.slack
        .person("U02ANA")
        .click_with(CHANNEL, &root.ts, "approve", &forged)
        .await
        .unwrap();
    talk.until_whispered("U02ANA", "not made by this installation")
        .await;
}

#[tokio::test]
async fn a_lost_acknowledgement_brings_the_same_reply_again_and_it_counts_once() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    let (_, root) = talk.under_review().await;
    talk.slack.lose_next_ack();
    let replied = talk
        .slack
        .person("U02ANA")
        .reply(CHANNEL, &root.ts, "approve #1")
        .await
        .unwrap();
    assert_eq!(
        replied,
        Outcome::Acknowledged(None),
        "the second delivery is acknowledged"
    );
    talk.until_said(&root.ts, "approved for Platform").await;
    assert!(
        talk.slack.person("U02ANA").whispers().is_empty(),
        "the repeat is silent"
    );
    assert_eq!(talk.change().await.slots[0].votes.len(), 1);
}

#[tokio::test]
async fn a_rate_limit_delays_messages_and_loses_none() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    talk.slack.fail_next("chat.postMessage", "ratelimited");
    talk.slack.fail_next("chat.update", "http_500");
    let root = talk.file_by_form_slowly().await;
    talk.desk.to_review(ChangeNumber(1)).await;
    talk.pass_time_until_root(&root, "Awaiting approval · 0 of 3")
        .await;
    assert_eq!(talk.slack.roots(CHANNEL).len(), 1);
}

#[tokio::test]
async fn a_deleted_card_is_posted_anew_and_the_old_thread_still_works() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    let (change, root) = talk.under_review().await;
    talk.slack.delete_message(CHANNEL, &root.ts);
    talk.desk.approve("ana", &change).await.unwrap();
    talk.until("a new root is posted", || {
        talk.slack
            .roots(CHANNEL)
            .iter()
            .any(|message| message.words().contains("approved by Ana R."))
    })
    .await;
    let anew = talk.slack.roots(CHANNEL).remove(0);
    assert_ne!(anew.ts, root.ts);
    talk.slack
        .person("U03PRIYA")
        .reply(CHANNEL, &root.ts, "approve")
        .await
        .unwrap();
    talk.until_root(&anew.ts, "approved by Priya S.").await;
}

#[tokio::test]
async fn a_form_that_cannot_open_in_time_says_so() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    let (_, root) = talk.under_review().await;
    talk.slack.expire_triggers(true);
    talk.slack
        .person("U04TOMAS")
        .click(CHANNEL, &root.ts, "deny")
        .await
        .unwrap();
    talk.until_whispered("U04TOMAS", "could not be opened in time")
        .await;
    assert_eq!(talk.change().await.state, State::AwaitingApproval);
}

#[tokio::test]
async fn silent_approvers_are_reminded_and_time_runs_out() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    let (change, root) = talk.under_review().await;
    talk.desk.approve("ana", &change).await.unwrap();
    talk.desk
        .service(
            ChangeNumber(1),
            Command::Remind {
                revision: change.revision,
            },
        )
        .await
        .unwrap();
    talk.until_said(&root.ts, "Still waiting for Security and Finance")
        .await;
    talk.until("Tomás is reminded", || {
        talk.slack
            .messages("U04TOMAS")
            .iter()
            .any(|message| message.words().contains("still waits for Finance"))
    })
    .await;
    assert!(
        talk.slack
            .messages("U02ANA")
            .iter()
            .all(|message| !message.words().contains("still waits"))
    );
    talk.desk.clock.advance(chrono::Duration::hours(73));
    talk.desk
        .service(
            ChangeNumber(1),
            Command::Expire {
                revision: change.revision,
            },
        )
        .await
        .unwrap();
    talk.until_root(&root.ts, "Expired").await;
    talk.slack
        .person("U03PRIYA")
        .click_with(
            CHANNEL,
            &root.ts,
            "approve",
            root.button("approve").unwrap()["value"].as_str().unwrap(),
        )
        .await
        .unwrap();
    talk.until_whispered("U03PRIYA", "This change has ended (expired)")
        .await;
}

#[tokio::test]
async fn requests_that_are_not_from_slack_are_turned_away() {
    let talk = talk(Kind::Sqlite, Way::Http).await.unwrap();
    let base = talk.own_url();
    let secret = SecretString::from("stand-in-signing-secret");
    let now = talk.desk.clock.now().timestamp();
    let post = |path: &str, body: &'static str, stamp: i64, secret: SecretString| {
        let stamp = stamp.to_string();
        let signature = signature::sign(&secret, &stamp, body.as_bytes());
        tests::talk::client()
            .post(format!("{base}/chat/slack/{path}"))
            .header("x-slack-request-timestamp", stamp)
            .header("x-slack-signature", signature)
            .body(body)
            .send()
    };
    let hello = r#"{"type":"url_verification","challenge":"abc"}"#;
    let echoed = post("events", hello, now, secret.clone()).await.unwrap();
    assert_eq!(
        (echoed.status(), echoed.text().await.unwrap()),
        (StatusCode::OK, "abc".to_owned())
    );
    let status = |answer: reqwest::Response| answer.status();
    assert_eq!(
        status(
            post("events", hello, now, SecretString::from("other"))
                .await
                .unwrap()
        ),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        status(post("events", hello, now - 301, secret.clone()).await.unwrap()),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        status(post("events", hello, now + 301, secret.clone()).await.unwrap()),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        status(post("events", "{", now, secret.clone()).await.unwrap()),
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        status(post("commands", "ssl_check=1", 0, secret.clone()).await.unwrap()),
        StatusCode::OK
    );
    assert_eq!(
        status(
            post(
                "interactions",
                "payload=%7B%22type%22%3A%22shortcut%22%7D",
                now,
                secret
            )
            .await
            .unwrap()
        ),
        StatusCode::OK
    );
    let unsigned = tests::talk::client()
        .post(format!("{base}/chat/slack/events"))
        .body(hello)
        .send()
        .await
        .unwrap();
    assert_eq!(unsigned.status(), StatusCode::UNAUTHORIZED);
    let _ = desk::filing("unused");
}

#[tokio::test]
async fn a_click_that_was_acknowledged_survives_the_end_of_the_process() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    let (_, root) = talk.under_review().await;
    talk.stop_work();
    let clicked = talk
        .slack
        .person("U02ANA")
        .click(CHANNEL, &root.ts, "approve")
        .await
        .unwrap();
    assert_eq!(clicked, Outcome::Acknowledged(None));
    assert_eq!(talk.not_taken_up().await, 1);
    talk.work();
    talk.until_said(&root.ts, "approved for Platform").await;
    assert_eq!(talk.not_taken_up().await, 0);
}

#[tokio::test]
async fn a_post_whose_answer_was_lost_is_found_and_not_repeated() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    talk.slack.lose_next_answer("chat.postMessage");
    let root = talk.file_by_form_slowly().await;
    talk.desk.to_review(ChangeNumber(1)).await;
    talk.pass_time_until_root(&root, "Awaiting approval · 0 of 3")
        .await;
    assert_eq!(talk.slack.roots(CHANNEL).len(), 1);
    assert!(
        talk.slack.calls("conversations.history") > 0,
        "it looked for its own mark first"
    );
}

#[tokio::test]
async fn a_claim_that_was_lost_posts_nothing_and_one_that_was_given_back_looks_first() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    talk.stop_work();
    talk.desk.file("k").await.unwrap();
    let db = talk.desk.engine.db();
    let claim = async || card_claimed(&talk).await;
    let cards = PostCard::new(talk.chat.clone());
    // One process stands still before it posts, and another takes the card over.
    let (stop, frozen) = (CancellationToken::new(), claim().await);
    leases_run_out(db).await;
    let other = claim().await;
    cards.run(&other, &stop).await.unwrap();
    assert_eq!(talk.slack.roots(CHANNEL).len(), 1);
    // Either had looked before, and found nothing.
    let forget = async || tamper(db, "DELETE FROM message", vec![]).await;
    forget().await;
    let refused = cards.run(&frozen, &stop).await;
    assert!(matches!(refused, Err(JobError::Retry { .. })), "{refused:?}");
    assert_eq!(talk.slack.roots(CHANNEL).len(), 1);
    // The other one is stopped and gives it back, its try uncounted.
    forget().await;
    claims::release(db, &[other.ticket]).await.unwrap();
    let third = claim().await;
    assert_eq!(third.attempts, 2, "the frozen one's counts");
    cards.run(&third, &stop).await.unwrap();
    assert_eq!(talk.slack.roots(CHANNEL).len(), 1);
}

#[tokio::test]
async fn of_two_messages_that_say_the_same_the_later_is_taken_back() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    talk.stop_work();
    talk.desk.file("k").await.unwrap();
    let first = card_claimed(&talk).await;
    claims::release(talk.desk.engine.db(), &[first.ticket])
        .await
        .unwrap();
    let second = card_claimed(&talk).await;
    // The first one stood still in the middle of its post, which arrives right before ours.
    talk.slack.double_next_message();
    let cards = PostCard::new(talk.chat.clone());
    cards.run(&second, &CancellationToken::new()).await.unwrap();
    assert_eq!(talk.slack.roots(CHANNEL).len(), 1);
}

/// The job that shows the card, for whoever runs it now.
async fn card_claimed(talk: &Talk) -> Job {
    let wanted = Wanted {
        kinds: vec!["refresh_card".to_owned()],
        definitions: (1, 1),
    };
    let now = talk.desk.clock.now().timestamp_millis();
    let claimed = claims::claim(talk.desk.engine.db(), &wanted, 1, now, 30_000).await;
    claimed.unwrap().remove(0)
}

#[tokio::test]
async fn a_card_gets_its_place_in_the_ledger_as_soon_as_there_is_one() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    let (change, root) = talk.under_review().await;
    talk.desk.approve("ana", &change).await.unwrap();
    talk.until_root(&root.ts, "approved by Ana R., 09:00 · recorded")
        .await;
    crate::sealing::sealer(&talk.desk, "one")
        .seal_once(talk.desk.clock.now())
        .await
        .unwrap();
    talk.pass_time_until_root(&root.ts, "approved by Ana R., 09:00 · recorded #")
        .await;
    talk.pass_time_until_root(&root.ts, "UTC · recorded #").await;
}
