//! Routes: every hop names a listed model whose name always means the same weights.

use super::Notes;
use crate::{catalog::Catalog, values::Hop};

pub(super) fn check(catalog: &Catalog, notes: &mut Notes<'_>) {
    for (index, entry) in catalog.routes.iter().enumerate() {
        let route = entry.route();
        for (number, hop) in route.hops().enumerate() {
            let path = match number {
                0 => format!("routes[{index}]"),
                _ => format!("routes[{index}].fallbacks[{}]", number - 1),
            };
            self::hop(&path, hop, catalog, notes);
            if route.hops().take(number).any(|earlier| earlier == hop) {
                notes.add(
                    &path,
                    "falls back to a hop that has just failed; name another".to_owned(),
                );
            }
        }
    }
    for (index, model) in catalog.policy.forbidden_models.iter().enumerate() {
        if !catalog
            .models
            .iter()
            .any(|entry| &entry.id == model || entry.aliases.contains(model))
        {
            let near = super::nearest(model, catalog.models.iter().map(|entry| entry.id.as_str()));
            if let Some(near) = near {
                let what = format!("no model \"{model}\"");
                notes.unknown(&format!("policy.forbidden_models[{index}]"), what, model, [near]);
            }
        }
    }
}

fn hop(path: &str, hop: &Hop, catalog: &Catalog, notes: &mut Notes<'_>) {
    let path = format!("{path}.model");
    let of_provider = catalog
        .models
        .iter()
        .filter(|model| model.provider == hop.provider);
    let Some(model) = of_provider.clone().find(|model| model.id == hop.model) else {
        let alias = of_provider
            .clone()
            .find(|model| model.aliases.contains(&hop.model));
        let what = match alias {
            Some(model) => format!(
                "\"{}\" is another name of \"{}\"; name the version",
                hop.model, model.id
            ),
            None => format!("no model \"{}\" of {}", hop.model, hop.provider),
        };
        let known = of_provider.map(|model| model.id.as_str());
        return match alias {
            Some(_) => notes.add(&path, what),
            None => notes.unknown(&path, what, &hop.model, known),
        };
    };
    if !model.pinned {
        let what = format!(
            "\"{}\" is not pinned: its weights may change under you; name a dated version",
            hop.model
        );
        notes.add(&path, what);
    }
}
