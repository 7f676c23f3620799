//! Migrations for SQLite and PostgreSQL, one file each, append-only. Expand first, contract in a later release.

use sea_orm_migration::prelude::*;

pub mod calls;
mod dialect;
mod m20261124_000001_governance;
mod m20261124_000002_calls;
mod m20261124_000004_money;
mod m20261124_000005_chat;
mod m20261124_000006_sign_in;
mod m20261124_000010_ledger_tree;
mod m20261124_000011_lean_jobs;
mod m20261124_000012_replicas;
mod m20261124_000014_shadow_content;
mod m20261124_000018_policy_edition;
mod m20261124_000021_witnesses;
mod m20261124_000022_ledger_batches;
mod m20261124_000070_generation;
mod m20261124_000071_lease;
mod m20261124_000072_lean_queue;
mod m20261124_000073_shadow_judging;
mod m20261124_000074_supporting_evidence;
mod m20261124_000075_findings;
mod m20261124_000076_lanes;

/// Every migration, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261124_000001_governance::Migration),
            Box::new(m20261124_000004_money::Migration),
            Box::new(m20261124_000005_chat::Migration),
            Box::new(m20261124_000006_sign_in::Migration),
            Box::new(m20261124_000010_ledger_tree::Migration),
            Box::new(m20261124_000011_lean_jobs::Migration),
            Box::new(m20261124_000012_replicas::Migration),
            Box::new(m20261124_000014_shadow_content::Migration),
            Box::new(m20261124_000018_policy_edition::Migration),
            Box::new(m20261124_000021_witnesses::Migration),
            Box::new(m20261124_000022_ledger_batches::Migration),
            Box::new(m20261124_000070_generation::Migration),
            Box::new(m20261124_000071_lease::Migration),
            Box::new(m20261124_000072_lean_queue::Migration),
            Box::new(m20261124_000073_shadow_judging::Migration),
            Box::new(m20261124_000074_supporting_evidence::Migration),
            Box::new(m20261124_000076_lanes::Migration),
        ]
    }
}
