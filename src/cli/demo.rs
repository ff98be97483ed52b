//! `riverine demo`: the whole river with no network and no config. Sample sources are served on loopback,
//! polled into a temporary store, and published; nothing is left behind.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use super::{Global, assemble, serve};

/// `riverine demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to publish; default: port 7878 of this machine, or any free one.
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<SocketAddr>,
}

/// Path, media type, document, and what the config says of it.
const SAMPLES: [(&str, &str, &str, &str); 5] = [
    ("gazette.rss", "application/rss+xml", include_str!("demo/gazette.rss"), "groups = [\"news\"]"),
    (
        "observatoire.atom",
        "application/atom+xml",
        include_str!("demo/observatoire.atom"),
        "groups = [\"nature\"]",
    ),
    (
        "lighthouse.json",
        "application/feed+json",
        include_str!("demo/lighthouse.json"),
        "groups = [\"nature\"]",
    ),
    (
        "council.html",
        "text/html; charset=utf-8",
        include_str!("demo/council.html"),
        "groups = [\"news\"]\n[source.page]\nitem = \"ul.notices > li\"\ntitle = \"h3\"",
    ),
    ("station.txt", "text/plain; charset=utf-8", include_str!("demo/station.txt"), "groups = [\"nature\"]"),
];

/// Runs the command.
///
/// # Errors
/// When loopback or the temporary directory cannot be used.
pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let directory = tempfile::tempdir().context("a temporary directory for the demo")?;
    assemble::runtime()?.block_on(async {
        let origin =
            TcpListener::bind("127.0.0.1:0").await.context("a port of 127.0.0.1 for the sample sources")?;
        let origin_address = origin.local_addr()?;
        tokio::spawn(async move { axum::serve(origin, samples()).await });
        let file = directory.path().join("riverine.toml");
        std::fs::write(&file, config(origin_address, listen(args).await))?;
        let config = crate::config::load(&file)?;
        serve::river(config, serve::Mode::Demo { samples: SAMPLES.len() }, global).await
    })?;
    Ok(ExitCode::SUCCESS)
}

fn samples() -> Router {
    SAMPLES.iter().fold(Router::new(), |router, (path, media_type, document, _)| {
        router.route(
            &format!("/{path}"),
            get(move || async move { ([(CONTENT_TYPE, *media_type)], *document).into_response() }),
        )
    })
}

/// The usual port where it is free.
async fn listen(args: &Args) -> SocketAddr {
    let usual = SocketAddr::from(([127, 0, 0, 1], 7878));
    match args.listen {
        Some(address) => address,
        None if TcpListener::bind(usual).await.is_ok() => usual,
        None => SocketAddr::from(([127, 0, 0, 1], 0)),
    }
}

fn config(origin: SocketAddr, listen: SocketAddr) -> String {
    let (mut text, samples) = (
        format!(
            "[server]\nlisten = \"{listen}\"\n\n[fetch]\nallow_private = [\"127.0.0.1/32\"]\nper_host_gap = \"0s\"\n\n"
        ),
        SAMPLES
            .iter()
            .map(|(path, _, _, more)| format!("[[source]]\nurl = \"http://{origin}/{path}\"\n{more}\n\n")),
    );
    text.extend(samples);
    text.push_str("[[feed]]\nid = \"all\"\ntitle = \"The river (demo)\"\n\n");
    text.push_str("[[feed]]\nid = \"nature\"\ntitle = \"Nature\"\ngroups = [\"nature\"]\n");
    text
}
