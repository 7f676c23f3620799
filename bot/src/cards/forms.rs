//! The forms: file a change, deny, approve with conditions, raise a concern, take back.

use workflow_engine::{
    catalog::Catalog,
    ports::chat::{Choice, Field, FieldKind, Form, Text},
};

/// `file`: which workflow, which candidate, what for.
#[must_use]
pub fn file(catalog: &Catalog, workflow: Option<&str>, context: &str) -> Form {
    let workflows = catalog.workflows.iter().map(|entry| Choice {
        value: entry.id.0.clone(),
        label: format!("{} · {}", entry.id, entry.name),
    });
    let candidates = catalog.routes.iter().map(|route| Choice {
        value: route.id.clone(),
        label: match &route.region {
            Some(region) => format!("{} · {} in {region}", route.id, route.model),
            None => format!("{} · {}", route.id, route.model),
        },
    });
    Form {
        id: "file".to_owned(),
        title: "File a route change".to_owned(),
        submit: Some("File".to_owned()),
        context: context.to_owned(),
        intro: vec![
            "It is tested on recorded calls before anybody has to decide. Nothing is switched without approval.".into(),
        ],
        fields: vec![
            select("workflow", "Workflow", workflows.collect(), workflow),
            select("candidate", "Candidate route", candidates.collect(), None),
            words("reason", "What is it for", "Approvers read it first.", true),
            Field {
                id: "savings".to_owned(),
                label: "Savings".to_owned(),
                hint: None,
                optional: true,
                kind: FieldKind::Tick {
                    label: "It is filed to save money, so its cost must be shown lower".to_owned(),
                    initial: true,
                },
            },
        ],
    }
}

/// `deny`: why.
#[must_use]
pub fn deny(number: &str, context: &str) -> Form {
    one(
        "deny",
        ("Deny", "Deny"),
        context,
        &format!("Denying ends route change {number} for everybody."),
        words(
            "reason",
            "Why",
            "The requester reads it. What would change your mind?",
            false,
        ),
    )
}

/// `concern`: what must be settled.
#[must_use]
pub fn concern(number: &str, context: &str) -> Form {
    one(
        "concern",
        ("Raise a concern", "Raise"),
        context,
        &format!("A concern blocks route change {number} until you or somebody of your role settles it."),
        words(
            "reason",
            "What has to be settled first",
            "It is shown on the card.",
            false,
        ),
    )
}

/// `revoke`: why.
#[must_use]
pub fn revoke(number: &str, context: &str) -> Form {
    one(
        "revoke",
        ("Take approval back", "Take back"),
        context,
        &format!("Route change {number} is approved and not applied yet. Taking the approval back ends it."),
        words("reason", "Why", "Everybody who approved reads it.", false),
    )
}

/// `withdraw`: sure?
#[must_use]
pub fn withdraw(number: &str, context: &str) -> Form {
    Form {
        id: "withdraw".to_owned(),
        title: "Withdraw".to_owned(),
        submit: Some("Withdraw".to_owned()),
        context: context.to_owned(),
        intro: vec![format!("Route change {number} ends here. A new one may cite it.").into()],
        fields: Vec::new(),
    }
}

/// `approve_if`: on which conditions.
#[must_use]
pub fn approve_if(number: &str, context: &str) -> Form {
    let number_field = |id: &str, label: &str, hint: &str| Field {
        id: id.to_owned(),
        label: label.to_owned(),
        hint: Some(hint.to_owned()),
        optional: true,
        kind: FieldKind::Text {
            multiline: false,
            max: 9,
            initial: None,
        },
    };
    Form {
        id: "approve_if".to_owned(),
        title: "Approve if".to_owned(),
        submit: Some("Approve".to_owned()),
        context: context.to_owned(),
        intro: vec![
            format!(
                "At least one condition for route change {number}. They are enforced when it is applied."
            )
            .into(),
        ],
        fields: vec![
            number_field(
                "canary",
                "At most so many of 100 calls on the new route",
                "1 to 100",
            ),
            number_field("cap", "At most so many dollars a month", "Whole dollars"),
            number_field(
                "days",
                "Back to the old route after so many days",
                "Unless it is renewed",
            ),
            words("reason", "Note", "Optional; shown in the thread.", true),
        ],
    }
}

fn one(id: &str, (title, submit): (&str, &str), context: &str, intro: &str, field: Field) -> Form {
    Form {
        id: id.to_owned(),
        title: title.to_owned(),
        submit: Some(submit.to_owned()),
        context: context.to_owned(),
        intro: vec![Text::from(intro)],
        fields: vec![field],
    }
}

fn words(id: &str, label: &str, hint: &str, optional: bool) -> Field {
    Field {
        id: id.to_owned(),
        label: label.to_owned(),
        hint: Some(hint.to_owned()),
        optional,
        kind: FieldKind::Text {
            multiline: true,
            max: 2_000,
            initial: None,
        },
    }
}

fn select(id: &str, label: &str, choices: Vec<Choice>, initial: Option<&str>) -> Field {
    Field {
        id: id.to_owned(),
        label: label.to_owned(),
        hint: None,
        optional: false,
        kind: FieldKind::Select {
            choices,
            initial: initial.map(str::to_owned),
        },
    }
}
