//! The file itself: tables are written out one by one, hashed, packed, and put in place in one move.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, BufWriter, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use workflow_engine::store::copy::{Lines, Snapshot, Table};

use super::manifest::{Content, Manifest};

const MANIFEST: &str = "manifest.json";

/// A backup whose files lie in a folder of their own, which goes with it.
#[derive(Debug)]
pub struct Unpacked {
    /// What it says of itself.
    pub manifest: Manifest,
    folder: TempDir,
}

impl Unpacked {
    /// An empty one, to be filled.
    pub(super) fn at(folder: TempDir, manifest: Manifest) -> Self {
        Self { manifest, folder }
    }

    /// Each table with its lines.
    ///
    /// # Errors
    /// When a file is gone.
    pub fn tables(&self) -> anyhow::Result<Vec<(Table, Lines)>> {
        let contents = self.manifest.tables.iter();
        contents
            .map(|content| {
                let file = File::open(path_of(self.folder.path(), &content.table.name))?;
                let lines: Lines = Box::new(BufReader::new(file).lines());
                Ok((content.table.clone(), lines))
            })
            .collect()
    }
}

/// Writes the rows of `table` into `folder`.
pub(super) async fn keep(snapshot: &Snapshot, table: Table, folder: &Path) -> anyhow::Result<Content> {
    let mut file = BufWriter::new(File::create(path_of(folder, &table.name))?);
    let mut hash = Sha256::new();
    let rows = snapshot
        .lines(&table, |line| {
            hash.update(line);
            hash.update(b"\n");
            file.write_all(line.as_bytes())?;
            file.write_all(b"\n")
        })
        .await?;
    file.flush()?;
    Ok(Content {
        table,
        rows,
        sha256: hex::encode(hash.finalize()),
    })
}

/// Packs it as `out`, readable by its owner only: it holds what people wrote. Gives its length in bytes.
///
/// # Errors
/// When `out` is there already or cannot be written.
pub fn write(backup: &Unpacked, out: &Path) -> anyhow::Result<u64> {
    if out.exists() {
        bail!("{} is there already; choose another name", out.display());
    }
    let part = out.with_extension("part");
    let packed = pack(backup, &part).and_then(|()| Ok(fs::rename(&part, out)?));
    if let Err(error) = packed {
        // The half-written file is of no use, and it may not be there at all.
        drop(fs::remove_file(&part));
        return Err(error.context(format!(
            "{} cannot be written; check that the folder exists and has room",
            out.display()
        )));
    }
    Ok(fs::metadata(out)?.len())
}

fn pack(backup: &Unpacked, part: &Path) -> anyhow::Result<()> {
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(part)?;
    let mut tar = tar::Builder::new(GzEncoder::new(BufWriter::new(file), Compression::default()));
    let manifest = serde_json::to_vec_pretty(&backup.manifest)?;
    let mut header = tar::Header::new_gnu();
    header.set_size(manifest.len() as u64);
    header.set_mode(0o600);
    tar.append_data(&mut header, MANIFEST, manifest.as_slice())?;
    for content in &backup.manifest.tables {
        let name = &content.table.name;
        tar.append_path_with_name(
            path_of(backup.folder.path(), name),
            format!("tables/{name}.ndjson"),
        )?;
    }
    let file = tar
        .into_inner()?
        .finish()?
        .into_inner()
        .map_err(|error| error.into_error())?;
    file.sync_all()?;
    Ok(())
}

/// Reads a backup and checks every table of it against the manifest.
///
/// # Errors
/// When it is no backup, is cut short, or was changed: the sentence names the table.
pub fn unpack(file: &Path) -> anyhow::Result<Unpacked> {
    let name = file.display();
    let opened = File::open(file).with_context(|| name.to_string())?;
    let mut tar = tar::Archive::new(GzDecoder::new(BufReader::new(opened)));
    let no_backup = || format!("{name} is no backup of governor, or was cut short");
    let mut entries = tar.entries().with_context(no_backup)?;
    let mut first = entries.next().transpose().with_context(no_backup)?;
    let mut manifest = Vec::new();
    match &mut first {
        Some(entry) if entry.path().is_ok_and(|path| path == Path::new(MANIFEST)) => {
            entry.read_to_end(&mut manifest).with_context(no_backup)?;
        }
        _ => bail!(no_backup()),
    }
    let manifest = Manifest::parse(&manifest).with_context(|| name.to_string())?;
    let folder = tempfile::tempdir()?;
    // In the order that they were written; other names are not taken.
    for content in &manifest.tables {
        let mut entry = entries.next().with_context(no_backup)?.with_context(no_backup)?;
        let table = &content.table.name;
        if entry.path()? != Path::new(&format!("tables/{table}.ndjson")) {
            bail!("{name}: table {table} is missing");
        }
        let found = take_in(&mut entry, &path_of(folder.path(), table)).with_context(no_backup)?;
        if found != content.sha256 {
            bail!("{name}: table {table} is not what was backed up; the file was changed or damaged");
        }
    }
    Ok(Unpacked { manifest, folder })
}

/// Copies an entry to `to`; gives its SHA-256.
fn take_in(entry: &mut impl Read, to: &Path) -> anyhow::Result<String> {
    let mut file = BufWriter::new(File::create(to)?);
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 64 * 1024]);
    loop {
        let read = entry.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        file.write_all(&buffer[..read])?;
    }
    file.flush()?;
    Ok(hex::encode(hash.finalize()))
}

fn path_of(folder: &Path, table: &str) -> PathBuf {
    // Names come from a manifest that somebody may have written: no separators.
    folder.join(table.replace(['/', '\\'], "_"))
}
