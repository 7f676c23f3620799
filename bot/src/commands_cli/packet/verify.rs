//! `governor packet verify`: checks a packet from its files alone: signature, digest, place in the ledger, votes on it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};
use workflow_engine::{
    evidence::verify::{PacketFault, Verified, Witnessed, verify_entry, verify_packet},
    ledger::{merkle::Head, note::SignedCheckpoint, proof::Proof},
    values::Digest,
};

use super::{
    super::{
        Format, bad,
        ledger::{
            source::{Key, key_file, root_at},
            witnessed,
        },
        read,
    },
    ENTRY, KEY, PROOF, VOTES,
};

/// Check an evidence packet offline: signature, digest, place in the ledger, and the votes bound to it.
///
/// Reads `entry`, `packet.tlog-proof` and `votes/` beside FILE, as `governor packet export` writes them. Exit 1: it
/// does not hold.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor packet verify packet-142/packet.dsse.json
  governor packet verify packet-142/packet.dsse.json --key trusted.pub.pem --checkpoint seen-in-chat")]
pub(super) struct Args {
    /// The packet, packet.dsse.json
    file: PathBuf,
    /// The public key (PEM or verifier key) from somewhere you trust; packet.pub.pem beside FILE when left out
    #[arg(long, value_name = "PUB")]
    key: Option<PathBuf>,
    /// The ledger's public key, where it was replaced since the packet was signed; --key when left out
    #[arg(long, value_name = "PUB")]
    log_key: Option<PathBuf>,
    /// A checkpoint that you saw elsewhere (chat, SIEM, a witness, an export): the proof must belong to the same ledger
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// The verifier keys of witnesses, one a line: each must have cosigned the head that the packet is proven under
    #[arg(long, value_name = "FILE")]
    witness: Option<PathBuf>,
}

/// What holds.
struct Found {
    verified: Verified,
    votes: Vec<Vote>,
    compared: Option<Head>,
}

/// A vote on exactly this packet.
struct Vote {
    index: u64,
    role: String,
    by: String,
}

pub(super) fn run(args: &Args, format: Format) -> anyhow::Result<(String, bool)> {
    let folder = args.file.parent().unwrap_or_else(|| Path::new(""));
    let envelope = read(&args.file)?;
    if let Err(error) = serde_json::from_str::<Value>(&envelope) {
        // What does not even begin like JSON is the wrong file, not a packet that was tampered with.
        if !envelope.trim_start().starts_with('{') {
            return Err(bad(
                &args.file,
                format!("this is no packet, it is not even JSON ({error})"),
            ));
        }
        let fault = format!("{}: it was cut short or damaged ({error})", args.file.display());
        return Ok(match format {
            Format::Json => (format!("{}\n", json!({"holds": false, "fault": fault})), false),
            Format::Text => (format!("The packet does not hold.\n  {fault}.\n"), false),
        });
    }
    let entry =
        std::fs::read(folder.join(ENTRY)).with_context(|| folder.join(ENTRY).display().to_string())?;
    let proof = read(&folder.join(PROOF))?;
    let origin = Proof::parse(&proof)
        .map(|proof| proof.checkpoint.checkpoint.origin)
        .unwrap_or_default();
    let name = if origin.is_empty() { "unknown" } else { &origin };
    let key = match &args.key {
        Some(path) => key_file(path, name)?,
        None => Key {
            independent: false,
            ..key_file(&folder.join(KEY), name)?
        },
    };
    let beside = folder.join("log.vkey");
    let log = match (&args.log_key, &args.key) {
        (Some(path), _) => key_file(path, name)?,
        // After the ledger's key was replaced, a packet is signed by the one before and proven under the one after it.
        (None, None) if beside.is_file() => key_file(&beside, name)?,
        (None, _) => key_file(args.key.as_deref().unwrap_or(&folder.join(KEY)), name)?,
    };
    let witnessed = Witnessed {
        entry: &entry,
        proof: &proof,
    };
    let found = match verify_packet(envelope.as_bytes(), &key.key, witnessed, &log.key) {
        Err(fault) => Err(fault.to_string()),
        Ok(verified) => rest(args, folder, &proof, (&log, verified))?,
    };
    let said = match format {
        Format::Json => format!("{}\n", document(&found, &key)),
        Format::Text => words(&found, &key),
    };
    Ok((said, found.is_ok()))
}

/// The votes, the witnesses, and the checkpoint from elsewhere.
fn rest(
    args: &Args,
    folder: &Path,
    proof: &str,
    (key, verified): (&Key, Verified),
) -> anyhow::Result<Result<Found, String>> {
    let votes = match votes(&folder.join(VOTES), verified.packet, key)? {
        Ok(votes) => votes,
        Err(fault) => return Ok(Err(fault)),
    };
    if let Some(path) = &args.witness {
        let note = Proof::parse(proof).map(|proof| proof.checkpoint)?;
        if let Err(fault) = witnessed::among(&witnessed::keys(path)?, &[note]) {
            return Ok(Err(fault));
        }
    }
    let Some(path) = &args.checkpoint else {
        return Ok(Ok(Found {
            verified,
            votes,
            compared: None,
        }));
    };
    let elsewhere = SignedCheckpoint::parse(&read(path)?).and_then(|note| note.verify(&key.key));
    Ok(match elsewhere {
        Err(fault) => Err(format!("{}: {fault}", path.display())),
        Ok(head) => same_ledger(&verified.head, &head, path)?.map(|()| Found {
            verified,
            votes,
            compared: Some(head),
        }),
    })
}

