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
pub struct Site; pub struct Settings { pub base_url: url::Url, pub outputs: Vec<crate::model::Output>, pub sources: Vec<std::sync::Arc<crate::model::Source>>, pub token: Option<crate::model::Secret>, pub admin_token: Option<crate::model::Secret> }
pub enum Listener { Tcp(tokio::net::TcpListener), Unix(tokio::net::UnixListener) }
impl Site { pub fn new(_: crate::store::Handle, _: std::sync::Arc<dyn crate::clock::Clock>, _: Settings) -> std::sync::Arc<Self> { std::sync::Arc::new(Site) } pub fn touched(&self, _: &crate::store::Committed) {} pub fn reload(&self, _: Settings) {} }
pub async fn serve(_: Vec<Listener>, _: std::sync::Arc<Site>, s: impl Future<Output=()>) { s.await }
