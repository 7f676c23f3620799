//! One file a rule. A rule looks at plain values and says pass, fail or unknown, why, and what would change it.

pub(super) mod budget;
mod capability;
mod certifications;
mod cost;
mod evidence;
mod model;
mod provider;
mod residency;
mod retention;
mod training;

use super::{
    controls::Control,
    decision::Ruling,
    request::{HopFacts, Known, Phase, Request},
};

/// A rule and when it is asked.
pub(super) struct Rule {
    pub(super) control: Control,
    pub(super) phases: &'static [Phase],
    pub(super) ask: Ask,
}

/// What a rule is asked about.
pub(super) enum Ask {
    /// Each hop by itself.
    Hop(fn(&Request, &HopFacts) -> Ruling),
    /// The change as a whole.
    Change(fn(&Request) -> Ruling),
}

const ALWAYS: &[Phase] = &[Phase::Admission, Phase::Full, Phase::Traffic];
const SPENDING: &[Phase] = &[Phase::Full, Phase::Traffic];
const MEASURED: &[Phase] = &[Phase::Full];

/// The ten rules, in the order of their controls.
pub(super) const ALL: [Rule; 10] = [
    Rule {
        control: Control::Retention,
        phases: ALWAYS,
        ask: Ask::Hop(retention::check),
    },
    Rule {
        control: Control::TrainingUse,
        phases: ALWAYS,
        ask: Ask::Hop(training::check),
    },
    Rule {
        control: Control::Residency,
        phases: ALWAYS,
        ask: Ask::Hop(residency::check),
    },
    Rule {
        control: Control::Provider,
        phases: ALWAYS,
        ask: Ask::Hop(provider::check),
    },
    Rule {
        control: Control::Certifications,
        phases: ALWAYS,
        ask: Ask::Hop(certifications::check),
    },
    Rule {
        control: Control::ModelVersion,
        phases: ALWAYS,
        ask: Ask::Hop(model::check),
    },
    Rule {
        control: Control::Capability,
        phases: ALWAYS,
        ask: Ask::Hop(capability::check),
    },
    Rule {
        control: Control::Budget,
        phases: SPENDING,
        ask: Ask::Change(budget::check),
    },
    Rule {
        control: Control::Evidence,
        phases: MEASURED,
        ask: Ask::Change(evidence::check),
    },
    Rule {
        control: Control::CostClaim,
        phases: MEASURED,
        ask: Ask::Change(cost::check),
    },
];

/// A fact that cannot be relied on, as a ruling: nothing on record, or past its last day.
fn missing<T>(hop: &HopFacts, fact: &Known<T>, what: &str, name: &str) -> Ruling {
    let vendor = &hop.vendor;
    match fact {
        Known::Expired(day, source) => Ruling::unknown(
            format!("{what} is no longer known: \"{source}\" could be relied on until {day}."),
            format!("Check the document again and date the fact `{name}` of {vendor} anew."),
        ),
        _ => Ruling::unknown(
            format!("{what} is not known: nothing is on record."),
            format!("Add the fact `{name}` of {vendor} with its document to the catalog."),
        ),
    }
}

/// Nothing is known of the data in the prompts.
fn no_class(request: &Request) -> Ruling {
    Ruling::unknown(
        format!("The data class of {} is not known.", request.workflow.id),
        "Give the workflow one of the catalog's data classes.",
    )
}
