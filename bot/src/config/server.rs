//! `[server]`: where it listens and what it accepts.

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;

use super::Problem;

/// Where the service listens and what it accepts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port.
    pub listen: SocketAddr,
    /// How people reach it; empty means `http://` and the address.
    pub public_url: String,
    /// Where files live.
    pub data_dir: PathBuf,
    /// Longest body in MiB, after decompression.
    pub max_body_mib: usize,
    /// Seconds after which a request is given up.
    pub timeout_seconds: u64,
    /// Requests a second that one caller may make.
    pub requests_per_second: u32,
    /// How many at once on top.
    pub burst: u32,
    /// Most seconds from being told to stop to the end.
    pub stop_within_seconds: u64,
}

impl Server {
    /// The address that links begin with, without a slash at the end.
    #[must_use]
    pub fn public_base(&self) -> String {
        if self.public_url.is_empty() {
            return format!("http://{}", self.listen);
        }
        self.public_url.trim_end_matches('/').to_owned()
    }

    /// Whether browsers reach it over TLS, so that cookies may say so.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// Longest body in bytes, after decompression.
    #[must_use]
    pub fn max_body_bytes(&self) -> usize {
        self.max_body_mib.saturating_mul(1024 * 1024)
    }

    pub(super) fn problem(&self) -> Problem {
        let valid_url = url::Url::parse(&self.public_url)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
        if !self.public_url.is_empty() && !valid_url {
            let why = "it is no web address; write for example https://governor.example.com";
            return Some(("server.public_url", why.to_owned()));
        }
        if self.max_body_mib == 0 || self.max_body_mib > 1024 {
            return Some(("server.max_body_mib", "it must be 1 to 1024".to_owned()));
        }
        if self.timeout_seconds == 0 {
            return Some(("server.timeout_seconds", "it must be at least 1".to_owned()));
        }
        if self.stop_within_seconds == 0 {
            return Some(("server.stop_within_seconds", "it must be at least 1".to_owned()));
        }
        if self.requests_per_second == 0 || self.burst == 0 {
            return Some((
                "server.requests_per_second",
                "it and `burst` must be at least 1".to_owned(),
            ));
        }
        None
    }
}
