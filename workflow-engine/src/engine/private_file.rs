//! Files that hold a secret: made once, whole, and only for their owner.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
};

use crate::ports::clock::Clock;

/// Writes `text` to `path`, which must not be there yet; nobody ever reads half of it, and no file is ever replaced.
///
/// # Errors
/// [`std::io::ErrorKind::AlreadyExists`] when the file is there; else what the system says.
pub(super) fn make(path: &Path, text: &str, clock: &dyn Clock) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut draft = [0; 8];
    clock.random(&mut draft);
    // Written aside and linked into place.
    let draft = path.with_extension(format!("{}.tmp", hex::encode(draft)));
    let written = write(&draft, text).and_then(|()| std::fs::hard_link(&draft, path));
    drop(std::fs::remove_file(&draft));
    written
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
