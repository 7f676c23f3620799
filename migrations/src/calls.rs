//! Migrations of the database of calls, which lives apart from governance: another file, another pool.

use sea_orm_migration::prelude::*;

use crate::{m20261124_000002_calls, m20261124_000075_findings};

/// Every migration of calls, oldest first, with a table of its own to remember them in.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261124_000002_calls::Migration),
            Box::new(m20261124_000075_findings::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        "seaql_migrations_calls".into_iden()
    }
}
