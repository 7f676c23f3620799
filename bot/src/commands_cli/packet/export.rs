//! `governor packet export`: the packet, the ledger's entry that names it, the votes on it, and the proofs of all.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use serde_json::json;
use workflow_engine::{
    engine::{Engine, ledger::Ledger},
    evidence::verify::is_about,
    store::{changes, db::Db, packets},
    values::{ChangeId, ChangeNumber, Digest},
};

use super::{
    super::{
        Format, arguments,
        ledger::source::{ConfigFile, log_key_of, open},
    },
    ENTRY, KEY, PACKET, PROOF, VOTES,
};
use crate::{
    clock::SystemClock,
    http::{
        console::{change::print, pages::Pages},
        problem::Problem,
    },
    packet::csv::csv,
};

/// Write packet.dsse.json, packet.pub.pem, entry and packet.tlog-proof of a change, the votes on it, and the packet to
/// read: packet.html, packet.png, pairs.csv.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  governor packet export 142 --out packet-142 && governor packet verify packet-142/packet.dsse.json")]
pub(super) struct Args {
    /// The change's number
    #[arg(value_parser = arguments::change)]
    number: u64,
    /// The folder to write; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    config: ConfigFile,
}

pub(super) async fn run(args: &Args, format: Format) -> anyhow::Result<(String, bool)> {
    let config = args.config.load()?;
    let db = open(&config).await?;
    let key = log_key_of(&config, &db, None).await?.key;
    let (change, packet) = packet_of(&db, args.number).await?;
    let ledger = Ledger::new(db.clone(), key.clone());

    let Some(index) = ledger.place_of_packet(&change, packet.digest).await? else {
        bail!(
            "packet {} of change #{} is not sealed yet; sealing takes about a second",
            packet.digest.short(),
            args.number
        );
    };
    let out = &args.out;
    put(&out.join(ENTRY), &ledger.entry(index).await?)?;
    put(&out.join(PROOF), ledger.proof(index).await?.to_text().as_bytes())?;
    let votes = put_votes(&ledger, &change, packet.digest, &out.join(VOTES)).await?;
    let witnesses = ledger.witness_keys().await?;
    if !witnesses.is_empty() {
        put(&out.join("witnesses.vkey"), witnesses.as_bytes())?;
    }
    let signer = ledger.signer_of(&packet.envelope).await?;
    put(&out.join(KEY), signer.to_pem().as_bytes())?;
    put(&out.join("log.vkey"), format!("{key}\n").as_bytes())?;
    put(&out.join(PACKET), packet.envelope.as_bytes())?;
    put_readable(db, args.number, out).await?;

    let said = match format {
        Format::Json => json!({
            "number": args.number, "revision": packet.revision.0, "packet_sha256": packet.digest,
            "entry": index, "votes": votes, "out": out,
        })
        .to_string(),
        Format::Text => format!(
            "Packet {} of change #{}, sealed as entry #{index}, with {} votes, written to {}.",
            packet.digest.short(),
            args.number,
            votes.len(),
            out.display()
        ),
    };
    Ok((said + "\n", true))
}

async fn packet_of(db: &Db, number: u64) -> anyhow::Result<(ChangeId, packets::Packet)> {
    let Some(loaded) = changes::by_number(db, ChangeNumber(number)).await? else {
        let newest = changes::newest(db, None, 1)
            .await?
            .first()
            .map(|loaded| loaded.change.number.0);
        match newest {
            Some(newest) => bail!("there is no change #{number}; the newest is #{newest}"),
            None => bail!("there is no change #{number}; none was filed yet"),
        }
    };
    let change = loaded.change;
    // The packet that people decide or decided on; a later edition has its own.
    let packet = match change.packet {
        Some(digest) => packets::by_digest(db, digest).await?,
        None => packets::newest(db, &change.id).await?,
    };
    match packet {
        Some(packet) => Ok((change.id, packet)),
        None => bail!(
            "change #{number} has no evidence packet; one is sealed when its test and policy check are done"
        ),
    }
}

/// Writes every sealed vote on exactly this packet; gives their places.
async fn put_votes(
    ledger: &Ledger,
    change: &ChangeId,
    packet: Digest,
    out: &Path,
) -> anyhow::Result<Vec<u64>> {
    let mut votes = Vec::new();
    for index in ledger.places(change, "vote_cast").await? {
        let entry = ledger.entry(index).await?;
        if is_about(&entry, packet) {
            put(&out.join(format!("{index:04}.{ENTRY}")), &entry)?;
            put(
                &out.join(format!("{index:04}.tlog-proof")),
                ledger.proof(index).await?.to_text().as_bytes(),
            )?;
            votes.push(index);
        }
    }
    Ok(votes)
}

/// The same packet for people and for other tools: a page to print, its pictures, the pairs behind it.
async fn put_readable(db: Db, number: u64, out: &Path) -> anyhow::Result<()> {
    let engine = Engine::new(db, Arc::new(SystemClock));
    let (_, catalog) = engine.catalog().await?;
    let Some(view) = engine
        .change_view(ChangeNumber(number))
        .await?
        .filter(|view| view.packet.is_some())
    else {
        return Ok(());
    };
    let said = |problem: Problem| anyhow::anyhow!("{}", problem.detail);
    let page = print::document(&Pages::built_in()?, &view, &catalog).map_err(said)?;
    put(&out.join("packet.html"), page.html.as_bytes())?;
    let loaded = changes::by_number(engine.db(), ChangeNumber(number)).await?;
    let pairs = match &loaded {
        Some(loaded) => engine.pairs(&loaded.change).await?,
        None => Vec::new(),
    };
    if view.packet.as_ref().is_some_and(|packet| packet.test.is_some()) {
        let drawn = print::pictures(&view, &catalog).await.map_err(said)?;
        put(&out.join("packet.png"), &drawn)?;
        put(&out.join("pairs.csv"), csv(&pairs).as_bytes())?;
    }
    Ok(())
}

fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    std::fs::write(path, bytes).with_context(|| path.display().to_string())
}
