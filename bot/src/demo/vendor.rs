//! What the stand-in vendors answer: for each prompt of the demo an answer whose verdict, tokens and time were recorded.

use std::{collections::HashMap, sync::Arc};

use integrations::models::fake::{Answers, Asked, Scripted};
use serde_json::json;
use workflow_engine::ports::model::ToolCall;

use super::{
    figures::{CATEGORIES, Figure, Figures, Flaw},
    prompts::{Desk, Request, request},
};

/// Answers from the figures of `run`; prompts that are none of the demo's get none.
#[must_use]
pub fn answers(figures: Arc<Figures>, run: &'static str) -> Answers {
    let index = Index::of(&figures, run);
    Arc::new(move |asked| {
        let (desk, category, number) = index.by_text.get(asked.prompt())?;
        let figure = figures
            .run(run, asked.model)
            .ok()?
            .get(&(category.clone(), *number))?;
        let request = request(*desk, category, *number, figure.expected_calls);
        Some(scripted(&request, figure, asked))
    })
}

/// The answer that `figure` stands for, to `request`: as a vendor gives it and as a gateway recorded it.
#[must_use]
pub fn answer(request: &Request, figure: &Figure) -> (Option<String>, Vec<ToolCall>) {
    let mut calls = request.reference.clone();
    if figure.ok {
        return match calls.is_empty() {
            true => (
                Some("No tool of mine applies to that; a colleague will answer you.".to_owned()),
                calls,
            ),
            false => (None, calls),
        };
    }
    match figure.flaw {
        Some(Flaw::Text) => return (Some("Could you tell me a little more?".to_owned()), vec![]),
        Some(Flaw::NoJson) => {
            for call in &mut calls {
                call.arguments = call.arguments.replacen(',', ",  // as asked\n", 1);
            }
        }
        _ if calls.is_empty() => calls = vec![needless(request); figure.calls.max(1)],
        _ if figure.calls < calls.len() => calls.truncate(figure.calls),
        _ if figure.calls > calls.len() => {
            let again = calls[0].clone();
            calls.resize(figure.calls, again);
        }
        _ => calls[0].arguments = calls[0].arguments.replacen("_id\":", "_id\":9", 1),
    }
    (None, calls)
}

fn scripted(request: &Request, figure: &Figure, _asked: &Asked<'_>) -> Scripted {
    let (text, tool_calls) = answer(request, figure);
    Scripted {
        text,
        tool_calls,
        input_tokens: figure.input_tokens,
        output_tokens: figure.output_tokens,
        latency: figure.latency,
    }
}

/// A call of the first tool on offer where none applies.
fn needless(request: &Request) -> ToolCall {
    ToolCall {
        name: request.tools[0]["function"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        arguments: json!({}).to_string(),
    }
}

/// Which prompt a text is.
struct Index {
    by_text: HashMap<String, (Desk, String, usize)>,
}

impl Index {
    fn of(figures: &Figures, run: &str) -> Self {
        let any = figures
            .models(run)
            .next()
            .and_then(|model| figures.run(run, model).ok());
        let by_text = any
            .into_iter()
            .flatten()
            .filter(|((category, _), _)| CATEGORIES.contains(&category.as_str()))
            .flat_map(|((category, number), figure)| {
                [Desk::Support, Desk::Claims].map(|desk| {
                    let request = request(desk, category, *number, figure.expected_calls);
                    let text = request.messages[1]["content"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned();
                    (text, (desk, category.clone(), *number))
                })
            })
            .collect();
        Self { by_text }
    }
}

#[cfg(test)]
mod tests {
    use workflow_engine::{
        ports::model::{Completion, ReplayInput},
        shadow::{
            checks::{Case, Checks},
            recorded::RecordedAnswer,
        },
    };

    use super::*;
    use crate::demo::figures::{AUGUST, JULY};

    #[test]
    fn no_two_prompts_are_alike() {
        let figures = Figures::load().unwrap();
        assert_eq!(Index::of(&figures, AUGUST).by_text.len(), 2 * 1_240);
    }

    fn asked(request: &Request) -> ReplayInput {
        ReplayInput {
            messages: request.messages.clone(),
            tools: Some(request.tools.clone()),
            parameters: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn the_checks_judge_every_answer_as_it_was_judged_when_recorded() {
        let figures = Figures::load().unwrap();
        let checks = Checks::default();
        for run in [JULY, AUGUST] {
            for model in figures.models(run) {
                for ((category, number), figure) in figures.run(run, model).unwrap() {
                    let request = request(Desk::Claims, category, *number, figure.expected_calls);
                    let (text, tool_calls) = answer(&request, figure);
                    let completion = Completion {
                        text,
                        tool_calls,
                        ..Completion::default()
                    };
                    let judgement = checks.judge(&Case {
                        expected: Some(&request.reference),
                        reference_text: None,
                        input: &asked(&request),
                        recorded: &RecordedAnswer::default(),
                        answer: Some(&completion),
                    });
                    assert_eq!(
                        judgement.ok, figure.ok,
                        "{run} {model} {category} {number}: {completion:?}"
                    );
                }
            }
        }
    }
}
