//! The data directory: writable, private, with room.

use std::{os::unix::fs::MetadataExt, path::Path};

use super::{Finding, Severity};
use crate::config::Config;

const AREA: &str = "files";
/// Below this a busy week can fill the disk.
const LITTLE_ROOM: u64 = 1024 * 1024 * 1024;
/// Below this writes are about to fail.
const NO_ROOM: u64 = 64 * 1024 * 1024;

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let dir = &config.server.data_dir;
    let mut findings = vec![folder(dir)];
    if findings[0].severity == Severity::Ok {
        findings.push(room(dir));
    }
    let key = dir.join("ledger.key");
    let open = std::fs::metadata(&key).is_ok_and(|metadata| metadata.mode() & 0o077 != 0);
    if open {
        let what = format!(
            "{} can be read by others: who has it can sign as this governor",
            key.display()
        );
        let fix = format!("chmod 600 {}", key.display());
        findings.push(Finding::new(AREA, Severity::Risk, what, fix));
    }
    findings
}

fn folder(dir: &Path) -> Finding {
    let name = dir.display();
    if !dir.is_dir() {
        let what = format!("the data directory {name} is not there; the first start makes it");
        return Finding::new(
            AREA,
            Severity::Note,
            what,
            "set server.data_dir when it should be elsewhere",
        );
    }
    match tempfile::tempfile_in(dir) {
        Ok(_) => Finding::ok(AREA, format!("the data directory is {name}")),
        Err(error) => {
            let fix = "give this user the folder: chown and chmod 700";
            Finding::new(
                AREA,
                Severity::Fault,
                format!("{name} cannot be written ({error})"),
                fix,
            )
        }
    }
}

fn room(dir: &Path) -> Finding {
    match fs4::available_space(dir) {
        Ok(bytes) => room_of(bytes, &dir.display().to_string()),
        Err(error) => Finding::new(
            AREA,
            Severity::Note,
            format!("free disk space is not known ({error})"),
            "",
        ),
    }
}

fn room_of(bytes: u64, dir: &str) -> Finding {
    let what = format!("{} MiB are free in {dir}", bytes / (1024 * 1024));
    let fix = "make room; when the disk is full, commands are refused until there is some";
    let severity = match bytes {
        0..NO_ROOM => Severity::Fault,
        NO_ROOM..LITTLE_ROOM => Severity::Risk,
        _ => return Finding::ok(AREA, what),
    };
    Finding::new(AREA, severity, what, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_fills_up_is_first_a_risk_and_then_a_fault() {
        let severity = |mib: u64| room_of(mib * 1024 * 1024, "data").severity;
        assert_eq!(severity(4096), Severity::Ok);
        assert_eq!(severity(500), Severity::Risk);
        assert_eq!(severity(3), Severity::Fault);
    }
}
