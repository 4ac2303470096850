use std::path::Path;

use cordon_core::resource::{ClientCertificate, SecretRef, ServiceSpec};
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::server::{WantsServerCert, WebPkiClientVerifier};
use rustls::{ConfigBuilder, RootCertStore, ServerConfig, WantsVerifier};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::*;

/// A CA in a file, and a server with a certificate of it for `upstream.test`.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    bundle: tempfile::NamedTempFile,
    acceptor: TlsAcceptor,
}

impl Authority {
    fn new() -> Self {
        Self::with(|config, _| config.with_no_client_auth())
    }

    /// One whose server asks for certificates of the same CA.
    fn asking() -> Self {
        Self::with(|config, issuer| {
            let mut roots = RootCertStore::empty();
            roots.add(issuer.der().clone()).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(verifier.build().unwrap())
        })
    }

    fn with(
        auth: impl FnOnce(
            ConfigBuilder<ServerConfig, WantsVerifier>,
            &CertifiedIssuer<'static, KeyPair>,
        ) -> ConfigBuilder<ServerConfig, WantsServerCert>,
    ) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let (certificate, key) = signed(&issuer, "upstream.test");
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap();
        let mut config = auth(config, &issuer)
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let bundle = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(bundle.path(), issuer.pem()).unwrap();
        Self { issuer, bundle, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    /// Writes a new certificate for a client, and says where it is and what it is.
    fn client(&self, folder: &Path, name: &str) -> (ClientCertificate, Vec<u8>) {
        let (certificate, key) = signed(&self.issuer, name);
        let [cert, private] = ["crt", "key"].map(|end| folder.join(name).with_extension(end));
        std::fs::write(&cert, certificate.pem()).unwrap();
        std::fs::write(&private, key.serialize_pem()).unwrap();
        let shown = ClientCertificate {
            certificate: cert.display().to_string(),
            key: SecretRef::File(private.display().to_string()),
        };
        (shown, certificate.der().to_vec())
    }

    fn config(&self) -> ClientConfig {
        ClientConfig {
            ca_bundle: Some(self.bundle.path().to_owned()),
            ..with_table(|_| Ok(vec![Ipv4Addr::LOCALHOST.into()]))
        }
    }

    /// Serves one answer on a stream, and gives the stream and what was asked.
    async fn serve(&self, stream: TcpStream) -> io::Result<(TlsStream<TcpStream>, String)> {
        let mut tls = self.acceptor.accept(stream).await?;
        let mut read = Vec::new();
        while !read.ends_with(b"{}") {
            if tls.read_buf(&mut read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        tls.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecure").await?;
        Ok((tls, String::from_utf8(read).unwrap()))
    }
}

fn signed(issuer: &CertifiedIssuer<'static, KeyPair>, name: &str) -> (Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.signed_by(&key, issuer).unwrap(), key)
}

/// The endpoint of a service that should be shown this certificate.
fn shown_to(url: &str, client_certificate: Option<&ClientCertificate>) -> Endpoint {
    let spec = serde_json::json!({
        "protocol": "openai", "base_url": url, "private_network": true, "client_certificate": client_certificate,
    });
    let service: ServiceSpec = serde_json::from_value(spec).unwrap();
    Endpoint::of(&service, &Environment::with(|_| None)).unwrap()
}

#[tokio::test]
async fn a_service_that_asks_is_shown_its_certificate_and_a_replaced_one_from_the_next_connection_on() {
    let authority = Authority::asking();
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://upstream.test:{}/v1", listener.local_addr().unwrap().port());
    let client = Client::new(&authority.config()).unwrap();
    let mut shown = Vec::new();
    for _ in 0..2 {
        let (spec, der) = authority.client(folder.path(), "cordon");
        let service = shown_to(&url, Some(&spec));
        let (outcome, served) = tokio::join!(async { fetch(&client, &service).await }, async {
            authority.serve(listener.accept().await.unwrap().0).await.unwrap()
        },);
        assert_eq!(outcome.unwrap().1, "secure");
        assert_eq!(served.0.get_ref().1.peer_certificates().unwrap(), [CertificateDer::from(der.clone())]);
        shown.push(der);
        drop(served);
        until(|| client.census().open == 0).await;
    }
    assert_ne!(shown[0], shown[1]);
    // Without one there is no answer: the server ends the connection.
    let (outcome, served) = tokio::join!(async { fetch(&client, &shown_to(&url, None)).await }, async {
        authority.serve(listener.accept().await.unwrap().0).await
    },);
    assert!(outcome.is_err() && served.is_err());
}

#[tokio::test]
async fn connections_are_not_shared_by_services_that_are_shown_different_certificates() {
    let authority = Authority::asking();
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://upstream.test:{}/v1", listener.local_addr().unwrap().port());
    let client = Client::new(&authority.config()).unwrap();
    let mut connections = Vec::new();
    for name in ["one", "other"] {
        let (spec, der) = authority.client(folder.path(), name);
        let (outcome, served) =
            tokio::join!(async { fetch(&client, &shown_to(&url, Some(&spec))).await }, async {
                authority.serve(listener.accept().await.unwrap().0).await.unwrap()
            },);
        assert_eq!(outcome.unwrap().1, "secure");
        assert_eq!(served.0.get_ref().1.peer_certificates().unwrap(), [CertificateDer::from(der)]);
        connections.push(served);
        until(|| client.census().idle == connections.len()).await;
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_sends_nothing() {
    let authority = Authority::asking();
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://upstream.test:{}/v1", listener.local_addr().unwrap().port());
    let client = Client::new(&authority.config()).unwrap();
    let (one, _) = authority.client(folder.path(), "one");
    let (other, _) = authority.client(folder.path(), "other");
    let absent = ClientCertificate { certificate: "/nonexistent/cordon.crt".to_owned(), ..one.clone() };
    for wrong in [absent, ClientCertificate { key: other.key.clone(), ..one.clone() }] {
        let service = shown_to(&url, Some(&wrong));
        let (outcome, accepted) = tokio::join!(fetch(&client, &service), listener.accept());
        let error = outcome.unwrap_err();
        assert!(matches!(error, UpstreamError::ClientCertificate { .. }) && error.is_unsent(), "{error:?}");
        assert!(!text(&error).contains("PRIVATE"), "{}", text(&error));
        assert_eq!(accepted.unwrap().0.read(&mut [0; 1]).await.unwrap(), 0);
        assert!(client.check_certificate(&service).is_err());
    }
    // Its key should be the owner's alone.
    let warned = client.check_certificate(&shown_to(&url, Some(&one))).unwrap();
    assert_eq!(cfg!(unix), warned.is_some());
}

#[tokio::test]
async fn a_private_ca_is_trusted_for_its_names_alone() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let trusting = Client::new(&authority.config()).unwrap();
    assert_eq!(trusting.trust().private, 1);
    let (outcome, seen) = tokio::join!(
        async { fetch(&trusting, &endpoint(&format!("https://upstream.test:{port}/v1"))).await },
        async { authority.serve(listener.accept().await.unwrap().0).await },
    );
    assert_eq!(outcome.unwrap().1, "secure");
    assert!(seen.unwrap().1.starts_with("POST /v1/chat/completions HTTP/1.1\r\nhost: upstream.test:"));
    // Another name, and another trust.
    let strangers = Client::new(&ClientConfig { ca_bundle: None, ..authority.config() }).unwrap();
    for (client, host) in [(&trusting, "other.test"), (&trusting, "127.0.0.1"), (&strangers, "upstream.test")]
    {
        let (outcome, seen) = tokio::join!(
            async { fetch(client, &endpoint(&format!("https://{host}:{port}"))).await },
            async { authority.serve(listener.accept().await.unwrap().0).await },
        );
        let error = outcome.unwrap_err();
        assert!(matches!(error, UpstreamError::Tls { .. }) && error.is_unsent(), "{host}: {error:?}");
        assert!(seen.is_err());
    }
}

#[tokio::test]
async fn services_of_different_reach_share_no_connection() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://upstream.test:{}", listener.local_addr().unwrap().port());
    let client = Client::new(&authority.config()).unwrap();
    let (outcome, (stream, seen)) = tokio::join!(
        async {
            let outcome = fetch(&client, &endpoint(&url)).await;
            until(|| client.census().idle == 1).await;
            let public =
                Endpoint::new(&url, Reach::Public, Timeouts::default(), AnswerLimits::default()).unwrap();
            let error = fetch(&client, &public).await.unwrap_err();
            assert!(matches!(error, UpstreamError::Refused { class: Class::Private, .. }), "{error:?}");
            assert_eq!(client.census(), Census { open: 1, idle: 1 });
            outcome
        },
        async { authority.serve(listener.accept().await.unwrap().0).await.unwrap() },
    );
    assert_eq!(outcome.unwrap().1, "secure");
    assert!(seen.starts_with("POST /chat/completions"));
    drop(stream);
}

#[test]
fn a_bundle_that_is_none_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let config = ClientConfig { ca_bundle: Some(file.path().to_owned()), ..ClientConfig::default() };
    assert!(matches!(Client::new(&config), Err(ClientError::Trust(TrustError::Empty(_)))));
    std::fs::write(file.path(), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    assert!(matches!(Client::new(&config), Err(ClientError::Trust(TrustError::Certificate { .. }))));
    let config = ClientConfig { ca_bundle: Some("/nonexistent/ca.pem".into()), ..ClientConfig::default() };
    assert!(matches!(Client::new(&config), Err(ClientError::Trust(TrustError::Bundle { .. }))));
}

#[tokio::test]
async fn tls_goes_through_the_proxys_tunnel() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxies = ProxyEnv {
        https: Some(format!("http://me:secret@{}", listener.local_addr().unwrap())),
        ..ProxyEnv::default()
    };
    // Names are the proxy's business: the client resolves none.
    let config = ClientConfig {
        proxies,
        resolver: Resolver::Table(Arc::new(|name| panic!("{name} was resolved"))),
        ..authority.config()
    };
    let client = Client::new(&config).unwrap();
    let service = endpoint("https://upstream.test/v1");
    let (outcome, (connect, seen)) = tokio::join!(async { fetch(&client, &service).await }, async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n\r\n") {
            stream.read_buf(&mut read).await.unwrap();
        }
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
        (String::from_utf8(read).unwrap(), authority.serve(stream).await.unwrap().1)
    });
    assert_eq!(outcome.unwrap().1, "secure");
    assert_eq!(
        connect,
        "CONNECT upstream.test:443 HTTP/1.1\r\nHost: upstream.test:443\r\n\
         Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n"
    );
    assert!(seen.starts_with("POST /v1/chat/completions HTTP/1.1\r\nhost: upstream.test\r\n"), "{seen}");
    assert!(!seen.to_ascii_lowercase().contains("proxy"));
    // A proxy that refuses. Its words stay its own.
    let (outcome, _) = tokio::join!(
        async { fetch(&client, &endpoint("https://other.test")).await },
        record(listener, b"\r\n\r\n", b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\nspoken words"),
    );
    let error = outcome.unwrap_err();
    assert!(matches!(error, UpstreamError::Proxy { .. }) && error.is_unsent(), "{error:?}");
    assert!(!text(&error).contains("spoken") && !text(&error).contains("secret"), "{}", text(&error));
}
