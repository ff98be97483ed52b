//! When the certificate of a host ends, so that its readers hear of it while there is time.
//! Trust is not judged here: the handshake did that.

use chrono::{DateTime, Utc};
use reqwest::Response;
use reqwest::tls::TlsInfo;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// The end of the certificate that came with an answer; `None` without TLS, or where it cannot be read.
pub(super) fn ends(response: &Response) -> Option<DateTime<Utc>> {
    let leaf = response.extensions().get::<TlsInfo>()?.peer_certificate()?;
    let certificate = Certificate::from_der(leaf).ok()?;
    let end = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    DateTime::from_timestamp(i64::try_from(end.as_secs()).ok()?, 0)
}
