//! Terms of a plan and recorded calls, as unit tests use them.

use chrono::DateTime;

use super::{
    analysis::plan::Mode,
    plan::{Latency, Limits, Terms},
    recorded::CallHead,
};
use crate::{
    catalog::{
        Margins,
        shadow::{KindBy, Source},
    },
    values::{ChangeNumber, Revision, Route, Usd, WorkflowId},
};

fn route(model: &str) -> Route {
    serde_json::from_value(serde_json::json!({"id": model, "provider": "openai", "model": model})).unwrap()
}

pub(crate) fn terms() -> Terms {
    Terms {
        change: ChangeNumber(7),
        revision: Revision(1),
        workflow: WorkflowId::from("support-answer"),
        baseline: route("gpt-4o-2024-05-13"),
        candidate: route("gpt-4o-2024-08-06"),
        from: DateTime::UNIX_EPOCH,
        until: DateTime::UNIX_EPOCH,
        kinds_by: vec![KindBy::Tag],
        immaterial: vec![],
        own_checks: vec![],
        redaction: None,
        judge: None,
        source: Source::Replay,
        pilot: None,
        reuse_recorded: false,
        margins: Margins::default(),
        claims_savings: true,
        seed: *b"governor-shown-1",
        limits: Limits {
            traces: 1_240,
            spend_cap_usd: Usd(rust_decimal::Decimal::from(25)),
            concurrency: 8,
            repeats: 0,
            mode: Mode::Fixed,
            latency: Latency::Wall { scale: 1.0 },
        },
    }
}

pub(crate) fn head(trace_id: &str) -> CallHead {
    CallHead {
        trace_id: trace_id.to_owned(),
        at: DateTime::UNIX_EPOCH,
        kind: None,
        cluster: None,
        input_tokens: None,
        data_class: None,
        unfit: None,
        mirror: None,
    }
}
