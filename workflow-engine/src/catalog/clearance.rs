//! Who may read the prompts and answers of a workflow.

use super::{Catalog, Workflow};
use crate::values::{PersonId, Role};

/// Whether `person` may read them: the workflow's owner, people who answer for security, and members of the groups that
/// its data class names in `cleared`.
///
/// # Errors
/// The sentence that says who may, and what to do.
pub fn may_read(catalog: &Catalog, workflow: &Workflow, person: &PersonId) -> Result<(), String> {
    let active = catalog
        .person(person.as_str())
        .is_some_and(|known| !known.inactive);
    let class = catalog
        .data_classes
        .iter()
        .find(|class| class.id == workflow.data_class);
    let cleared = class.map(|class| class.cleared.as_slice()).unwrap_or_default();
    let in_group = catalog
        .groups
        .iter()
        .filter(|group| group.role == Role::Security || cleared.contains(&group.id))
        .any(|group| group.members.contains(person));
    if active && (workflow.owner == *person || in_group) {
        return Ok(());
    }
    let groups = cleared.iter().map(|group| format!("@{group}"));
    let who: Vec<String> = std::iter::once("security".to_owned()).chain(groups).collect();
    Err(format!(
        "Prompts of {} are {} data; its owner and {} may read them. To be cleared, ask for a place in such a group, or for a group of yours among those that this data class clears.",
        workflow.id,
        workflow.data_class,
        who.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::sample::sample;

    #[test]
    fn owner_security_and_cleared_groups_may_read_and_others_hear_who_may() {
        let mut catalog = sample();
        let workflow = catalog.workflows[0].clone();
        let class = catalog
            .data_classes
            .iter()
            .position(|class| class.id == workflow.data_class)
            .unwrap();
        let finance = catalog
            .groups
            .iter()
            .find(|group| group.role == Role::Finance)
            .unwrap()
            .clone();
        let member = &finance.members[0];
        assert_eq!(may_read(&catalog, &workflow, &workflow.owner), Ok(()));
        assert!(may_read(&catalog, &workflow, member).is_err());
        catalog.data_classes[class].cleared = vec![finance.id.clone()];
        assert_eq!(may_read(&catalog, &workflow, member), Ok(()));
        catalog
            .people
            .iter_mut()
            .find(|person| person.id == *member)
            .unwrap()
            .inactive = true;
        assert!(may_read(&catalog, &workflow, member).is_err());
    }
}
