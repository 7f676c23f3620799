//! The demo's story: four changes are filed in chat, each comes to its own end.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail, ensure};
use chrono::TimeDelta;
use workflow_engine::{
    change::state::{Change, State},
    store,
    values::ChangeNumber,
};

use super::{prompts::Desk, stage::Stage};

/// Where requests are posted.
const CHANNEL: &str = "route-changes";
/// Where the digest goes.
const FINANCE_CHANNEL: &str = "ai-spend";
/// How long a step of the story may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The four changes, in the order of the story.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// gpt-4-turbo → gpt-4o-mini: cheaper, and clearly worse in one kind of request.
    pub cheaper_but_worse: ChangeNumber,
    /// gpt-4o (May) → gpt-4o (August): clean.
    pub clean: ChangeNumber,
    /// gpt-4o → claude-3-5-sonnet: a lower list price, a higher bill.
    pub dearer_than_it_looks: ChangeNumber,
    /// A candidate in a region where this data may not go.
    pub wrong_region: ChangeNumber,
}

impl Numbers {
    fn beginning_at(first: ChangeNumber) -> Self {
        Self {
            cheaper_but_worse: first,
            clean: ChangeNumber(first.0 + 1),
            dearer_than_it_looks: ChangeNumber(first.0 + 2),
            wrong_region: ChangeNumber(first.0 + 3),
        }
    }
}

/// The four changes, where this folder holds them from an earlier run.
///
/// # Errors
/// When the database does not answer.
pub async fn told(stage: &Stage) -> anyhow::Result<Option<Numbers>> {
    let numbers = Numbers::beginning_at(ChangeNumber(1));
    let last = store::changes::by_number(stage.service.engine.db(), numbers.wrong_region).await?;
    Ok(last.map(|_| numbers))
}

/// Maya files the four changes in chat.
///
/// # Errors
/// When the chat does not take them.
pub async fn file(stage: &Stage) -> anyhow::Result<Numbers> {
    let first = next_number(stage).await?;
    let filings = [
        (
            "claims-triage",
            "gpt-4o-mini-0718",
            true,
            "It is 98 % cheaper, and on average it looks as good.",
        ),
        (
            "support-answer",
            "gpt-4o-0806",
            true,
            "The same model's newer version at half the price.",
        ),
        (
            "support-answer",
            "claude-3-5-sonnet-0620",
            false,
            "A second vendor; its list price is 40 % lower on input.",
        ),
        (
            "claims-triage",
            "gpt-4o-mini-0718-ap",
            true,
            "Capacity is free in Singapore.",
        ),
    ];
    let maya = stage.slack.person("U0MAYA");
    for (index, (workflow, candidate, saves, reason)) in filings.into_iter().enumerate() {
        maya.command(CHANNEL, "/route").await?;
        wait("the form to open", || async {
            Ok(maya.open_form().is_some().then_some(()))
        })
        .await?;
        let savings = if saves { "yes" } else { "" };
        maya.submit(&[
            ("workflow", workflow),
            ("candidate", candidate),
            ("reason", reason),
            ("savings", savings),
        ])
        .await?;
        // One after the other, so that their numbers are those of the story.
        let number = ChangeNumber(first.0 + index as u64);
        wait("the request to be recorded", || async {
            Ok(store::changes::by_number(stage.service.engine.db(), number)
                .await?
                .map(drop))
        })
        .await?;
    }
    Ok(Numbers::beginning_at(first))
}

/// Waits until `number` stands at `state`.
///
/// # Errors
/// When it ends elsewhere, or takes too long.
pub async fn until(stage: &Stage, number: ChangeNumber, state: State) -> anyhow::Result<Change> {
    wait(&format!("{number} to reach \"{}\"", state.title()), || async {
        let change = change(stage, number).await?;
        if change.state == state {
            return Ok(Some(change));
        }
        if change.state.is_final() || change.state == State::ApplyFailed {
            let why = change.ending.unwrap_or_default();
            bail!(
                "{number} ended as \"{}\" ({why}), not as \"{}\"",
                change.state.title(),
                state.title()
            );
        }
        Ok(None)
    })
    .await
}

/// Platform and security decide in chat, finance in the console.
///
/// # Errors
/// When a decision is not taken.
pub async fn approve(stage: &Stage, number: ChangeNumber) -> anyhow::Result<()> {
    let root = root(stage, number).await?;
    stage
        .slack
        .person("U0ANA")
        .click(CHANNEL, &root, "approve")
        .await?;
    votes(stage, number, 1).await?;
    stage
        .slack
        .person("U0PRIYA")
        .reply(CHANNEL, &root, &format!("approve {number}"))
        .await?;
    votes(stage, number, 2).await?;
    super::browser::approve(&stage.base, "tomas", number).await
}

