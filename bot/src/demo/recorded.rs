//! The calls that were there before the story begins: all of last month, and this week.

use anyhow::ensure;
use chrono::{DateTime, Datelike, TimeDelta, TimeZone, Utc};
use serde_json::Value;

use super::{figures::JULY, prompts::Desk, stage::Stage, story::client, traffic::Recording};

/// Rows in one delivery of recorded calls.
const BATCH: usize = 200;

/// The last full month before `now`, as a period (`2026-10`), with its first moment and the first one after it.
#[must_use]
pub fn last_month(now: DateTime<Utc>) -> (String, DateTime<Utc>, DateTime<Utc>) {
    let first = |year, month| {
        Utc.with_ymd_and_hms(year, month, 1, 0, 0, 0)
            .single()
            .unwrap_or(now)
    };
    let until = first(now.year(), now.month());
    let (year, month) = match now.month() {
        1 => (now.year() - 1, 12),
        month => (now.year(), month - 1),
    };
    (format!("{year}-{month:02}"), first(year, month), until)
}

/// Lets recorded calls flow in: all of last month, and this week until now.
///
/// # Errors
/// When the service does not take them.
pub async fn record(stage: &Stage) -> anyhow::Result<usize> {
    let now = stage.service.engine.clock().now();
    let (_, month, until) = last_month(now);
    let mut stored = 0;
    for (desk, workflow, model) in [
        (Desk::Support, "support-answer", "gpt-4o-2024-05-13"),
        (Desk::Claims, "claims-triage", "gpt-4-turbo-2024-04-09"),
    ] {
        let run = if stage.figures.run(JULY, model).is_ok() {
            JULY
        } else {
            super::figures::AUGUST
        };
        let mut recording = Recording {
            desk,
            workflow: workflow.to_owned(),
            alias: workflow.to_owned(),
            provider: "openai".to_owned(),
            model: model.to_owned(),
            run,
            first: month + TimeDelta::hours(6),
            every: (until - month - TimeDelta::hours(12)) / 1240,
            per_category: usize::MAX,
        };
        stored += deliver(stage, &recording, desk, Prompts::Kept).await?;
        // This week: fewer, the same mixture, up to ten minutes ago. Their prompts were not kept, so that each prompt of
        // the recorded runs is tested once and the figures are those that were published.
        recording.per_category = 30;
        recording.workflow = workflow.to_owned();
        recording.first = now - TimeDelta::hours(30);
        recording.every = TimeDelta::minutes(11);
        stored += deliver(stage, &recording, desk, Prompts::LeftOut).await?;
    }
    Ok(stored)
}

/// Whether a reporter sends prompts and answers along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prompts {
    Kept,
    LeftOut,
}

/// The support desk's application reports spans; the claims desk is seen by the gateway.
async fn deliver(
    stage: &Stage,
    recording: &Recording,
    desk: Desk,
    prompts: Prompts,
) -> anyhow::Result<usize> {
    let client = client()?;
    let calls = recording.calls(&stage.figures)?;
    for batch in calls.chunks(BATCH) {
        let (path, token, mut body) = match desk {
            Desk::Support => ("/v1/traces", &stage.spans_token, recording.as_otlp(batch)),
            Desk::Claims => (
                "/ingest/litellm",
                &stage.gateway_token,
                recording.as_litellm(batch),
            ),
        };
        if prompts == Prompts::LeftOut {
            leave_prompts_out(&mut body);
        }
        let response = client
            .post(format!("{}{path}", stage.base))
            .bearer_auth(token)
            .json(&body)
            .send()
            .await?;
        let status = response.status();
        ensure!(
            status.is_success(),
            "{path} answered {status}: {}",
            response.text().await?
        );
    }
    Ok(calls.len())
}

/// What both reporters send when they are told not to log prompts.
fn leave_prompts_out(body: &mut Value) {
    match body {
        Value::Array(items) => {
            items.retain(|item| {
                !matches!(
                    item["key"].as_str(),
                    Some("gen_ai.input.messages" | "gen_ai.output.messages")
                )
            });
            items.iter_mut().for_each(leave_prompts_out);
        }
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match name.as_str() {
                    "messages" | "response" => *value = "redacted-by-litellm".into(),
                    _ => leave_prompts_out(value),
                }
            }
        }
        _ => {}
    }
}
