//! A small company for scenarios: two workflows, five people, four routes.

use workflow_engine::catalog::Catalog;

/// Maya files; Ana (platform), Priya (security), Tomas (finance) decide; Wei owns `support-answer`.
pub fn small() -> Catalog {
    toml::from_str(include_str!("small.toml")).expect("the scenario's catalog is right")
}
