//! Links as identities, and links as they may be shown.
//!
//! A canonical link is a key to compare with, not an address to fetch: two addresses of one page give one
//! key. Nothing is looked up and nothing is followed.

use std::borrow::Cow;
use std::fmt::Write;

use percent_encoding::percent_decode_str;
use url::Url;

mod plain;
mod secrets;

use plain::Parts;
pub(crate) use plain::is_plain_host;
pub use secrets::Secrets;

/// Parameters that only say where a reader came from. A `*` at the end stands for anything.
///
/// Each is named in the documentation of the service that adds it, or is in the lists that browsers remove.
const TRACKING: &[&str] = &[
    // Google: analytics, ads; Matomo
    "utm_*",
    "gclid",
    "gclsrc",
    "dclid",
    "gbraid",
    "wbraid",
    "srsltid",
    "_ga",
    "_gl",
    "gad_source",
    "pk_*",
    "piwik_*",
    "mtm_*",
    "matomo_*",
    // Facebook, Instagram, X, TikTok, LinkedIn, Pinterest, Microsoft, Yandex, Yahoo, Reddit, Snapchat
    "fbclid",
    "fb_action_ids",
    "fb_action_types",
    "fb_ref",
    "fb_source",
    "mibextid",
    "igshid",
    "igsh",
    "twclid",
    "ttclid",
    "li_fat_id",
    "trkcampaign",
    "epik",
    "msclkid",
    "yclid",
    "ysclid",
    "_openstat",
    "guccounter",
    "guce_*",
    "soc_src",
    "soc_trk",
    "rdt_cid",
    "sccid",
    // Mail: Mailchimp, HubSpot, Marketo, Vero, Omeda, Salesforce, Klaviyo, Drip
    "mc_cid",
    "mc_eid",
    "_hsenc",
    "_hsmi",
    "__hstc",
    "__hssc",
    "__hsfp",
    "hsctatracking",
    "mkt_tok",
    "vero_id",
    "vero_conv",
    "oly_enc_id",
    "oly_anon_id",
    "sfmc_*",
    "_ke",
    "_kx",
    "__s",
    // Publishers: AT Internet, comScore, Webtrekk, Adobe, BBC, New York Times, Daily Mail, CNN
    "xtor",
    "ns_mchannel",
    "ns_source",
    "ns_campaign",
    "ns_linkname",
    "ns_fee",
    "wt_mc*",
    "wt_zmc",
    "s_cid",
    "at_medium",
    "at_campaign",
    "at_campaign_type",
    "at_custom*",
    "at_link_id",
    "at_link_type",
    "at_link_origin",
    "at_format",
    "at_ptr_name",
    "at_bbc_team",
    "smid",
    "smtyp",
    "emc",
    "ito",
    "cmpid",
    "ref_src",
    "ref_url",
    "spm",
    "zanpid",
    "wickedid",
];

/// Parameters that say where a reader came from only with certain values: `?ref=main` of a code host means a branch.
const ORIGIN: &[&str] =
    &["ref", "referrer", "referer", "source", "src", "from", "via", "medium", "partner", "cmp", "campaign"];

/// Those values.
const ORIGINS: &[&str] = &[
    "rss",
    "rss1",
    "rss2",
    "rssfeed",
    "rss_feed",
    "rss-feed",
    "feed",
    "feeds",
    "atom",
    "feedburner",
    "feedly",
    "newsletter",
    "email",
    "mail",
    "social",
    "share",
    "twitter",
    "facebook",
    "linkedin",
    "mastodon",
    "bluesky",
    "reddit",
    "hackernews",
    "hn",
    "producthunt",
    "telegram",
    "whatsapp",
    "t.co",
];

/// The link as an identity: `example.org/story?id=1` for `https://www.example.org:443/story/?utm_source=rss&id=1#top`.
///
/// Left out: scheme, `www.`, default ports, credentials, tracking parameters, AMP forms, the fragment, the slash
/// at the end. Percent-encoding has one form; parameters are sorted by name (those of one name keep their order).
/// `None` when it is no http(s) link.
pub fn canonical(link: &str) -> Option<String> {
    key(link, false)
}

/// [`canonical`] with the fragment, for documents whose entries differ only there.
pub fn canonical_with_fragment(link: &str) -> Option<String> {
    key(link, true)
}

fn key(link: &str, with_fragment: bool) -> Option<String> {
    let link = link.trim();
    let url: Url;
    let plain = Parts::of_plain(link).filter(|parts| !may_be_amp_cache(parts.host));
    let parts = if let Some(plain) = plain {
        plain
    } else {
        url = without_amp_cache(Url::parse(link).ok()?);
        parts_of(&url)?
    };
    let mut out = String::with_capacity(link.len());
    out.push_str(bare_host(parts.host));
    if let Some(port) = parts.port {
        let _ = write!(out, ":{port}");
    }
    out.push_str(without_amp(&normal_percent(parts.path)).trim_end_matches('/'));
    let query = query(parts.query);
    if !query.is_empty() {
        out.push('?');
        out.push_str(&query);
    }
    if let Some(fragment) = parts.fragment.filter(|fragment| with_fragment && is_place(fragment)) {
        out.push('#');
        out.push_str(&normal_percent(fragment));
    }
    Some(out)
}

