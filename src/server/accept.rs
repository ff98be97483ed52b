//! What a client would rather have: content codings and media types (RFC 9110 12.5).
//! Pure: field values in, a choice out.

use axum::http::{HeaderMap, header};

/// A content coding we can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// As it is.
    Identity,
    /// brotli.
    Br,
    /// Zstandard.
    Zstd,
    /// gzip.
    Gzip,
}

impl Coding {
    /// Those that compress, the one that makes the smallest bytes first.
    pub(super) const COMPRESSED: [Self; 3] = [Self::Br, Self::Zstd, Self::Gzip];

    /// The token in headers and at the end of a tag.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Br => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }
}

/// The coding a client likes best. Without a wish, or when nothing fits, the plain bytes.
pub(super) fn coding(headers: &HeaderMap) -> Coding {
    let mut fields = headers.get_all(header::ACCEPT_ENCODING).into_iter().peekable();
    if fields.peek().is_none() {
        return Coding::Identity;
    }
    // What is said of each coding, of "*" and of the plain bytes: the first word counts.
    let (mut said, mut any, mut identity) = ([None; 3], None, None);
    for wish in fields.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')) {
        let Some((name, weight)) = weighed(wish) else { continue };
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let named = Coding::COMPRESSED
            .iter()
            .position(|coding| is(coding.name()) || *coding == Coding::Gzip && is("x-gzip"));
        let slot = match named.and_then(|at| said.get_mut(at)) {
            Some(slot) => slot,
            None if name == "*" => &mut any,
            None if is("identity") => &mut identity,
            None => continue,
        };
        slot.get_or_insert(weight);
    }
    let weights = said.map(|said| said.or(any).unwrap_or(0));
    let best = Coding::COMPRESSED.into_iter().zip(weights).rev().max_by_key(|(_, weight)| *weight);
    let plain = identity.unwrap_or(0);
    best.filter(|(_, weight)| *weight > 0 && *weight >= plain).map_or(Coding::Identity, |(coding, _)| coding)
}

/// Which of these media types a client likes best; `None` when it names none of them.
/// Among equals the more exactly named wins, then the earlier.
pub(super) fn media_type(headers: &HeaderMap, offered: &[&str]) -> Option<usize> {
    let wishes = wishes(headers, header::ACCEPT);
    if wishes.is_empty() {
        return (!offered.is_empty()).then_some(0);
    }
    let rank = |name: &str| {
        let kind = name.split('/').next().unwrap_or_default();
        let exact = |wish: &&Wish| wish.name == name;
        let family = |wish: &&Wish| wish.name.strip_suffix("/*") == Some(kind);
        let any = |wish: &&Wish| wish.name == "*/*";
        let find = |matches: &dyn Fn(&&Wish) -> bool, exactness: u8| {
            wishes.iter().find(matches).map(|wish| (wish.weight, exactness))
        };
        find(&exact, 2).or_else(|| find(&family, 1)).or_else(|| find(&any, 0)).unwrap_or((0, 0))
    };
    let ranked = offered.iter().enumerate().map(|(at, name)| (rank(name), at));
    ranked
        .filter(|((weight, _), _)| *weight > 0)
        .max_by_key(|(rank, at)| (*rank, std::cmp::Reverse(*at)))
        .map(|(_, at)| at)
}

struct Wish {
    name: String,
    /// Thousandths: `q=0.5` is 500.
    weight: u16,
}

fn wishes(headers: &HeaderMap, field: header::HeaderName) -> Vec<Wish> {
    let values = headers.get_all(field).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(wish).collect()
}

fn wish(text: &str) -> Option<Wish> {
    weighed(text).map(|(name, weight)| Wish { name: name.to_ascii_lowercase(), weight })
}

/// A name and its weight in thousandths.
fn weighed(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let q = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let weight = match q {
        None => 1000,
        // What cannot be read is not wanted: better the plain bytes than wrong ones.
        Some(q) => q.trim().parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q)).map_or(0, thousandths),
    };
    Some((name, weight))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to lie from 0 to 1")]
fn thousandths(q: f32) -> u16 {
    (q * 1000.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(field: header::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if !value.is_empty() {
            headers.insert(field, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn codings_are_chosen_by_weight_then_size() {
        for (value, wanted) in [
            ("", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("gzip, deflate, br, zstd", Coding::Br),
            ("gzip, zstd", Coding::Zstd),
            ("gzip;q=1.0, br;q=0.5", Coding::Gzip),
            ("gzip;q=0", Coding::Identity),
            ("gzip;q=0, *;q=0", Coding::Identity),
            ("*", Coding::Br),
            ("br;q=0, *", Coding::Zstd),
            ("identity, gzip;q=0.5", Coding::Identity),
            ("x-gzip", Coding::Gzip),
            ("GZIP", Coding::Gzip),
            ("gzip;q=nonsense", Coding::Identity),
            ("deflate", Coding::Identity),
        ] {
            assert_eq!(coding(&with(header::ACCEPT_ENCODING, value)), wanted, "{value}");
        }
    }

    #[test]
    fn media_types_are_chosen_by_weight_then_exactness_then_ours() {
        let offered = ["text/html", "application/atom+xml", "application/rss+xml", "application/feed+json"];
        for (value, wanted) in [
            ("", Some(0)),
            ("*/*", Some(0)),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some(0)),
            ("application/rss+xml, */*", Some(2)),
            ("application/rss+xml, application/atom+xml", Some(1)),
            ("application/atom+xml;q=0.5, application/feed+json", Some(3)),
            ("application/*", Some(1)),
            ("text/html;q=0, */*", Some(1)),
            ("image/png", None),
        ] {
            assert_eq!(media_type(&with(header::ACCEPT, value), &offered), wanted, "{value}");
        }
    }
}