/// Finance says no, with a reason.
///
/// # Errors
/// When the decision is not taken.
pub async fn deny(stage: &Stage, number: ChangeNumber) -> anyhow::Result<()> {
    let root = root(stage, number).await?;
    let tomas = stage.slack.person("U0TOMAS");
    tomas.click(CHANNEL, &root, "deny").await?;
    wait("the form to open", || async {
        Ok(tomas.open_form().is_some().then_some(()))
    })
    .await?;
    let reason =
        "It would cost more than twice as much as today. Come back when its answers need fewer tokens.";
    tomas.submit(&[("reason", reason)]).await?;
    Ok(())
}

/// Customers go on calling: `calls` requests at the gateway, by the name they always used.
///
/// # Errors
/// When the gateway does not answer.
pub async fn call(stage: &Stage, alias: &str, desk: Desk, calls: usize) -> anyhow::Result<()> {
    let client = client()?;
    for index in 0..calls {
        let request = super::prompts::request(desk, "simple", index, 1);
        let response = client
            .post(format!("{}/v1/chat/completions", stage.gateway.url()))
            .bearer_auth("sk-stand-in-admin")
            .header("x-litellm-tags", format!("workflow:{alias},kind:simple"))
            .json(&serde_json::json!({"model": alias, "messages": request.messages, "tools": request.tools}))
            .send()
            .await?;
        let status = response.status();
        ensure!(
            status.is_success(),
            "the gateway answered {status}: {}",
            response.text().await?
        );
    }
    stage.gateway.flush().await;
    Ok(())
}

/// Has this week's digest told now instead of on Monday; answers its folder.
///
/// # Errors
/// When it is not told.
pub async fn digest(stage: &Stage) -> anyhow::Result<PathBuf> {
    let now = stage.service.engine.clock().now();
    stage
        .service
        .engine
        .ask_for_digest(now + TimeDelta::days(7), None)
        .await?;
    let folder = stage.folder.join("digests");
    wait("the digest to be told", || async {
        if stage.slack.roots(FINANCE_CHANNEL).is_empty() {
            return Ok(None);
        }
        let week = std::fs::read_dir(&folder)?.flatten().next();
        Ok(week.map(|entry| entry.path()))
    })
    .await
}

/// Waits until the sealer has taken in everything.
///
/// # Errors
/// When it does not.
pub async fn sealed(stage: &Stage) -> anyhow::Result<()> {
    wait("the ledger to be sealed", || async {
        let waiting = store::ledger::read::pending(stage.service.engine.db().reads(), 1).await?;
        Ok(waiting.is_empty().then_some(()))
    })
    .await
}

/// The change as it stands.
///
/// # Errors
/// When it is not there.
pub async fn change(stage: &Stage, number: ChangeNumber) -> anyhow::Result<Change> {
    let loaded = store::changes::by_number(stage.service.engine.db(), number).await?;
    Ok(loaded.with_context(|| format!("{number} is not there"))?.change)
}

/// The root message of the change's thread, once it can be decided on.
async fn root(stage: &Stage, number: ChangeNumber) -> anyhow::Result<String> {
    let words = format!("{number} ");
    wait(&format!("the card of {number}"), || async {
        Ok(stage
            .slack
            .roots(CHANNEL)
            .into_iter()
            .find(|message| message.words().contains(&words) && message.button("approve").is_some())
            .map(|message| message.ts))
    })
    .await
}

async fn votes(stage: &Stage, number: ChangeNumber, count: usize) -> anyhow::Result<()> {
    wait(&format!("vote {count} on {number}"), || async {
        let change = change(stage, number).await?;
        let have: usize = change.slots.iter().map(|slot| slot.votes.len()).sum();
        Ok((have >= count).then_some(()))
    })
    .await
}

async fn next_number(stage: &Stage) -> anyhow::Result<ChangeNumber> {
    let newest = store::changes::newest(stage.service.engine.db(), None, 1).await?;
    Ok(ChangeNumber(
        newest.first().map_or(1, |loaded| loaded.change.number.0 + 1),
    ))
}

/// Looks again until there is something.
pub(super) async fn wait<T, F, Fut>(what: &str, look: F) -> anyhow::Result<T>
where
    F: Fn() -> Fut,
    Fut: Future<Output = anyhow::Result<Option<T>>>,
{
    let looking = async {
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, looking).await {
        Ok(found) => found,
        Err(_) => bail!("waited {} s for {what}", PATIENCE.as_secs()),
    }
}

pub(super) fn client() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder()
        .timeout(Duration::from_secs(30))
        .build()?)
}

/// While the demo is served: customers call whatever change `numbers.clean` brings to the gateway, so that a person who
/// approves it sees it verified.
///
/// # Errors
/// When the gateway does not answer.
pub async fn serve_traffic(stage: &Stage, numbers: Numbers) -> anyhow::Result<()> {
    loop {
        let state = change(stage, numbers.clean).await?.state;
        if state == State::Verifying {
            call(stage, "support-answer", Desk::Support, 20).await?;
        }
        if state.is_final() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
