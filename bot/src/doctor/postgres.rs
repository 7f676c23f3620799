//! What a PostgreSQL server's own words mean: what could be lost, what could run out, what is not kept up.

use chrono::{DateTime, Utc};
use workflow_engine::store::vitals::PostgresVitals;

use super::{Finding, Severity};
use crate::config::Config;

const AREA: &str = "database";
/// A clock further off than this makes deadlines wrong.
const MOST_SKEW_MS: i64 = 2_000;
/// Seconds that a transaction may be open before it holds back cleaning.
const LONG_TRANSACTION: i64 = 600;
/// Transactions that a snapshot may be behind before dead rows pile up.
const OLD_SNAPSHOT: i64 = 1_000_000;

pub(super) fn judged(seen: &PostgresVitals, config: &Config, now: DateTime<Utc>) -> Vec<Finding> {
    let mut findings = vec![Finding::ok(
        AREA,
        format!(
            "PostgreSQL {}.{}, {} MiB",
            seen.version / 10_000,
            seen.version % 10_000,
            seen.bytes / (1024 * 1024)
        ),
    )];
    if seen.version < 140_000 {
        let fix = "use PostgreSQL 14 or newer; the tests run on 15";
        findings.push(Finding::new(
            AREA,
            Severity::Risk,
            "the server is older than what is tested",
            fix,
        ));
    }
    findings.extend(durability(seen));
    findings.extend(connections(seen, config));
    findings.extend(upkeep(seen));
    let skew = (seen.now - now).num_milliseconds();
    if skew.abs() > MOST_SKEW_MS {
        let what = format!(
            "the server's clock and this machine's are {:.1} s apart",
            skew as f64 / 1000.0
        );
        let fix = "let NTP set both; deadlines go by these clocks";
        findings.push(Finding::new(AREA, Severity::Risk, what, fix));
    }
    findings
}

/// What could lose an approval that somebody was told is recorded.
fn durability(seen: &PostgresVitals) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, lost) in [
        ("fsync", "a power cut can destroy the database"),
        ("full_page_writes", "a power cut can leave half-written pages"),
    ] {
        if setting(seen, name) != "on" {
            let what = format!("{name} is off: {lost}");
            findings.push(Finding::new(
                AREA,
                Severity::Fault,
                what,
                format!("ALTER SYSTEM SET {name} = on, then reload"),
            ));
        }
    }
    let commit = setting(seen, "synchronous_commit");
    if !["on", "remote_apply"].contains(&commit) {
        let what =
            format!("synchronous_commit is {commit}: an approval that was confirmed can be lost in a crash");
        let fix = "ALTER SYSTEM SET synchronous_commit = on, then reload; or set it so for this user";
        findings.push(Finding::new(AREA, Severity::Fault, what, fix));
    }
    let waits = !setting(seen, "synchronous_standby_names").is_empty();
    if !seen.standbys.is_empty() && !waits {
        let names: Vec<&str> = seen.standbys.iter().map(|(name, _)| name.as_str()).collect();
        let what = format!(
            "commits do not wait for a standby ({}): a failover can lose confirmed approvals",
            names.join(", ")
        );
        let fix = "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)', then reload";
        findings.push(Finding::new(AREA, Severity::Risk, what, fix));
    }
    if seen.standbys.is_empty() && !waits {
        let what = "no standby streams from it, or this user may not see them";
        let fix =
            "take backups (`governor backup`), or grant pg_monitor to this user so that standbys are seen";
        findings.push(Finding::new(AREA, Severity::Note, what, fix));
    }
    if findings.iter().all(|finding| finding.severity < Severity::Risk) {
        findings.push(Finding::ok(AREA, "what is confirmed is on disk"));
    }
    findings
}

fn connections(seen: &PostgresVitals, config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let number = |name| setting(seen, name).parse::<i64>().unwrap_or_default();
    let room = number("max_connections") - number("superuser_reserved_connections");
    let ours = i64::from(config.database.max_connections) + i64::from(config.database.calls_max_connections);
    if ours > room {
        let what = format!("one replica opens up to {ours} connections, the server takes {room}");
        let fix =
            "lower database.max_connections and calls_max_connections, or raise the server's max_connections";
        findings.push(Finding::new(AREA, Severity::Fault, what, fix));
    } else {
        let what = format!(
            "{} of {room} connections are in use; there is room for {} replicas",
            seen.connections,
            room / ours.max(1)
        );
        findings.push(Finding::ok(AREA, what));
    }
    if config.database.max_connections > 20 {
        let what = format!(
            "database.max_connections is {}: more than 20 was slower in our measurements",
            config.database.max_connections
        );
        findings.push(Finding::new(
            AREA,
            Severity::Note,
            what,
            "set it to 16 to 20 a replica",
        ));
    }
    if setting(seen, "TimeZone") != "UTC" {
        let what = format!(
            "sessions are in time zone {}; a pooler drops what we ask for",
            setting(seen, "TimeZone")
        );
        findings.push(Finding::new(
            AREA,
            Severity::Note,
            what,
            "ALTER ROLE … SET timezone = 'UTC'",
        ));
    }
    let isolation = setting(seen, "default_transaction_isolation");
    if isolation != "read committed" {
        let what =
            format!("transactions are {isolation} by default: guarded writes would fail where they need not");
        let fix = "ALTER ROLE … SET default_transaction_isolation = 'read committed'";
        findings.push(Finding::new(AREA, Severity::Risk, what, fix));
    }
    if setting(seen, "idle_in_transaction_session_timeout") == "0" {
        let what =
            "a transaction that its program forgot holds its locks for ever; a pooler drops what we ask for";
        let fix = "ALTER ROLE … SET idle_in_transaction_session_timeout = '10s'";
        findings.push(Finding::new(AREA, Severity::Risk, what, fix));
    }
    findings
}

