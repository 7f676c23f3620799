//! Plays the story to its end and says what came of it.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use workflow_engine::{change::state::State, values::ChangeNumber};

use super::{
    prompts::Desk,
    recorded,
    stage::Stage,
    story::{self, Numbers},
};

/// What came of the story.
pub struct Summary {
    /// Whether every step ended as it should.
    pub ok: bool,
    /// The last full month with calls.
    pub period: String,
    /// The four changes as the API shows them.
    pub changes: Vec<Value>,
    /// One line a step, for people.
    pub lines: Vec<String>,
}

impl Summary {
    /// The document of `demo --once --format json`.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({"ok": self.ok, "period": self.period, "changes": self.changes})
    }
}

/// Plays everything; `say` is told each step as it happens.
///
/// # Errors
/// When a step does not end as it should, with what happened instead.
pub async fn play(stage: &Stage, say: impl Fn(&str)) -> anyhow::Result<Summary> {
    let recorded = recorded::record(stage).await?;
    say(&format!("{recorded} recorded calls flowed in"));
    let numbers = story::file(stage).await?;
    say("Maya filed four changes in chat");
    story::until(stage, numbers.wrong_region, State::PolicyDenied).await?;
    let sent = stage.elsewhere.prompts_received("gpt-4o-mini-2024-07-18");
    ensure!(
        sent == 0,
        "{sent} prompts went to a region that the policy forbids"
    );
    say(&format!(
        "{}: refused at admission, 0 prompts sent",
        numbers.wrong_region
    ));
    story::until(stage, numbers.cheaper_but_worse, State::PolicyDenied).await?;
    say(&format!(
        "{}: not eligible, one kind of request is clearly worse",
        numbers.cheaper_but_worse
    ));
    story::until(stage, numbers.dearer_than_it_looks, State::AwaitingApproval).await?;
    story::deny(stage, numbers.dearer_than_it_looks).await?;
    story::until(stage, numbers.dearer_than_it_looks, State::Rejected).await?;
    say(&format!(
        "{}: denied by finance, it would cost twice as much",
        numbers.dearer_than_it_looks
    ));
    story::until(stage, numbers.clean, State::AwaitingApproval).await?;
    story::approve(stage, numbers.clean).await?;
    story::until(stage, numbers.clean, State::Verifying).await?;
    say(&format!(
        "{}: approved by three people, the gateway has it",
        numbers.clean
    ));
    story::call(stage, "support-answer", Desk::Support, 40).await?;
    story::until(stage, numbers.clean, State::Completed).await?;
    say(&format!("{}: seen in traffic, completed", numbers.clean));
    let digest = story::digest(stage).await?;
    say(&format!(
        "finance's digest of this week is in its channel and at {}",
        digest.display()
    ));
    finish(stage, numbers, &say).await
}

async fn finish(stage: &Stage, numbers: Numbers, say: &impl Fn(&str)) -> anyhow::Result<Summary> {
    let now = stage.service.engine.clock().now();
    story::sealed(stage).await?;
    let report = stage.service.state.ledger.verify().await?;
    ensure!(report.holds, "the ledger does not hold");
    say("the whole ledger verifies");
    let mut changes = Vec::new();
    for number in [
        numbers.cheaper_but_worse,
        numbers.clean,
        numbers.dearer_than_it_looks,
        numbers.wrong_region,
    ] {
        changes.push(view(stage, number).await?);
    }
    Ok(Summary {
        ok: true,
        period: recorded::last_month(now).0,
        lines: changes.iter().map(line).collect(),
        changes,
    })
}

async fn view(stage: &Stage, number: ChangeNumber) -> anyhow::Result<Value> {
    let view = stage.service.engine.change_view(number).await?;
    Ok(serde_json::to_value(
        view.with_context(|| format!("{number} is not there"))?,
    )?)
}

fn line(change: &Value) -> String {
    let text = |key: &str| change[key].as_str().unwrap_or("").to_owned();
    format!(
        "#{} {}: {} → {}: {}",
        change["number"],
        text("workflow"),
        change["baseline"]["model"].as_str().unwrap_or(""),
        change["candidate"]["model"].as_str().unwrap_or(""),
        text("state").replace('_', " "),
    )
}
