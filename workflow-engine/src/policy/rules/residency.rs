//! Control 3: data is processed only where its class and its workflow allow, and where the vendor promises to.

use super::{super::decision::Ruling, HopFacts, Known, Request, missing, no_class};

pub(super) fn check(request: &Request, hop: &HopFacts) -> Ruling {
    let Some(class) = &request.workflow.class else {
        return no_class(request);
    };
    let limits = [
        (&class.regions, format!("{} data", class.name)),
        (&request.workflow.regions, request.workflow.id.clone()),
    ];
    if limits.iter().all(|(regions, _)| regions.is_empty()) {
        return Ruling::pass(format!("{} data may be processed anywhere.", class.name));
    }
    let Some(region) = &hop.hop.region else {
        return Ruling::unknown(
            format!(
                "Where {} processes it is not known: the route names no region.",
                hop.vendor
            ),
            format!("Name the region of {} in the route.", hop.hop.model),
        );
    };
    for (regions, whose) in limits.iter().filter(|(regions, _)| !regions.is_empty()) {
        if !regions.contains(region) {
            return Ruling::fail(
                format!(
                    "It would be processed in {region}; {whose} may be processed in {} only.",
                    regions.join(" or ")
                ),
                format!("Choose a route in {}.", regions.join(" or ")),
            );
        }
    }
    let vendor = &hop.vendor;
    match &hop.residency {
        Known::Is(regions, source) if regions.contains(region) => Ruling::pass(format!(
            "Processed in {region}, as {vendor} promises (\"{source}\")."
        )),
        Known::Is(regions, source) => Ruling::fail(
            format!(
                "{vendor} promises processing in {} only (\"{source}\"), not in {region}.",
                regions.join(" or ")
            ),
            "Choose one of these regions, or get the promise and record it.".to_owned(),
        ),
        other => missing(
            hop,
            other,
            &format!("Where {vendor} promises to process data"),
            "residency",
        ),
    }
}
