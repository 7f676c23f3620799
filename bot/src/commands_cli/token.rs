//! `governor token`: API tokens for programs, and one-time sign-in links for people.

use std::{path::PathBuf, process::ExitCode};

use chrono::Duration;
use clap::Subcommand;
use workflow_engine::{
    catalog::fault::nearest,
    engine::Engine,
    ports::clock::Clock as _,
    store::{
        self,
        db::Db,
        tokens::{ApiToken, TokenRole},
    },
    values::{Digest, PersonId},
};

use super::{Format, arguments, print};
use crate::{clock::SystemClock, config::Config, http::auth::tokens::fresh, storage};

/// API tokens for programs, and one-time sign-in links for people.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  governor token create --name otel-collector --role ingest --source otel-prod\n  \
                        governor token sign-in --person ana"
)]
pub struct Args {
    /// Settings; ./governor.toml when left out and there.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Prints a new token, once; only its SHA-256 is stored.
    #[command(after_help = "Examples:
  governor token create --name otel-collector --role ingest --source otel-prod
  governor token create --name litellm-guardrail --role hook
  governor token create --name maya-scripts --role member --person maya")]
    Create {
        /// What it is for; shown in lists and refusals.
        #[arg(long, value_parser = arguments::name)]
        name: String,
        /// ingest, hook, reader, member, auditor, finance or admin.
        #[arg(long)]
        role: TokenRole,
        /// Name of the source whose calls it delivers; the token's name when left out.
        #[arg(long, value_parser = arguments::name)]
        source: Option<String>,
        /// The person it stands for, by the catalog's id: files, votes and comments are theirs.
        #[arg(long)]
        person: Option<String>,
    },
    /// Lists the tokens that may be used; never the tokens themselves.
    #[command(after_help = "Example:
  governor token list")]
    List,
    /// Makes a token useless, by its id.
    #[command(after_help = "Example:
  governor token revoke 01a20ee7-2717-7a69-b4d6-1ad299d49d99")]
    Revoke {
        /// The id, from `governor token list`.
        id: String,
    },
    /// Prints a link that signs a person in to the console, once.
    #[command(after_help = "Example:
  governor token sign-in --person ana")]
    SignIn {
        /// The person, by the catalog's id.
        #[arg(long)]
        person: String,
    },
}

/// Runs the command.
///
/// # Errors
/// When the settings or the database cannot be used, or a name is not known.
pub async fn run(args: Args, format: Format) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config.as_deref())?;
    let db = open(&config).await?;
    match args.what {
        What::Create {
            name,
            role,
            source,
            person,
        } => {
            let person = match person {
                Some(id) => Some(known(&db, &id).await?),
                None => None,
            };
            let id = SystemClock.new_id().to_string();
            let token = ApiToken {
                id,
                name,
                role,
                source,
                person,
            };
            create(&db, token, format).await
        }
        What::List => list(&db, format).await,
        What::Revoke { id } => {
            anyhow::ensure!(
                store::tokens::revoke(&db, id.clone(), SystemClock.now()).await?,
                "there is no usable token {id}; `governor token list` shows them"
            );
            Ok(ExitCode::SUCCESS)
        }
        What::SignIn { person } => {
            let person = known(&db, &person).await?;
            let link = sign_in_link(&db, &config, person).await?;
            match format {
                Format::Text => print(&format!("{link}\n"))?,
                Format::Json => print(&format!("{}\n", serde_json::json!({ "url": link })))?,
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The database, beside a service that may be running on it.
async fn open(config: &Config) -> anyhow::Result<Db> {
    let db = Db::open_beside(&config.database_url()).await?;
    storage::up_to_date(&db).await?;
    Ok(db)
}

async fn create(db: &Db, token: ApiToken, format: Format) -> anyhow::Result<ExitCode> {
    let (text, digest) = fresh(&SystemClock);
    let shown = serde_json::json!({
        "id": token.id, "name": token.name, "role": token.role.as_str(), "source": token.source,
        "person": token.person, "token": text,
    });
    store::tokens::create(db, token, digest, SystemClock.now()).await?;
    match format {
        Format::Text => print(&format!("{text}\n"))?,
        Format::Json => print(&format!("{shown}\n"))?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(db: &Db, format: Format) -> anyhow::Result<ExitCode> {
    let tokens = store::tokens::list(db).await?;
    if format == Format::Json {
        for token in tokens {
            let line = serde_json::json!({
                "id": token.id, "name": token.name, "role": token.role.as_str(), "source": token.source,
                "person": token.person,
            });
            print(&format!("{line}\n"))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = comfy_table::Table::new();
    table.set_header(["Id", "Name", "Role", "Source", "Person"]);
    for token in tokens {
        let person = token.person.map(|person| person.0).unwrap_or_default();
        table.add_row([
            token.id,
            token.name,
            token.role.to_string(),
            token.source.unwrap_or_default(),
            person,
        ]);
    }
    print(&format!("{table}\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// A link that signs `person` in, once, for as many minutes as the settings say.
///
/// # Errors
/// When it was not stored.
pub async fn sign_in_link(db: &Db, config: &Config, person: PersonId) -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    SystemClock.random(&mut bytes);
    let secret = hex::encode(bytes);
    let now = SystemClock.now();
    let until = now + Duration::minutes(config.sign_in.link_minutes);
    store::sessions::offer_link(db, Digest::of(secret.as_bytes()), person, (now, until)).await?;
    Ok(format!(
        "{}/auth/callback?link={secret}",
        config.server.public_base()
    ))
}

/// The person of that id, or an error that names the nearest one.
async fn known(db: &Db, id: &str) -> anyhow::Result<PersonId> {
    let engine = Engine::new(db.clone(), std::sync::Arc::new(SystemClock));
    let (_, catalog) = engine.catalog().await?;
    if let Some(person) = catalog.person(id) {
        anyhow::ensure!(!person.inactive, "{id} is no longer active");
        return Ok(person.id.clone());
    }
    let known = catalog.people.iter().map(|person| person.id.as_str());
    match nearest(id, known) {
        Some(near) => anyhow::bail!("the catalog has no person `{id}`; did you mean `{near}`?"),
        None if catalog.people.is_empty() => {
            anyhow::bail!("the catalog has no people yet; apply one with `governor catalog apply FILE`")
        }
        None => anyhow::bail!("the catalog has no person `{id}`; `governor catalog export` lists them"),
    }
}
