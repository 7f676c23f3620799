//! What people do with one change: file it, talk about it, decide, take it back, or forget it.

use std::{sync::atomic::Ordering, time::Duration};

use serde_json::{Value, json};

use super::{
    company::{self, ROUTES, WORKFLOWS},
    driver::{Ask, Driver},
    facts::Answer,
    random::Dice,
    receivers::{CHANNEL, USERS},
};

/// How long somebody waits for a change to move on before turning to something else.
const WAITS: Duration = Duration::from_secs(25);
/// States in which nothing more is waited for.
const ENDS: [&str; 9] = [
    "completed",
    "rejected",
    "expired",
    "withdrawn",
    "policy_denied",
    "shadow_failed",
    "rolled_back",
    "apply_failed",
    "draft",
];

/// Files changes and sees them through, one after the other, until the driver is told to begin nothing new.
pub async fn lane(driver: &Driver, mut dice: Dice) {
    while !driver.calm.load(Ordering::SeqCst) {
        life(driver, &mut dice).await;
    }
}

async fn life(driver: &Driver, dice: &mut Dice) {
    let workflow = company::workflow(dice.below(WORKFLOWS));
    let (route, model) = *dice.pick(&ROUTES);
    let filing = Ask {
        what: "file",
        person: "maya",
        path: String::new(),
        body: json!({"workflow": workflow, "candidate": route, "reason": "The soak asks for it."}),
    };
    let Answer::Recorded { number, .. } = driver.command(dice, &filing).await else {
        return;
    };
    if dice.chance(25) {
        let person = dice.pick(&USERS).0;
        act(
            driver,
            dice,
            (number, "comment", "comments", person),
            json!({"text": "Looks fine to me."}),
        )
        .await;
    }
    if dice.chance(8) {
        act(driver, dice, (number, "withdraw", "withdraw", "maya"), json!({})).await;
        return;
    }
    let Some(view) = until(driver, dice, number, &["awaiting_approval"]).await else {
        return;
    };
    if view["state"] != "awaiting_approval" || !decide(driver, dice, number, &view).await {
        return;
    }
    at_the_gateway(driver, dice, number, (&workflow, model)).await;
}

/// Most changes are approved; some denied, withdrawn, or left until their time is up. Says whether all said yes.
async fn decide(driver: &Driver, dice: &mut Dice, number: u64, view: &Value) -> bool {
    let ballot = |grade: &str| json!({"revision": view["revision"], "packet_sha256": view["packet_sha256"], "grade": grade, "reason": "As I see it."});
    match dice.below(100) {
        0..10 => {}
        10..16 => act(driver, dice, (number, "withdraw", "withdraw", "maya"), json!({})).await,
        16..24 => act(driver, dice, (number, "vote", "votes", "tomas"), ballot("deny")).await,
        _ => {
            let mut voters = vec!["ana", "priya", "tomas"];
            if dice.chance(20) {
                voters.push("jonas");
            }
            dice.shuffle(&mut voters);
            let votes = voters.into_iter().map(|person| {
                let mut dice = dice.split();
                let ballot = ballot("approve");
                async move {
                    if dice.chance(10) {
                        click(driver, number, person).await;
                    }
                    act(driver, &mut dice, (number, "vote", "votes", person), ballot).await;
                }
            });
            futures_util::future::join_all(votes).await;
            return true;
        }
    }
    false
}

/// The gateway is given the route; calls are seen on it, or somebody takes it back.
async fn at_the_gateway(driver: &Driver, dice: &mut Dice, number: u64, (workflow, model): (&str, &str)) {
    let Some(view) = until(driver, dice, number, &["verifying"]).await else {
        return;
    };
    if view["state"] != "verifying" {
        return;
    }
    if dice.chance(15) {
        act(
            driver,
            dice,
            (number, "rollback", "rollback", "maya"),
            json!({"reason": "Changed my mind."}),
        )
        .await;
    }
    for _ in 0..20 {
        driver.report_call(dice, workflow, model).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        let seen = driver.look(dice, number).await;
        if seen.is_some_and(|view| view["state"] != "verifying") {
            return;
        }
    }
}

async fn act(
    driver: &Driver,
    dice: &mut Dice,
    (number, what, path, person): (u64, &'static str, &str, &'static str),
    body: Value,
) {
    let path = format!("/{number}/{path}");
    driver
        .command(
            dice,
            &Ask {
                what,
                person,
                path,
                body,
            },
        )
        .await;
}

/// Approves in chat as well: a click beside the vote over HTTP, of which one counts.
async fn click(driver: &Driver, number: u64, person: &str) {
    let slack = &driver.stage.receivers.slack;
    let root = slack.roots(CHANNEL).into_iter().find(|message| {
        message.metadata.pointer("/event_payload/mark") == Some(&json!(format!("root:{number}")))
    });
    let user = USERS.iter().find(|(name, _)| *name == person);
    if let (Some(root), Some((_, user))) = (root, user) {
        // A card without the button, or a replica that does not acknowledge: nothing is promised then.
        drop(slack.person(user).click(CHANNEL, &root.ts, "approve").await);
    }
}

/// The change once it is in one of `states` or has ended; none when it took too long.
async fn until(driver: &Driver, dice: &mut Dice, number: u64, states: &[&str]) -> Option<Value> {
    let looking = async {
        loop {
            if let Some(view) = driver.look(dice, number).await {
                let state = view["state"].as_str().unwrap_or_default();
                if states.contains(&state) || ENDS.contains(&state) {
                    return view;
                }
                // Approved a while ago and not applied: the route has moved meanwhile, and a person must revise it.
                if state == "approved" && !states.contains(&"approved") && driver.calm.load(Ordering::SeqCst)
                {
                    return view;
                }
            }
            tokio::time::sleep(Duration::from_millis(dice.between(150, 450))).await;
        }
    };
    tokio::time::timeout(WAITS, looking).await.ok()
}
