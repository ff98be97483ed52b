//! A podcast that comes in goes out as one: what its episodes say in iTunes tags, and what a channel needs for them.

use crate::app::{App, rss, source};
use crate::origin::{Origin, Reply};

const RSS: &str = "application/rss+xml";
const PODCAST: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel>
<title>Tides</title><link>https://tides.example/</link><language>en-gb</language>
<itunes:author>Ada</itunes:author><itunes:explicit>no</itunes:explicit><itunes:type>serial</itunes:type>
<itunes:owner><itunes:name>Ada &amp; Co</itunes:name><itunes:email>ada@tides.example</itunes:email></itunes:owner>
<itunes:category text="Society &amp; Culture"><itunes:category text="Places &amp; Travel"/></itunes:category>
<itunes:category text="Talk Radio"/><itunes:image href="cover.jpg"/>
<item><title>Ebb (S2E3)</title><itunes:title>Ebb &amp; flow</itunes:title><guid>3</guid>
<pubDate>Mon, 16 Nov 2026 08:00:00 GMT</pubDate><description>About the ebb.</description>
<enclosure url="https://tides.example/3.mp3" type="audio/mpeg" length="1234"/>
<itunes:duration>1:02:05</itunes:duration><itunes:season>2</itunes:season><itunes:episode>3</itunes:episode>
<itunes:episodeType>Full</itunes:episodeType><itunes:explicit>yes</itunes:explicit>
<itunes:image href="three.jpg"/></item>
<item><title>Ogg</title><guid>2</guid><pubDate>Mon, 16 Nov 2026 07:00:00 GMT</pubDate>
<enclosure url="https://tides.example/2.ogg" type="audio/ogg" length="0"/><itunes:duration>61</itunes:duration></item>
</channel></rss>"#;

#[test]
fn a_podcast_goes_out_as_one() {
    let origin = Origin::start();
    origin.on("/tides", Reply::ok(RSS, PODCAST));
    let app = App::new(&source("tides", &origin, ""));
    let daemon = app.serve();
    app.polled(&["tides"]);
    let rss = daemon.get("/sources/tides.rss");
    let channel = ::rss::Channel::read_from(rss.body.as_slice()).unwrap();
    let said = channel.itunes_ext().unwrap();
    assert_eq!(channel.language(), Some("en"), "one entry is in en by its words, one in en-GB by its feed");
    assert_eq!(said.explicit(), Some("true"), "one episode is");
    assert_eq!(said.r#type(), Some("serial"));
    assert!(said.image().unwrap().ends_with("/cover.jpg"), "{:?}", said.image());
    assert_eq!(said.owner().unwrap().email(), Some("ada@tides.example"));
    assert_eq!(said.owner().unwrap().name(), Some("Ada & Co"));
    let [subject] = said.categories() else { panic!("only what is in the list: {:?}", said.categories()) };
    assert_eq!(subject.text(), "Society & Culture");
    assert_eq!(subject.subcategory().unwrap().text(), "Places & Travel");
    let episode = channel.items[0].itunes_ext().unwrap();
    assert_eq!(episode.duration(), Some("3725"));
    assert_eq!((episode.season(), episode.episode()), (Some("2"), Some("3")));
    assert_eq!((episode.episode_type(), episode.explicit()), (Some("full"), Some("true")));
    assert!(episode.image().unwrap().ends_with("/three.jpg"));
    assert_eq!(episode.author(), Some("Ada"));
    assert!(rss.text().contains("<itunes:title>Ebb &#x26; flow</itunes:title>"), "{}", rss.text());
    // What players do not take has its playing time in Media RSS alone.
    assert!(channel.items[1].itunes_ext().is_none());
    assert!(rss.text().contains("duration=\"61\""));
    let item = &daemon.json("/sources/tides.json")["items"][0];
    assert_eq!(item["_riverine"]["episode"]["season"], 2);
    assert_eq!(item["_riverine"]["episode"]["type"], "full");
    assert_eq!(item["attachments"][0]["duration_in_seconds"], 3725);
    // Whose size nobody knows has none; RSS must say a number.
    let unknown = &daemon.json("/sources/tides.json")["items"][1]["attachments"][0];
    assert!(unknown["url"].is_string() && unknown.get("size_in_bytes").is_none(), "{unknown}");
    assert!(!daemon.get("/sources/tides.atom").text().contains("length=\"0\""));
    assert!(rss.text().contains("length=\"0\""), "{}", rss.text());
}

#[test]
fn a_river_of_podcasts_says_what_holds_of_all() {
    let origin = Origin::start();
    origin.on("/tides", Reply::ok(RSS, PODCAST));
    let entry = ("1", "Une nouvelle de la ville", "Mon, 16 Nov 2026 09:00:00 GMT", "Le maire a parlé hier.");
    origin.on("/news", Reply::ok(RSS, rss("News", &[entry])));
    let tables = source("tides", &origin, "") + &source("news", &origin, "language = \"fr\"");
    let app = App::new(&tables);
    let daemon = app.serve();
    app.polled(&["tides", "news"]);
    let rss = daemon.get("/feeds/all.rss");
    let channel = ::rss::Channel::read_from(rss.body.as_slice()).unwrap();
    let said = channel.itunes_ext().unwrap();
    assert_eq!(channel.language(), Some("mul"));
    assert_eq!(said.owner().unwrap().email(), Some("nobody@riverine.invalid"), "a river has no owner");
    assert_eq!(said.categories().len(), 1);
    // A document without episodes has none of it.
    let plain = daemon.get("/sources/news.rss");
    assert!(!plain.text().contains("itunes"), "{}", plain.text());
}
