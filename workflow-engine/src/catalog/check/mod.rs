//! What a catalog must hold beyond its shape: parts that fit each other.

mod approval;
mod money;
mod routes;
mod rules;
mod shadow;
mod vendors;
mod workflows;

use super::{
    Catalog,
    fault::{CatalogFault, nearest},
    shape::Spots,
};

/// Everything in `catalog` that does not fit together.
pub(super) fn check(catalog: &Catalog, spots: &Spots) -> Vec<CatalogFault> {
    let mut notes = Notes {
        spots,
        faults: Vec::new(),
    };
    approval::check(catalog, &mut notes);
    vendors::check(catalog, &mut notes);
    routes::check(catalog, &mut notes);
    workflows::check(catalog, &mut notes);
    shadow::check(catalog, &mut notes);
    money::check(catalog, &mut notes);
    rules::check(catalog, &mut notes);
    notes.faults
}

/// Faults as they are found, with the places of all fields.
struct Notes<'a> {
    spots: &'a Spots,
    faults: Vec<CatalogFault>,
}

impl Notes<'_> {
    fn add(&mut self, path: &str, what: String) {
        self.faults.push(CatalogFault {
            line: self.spots.line(path),
            column: 0,
            path: path.to_owned(),
            what,
            nearest: None,
        });
    }

    /// A name that is none of `known`.
    fn unknown<'k>(
        &mut self,
        path: &str,
        what: String,
        name: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        self.add(path, what);
        if let Some(fault) = self.faults.last_mut() {
            fault.nearest = nearest(name, known).map(str::to_owned);
        }
    }

    /// One fault for each value of `names` that was there before.
    fn doubles<'k>(&mut self, names: impl Iterator<Item = (String, &'k str)>, what: &str) {
        let mut seen = std::collections::BTreeMap::<&str, String>::new();
        for (path, name) in names {
            match seen.get(name) {
                Some(first) => {
                    let line = self.spots.line(first);
                    self.add(
                        &path,
                        format!("\"{name}\" is there already, on line {line}; {what}"),
                    );
                }
                None => {
                    seen.insert(name, path);
                }
            }
        }
    }
}
