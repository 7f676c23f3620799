//! Spend as pages, statements and programs ask for it.

use super::Engine;
use crate::{
    catalog::Catalog,
    finance::{
        charges::{Charge, Cut, charges},
        period::{self, Period},
        spend::{self, Spend},
        statement::{self, Row},
    },
    store::{calls::CallStore, error::StoreError},
};

impl Engine {
    /// The spend of `month`, or of the newest month with calls in the last half year; none without calls.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn spend(
        &self,
        calls: &CallStore,
        month: Option<Period>,
        cut: Cut,
    ) -> Result<Option<Spend>, StoreError> {
        let (_, catalog) = self.catalog().await?;
        let today = period::day(self.clock.now(), catalog.company.time_zone);
        let charges = match month {
            Some(month) => self.charges_around(calls, &catalog, month).await?,
            None => self.charges(calls, &catalog, today).await?,
        };
        let approved = self.approved_models().await?;
        Ok(spend::spend(&charges, &catalog, &approved, today, (month, cut)))
    }

    /// The lines of a month's statement.
    ///
    /// # Errors
    /// As [`Engine::spend`].
    pub async fn statement(&self, calls: &CallStore, month: Period) -> Result<Vec<Row>, StoreError> {
        let (_, catalog) = self.catalog().await?;
        let zone = catalog.company.time_zone;
        let (since, until) = month.bounds(zone);
        let rows = calls.rollup(since, until).await?;
        Ok(statement::rows(
            &charges(rows.0.iter(), &catalog, zone),
            &catalog,
            month,
        ))
    }

    /// Charges of a month and of the two before it, for comparison and outlook.
    async fn charges_around(
        &self,
        calls: &CallStore,
        catalog: &Catalog,
        month: Period,
    ) -> Result<Vec<Charge>, StoreError> {
        let zone = catalog.company.time_zone;
        let since = period::start_of(month.first - chrono::Months::new(3), zone);
        let (_, until) = month.bounds(zone);
        let rows = calls.rollup(since, until).await?;
        Ok(charges(rows.0.iter(), catalog, zone))
    }
}
