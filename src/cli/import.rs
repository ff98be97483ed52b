//! `riverine import`: OPML in. What stands in the config already is left as it is.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use url::Url;

use super::{Global, print};
use crate::config::LONGEST_URL;
use crate::config::edit::{self, Draft};
use crate::link;
use crate::parse::opml::{self, Subscription};
use crate::text;

/// A list is written by programs, but never this long.
const LONGEST: u64 = 64 << 20;
/// Characters of an address that is left out.
const SHOWN: usize = 200;

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An OPML file; - is stdin
    file: std::path::PathBuf,
}

/// Runs the command.
///
/// # Errors
/// The list's, the config's, or what kept it from being written.
pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let (path, config) = global.load_or_new()?;
    let bytes = read(&args.file)?;
    let (found, mended) = opml::read(&bytes).with_context(|| args.file.display().to_string())?;
    let say = |words: String| {
        if !global.quiet {
            print::words(format_args!("warning: {}", text::visible(&words)));
        }
    };
    mended.into_iter().for_each(&say);
    let sources = config.iter().flat_map(|config| &config.sources);
    // What is in the config stays as it is; what the list has twice is in the folders of both.
    let mut addresses: HashMap<String, Option<usize>> =
        sources.clone().filter_map(|source| Some((link::canonical(source.url.as_str())?, None))).collect();
    let mut ids: HashSet<String> = sources
        .flat_map(|source| std::iter::once(&source.id).chain(&source.was))
        .map(ToString::to_string)
        .collect();
    let (mut drafts, mut known, mut refused) = (Vec::<Draft>::new(), 0, 0);
    for one in &found {
        let fits = |url: &Url| matches!(url.scheme(), "http" | "https") && url.as_str().len() <= LONGEST_URL;
        let url = Url::parse(&link::of_feed(&one.url)).ok().filter(fits);
        let Some((url, canonical)) =
            url.and_then(|url| link::canonical(url.as_str()).map(|same| (url, same)))
        else {
            refused += 1;
            let shown = link::mask(&one.url);
            let shown = text::cut(&shown, SHOWN).0;
            say(format!("left out: {shown:?} is no http address of at most {LONGEST_URL} bytes"));
            continue;
        };
        match addresses.get(&canonical) {
            None => {
                addresses.insert(canonical, Some(drafts.len()));
                drafts.push(draft(url, one, &mut ids));
            }
            Some(None) => known += 1,
            Some(Some(place)) => {
                let Some(draft) = drafts.get_mut(*place) else { continue };
                let groups = one.groups.iter().filter(|group| !draft.groups.contains(group));
                let groups: Vec<_> = groups.cloned().collect();
                draft.groups.extend(groups);
            }
        }
    }
    if !drafts.is_empty() {
        edit::append(&path, &drafts)?;
    }
    global.outcome(format_args!(
        "{} added to {}, {known} there already, {refused} left out\n",
        print::count(drafts.len(), "source", "sources"),
        path.display(),
    ))?;
    if let Some(config) = config.filter(|_| !drafts.is_empty()) {
        global.until_reread(&config.store.path, "them as soon as");
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(LONGEST).read_to_end(&mut bytes).context("stdin")?;
    } else {
        let open = std::fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
        open.take(LONGEST)
            .read_to_end(&mut bytes)
            .with_context(|| format!("cannot read {}", file.display()))?;
    }
    Ok(bytes)
}

/// Its id is the one made from its address, or, where another source has that, the next that is free.
fn draft(url: Url, from: &Subscription, ids: &mut HashSet<String>) -> Draft {
    let mut draft = Draft { groups: from.groups.clone(), ..Draft::new(url) };
    draft.name = Some(from.title.clone()).filter(|title| !title.is_empty() && *title != from.url);
    draft.make_free(ids);
    draft
}
