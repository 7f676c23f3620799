//! The adapter against the stand-in, over real HTTP and a real WebSocket.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use workflow_engine::ports::{
    chat::{
        Answer, Button, ButtonStyle, Card, ChatError, ChatPlatform, Field, FieldKind, Form, Interaction,
        InteractionSink, Kind, NotTaken, Part, Place, Tone,
    },
    clock::Clock,
};

use super::{Delivery, Fake, Outcome, Setup, User};
use crate::chat::slack::{Slack, socket};

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }
    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn user(id: &str, name: &str) -> User {
    User {
        id: id.into(),
        name: name.into(),
        email: format!("{id}@example.com"),
        ..User::default()
    }
}

async fn stand_in() -> (Fake, Slack) {
    let setup = Setup {
        users: vec![user("U1", "Ana Reyes"), user("U2", "Wei Chen")],
        ..Setup::new(Delivery::Sockets)
    };
    let fake = Fake::start(setup, Arc::new(Fixed)).await.unwrap();
    let slack = Slack::new(&fake.config()).unwrap();
    (fake, slack)
}

fn card(words: &str) -> Card {
    Card::line(Tone::Progress, words.to_owned()).with(Part::Buttons(vec![Button {
        action: "approve".into(),
        label: "Approve".into(),
        value: "v1.142".into(),
        style: ButtonStyle::Primary,
        url: None,
    }]))
}

fn channel() -> Place {
    Place::channel("route-changes")
}

#[tokio::test]
async fn a_message_is_posted_found_by_its_mark_and_replaced() {
    let (fake, slack) = stand_in().await;
    assert_eq!(slack.check().await.unwrap().bot_user, super::BOT_USER);
    let root = slack.post(&channel(), &card("first"), "root:142").await.unwrap();
    let reply = slack
        .post(&root.thread(), &card("reply"), "reply:1")
        .await
        .unwrap();
    assert_eq!(
        slack.find(&channel(), "root:142").await.unwrap().unwrap().message,
        root.message
    );
    assert_eq!(
        slack
            .find(&root.thread(), "reply:1")
            .await
            .unwrap()
            .unwrap()
            .message,
        reply.message
    );
    assert_eq!(slack.find(&root.thread(), "reply:2").await.unwrap(), None);
    slack.update(&root, &card("second"), "root:142").await.unwrap();
    assert!(
        fake.message("route-changes", &root.message)
            .unwrap()
            .words()
            .contains("second")
    );
    assert_eq!(fake.thread("route-changes", &root.message).len(), 1);
}

#[tokio::test]
async fn what_slack_refuses_comes_back_as_what_to_do() {
    let (fake, slack) = stand_in().await;
    let root = slack.post(&channel(), &card("x"), "m").await.unwrap();
    fake.delete_message("route-changes", &root.message);
    assert!(matches!(
        slack.update(&root, &card("y"), "m").await,
        Err(ChatError::MessageGone { .. })
    ));
    let elsewhere = slack
        .post(&Place::channel("nowhere"), &card("x"), "m")
        .await
        .unwrap_err();
    assert!(elsewhere.to_string().contains("channel_not_found"), "{elsewhere}");
    fake.invite_app("route-changes", false);
    let outside = slack.post(&channel(), &card("x"), "m").await.unwrap_err();
    assert!(outside.to_string().contains("/invite @governor"), "{outside}");
    fake.fail_next("chat.postMessage", "http_500");
    assert!(matches!(
        slack.post(&channel(), &card("x"), "m").await,
        Err(ChatError::Retry { .. })
    ));
    let mut wrong = fake.config();
    wrong.bot_token = "xoxb-wrong".to_owned().into();
    let refused = Slack::new(&wrong).unwrap().check().await.unwrap_err();
    assert!(refused.to_string().contains("invalid_auth"), "{refused}");
}

#[tokio::test]
async fn too_many_posts_are_told_how_long_to_wait() {
    let (fake, slack) = stand_in().await;
    fake.limit_posts(Some(1));
    slack.post(&channel(), &card("x"), "m").await.unwrap();
    assert_eq!(
        slack.post(&channel(), &card("x"), "m").await,
        Err(ChatError::Retry {
            after: Some(Duration::from_secs(1)),
            code: "ratelimited".into()
        })
    );
}