fn parts_of(url: &Url) -> Option<Parts<'_>> {
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    Some(Parts {
        host: url.host_str()?.trim_end_matches('.'),
        port: url.port().filter(|port| !matches!(port, 80 | 443)),
        path: url.path(),
        query: url.query().unwrap_or_default(),
        fragment: url.fragment(),
    })
}

/// Without `www.` and `amp.`, as long as a name with a dot is left.
fn bare_host(host: &str) -> &str {
    let mut host = host;
    for prefix in ["www.", "amp.", "www."] {
        host = host.strip_prefix(prefix).filter(|rest| rest.contains('.')).unwrap_or(host);
    }
    host
}

/// True for every host that [`without_amp_cache`] looks at more closely.
fn may_be_amp_cache(host: &str) -> bool {
    host.ends_with("cdn.ampproject.org") || bare_host(host).starts_with("google.")
}

/// `https://www-example-org.cdn.ampproject.org/c/s/www.example.org/x` and `https://www.google.com/amp/s/example.org/x` hold
/// the page's own address.
fn without_amp_cache(url: Url) -> Url {
    let host = url.host_str().unwrap_or_default();
    let cache = host == "cdn.ampproject.org" || host.ends_with(".cdn.ampproject.org");
    let google = bare_host(host).strip_prefix("google.").is_some_and(|rest| rest.len() <= 6);
    let mut parts = url.path().trim_start_matches('/').splitn(2, '/');
    let inside = match (parts.next(), parts.next()) {
        (Some("c" | "v" | "a"), Some(rest)) if cache => rest,
        (Some("amp"), Some(rest)) if google => rest,
        _ => return url,
    };
    let (scheme, address) = inside.strip_prefix("s/").map_or(("http", inside), |rest| ("https", rest));
    let query = url.query().map_or(String::new(), |query| format!("?{query}"));
    match Url::parse(&format!("{scheme}://{address}{query}")) {
        Ok(page) if page.host_str().is_some_and(|host| host.contains('.')) => page,
        _ => url,
    }
}

/// A path without its AMP mark: `/story/amp/`, `/amp/story`, `/story.amp`, `/story.amp.html`. `/amp` alone is a page of its own.
fn without_amp(path: &str) -> Cow<'_, str> {
    let mut path = Cow::Borrowed(path.trim_end_matches('/'));
    let ends = [("/amp", ""), (".amp.html", ".html"), (".amp", "")];
    while let Some(shorter) = ends
        .iter()
        .find_map(|(end, instead)| {
            let rest = path.strip_suffix(end).filter(|rest| rest.len() > 1)?;
            Some(format!("{}{instead}", rest.trim_end_matches('/')))
        })
        .or_else(|| Some(format!("/{}", path.strip_prefix("/amp/").filter(|rest| !rest.is_empty())?)))
    {
        path = Cow::Owned(shorter);
    }
    path
}

fn query(query: &str) -> String {
    let mut kept: Vec<(String, String)> = query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let one = |text: &str| normal_percent(&text.replace('+', "%20")).into_owned();
            (one(name), one(value))
        })
        .filter(|(name, value)| {
            !name.is_empty() && !is_tracking(&name.to_ascii_lowercase(), &value.to_ascii_lowercase())
        })
        .collect();
    // Sorting is stable: the order among equal names may matter to the server.
    kept.sort_by(|(a, _), (b, _)| a.cmp(b));
    let parts =
        kept.into_iter().map(|(name, value)| if value.is_empty() { name } else { format!("{name}={value}") });
    parts.collect::<Vec<_>>().join("&")
}

fn is_tracking(name: &str, value: &str) -> bool {
    let name = name.strip_prefix("amp;").unwrap_or(name);
    let listed = TRACKING.iter().any(|known| match known.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *known,
    });
    let amp = name == "amp" && matches!(value, "" | "1" | "true") || name == "outputtype" && value == "amp";
    listed || amp || ORIGIN.contains(&name) && ORIGINS.contains(&value)
}

/// Whether a fragment names a place in the document, not where the reader came from.
fn is_place(fragment: &str) -> bool {
    let (name, value) = fragment.split_once('=').unwrap_or((fragment, ""));
    !fragment.is_empty()
        && !fragment.starts_with(":~:")
        && !is_tracking(&name.to_ascii_lowercase(), &value.to_ascii_lowercase())
}

