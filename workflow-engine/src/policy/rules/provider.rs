//! Control 4: the provider may be used, and its contract holds.

use super::{super::decision::Ruling, HopFacts, Known, Request, missing};

pub(super) fn check(_: &Request, hop: &HopFacts) -> Ruling {
    let vendor = &hop.vendor;
    if !hop.provider_allowed {
        return Ruling::fail(
            format!("{vendor} is not among the providers that may be used."),
            "Choose another vendor, or have the policy's allowed_providers changed.",
        );
    }
    match &hop.contract {
        Known::Is(true, source) => {
            Ruling::pass(format!("{vendor} is allowed, with a contract (\"{source}\")."))
        }
        Known::Is(false, source) => Ruling::fail(
            format!("There is no contract with {vendor} (\"{source}\")."),
            format!("Sign one with {vendor} and record it, or choose another vendor."),
        ),
        other => missing(
            hop,
            other,
            &format!("Whether the contract with {vendor} holds"),
            "contract",
        ),
    }
}