#[tokio::test]
async fn people_are_described_and_files_arrive_whole() {
    let (fake, slack) = stand_in().await;
    fake.change_user("U2", |user| user.guest = true);
    assert!(!slack.user("U1").await.unwrap().is_guest);
    assert!(slack.user("U2").await.unwrap().is_guest);
    assert!(matches!(slack.user("U9").await, Err(ChatError::Permanent { .. })));
    let root = slack.post(&channel(), &card("x"), "m").await.unwrap();
    let file = workflow_engine::ports::chat::Attachment {
        name: "packet.json".into(),
        title: "Packet".into(),
        bytes: b"{}".to_vec(),
    };
    slack.upload(&root.thread(), &file).await.unwrap();
    assert_eq!(fake.file("packet.json").unwrap(), b"{}");
}

/// Keeps what it is given; answers a form whose reason is `bad` with an error.
#[derive(Default)]
struct Inbox(Mutex<Vec<Interaction>>);

#[async_trait]
impl InteractionSink for Inbox {
    async fn accept(&self, interaction: Interaction) -> Result<Answer, NotTaken> {
        let mut kept = self.0.lock().unwrap();
        let answer = match &interaction.kind {
            Kind::ThreadReply { text }
                if text == "lose" && kept.iter().all(|old| old.delivery != interaction.delivery) =>
            {
                kept.push(interaction);
                return Err(NotTaken("the disk is full".into()));
            }
            Kind::FormSubmitted { values, .. }
                if values.get("reason").is_some_and(|reason| reason == "bad") =>
            {
                Answer::FormErrors(BTreeMap::from([("reason".into(), "say more".into())]))
            }
            _ => Answer::Taken,
        };
        kept.push(interaction);
        Ok(answer)
    }
}

async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("did not come true in 4 s");
}

fn deny_form() -> Form {
    Form {
        id: "deny".into(),
        title: "Deny".into(),
        submit: Some("Deny".into()),
        context: "ctx".into(),
        intro: Vec::new(),
        fields: vec![Field {
            id: "reason".into(),
            label: "Why".into(),
            hint: None,
            optional: false,
            kind: FieldKind::Text {
                multiline: true,
                max: 100,
                initial: None,
            },
        }],
    }
}

#[tokio::test]
async fn clicks_forms_and_replies_come_through_two_sockets_and_a_refresh() {
    let (fake, slack) = stand_in().await;
    let slack = Arc::new(slack);
    let (inbox, health) = (Arc::<Inbox>::default(), Arc::<socket::Health>::default());
    let stop = CancellationToken::new();
    let listening = socket::run(slack.clone(), inbox.clone(), health.clone(), stop.clone());
    let running = tokio::spawn(listening);
    until(|| fake.links() == 2 && health.connected() == 2).await;

    let root = slack.post(&channel(), &card("x"), "m").await.unwrap();
    let person = fake.person("U1");
    let taken = Outcome::Acknowledged(None);
    assert_eq!(
        person
            .click("route-changes", &root.message, "approve")
            .await
            .unwrap(),
        taken
    );
    assert_eq!(
        person.command("route-changes", "/route help").await.unwrap(),
        taken
    );

    fake.refresh_links("refresh_requested");
    until(|| fake.links() == 2 && health.connected() == 2).await;
    let trigger = inbox
        .0
        .lock()
        .unwrap()
        .iter()
        .rev()
        .find_map(|seen| seen.trigger.clone())
        .unwrap();
    let form = deny_form();
    slack.open_form(&trigger, &form).await.unwrap();
    assert!(matches!(
        slack.open_form(&trigger, &form).await,
        Err(ChatError::FormExpired { .. })
    ));
    assert!(
        person.submit(&[]).await.is_err(),
        "the client itself wants a reason"
    );
    person.submit(&[("reason", "bad")]).await.unwrap();
    assert_eq!(person.open_form().unwrap().errors["reason"], "say more");
    person.submit(&[("reason", "it costs more")]).await.unwrap();
    assert!(person.open_form().is_none());

    // A reply that could not be stored is not acknowledged, and Slack sends it again.
    assert_eq!(
        person
            .reply("route-changes", &root.message, "lose")
            .await
            .unwrap(),
        taken
    );

    assert_eq!(inbox.0.lock().unwrap().len(), 6);
    stop.cancel();
    running.await.unwrap();
    until(|| fake.links() == 0).await;
}
