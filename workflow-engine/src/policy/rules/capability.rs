//! Control 7: the model can call tools and hold the prompts, where the workflow needs it.

use super::{super::decision::Ruling, HopFacts, Request};

pub(super) fn check(request: &Request, hop: &HopFacts) -> Ruling {
    let needs = &request.workflow;
    if !needs.needs_tools && needs.needs_context_tokens.is_none() {
        return Ruling::pass(format!("{} asks for nothing special.", needs.id));
    }
    let model = &hop.hop.model;
    let Some(facts) = &hop.model else {
        return Ruling::unknown(
            format!("What {model} can do is not known."),
            "Have it added to the catalog.",
        );
    };
    if needs.needs_tools && !facts.tools {
        return Ruling::fail(
            format!("{model} cannot call tools; {} needs them.", needs.id),
            "Choose a model that can.",
        );
    }
    match (needs.needs_context_tokens, facts.context_tokens) {
        (Some(needed), Some(held)) if held < needed => Ruling::fail(
            format!(
                "{model} holds {held} tokens; the longest prompts of {} take {needed}.",
                needs.id
            ),
            "Choose a model that holds more.",
        ),
        (Some(_), None) => Ruling::unknown(
            format!("How long a prompt {model} holds is not known."),
            "Add its context_tokens to the catalog.",
        ),
        _ => Ruling::pass(format!("{model} can do what {} needs.", needs.id)),
    }
}
