//! Sources that ask for the same document in the same way go together: it is asked for once.
//! Pure.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::fetch;
use crate::model::{Digest, Source};

/// One request, and everybody whom its answer is for.
pub(super) struct Errand {
    /// At least one. All enabled, or none.
    pub(super) sources: Vec<Arc<Source>>,
    /// Host and port that are asked, as far as is known.
    pub(super) host: Arc<str>,
}

/// Puts sources together, in their order.
pub(super) fn errands(sources: Vec<Arc<Source>>) -> Vec<Errand> {
    let mut errands: Vec<Errand> = Vec::with_capacity(sources.len());
    let mut places: HashMap<Digest, usize> = HashMap::with_capacity(sources.len());
    let mut hosts = Hosts::default();
    for source in sources {
        let place = *places.entry(request(&source)).or_insert(errands.len());
        if let Some(errand) = errands.get_mut(place) {
            errand.sources.push(source);
        } else {
            let host = hosts.name(&source.url);
            errands.push(Errand { sources: vec![source], host });
        }
    }
    errands
}

/// Names of hosts, each kept once.
#[derive(Default)]
struct Hosts(HashSet<Arc<str>>);

impl Hosts {
    fn name(&mut self, url: &url::Url) -> Arc<str> {
        let name = fetch::host_and_port(url);
        if let Some(known) = self.0.get(name.as_str()) {
            return known.clone();
        }
        let name: Arc<str> = name.into();
        self.0.insert(name.clone());
        name
    }
}

/// Everything that makes a request what it is, and what becomes of its answer before it is read.
fn request(source: &Source) -> Digest {
    let mut url = source.url.clone();
    url.set_fragment(None);
    let limits = format!("{:?} {} {}", source.timeout, source.max_body, source.enabled);
    let proxy = source.proxy.as_ref().map_or("", url::Url::as_str);
    let mut parts = vec![url.as_str(), &limits, proxy];
    if let Some(auth) = &source.auth {
        parts.extend(["auth", &auth.user, auth.password.expose()]);
    }
    for (name, value) in &source.headers {
        parts.extend([name.as_str(), value.expose()]);
    }
    let parts: Vec<&[u8]> = parts.into_iter().map(str::as_bytes).collect();
    Digest::of("errand", &parts)
}
