//! What leaves riverine over HTTP: documents, pages, liveness.

use serde::Deserialize;

/// `[server]`, as written. Secrets are resolved by config.rs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// `host:port`, or `unix:/path`.
    pub listen: String,
    /// Public address for links; default: the listen address, never the Host header.
    pub base_url: Option<url::Url>,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: "127.0.0.1:7878".to_owned(), base_url: None }
    }
}
