//! What the scenarios share: fresh databases, a clock that can be moved, a small company.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a scenario that cannot begin says so by panicking"
)]

pub mod calls;
pub mod catalog;
pub mod clock;
pub mod db;
pub mod desk;
pub mod door;
pub mod evidence;
pub mod lab;
pub mod pooler;
pub mod proxy;
pub mod replica;
pub mod script;
#[path = "../soak/mod.rs"]
pub mod soak;
pub mod stage;
pub mod talk;
pub mod web;

use std::path::PathBuf;

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The folder of reference material beside the repository, or none with a printed line: such tests skip.
#[must_use]
pub fn shared() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are configured by the environment"
    )]
    let named = std::env::var("GOVERNOR_SHARED").ok().map(PathBuf::from);
    let found = named
        .into_iter()
        .chain([root().join("../shared"), root().join("../../shared")])
        .find(|folder| folder.join("vectors").is_dir());
    if found.is_none() {
        println!("skipped: no folder of reference material beside the repository");
    }
    found
}
