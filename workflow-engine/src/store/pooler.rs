//! A pooler before PostgreSQL that lends connections by the transaction: nothing may belong to a session there.

use sqlx::postgres::PgConnectOptions;

/// In a PostgreSQL URL: a pooler (PgBouncer) lends connections by the transaction.
pub const POOLED: &str = "pgbouncer=true";

/// The URL without that mark, and whether it had it.
pub(super) fn unmarked(url: &str) -> (String, bool) {
    let Some((base, query)) = url.split_once('?') else {
        return (url.to_owned(), false);
    };
    let rest: Vec<&str> = query.split('&').filter(|pair| *pair != POOLED).collect();
    let pooled = rest.len() < query.split('&').count();
    match rest.join("&") {
        rest if rest.is_empty() => (base.to_owned(), pooled),
        rest => (format!("{base}?{rest}"), pooled),
    }
}

/// `host:port` of a PostgreSQL URL, for errors: the URL itself holds a password.
pub(super) fn place(url: &str) -> String {
    let Ok(options) = url.parse::<PgConnectOptions>() else {
        return "an address that cannot be read".to_owned();
    };
    format!("{}:{}", options.get_host(), options.get_port())
}

/// With settings for each session. A pooler that lends connections by the transaction has no sessions and refuses such
/// parameters: there they are set on the role (docs/replicas.md).
pub(super) fn with_session<const N: usize>(
    options: PgConnectOptions,
    pooled: bool,
    settings: [(&str, &str); N],
) -> PgConnectOptions {
    if pooled {
        return options.extra_float_digits(None);
    }
    options.options(settings)
}
