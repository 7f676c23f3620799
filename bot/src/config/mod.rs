//! Settings: `defaults.toml` (the reference), then `governor.toml`, then the environment; unknown keys are refused.

mod database;
mod environment;
mod fault;
mod integrations;
mod jobs;
mod ledger;
mod secret;
mod server;
mod sign_in;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Format, Toml},
};
use serde::Deserialize;

pub use self::{
    database::Database,
    fault::Fault,
    integrations::{Gateway, LogFormat, Model, Protocol, Schedule, Shadow, Slack, SlackMode, Telemetry},
    jobs::Jobs,
    ledger::{Ledger, WitnessAt},
    server::Server,
    sign_in::{SignIn, SignInMode},
};

/// The reference: every key, its default and what it means.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// All settings of the service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where it listens and what it accepts.
    pub server: Server,
    /// Where governance and calls are stored.
    pub database: Database,
    /// The transparency ledger.
    pub ledger: Ledger,
    /// How replicas share the work.
    pub jobs: Jobs,
    /// How people sign in to the console.
    pub sign_in: SignIn,
    /// Slack.
    pub slack: Slack,
    /// Replays.
    pub shadow: Shadow,
    /// Cron lines.
    pub schedule: Schedule,
    /// Logs.
    pub telemetry: Telemetry,
    /// Credentials of gateways, by the catalog's id.
    pub gateways: BTreeMap<String, Gateway>,
    /// Credentials of model vendors, by provider name.
    pub models: BTreeMap<String, Model>,
}

impl Config {
    /// Reads `file` (`governor.toml` in the working directory when left out and there) and the environment.
    ///
    /// # Errors
    /// [`Fault`]: which key, where, and what to write instead.
    pub fn load(file: Option<&Path>) -> Result<Self, Fault> {
        Self::read(file, std::env::vars())
    }

    /// The same with an environment that is handed in.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn read(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Fault> {
        let usual = PathBuf::from("governor.toml");
        let file = match file {
            Some(path) if !path.is_file() => return Err(Fault::missing_file(path)),
            Some(path) => Some(path),
            None => usual.is_file().then_some(usual.as_path()),
        };
        let text = file.map(std::fs::read_to_string).transpose();
        let text = text.map_err(|error| Fault::unreadable(file.unwrap_or(&usual), &error))?;
        Self::merge(file, text.as_deref(), variables)
    }

    /// The defaults as they stand: for tests and for the demo, which sets what differs.
    ///
    /// # Errors
    /// Never, unless `defaults.toml` itself is broken, which a test forbids.
    pub fn defaults() -> Result<Self, Fault> {
        Self::merge(None, None, [])
    }

    fn merge(
        file: Option<&Path>,
        text: Option<&str>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Fault> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(text) = text {
            if let Err(error) = text.parse::<toml::Table>() {
                return Err(Fault::not_toml(file, text, &error));
            }
            figment = figment.merge(Toml::string(text));
        }
        let variables = environment::overrides(&figment, variables)?;
        let origin = fault::Origin {
            file,
            text,
            variables: variables.names.clone(),
        };
        let config: Self = figment
            .merge(variables)
            .extract()
            .map_err(|error| Fault::from_figment(&error, &origin))?;
        config.checked(&origin)
    }

    /// What no type can hold: ranges and combinations.
    fn checked(self, origin: &fault::Origin<'_>) -> Result<Self, Fault> {
        let problem = self
            .server
            .problem()
            .or_else(|| self.database.problem())
            .or_else(|| self.ledger.problem())
            .or_else(|| self.jobs.problem())
            .or_else(|| self.sign_in.problem())
            .or_else(|| self.slack.problem())
            .or_else(|| self.schedule.problem());
        match problem {
            Some((key, why)) => Err(Fault::invalid(key, &why, origin)),
            None => Ok(self),
        }
    }

    /// The URL of the governance database: the one given, or SQLite in the data directory.
    #[must_use]
    pub fn database_url(&self) -> String {
        if !self.database.url.is_empty() {
            return self.database.marked(&self.database.url);
        }
        format!("sqlite://{}", self.server.data_dir.join("governor.db").display())
    }

    /// The URL of the database of calls: the one given, else a file beside the SQLite file, else the same PostgreSQL.
    #[must_use]
    pub fn calls_url(&self) -> String {
        if !self.database.calls_url.is_empty() {
            return self.database.marked(&self.database.calls_url);
        }
        let url = self.database_url();
        let Some(path) = url.strip_prefix("sqlite://") else {
            return url;
        };
        let path = path.split('?').next().unwrap_or(path);
        format!(
            "sqlite://{}",
            Path::new(path).with_file_name("calls.db").display()
        )
    }
}

/// What is wrong with a setting: its key and why.
type Problem = Option<(&'static str, String)>;

#[cfg(test)]
mod tests;
