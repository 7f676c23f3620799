//! The gateways of the catalog that we have access to, and what a change asks of its own.

use std::{collections::BTreeMap, sync::Arc};

use workflow_engine::{
    catalog::{Catalog, GatewayEntry},
    change::state::Change,
    ports::gateway::{ApprovedRoute, Artifact, Gateway, GatewayError},
    values::Route,
};

/// Clients of the catalog's gateways. Cheap to clone.
#[derive(Clone)]
pub struct Gateways(Arc<Opener>);

/// The client of an entry; none where we have no access to it.
type Opener = dyn Fn(&GatewayEntry) -> Option<Arc<dyn Gateway>> + Send + Sync;

/// What a change means at its gateway.
pub struct Place {
    /// The gateway's client; none where we have no access to it.
    pub gateway: Option<Arc<dyn Gateway>>,
    /// The gateway's name in the catalog.
    pub name: String,
    /// The name callers ask it for.
    pub alias: String,
    /// Whether its owner lets us change it.
    pub may_apply: bool,
}

impl Gateways {
    /// Of these clients, by the catalog's id.
    #[must_use]
    pub fn new(clients: BTreeMap<String, Arc<dyn Gateway>>) -> Self {
        Self::opened_by(move |entry| clients.get(&entry.id).cloned())
    }

    /// Opened anew for each use, so that what the catalog says of an address holds at once.
    #[must_use]
    pub fn opened_by(
        open: impl Fn(&GatewayEntry) -> Option<Arc<dyn Gateway>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(open))
    }

    /// The client of a gateway; none where we have no access to it.
    #[must_use]
    pub fn client(&self, entry: &GatewayEntry) -> Option<Arc<dyn Gateway>> {
        (self.0)(entry)
    }

    /// Where `change` takes place; none when the catalog no longer has its workflow.
    #[must_use]
    pub fn place(&self, catalog: &Catalog, change: &Change) -> Option<Place> {
        let workflow = catalog.workflow(change.workflow.as_str())?;
        let entry = catalog.gateways.iter().find(|entry| entry.id == workflow.gateway);
        Some(Place {
            gateway: entry.and_then(|entry| self.client(entry)),
            name: workflow.gateway.clone(),
            alias: workflow.alias.clone(),
            may_apply: entry.is_some_and(|entry| entry.apply),
        })
    }

    /// What people need to apply `change` by hand: a patch, admin calls, steps. None where we cannot write it for its gateway.
    ///
    /// # Errors
    /// When the gateway cannot serve such a route.
    pub fn handover(&self, catalog: &Catalog, change: &Change) -> Result<Option<Artifact>, GatewayError> {
        let Some(place) = self.place(catalog, change) else {
            return Ok(None);
        };
        let generation = change
            .application
            .as_ref()
            .map_or(0, |application| application.generation);
        let approved = place.approved(change, change.candidate.clone(), generation);
        place.gateway.map(|gateway| gateway.render(&approved)).transpose()
    }
}

impl Place {
    /// `route` as the gateway is to serve it for this change.
    #[must_use]
    pub fn approved(&self, change: &Change, route: Route, generation: u64) -> ApprovedRoute {
        ApprovedRoute {
            workflow: change.workflow.clone(),
            alias: self.alias.clone(),
            route,
            generation,
            change: change.number,
        }
    }
}
