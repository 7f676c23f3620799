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
pub mod voices;
pub mod web;

use std::path::PathBuf;

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A program of the tools that `deploy/install-verifiers` puts under the cache (`python`, `go`); it is asked to if they
/// are not there. None, with a printed line, when it cannot: such tests skip.
#[must_use]
pub fn tool(name: &str) -> Option<PathBuf> {
    static TOOLS: std::sync::OnceLock<Option<PathBuf>> = std::sync::OnceLock::new();
    let folder = TOOLS.get_or_init(|| {
        #[expect(
            clippy::disallowed_methods,
            reason = "tests are configured by the environment"
        )]
        let named = |name: &str| std::env::var(name).ok().map(PathBuf::from);
        let cache = named("GOVERNOR_TEST_TOOLS")
            .or_else(|| Some(named("XDG_CACHE_HOME")?.join("governor/test-tools")))
            .or_else(|| Some(named("HOME")?.join(".cache/governor/test-tools")))?;
        let venv = cache.join("venv");
        if !venv.join("ready").exists() {
            let script = root().join("deploy/install-verifiers");
            drop(std::process::Command::new("bash").arg(script).status());
        }
        venv.join("ready").exists().then(|| venv.join("bin"))
    });
    let program = folder
        .as_ref()
        .map(|folder| folder.join(name))
        .filter(|path| path.exists());
    if program.is_none() {
        println!("skipped: deploy/install-verifiers could not bring {name}");
    }
    program
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
