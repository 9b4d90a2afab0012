//! TLS with a private certificate authority.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use vouchsafe::store::eventstoredb::{EventStoreDbOptions, EventStoreDbStore};
use vouchsafe::store::{EventStore, Expected};
use vouchsafe_eventstoredb_stand_in::{Setup, StandIn};

use crate::support::{events, new_stream, whole};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn file(&self, path: &Path) {
        std::fs::write(path, self.0.pem()).unwrap();
    }

    /// A certificate for a name, and its key.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

fn options(server: &StandIn, ca: &Path) -> EventStoreDbOptions {
    let url = format!("esdb://localhost:{}?tlsCaFile={}", server.address().port(), ca.display());
    EventStoreDbOptions { patience: std::time::Duration::from_secs(1), ..EventStoreDbOptions::new(url) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_is_trusted_and_another_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let (ours, other) = (Authority::new(), Authority::new());
    let (right, wrong) = (directory.path().join("ca.pem"), directory.path().join("other.pem"));
    ours.file(&right);
    other.file(&wrong);
    let server = StandIn::start(Setup { tls: Some(ours.issue("localhost")), ..Setup::default() }).unwrap();
    let store = EventStoreDbStore::open(&options(&server, &right)).await.unwrap();
    let stream = new_stream();
    store.append(stream, Expected::NoStream, events(2)).await.unwrap();
    assert_eq!(whole(&store, stream).await.len(), 2);
    let error = EventStoreDbStore::open(&options(&server, &wrong)).await.unwrap_err();
    assert!(error.retryable(), "{error}");
    let asked = server.faults().asked();
    // Without TLS the server does not even understand.
    let url = format!("esdb://localhost:{}?tls=false", server.address().port());
    let plain = EventStoreDbOptions { url, ..options(&server, &right) };
    EventStoreDbStore::open(&plain).await.unwrap_err();
    assert_eq!(server.faults().asked().features, asked.features, "neither came as far as asking anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let ca = directory.path().join("ca.pem");
    authority.file(&ca);
    let tls = Some(authority.issue("elsewhere.example.org"));
    let server = StandIn::start(Setup { tls, ..Setup::default() }).unwrap();
    EventStoreDbStore::open(&options(&server, &ca)).await.unwrap_err();
    assert_eq!(server.faults().asked().features, 0);
}