/// One form of percent-encoding (RFC 3986, 6.2.2): unreserved characters plain, the rest in upper case.
pub fn normal_percent(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        match rest
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .filter(|_| !rest.starts_with('+'))
        {
            Some(byte) => {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    out.push(char::from(byte));
                } else {
                    let _ = write!(out, "%{byte:02X}");
                }
                rest = rest.get(2..).unwrap_or_default();
            }
            // A percent sign that encodes nothing.
            None => out.push_str("%25"),
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// An address in which every percent sign escapes something: one that does not is escaped itself.
pub fn with_sound_escapes(address: &str) -> Cow<'_, str> {
    let is_escape =
        |rest: &str| rest.as_bytes().get(1..3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    let mut out = String::new();
    let mut done = 0;
    for (at, _) in address.match_indices('%') {
        if !address.get(at..).is_some_and(is_escape) {
            out.push_str(address.get(done..=at).unwrap_or_default());
            out.push_str("25");
            done = at + 1;
        }
    }
    if done == 0 {
        return Cow::Borrowed(address);
    }
    out.push_str(address.get(done..).unwrap_or_default());
    Cow::Owned(out)
}

/// An address as a button to subscribe or another reader hands it over: `feed:https://…`, or `feed://…`, by which http is
/// meant. Any other stays as it is.
pub fn of_feed(written: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = written.split_once(':') else { return Cow::Borrowed(written) };
    if !scheme.eq_ignore_ascii_case("feed") {
        return Cow::Borrowed(written);
    }
    if rest.starts_with("//") { Cow::Owned(format!("http:{rest}")) } else { Cow::Borrowed(rest) }
}

/// What stands for a secret.
const HIDDEN: &str = "***";

/// A text with the secrets of its links hidden: credentials, and parameters with names like `token` or `api_key`.
///
/// Meant for pages, logs and messages; the text may be a link or hold several.
pub fn mask(text: &str) -> String {
    with_links(text, mask_link)
}

/// A text in which each link, from its authority on, is written by `write`.
fn with_links(text: &str, write: impl Fn(&str, &mut String)) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(is_outside).unwrap_or(after.len());
        let (link, following) = after.split_at(end);
        write(link, &mut out);
        rest = following;
    }
    out.push_str(rest);
    out
}

/// Characters that end a link within a text.
fn is_outside(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '`' | '«' | '»' | '“' | '”')
}

fn mask_link(link: &str, out: &mut String) {
    let authority = link.find(['/', '?', '#', '\\']).unwrap_or(link.len());
    let (authority, rest) = link.split_at(authority);
    match authority.rsplit_once('@') {
        Some((_, host)) => {
            out.push_str(HIDDEN);
            out.push('@');
            out.push_str(host);
        }
        None => out.push_str(authority),
    }
    pairs(rest, out, |name, value| is_secret(name) || holds_secret(value));
}

/// Writes what stands behind an authority, with the values hidden of which `hides` says so: `name=value` after any of
/// the signs that part them; path parameters (`;jsessionid=`) too, which end with their part of the path.
fn pairs(rest: &str, out: &mut String, mut hides: impl FnMut(&str, &str) -> bool) {
    let (mut rest, mut in_path) = (rest, true);
    while let Some(at) = rest.find(['?', '&', ';', '#']) {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        in_path &= before.ends_with(['&', ';']);
        let ends = |c: char| matches!(c, '&' | ';' | '#' | '?') || in_path && c == '/';
        let (pair, following) = after.split_at(after.find(ends).unwrap_or(after.len()));
        match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() && hides(name, value) => {
                out.push_str(name);
                out.push('=');
                out.push_str(HIDDEN);
            }
            _ => out.push_str(pair),
        }
        rest = following;
    }
    out.push_str(rest);
}

/// How the names of secret parameters end, without `-` and `_`.
const ENDS: [&str; 14] = [
    "key",
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "pass",
    "passphrase",
    "signature",
    "sig",
    "credential",
    "auth",
    "jwt",
    "hmac",
];
/// What they hold anywhere.
const PARTS: [&str; 5] = ["token", "secret", "password", "apikey", "session"];
/// What they are.
const WHOLE: [&str; 6] = ["sid", "pw", "code", "phpsessid", "authorization", "credentials"];

fn is_secret(name: &str) -> bool {
    let name: String = normal_percent(name).chars().filter(char::is_ascii_alphanumeric).collect();
    let name = name.to_ascii_lowercase();
    ENDS.iter().any(|end| name.ends_with(end))
        || PARTS.iter().any(|part| name.contains(part))
        || WHOLE.contains(&name.as_str())
}

/// Whether a value is itself a link with credentials or secret parameters, encoded.
fn holds_secret(value: &str) -> bool {
    let decoded = percent_decode_str(value).decode_utf8_lossy();
    let Some((_, link)) = decoded.split_once("://") else { return false };
    let (authority, rest) = link.split_at(link.find(['/', '?']).unwrap_or(link.len()));
    let mut found = authority.contains('@');
    pairs(rest, &mut String::new(), |name, _| {
        found |= is_secret(name);
        false
    });
    found
}

#[cfg(test)]
mod tests;