fn upkeep(seen: &PostgresVitals) -> Vec<Finding> {
    let mut findings = Vec::new();
    if setting(seen, "autovacuum") != "on" {
        let fix = "ALTER SYSTEM SET autovacuum = on, then reload";
        findings.push(Finding::new(
            AREA,
            Severity::Risk,
            "autovacuum is off: the queue's table grows without end",
            fix,
        ));
    }
    if !seen.never_vacuumed.is_empty() {
        let what = format!("autovacuum is off for {}", seen.never_vacuumed.join(", "));
        findings.push(Finding::new(
            AREA,
            Severity::Risk,
            what,
            "ALTER TABLE … RESET (autovacuum_enabled)",
        ));
    }
    if seen.oldest_transaction_seconds > LONG_TRANSACTION || seen.oldest_snapshot > OLD_SNAPSHOT {
        let what = format!(
            "somebody's transaction has been open for {} minutes ({} transactions back): dead rows cannot be cleaned",
            seen.oldest_transaction_seconds / 60,
            seen.oldest_snapshot
        );
        let fix = "find it in pg_stat_activity (xact_start, backend_xmin) and end it; look for old replication slots, too";
        findings.push(Finding::new(AREA, Severity::Risk, what, fix));
    }
    if let Some((table, dead, live)) = &seen.most_dead {
        let what = format!("table {table} has {dead} dead rows beside {live} live ones");
        findings.push(Finding::new(
            AREA,
            Severity::Note,
            what,
            format!("VACUUM {table}; see what holds autovacuum back"),
        ));
    }
    findings
}

fn setting<'a>(seen: &'a PostgresVitals, name: &str) -> &'a str {
    seen.settings.get(name).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> PostgresVitals {
        let settings = [
            ("fsync", "on"),
            ("full_page_writes", "on"),
            ("synchronous_commit", "on"),
            ("synchronous_standby_names", "ANY 1 (*)"),
            ("TimeZone", "UTC"),
            ("default_transaction_isolation", "read committed"),
            ("max_connections", "100"),
            ("superuser_reserved_connections", "3"),
            ("autovacuum", "on"),
            ("idle_in_transaction_session_timeout", "10s"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        PostgresVitals {
            version: 150_018,
            settings: settings.into(),
            standbys: vec![("b".to_owned(), "quorum".to_owned())],
            now: DateTime::UNIX_EPOCH,
            ..PostgresVitals::default()
        }
    }

    fn worst(change: impl FnOnce(&mut PostgresVitals)) -> Finding {
        let mut seen = healthy();
        change(&mut seen);
        let config = Config::defaults().expect("the defaults");
        let findings = judged(&seen, &config, DateTime::UNIX_EPOCH);
        findings
            .into_iter()
            .max_by_key(|finding| finding.severity)
            .expect("a finding")
    }

    #[test]
    fn a_healthy_server_has_nothing_against_it() {
        assert_eq!(worst(|_| ()).severity, Severity::Ok);
    }

    #[test]
    fn whatever_could_lose_an_approval_is_named_with_its_remedy() {
        for (name, value, severity) in [
            ("fsync", "off", Severity::Fault),
            ("full_page_writes", "off", Severity::Fault),
            ("synchronous_commit", "off", Severity::Fault),
            ("synchronous_commit", "local", Severity::Fault),
            ("synchronous_standby_names", "", Severity::Risk),
            ("default_transaction_isolation", "serializable", Severity::Risk),
            ("autovacuum", "off", Severity::Risk),
            ("idle_in_transaction_session_timeout", "0", Severity::Risk),
            ("max_connections", "12", Severity::Fault),
            ("TimeZone", "Europe/Berlin", Severity::Note),
        ] {
            let finding = worst(|seen| {
                seen.settings.insert(name.to_owned(), value.to_owned());
            });
            assert_eq!(finding.severity, severity, "{name} = {value}: {finding:?}");
            assert!(!finding.fix.is_empty(), "{name}");
        }
    }

    #[test]
    fn clocks_apart_and_forgotten_transactions_are_risks() {
        let skewed = worst(|seen| seen.now += chrono::TimeDelta::seconds(5));
        assert_eq!(
            skewed.what,
            "the server's clock and this machine's are 5.0 s apart"
        );
        let forgotten = worst(|seen| seen.oldest_transaction_seconds = 3_600);
        assert!(
            forgotten
                .what
                .starts_with("somebody's transaction has been open for 60 minutes")
        );
        assert_eq!(
            (skewed.severity, forgotten.severity),
            (Severity::Risk, Severity::Risk)
        );
    }
}
