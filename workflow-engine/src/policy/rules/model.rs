//! Control 6: the model is listed by its pinned name, not forbidden, not about to retire, and may be proposed here.

use chrono::Duration;

use super::{super::decision::Ruling, HopFacts, Request};

pub(super) fn check(request: &Request, hop: &HopFacts) -> Ruling {
    let model = &hop.hop.model;
    if hop.forbidden {
        return Ruling::fail(format!("The policy forbids {model}."), "Choose another model.");
    }
    let Some(facts) = &hop.model else {
        return Ruling::unknown(
            format!("{model} of {} is not in the catalog.", hop.vendor),
            "Choose a model of the catalog by its dated name, or have this one added.",
        );
    };
    if !facts.pinned {
        return Ruling::fail(
            format!("{model} is a moving name: its weights may change without a request."),
            "Name a dated version.",
        );
    }
    if let Some(day) = facts.retires
        && day < request.today + Duration::days(request.min_days_to_retirement)
    {
        let most = request.min_days_to_retirement;
        return Ruling::fail(
            format!("{model} retires on {day}, in less than {most} days."),
            "Choose a model that stays longer.",
        );
    }
    if !request.proposable {
        return Ruling::fail(
            format!(
                "{} may not be proposed for {}.",
                request.route, request.workflow.id
            ),
            "Choose one of the workflow's candidates, or have its entry changed.",
        );
    }
    Ruling::pass(format!("{model} is a pinned version, allowed, and stays."))
}
