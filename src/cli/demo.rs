//! `riverine demo`: the whole river with no network and no config. Sample sources are served on loopback,
//! polled into a temporary store, and published; nothing is left behind.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse as _};
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

struct Sample {
    id: &'static str,
    media_type: &'static str,
    document: &'static str,
    /// What the config says of it beyond its address.
    config: &'static str,
}

/// One of every kind.
const SAMPLES: [Sample; 5] = [
    Sample {
        id: "gazette",
        media_type: "application/rss+xml",
        document: include_str!("demo/gazette.rss"),
        config: "groups = [\"news\"]",
    },
    Sample {
        id: "observatoire",
        media_type: "application/atom+xml",
        document: include_str!("demo/observatoire.atom"),
        config: "groups = [\"nature\"]",
    },
    Sample {
        id: "lighthouse",
        media_type: "application/feed+json",
        document: include_str!("demo/lighthouse.json"),
        config: "groups = [\"nature\"]",
    },
    Sample {
        id: "council",
        media_type: "text/html; charset=utf-8",
        document: include_str!("demo/council.html"),
        config: "groups = [\"news\"]\n[source.page]\nitem = \"ul.notices > li\"\ntitle = \"h3\"",
    },
    Sample {
        id: "station",
        media_type: "text/plain; charset=utf-8",
        document: include_str!("demo/station.txt"),
        config: "groups = [\"nature\"]",
    },
];

/// Runs the command.
///
/// # Errors
/// When loopback or the temporary directory cannot be used.
pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let directory = tempfile::tempdir().context("a temporary directory for the demo")?;
    assemble::run(async {
        let origin =
            TcpListener::bind("127.0.0.1:0").await.context("a port of 127.0.0.1 for the sample sources")?;
        let origin_address = origin.local_addr()?;
        tokio::spawn(async move { axum::serve(origin, samples(origin_address)).await });
        let file = directory.path().join("riverine.toml");
        std::fs::write(&file, config(origin_address, listen(args).await))?;
        let config = crate::config::load(&file)?;
        serve::river(config, serve::Mode::Demo, global).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Where links of the samples lead.
const ARTICLE: &str = "<!doctype html><html lang=\"en\"><title>A sample source</title>\
    <p>This is a sample source of <code>riverine demo</code>: with a real one, its own page of the entry would be here.";

/// The samples on loopback. Their links lead here, too, so that they can be followed.
fn samples(address: SocketAddr) -> Router {
    SAMPLES
        .iter()
        .fold(Router::new(), |router, sample| {
            let home = format!("https://{}.example/", sample.id);
            let document = sample.document.replace(&home, &format!("http://{address}/{}/", sample.id));
            let answer =
                async move || ([(CONTENT_TYPE, sample.media_type)], document.clone()).into_response();
            router.route(&format!("/{}", sample.id), get(answer))
        })
        .fallback(async || Html(ARTICLE))
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
    let mut text = format!("[server]\nlisten = \"{listen}\"\n");
    text.push_str("[fetch]\nallow_private = [\"127.0.0.1/32\"]\nper_host_gap = \"0s\"\n");
    for Sample { id, config, .. } in &SAMPLES {
        let _ = write!(text, "[[source]]\nid = \"{id}\"\nurl = \"http://{origin}/{id}\"\n{config}\n");
    }
    text.push_str("[[feed]]\nid = \"all\"\ntitle = \"The river (demo)\"\n");
    text.push_str("[[feed]]\nid = \"nature\"\ntitle = \"Nature\"\ngroups = [\"nature\"]\n");
    text
}
