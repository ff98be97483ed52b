//! TLS: strangers are refused, `ca_file` adds roots, and what fails is said.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls");

/// Answers one request after the other, on a thread.
fn server() -> SocketAddr {
    let chain = vec![CertificateDer::from_pem_file(format!("{FOLDER}/leaf.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(format!("{FOLDER}/leaf.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((mut tcp, _)) = listener.accept() {
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::Stream::new(&mut connection, &mut tcp);
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                head.push(byte[0]);
            }
            let _ = stream.write_all(&answer("200 OK", &["connection: close"], b"sealed"));
        }
    });
    address
}

async fn check(host: &str, ca_file: Option<&str>, expected: Result<&[u8], &str>) {
    let address = server();
    let url = Url::parse(&format!("https://{host}:{}/", address.port())).unwrap();
    let options = Options { ca_file: ca_file.map(|name| format!("{FOLDER}/{name}").into()), ..options() };
    let source = source(&url);
    let request = Request { source: &source, url: url.clone(), validators: None };
    let fetched = http_at(&options, Arc::new(System::new())).fetch(request, now()).await;
    match expected {
        Ok(bytes) => assert_eq!(body(fetched).1.bytes.as_ref(), bytes),
        Err(why) => assert_eq!(words(fetched), format!("TLS with {host}:{} failed: {why}", address.port())),
    }
}

#[tokio::test]
async fn certificates_are_checked() {
    check("outer.test", Some("ca.pem"), Ok(b"sealed")).await;
    let unknown = "its certificate's issuer is not known ([fetch] ca_file adds roots)";
    check("outer.test", None, Err(unknown)).await;
    check("127.0.0.1", Some("ca.pem"), Err("its certificate is for another name")).await;
}

#[tokio::test]
async fn the_end_of_a_certificate_is_known() {
    let address = server();
    let url = Url::parse(&format!("https://outer.test:{}/", address.port())).unwrap();
    let options = Options { ca_file: Some(format!("{FOLDER}/ca.pem").into()), ..options() };
    let source = source(&url);
    let request = Request { source: &source, url: url.clone(), validators: None };
    let (answer, _) = body(http_at(&options, Arc::new(System::new())).fetch(request, now()).await);
    assert_eq!(answer.certificate_ends.unwrap().to_rfc3339(), "2126-10-31T02:58:50+00:00");
}
