//! Control 2: the vendor does not train on data whose class forbids it.

use super::{super::decision::Ruling, HopFacts, Known, Request, missing, no_class};

pub(super) fn check(request: &Request, hop: &HopFacts) -> Ruling {
    let Some(class) = &request.workflow.class else {
        return no_class(request);
    };
    if class.training_allowed {
        return Ruling::pass(format!("{} data may be trained on.", class.name));
    }
    let vendor = &hop.vendor;
    match &hop.trains {
        Known::Is(false, source) => Ruling::pass(format!("{vendor} does not train on it (\"{source}\").")),
        Known::Is(true, source) => Ruling::fail(
            format!(
                "{vendor} trains on what it is sent (\"{source}\"); {} data may not be trained on.",
                class.name
            ),
            format!("Agree with {vendor} that it does not and record it, or choose another vendor."),
        ),
        other => missing(
            hop,
            other,
            &format!("Whether {vendor} trains on what it is sent"),
            "training_use",
        ),
    }
}
