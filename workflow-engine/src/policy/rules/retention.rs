//! Control 1: the vendor keeps prompts no longer than their data class allows.

use super::{super::decision::Ruling, HopFacts, Known, Request, missing, no_class};

pub(super) fn check(request: &Request, hop: &HopFacts) -> Ruling {
    let Some(class) = &request.workflow.class else {
        return no_class(request);
    };
    let Some(most) = class.max_retention_days else {
        return Ruling::pass(format!("{} data may be kept for any time.", class.name));
    };
    let vendor = &hop.vendor;
    match &hop.retention_days {
        Known::Is(days, source) if *days <= most => Ruling::pass(format!(
            "{vendor} keeps {}; {} allowed (\"{source}\").",
            spell(*days),
            most_of(most)
        )),
        Known::Is(days, _) => Ruling::fail(
            format!(
                "{vendor} keeps {}; for {} data {} allowed.",
                spell(*days),
                class.name,
                most_of(most)
            ),
            format!(
                "Agree on a shorter time or zero retention with {vendor} and record it, or choose another vendor."
            ),
        ),
        other => missing(
            hop,
            other,
            &format!("How long {vendor} keeps {} data", class.name),
            "retention_days",
        ),
    }
}

fn spell(days: u32) -> String {
    match days {
        0 => "no data".to_owned(),
        1 => "data for 1 day".to_owned(),
        days => format!("data for {days} days"),
    }
}

fn most_of(days: u32) -> String {
    match days {
        0 => "no keeping is".to_owned(),
        1 => "1 day is".to_owned(),
        days => format!("{days} days are"),
    }
}
