//! The vocabularies of feeds, by what their addresses and prefixes mean. Lenient: an exact address is seldom written.

/// The vocabularies feeds are written in, by meaning rather than by exact address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::parse) enum Ns {
    /// None, or one of RSS.
    Rss,
    Atom,
    Rdf,
    Dc,
    DcTerms,
    Content,
    Media,
    Itunes,
    Syndication,
    Xhtml,
    Xml,
    /// Unknown, without a prefix or with the one of the root element: it may be the format itself under a wrong address.
    Other,
    /// Unknown, with a prefix of its own: whatever its names are, they are not those of the format.
    Foreign,
}

/// What an address of a vocabulary means, leniently: case, scheme and a slash at the end do not matter.
pub(super) fn meaning(address: &str) -> Ns {
    let address = address.trim().to_ascii_lowercase();
    let address = address.trim_end_matches(['/', '#']);
    let has = |part: &str| address.contains(part);
    if address.is_empty()
        || has("purl.org/rss/1.0") && !has("/modules/")
        || has("my.netscape.com/rdf")
        || has("channel.netscape.com/rdf")
        || has("backend.userland.com/rss")
        || has("blogs.law.harvard.edu")
        || has("cyber.law.harvard.edu")
        || has("cyber.harvard.edu")
        || has("purl.org/net/rss1.1")
        || has("rssboard.org/rss-specification")
    {
        Ns::Rss
    } else if has("w3.org/2005/atom")
        || has("purl.org/atom/ns")
        || has("purl.org/atom-")
        || has("example.com/newformat")
    {
        Ns::Atom
    } else if has("22-rdf-syntax-ns") {
        Ns::Rdf
    } else if has("purl.org/dc/elements") {
        Ns::Dc
    } else if has("purl.org/dc/terms") || has("purl.org/dc/dcterms") {
        Ns::DcTerms
    } else if has("modules/content") {
        Ns::Content
    } else if has("search.yahoo.com/mrss") || has("tools.search.yahoo.com/mrss") || has("api.maps.yahoo.com")
    {
        Ns::Media
    } else if has("itunes.com/dtds/podcast") || has("itunes.com/dtd") || has("schemas/play-podcasts") {
        Ns::Itunes
    } else if has("modules/syndication") {
        Ns::Syndication
    } else if has("1999/xhtml") || has("tr/xhtml") {
        Ns::Xhtml
    } else if has("w3.org/xml/1998") {
        Ns::Xml
    } else {
        Ns::Other
    }
}

/// What a prefix means by custom, where no declaration says so.
pub(super) fn custom(prefix: &str) -> Ns {
    match prefix {
        "xml" => Ns::Xml,
        "atom" | "a10" | "atom10" | "atom03" => Ns::Atom,
        "rdf" => Ns::Rdf,
        "dc" => Ns::Dc,
        "dcterms" => Ns::DcTerms,
        "content" => Ns::Content,
        "media" => Ns::Media,
        "itunes" | "googleplay" => Ns::Itunes,
        "sy" => Ns::Syndication,
        "xhtml" => Ns::Xhtml,
        "rss" => Ns::Rss,
        _ => Ns::Other,
    }
}
