//! The secrets in a source's own addresses, and texts without them. A link that a document states in full stays as it
//! is stated, unless it holds one of these very secrets.

use std::borrow::Cow;

use url::Url;

use super::{HIDDEN, holds_secret, is_secret, mask, mask_link, normal_percent, pairs, with_links};

/// From so many bytes on a parameter's value is a secret of ours under whatever name.
const LONG: usize = 8;
/// From so many on it is one wherever in a link it stands.
const VERY_LONG: usize = 16;

/// What must not be told of the addresses that a source is asked at.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    addresses: Vec<Address>,
    /// Passwords and the values of secret parameters.
    values: Vec<String>,
}

#[derive(Clone, Debug)]
struct Address {
    /// It names a user.
    with_user: bool,
    /// Host and port, as [`host`] gives them.
    host: String,
    /// Host, path and query with the secrets masked.
    masked: String,
}

impl Secrets {
    /// Those of these addresses; of what is masked already, where they stood.
    pub fn of<'a>(addresses: impl IntoIterator<Item = &'a Url>) -> Self {
        let mut secrets = Self::default();
        for url in addresses {
            secrets.add(url);
        }
        secrets
    }

    fn add(&mut self, url: &Url) {
        let masked = mask(url.as_str());
        if !masked.contains(HIDDEN) {
            return;
        }
        let shown = masked.split('#').next().unwrap_or_default();
        let shown = shown.split_once("://").map_or("", |(_, rest)| rest);
        let (authority, rest) = shown.split_at(shown.find(['/', '?']).unwrap_or(shown.len()));
        let user = authority.rsplit_once('@');
        let (with_user, host) = (user.is_some(), host(user.map_or(authority, |(_, host)| host)));
        self.addresses.push(Address { with_user, masked: format!("{host}{rest}"), host });
        let (values, mut out) = (&mut self.values, String::new());
        let mut keep = |value: &str| {
            let value = normal_percent(value).into_owned();
            if !value.is_empty() && value != HIDDEN && !values.contains(&value) {
                values.push(value);
            }
        };
        keep(url.password().unwrap_or_default());
        let rest = url.as_str().split_once("://").map_or("", |(_, rest)| rest);
        pairs(
            rest.get(rest.find(['/', '?', '#']).unwrap_or(rest.len())..).unwrap_or_default(),
            &mut out,
            |name, value| {
                if is_secret(name) || holds_secret(value) {
                    keep(value);
                }
                false
            },
        );
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }

    /// A text, HTML or link without them: users of our hosts are left out, values give way to a mask.
    pub fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_empty() || !text.contains("://") {
            return Cow::Borrowed(text);
        }
        let out = with_links(text, |link, out| self.hide_link(link, out));
        if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
    }

    /// An address that relative links may begin with.
    pub fn base(&self, url: &Url) -> Url {
        Url::parse(&self.hide(url.as_str())).unwrap_or_else(|_| url.clone())
    }

    /// [`Secrets::hide`] for what is owned already.
    pub fn hidden(&self, text: String) -> String {
        match self.hide(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(hidden) => hidden,
        }
    }

    /// `link` begins with its authority; in HTML its ampersands are references.
    fn hide_link(&self, link: &str, out: &mut String) {
        let (authority, rest) = link.split_at(link.find(['/', '?', '#', '\\']).unwrap_or(link.len()));
        let named = authority.rsplit_once('@').map_or(authority, |(_, named)| named);
        let host = host(named);
        let ours = self.addresses.iter().any(|address| address.with_user && address.host == host);
        out.push_str(if ours { named } else { authority });
        if self.is_one(&host, rest) {
            return mask_link(rest, out);
        }
        let from = out.len();
        pairs(rest, out, |name, value| {
            // In a text a link may end a sentence.
            let ends = |c: char| c.is_ascii_punctuation();
            let ours = |said: &str| self.values.iter().any(|value| value == said);
            let said = normal_percent(value);
            (ours(&said) || ours(said.trim_end_matches(ends))) && (is_secret(name) || said.len() >= LONG)
        });
        for value in self.values.iter().filter(|value| value.len() >= VERY_LONG) {
            if out.get(from..).is_some_and(|rest| rest.contains(value.as_str())) {
                let rest = out.split_off(from).replace(value.as_str(), HIDDEN);
                out.push_str(&rest);
            }
        }
    }

    /// Whether this is one of the addresses, but for the fragment: with secrets that may have been others since.
    fn is_one(&self, host: &str, rest: &str) -> bool {
        let rest = rest.split('#').next().unwrap_or_default();
        let near = |address: &Address| address.host == host && address.masked.contains(HIDDEN);
        if !self.addresses.iter().any(near) {
            return false;
        }
        let mut masked = host.to_owned();
        mask_link(&rest.replace("&amp;", "&"), &mut masked);
        self.addresses.iter().any(|address| address.masked == masked)
    }
}

/// Host and port as they are compared.
fn host(authority: &str) -> String {
    let host = authority.to_ascii_lowercase();
    let bare = host.strip_suffix(":80").or_else(|| host.strip_suffix(":443"));
    bare.map_or_else(|| host.clone(), str::to_owned)
}