fn votes(folder: &Path, packet: Digest, key: &Key) -> anyhow::Result<Result<Vec<Vote>, String>> {
    let mut files: Vec<PathBuf> = match std::fs::read_dir(folder) {
        Ok(files) => files.flatten().map(|file| file.path()).collect(),
        Err(_) => Vec::new(),
    };
    files.retain(|path| path.extension().is_some_and(|kind| kind == ENTRY));
    files.sort();
    let mut votes = Vec::new();
    for path in files {
        let entry = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let proof = read(&path.with_extension("tlog-proof"))?;
        match vote(&entry, &proof, packet, key) {
            Ok(vote) => votes.push(vote),
            Err(fault) => return Ok(Err(format!("{}: {fault}", path.display()))),
        }
    }
    Ok(Ok(votes))
}

fn vote(entry: &[u8], proof: &str, packet: Digest, key: &Key) -> Result<Vote, PacketFault> {
    let (index, _) = verify_entry(packet, Witnessed { entry, proof }, &key.key)?;
    let body: Value = serde_json::from_slice(entry).map_err(|error| PacketFault::Entry(error.to_string()))?;
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    Ok(Vote {
        index,
        role: text(&body["event"]["role"]),
        by: text(&body["event"]["vote"]["by"]),
    })
}

/// Whether two signed heads are of one ledger. Heads of different sizes need the tiles beside the checkpoint, as
/// `governor ledger export` writes them.
fn same_ledger(proof: &Head, elsewhere: &Head, path: &Path) -> anyhow::Result<Result<(), String>> {
    let forked = || {
        format!(
            "the proof's head of {} entries and the checkpoint of {} entries in {} are signed, but not of one ledger: \
             it was forked or rewritten, which only the holder of the key can do",
            proof.size,
            elsewhere.size,
            path.display()
        )
    };
    if proof.size == elsewhere.size {
        return Ok(if proof.root == elsewhere.root {
            Ok(())
        } else {
            Err(forked())
        });
    }
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let (small, large) = if proof.size < elsewhere.size {
        (proof, elsewhere)
    } else {
        (elsewhere, proof)
    };
    let (Some(small_root), Some(large_root)) = (
        root_at(folder, small.size, large.size),
        root_at(folder, large.size, large.size),
    ) else {
        anyhow::bail!(
            "{}: it is of {} entries and the proof of {}; to compare them, give the checkpoint of an export \
             (`governor ledger export`) that is not older than the packet's",
            path.display(),
            elsewhere.size,
            proof.size
        );
    };
    Ok(if small_root == small.root && large_root == large.root {
        Ok(())
    } else {
        Err(forked())
    })
}

fn document(found: &Result<Found, String>, key: &Key) -> Value {
    let key =
        json!({"fingerprint": key.key.fingerprint(), "source": key.source, "independent": key.independent});
    match found {
        Err(fault) => json!({"holds": false, "fault": fault, "key": key}),
        Ok(found) => json!({
            "holds": true,
            "packet_sha256": found.verified.packet,
            "subject": found.verified.statement.name(),
            "entry": found.verified.index,
            "ledger_size": found.verified.head.size,
            "votes": found.votes.iter()
                .map(|vote| json!({"entry": vote.index, "role": vote.role, "by": vote.by})).collect::<Vec<_>>(),
            "checkpoint_size": found.compared.map(|head| head.size),
            "key": key,
        }),
    }
}

fn words(found: &Result<Found, String>, key: &Key) -> String {
    let found = match found {
        Err(fault) => return format!("The packet does not hold.\n  {fault}.\n"),
        Ok(found) => found,
    };
    let verified = &found.verified;
    let mut said = format!(
        "The packet holds: {}.\n  digest      {}\n  signed by   {} (from {})\n  recorded    entry #{} of {}, in the ledger of {}\n",
        verified.statement.name(),
        verified.packet,
        key.key.fingerprint(),
        key.source,
        verified.index,
        verified.head.size,
        key.key.name()
    );
    for vote in &found.votes {
        said += &format!(
            "  vote        {} for {}, on this packet, entry #{}\n",
            vote.by, vote.role, vote.index
        );
    }
    if let Some(head) = &found.compared {
        said += &format!(
            "  checkpoint  the one of {} entries is of the same ledger\n",
            head.size
        );
    }
    if !key.independent {
        said += "The key lies beside the packet. Compare its fingerprint with one you trust, or give that key with --key.\n";
    }
    said
}
