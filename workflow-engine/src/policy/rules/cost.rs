//! Control 10: where a change is filed to save money, the saving is measured on replayed calls; a cheaper list is no proof.

use super::{super::decision::Ruling, Request};
use crate::{
    evidence::{
        figures::{count, times},
        sentences::{cost_words, list_price_trap},
    },
    shadow::analysis::report::Outcome,
};

pub(super) fn check(request: &Request) -> Ruling {
    let cost = request
        .measured
        .as_ref()
        .and_then(|measured| measured.report.cost.as_ref());
    let measured = cost.and_then(|cost| cost_words(cost).map(|words| (cost, words)));
    if !request.claims_savings {
        return Ruling::pass(match measured {
            Some((_, words)) => format!("It is not filed to save money. Measured: it {words}."),
            None => "It is not filed to save money.".to_owned(),
        });
    }
    let Some((cost, words)) = measured else {
        return Ruling::unknown(
            "It is filed to save money, but what it costs was not measured.",
            "Price both models and run the shadow test.",
        );
    };
    match cost.outcome {
        Outcome::NonInferior => Ruling::pass(format!("Measured on {} calls: it {words}.", count(cost.n))),
        Outcome::Inferior => Ruling::fail(
            match list_price_trap(cost, request.list_input) {
                Some(trap) => format!("It is filed to save money. {trap}"),
                None => format!(
                    "It is filed to save money, but measured on {} calls it {words}.",
                    count(cost.n)
                ),
            },
            "Choose another route, or file it for another reason.",
        ),
        Outcome::Inconclusive => Ruling::fail(
            format!(
                "It is filed to save money, but measured on {} calls it {words}; it must surely cost less than {} today's.",
                count(cost.n),
                times(cost.margin)
            ),
            "Replay more calls, or file it for another reason.",
        ),
    }
}
