//! Control 5: the vendor has every certification that the data class asks for.

use super::{super::decision::Ruling, HopFacts, Known, Request, missing, no_class};

pub(super) fn check(request: &Request, hop: &HopFacts) -> Ruling {
    let Some(class) = &request.workflow.class else {
        return no_class(request);
    };
    if class.certifications.is_empty() {
        return Ruling::pass(format!("{} data asks for no certification.", class.name));
    }
    for name in &class.certifications {
        match hop.certifications.get(name).unwrap_or(&Known::Unknown) {
            Known::Is(true, _) => {}
            Known::Is(false, source) => {
                return Ruling::fail(
                    format!(
                        "{} is not certified for {name} (\"{source}\"); {} data asks for it.",
                        hop.vendor, class.name
                    ),
                    "Choose another vendor.",
                );
            }
            other => {
                let what = format!(
                    "Whether {} is certified for {name}, which {} data asks for,",
                    hop.vendor, class.name
                );
                return missing(hop, other, &what, name);
            }
        }
    }
    Ruling::pass(format!(
        "{} is certified: {}.",
        hop.vendor,
        class.certifications.join(", ")
    ))
}
