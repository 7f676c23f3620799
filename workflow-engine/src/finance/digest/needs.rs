//! What in the digest needs somebody, and what they can do.

use super::compose::Week;
use crate::finance::budgets;
use crate::finance::charges::Reason;
use crate::finance::coverage::{Coverage, Gap};

/// At most four, the most pressing first: budgets, then what keeps spend from an owner.
pub(super) fn needs(week: &Week<'_>, standings: &[budgets::Standing], found: &Coverage) -> Vec<String> {
    let mut budgets: Vec<&budgets::Standing> = standings.iter().collect();
    budgets.sort_by_key(|standing| std::cmp::Reverse(standing.percent()));
    let mut needs: Vec<String> = budgets
        .iter()
        .filter_map(|standing| standing.warning(week.today, week.month))
        .collect();
    needs.extend(found.gaps.iter().filter_map(|(gap, _)| remedy(gap)));
    needs.truncate(4);
    needs
}

fn remedy(gap: &Gap) -> Option<String> {
    Some(match gap {
        Gap::Unallocated(Reason::NoWorkflow) => {
            "calls that name no workflow: give them a tag, or a mapping rule in the catalog".to_owned()
        }
        Gap::Unallocated(Reason::UnknownWorkflow(name)) => {
            format!("workflow \"{name}\" is not in the catalog: add it, or correct the tag")
        }
        Gap::Unallocated(Reason::NoPrice { model, .. }) if !model.is_empty() => {
            format!("model {model} has no price: add one to the catalog")
        }
        Gap::Unallocated(Reason::NoPrice { .. }) => return None,
        Gap::NoOwner(workflow) => format!("{workflow} needs a new owner"),
        Gap::NotApproved { workflow, model } => {
            format!("{workflow} uses {model} without approval: file a route change, or stop it")
        }
    })
}
