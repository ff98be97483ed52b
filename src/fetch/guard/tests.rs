//! Addresses: what is public, in every spelling.

use super::*;

fn guard(open: &[&str]) -> Guard {
    Guard::new(&open.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>()).unwrap()
}

fn check(open: &[&str], addresses: &[&str], permitted: bool) {
    for address in addresses {
        assert_eq!(guard(open).permits(address.parse().unwrap()), permitted, "{address} with {open:?}");
    }
}

#[test]
fn public_addresses_pass() {
    let public = [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700::1111",
        "2001:200::1",
        "2001:4860:4860::8888",
        "::ffff:1.1.1.1",
        "64:ff9b::1.1.1.1",
        "2002:101:101::1",
        "2001:0:101:101:0:0:fefe:fefe",
    ];
    check(&[], &public, true);
}

#[test]
fn private_addresses_do_not() {
    let private = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "168.63.129.16",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::2:3",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "3fff::1",
        "100::1",
        "5f00::1",
        "4000::1",
        // IPv4 within.
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1.1.1.1",
        "2002:7f00:1::1",
        "2002:a9fe:a9fe::1",
        // Teredo: a private server, a private client.
        "2001:0:a00:1:0:0:fefe:fefe",
        "2001:0:101:101:0:0:80ff:fffe",
    ];
    check(&[], &private, false);
}

#[test]
fn allow_private_opens_what_it_lists() {
    let open = ["127.0.0.1", "10.1.0.0/16", "fd00::/8", "Intra.Example."];
    check(
        &open,
        &["127.0.0.1", "10.1.2.3", "fd12::1", "::ffff:10.1.2.3", "64:ff9b::a01:203", "1.1.1.1"],
        true,
    );
    check(&open, &["127.0.0.2", "10.2.0.1", "fc00::1", "::1", "::ffff:127.0.0.2"], false);
    let inside: Vec<IpAddr> = vec!["10.9.9.9".parse().unwrap()];
    assert!(guard(&open).sift("intra.EXAMPLE", inside.clone()).is_ok());
    assert!(guard(&open).sift("other.example", inside.clone()).is_err());
    let mixed = vec!["10.9.9.9".parse().unwrap(), "1.1.1.1".parse().unwrap()];
    let good: Vec<IpAddr> = vec!["1.1.1.1".parse().unwrap()];
    assert_eq!(guard(&open).sift("other.example", mixed).unwrap(), good);
    for wrong in ["10.0.0.0/33", "a/b", "", "two words"] {
        assert!(Guard::new(&[wrong.to_owned()]).is_err(), "{wrong:?}");
    }
}

#[test]
fn literals_in_any_spelling() {
    for spelling in [
        "127.0.0.2",
        "127.0.2",
        "127.2",
        "2130706434",
        "0177.0.0.2",
        "0x7f.0.0.2",
        "0x7f000002",
        "017700000002",
        "[::ffff:127.0.0.2]",
        "[::127.0.0.2]",
        "[::1]",
        "[0:0:0:0:0:ffff:7f00:2]",
        "１２７.0.0.2",
        "127.0.0.2.",
        "[64:ff9b::7f00:2]",
        "[2002:7f00:2::]",
        "[fe80::1]",
        "0",
    ] {
        let url = Url::parse(&format!("http://{spelling}/")).unwrap();
        let refused = guard(&["127.0.0.1"]).check(&url).unwrap_err().to_string();
        assert!(refused.contains("not a public address") && refused.contains("allow_private"), "{refused}");
    }
    for fine in ["http://1.1.1.1/", "http://127.0.0.1/", "http://example.org/", "http://[2606:4700::1111]/"] {
        assert_eq!(guard(&["127.0.0.1"]).check(&Url::parse(fine).unwrap()), Ok(()));
    }
}
