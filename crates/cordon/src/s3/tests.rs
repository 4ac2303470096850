use std::{io::Cursor, net::SocketAddr};

use cordon_core::evidence::SegmentSeal;
use cordon_store::{
    journal::{Journal, Kind, NewFrame, Options},
    objects::FolderObjects,
    seal::{Flaw, SealedError, SealedReader, seal_range, verify_object},
};
use cordon_testkit::{TempDir, closed_port};

use super::*;

mod server;

use server::{BUCKET, Between, Fate, Keys, Server};

/// Objects of more than these go in parts.
const SMALL: usize = 40_000;

fn settings(address: SocketAddr, prefix: &str) -> S3Settings {
    S3Settings {
        bucket: BUCKET.to_owned(),
        endpoint: Some(format!("http://{address}")),
        region: "us-east-1".to_owned(),
        prefix: prefix.to_owned(),
        access_key: SecretRef::Env("ID".to_owned()),
        secret_key: SecretRef::Env("SECRET".to_owned()),
    }
}

fn environment(id: &str, secret: &str) -> Environment {
    let (id, secret) = (id.to_owned(), secret.to_owned());
    Environment::with(move |name| match name {
        "ID" => Some(id.clone()),
        "SECRET" => Some(secret.clone()),
        _ => None,
    })
}

fn limits(retries: usize) -> Limits {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(1),
        max_backoff: Duration::from_millis(2),
        base: 2.0,
    };
    let retry = RetryConfig { backoff, max_retries: retries, retry_timeout: Duration::from_secs(30) };
    Limits { single: SMALL, part: 16_000, pages: 5, retry }
}

fn at(address: SocketAddr, server: &Server, prefix: &str, retries: usize) -> S3Objects {
    let environment = environment(&server.id, &server.secret);
    S3Objects::with(&settings(address, prefix), &ClientConfig::default(), &environment, limits(retries))
        .unwrap()
}

fn alone(address: SocketAddr) -> S3Objects {
    let settings = settings(address, "node");
    S3Objects::with(&settings, &ClientConfig::default(), &environment("id", "key"), limits(0)).unwrap()
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

/// What is in the bucket below a prefix, unfinished or not.
fn everything(objects: &S3Objects) -> Vec<String> {
    let bucket = Arc::clone(&objects.bucket);
    let names = objects.run("", |_| async move {
        let page = bucket.store.list_paginated(Some(&bucket.prefix), PaginatedListOptions::default()).await;
        Ok(page.unwrap().result.objects.iter().map(|object| object.location.to_string()).collect())
    });
    names.unwrap()
}

/// The error and its causes, as a log would have them.
fn text(error: &dyn std::error::Error) -> String {
    format!("{} {error:?}", chain(error))
}

#[test]
fn objects_are_written_once_and_come_back() {
    let Some(server) = Server::start(Keys::Any) else { return };
    let store = at(server.address, &server, "node-1", 0);
    let other = at(server.address, &server, "node-10", 0);
    assert_eq!(store.list("").unwrap(), Vec::<String>::new());
    assert_eq!(store.size("a/b").unwrap(), None);
    assert!(matches!(store.get("a/b", 9), Err(ObjectError::Absent(_))));
    assert!(matches!(store.get_range("a/b", 0, 0), Err(ObjectError::Absent(_))));
    let several = content(5 * 16_000 + 7);
    for (name, bytes) in [("a/b", &several), ("a/c/d", &b"two".to_vec()), ("ab", &Vec::new())] {
        assert_eq!(store.put_if_absent(name, &mut Cursor::new(bytes)).unwrap(), Put::Stored);
        assert_eq!(store.put_if_absent(name, &mut Cursor::new(b"other")).unwrap(), Put::Present);
        assert_eq!(store.put_if_absent(name, &mut Cursor::new(content(SMALL + 1))).unwrap(), Put::Present);
        assert_eq!(store.get(name, bytes.len()).unwrap(), *bytes);
        assert_eq!(store.size(name).unwrap(), Some(bytes.len() as u64));
    }
    assert!(matches!(store.get("a/c/d", 2), Err(ObjectError::TooLarge { bytes: 3, .. })));
    assert_eq!(store.get_range("a/c/d", 1, 9).unwrap(), b"wo");
    for behind in [3, 9, u64::MAX] {
        assert_eq!(store.get_range("a/c/d", behind, 9).unwrap(), b"", "from {behind}");
    }
    assert_eq!(store.get_range("ab", 0, 9).unwrap(), b"");
    assert_eq!(store.get_range("a/b", 40_000, 16_001).unwrap(), several[40_000..56_001]);
    assert_eq!(other.put_if_absent("a/of-the-other", &mut Cursor::new(b"x")).unwrap(), Put::Stored);
    assert_eq!(store.list("").unwrap(), ["a/b", "a/c/d", "ab"]);
    assert_eq!(store.list("a").unwrap(), ["a/b", "a/c/d", "ab"]);
    assert_eq!(store.list("a/").unwrap(), ["a/b", "a/c/d"]);
    assert_eq!(store.list("a/c/d").unwrap(), ["a/c/d"]);
    assert_eq!(store.list("x/y").unwrap(), Vec::<String>::new());
    assert_eq!(other.list("").unwrap(), ["a/of-the-other"]);
    assert_eq!(everything(&store).len(), 3, "nothing unfinished is left");
    store.delete("a/b").unwrap();
    store.delete("a/b").unwrap();
    assert_eq!(store.list("a").unwrap(), ["a/c/d", "ab"]);
    for bad in ["", "/", "..", "a/../b", ".new/1", "A", "a b", "a?b", "a%2fb"] {
        assert!(matches!(store.size(bad), Err(ObjectError::Name(_))), "{bad}");
        assert!(matches!(store.put_if_absent(bad, &mut Cursor::new(b"")), Err(ObjectError::Name(_))));
        assert!(matches!(store.get_range(bad, 0, 1), Err(ObjectError::Name(_))));
        assert!(matches!(store.delete(bad), Err(ObjectError::Name(_))));
    }
    assert!(store.list("../").is_err());
}

/// Somebody else puts the object between the look for it and the end of the upload.
#[test]
fn a_name_that_is_taken_meanwhile_stays_as_it_is() {
    let Some(server) = Server::start(Keys::Any) else { return };
    let address = server.address;
    let between = Between::answering(move |request| {
        if request.starts_with(b"HEAD ") {
            return b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec();
        }
        server::forward(address, request)
    });
    let (late, first) = (at(between.address, &server, "node", 0), at(address, &server, "node", 0));
    for (length, theirs) in
        [(SMALL, b"small".to_vec()), (SMALL + 1, content(7)), (5 * SMALL, content(SMALL + 9))]
    {
        let name = format!("taken/{length}");
        assert_eq!(first.put_if_absent(&name, &mut Cursor::new(&theirs)).unwrap(), Put::Stored);
        assert_eq!(late.put_if_absent(&name, &mut Cursor::new(content(length))).unwrap(), Put::Present);
        assert_eq!(first.get(&name, usize::MAX).unwrap(), theirs, "{length} bytes");
    }
    assert_eq!(everything(&first).len(), 3, "nothing unfinished is left");
}

#[test]
fn more_names_than_a_page_holds_are_listed() {
    let Some(server) = Server::start(Keys::Any) else { return };
    let store = at(server.address, &server, "", 0);
    for n in 0..1005 {
        store.put_if_absent(&format!("many/{n:04}"), &mut Cursor::new(b"")).unwrap();
    }
    let names = store.list("many/").unwrap();
    assert_eq!((names.len(), names[0].as_str(), names[1004].as_str()), (1005, "many/0000", "many/1004"));
    assert!(names.is_sorted());
}

/// A journal, and what sealing it into a folder gives.
struct Sealed {
    folder: TempDir,
    journal: Journal,
    seal: SegmentSeal,
    bytes: Vec<u8>,
}

impl Sealed {
    /// Frames of bytes that no compression helps, so that the object is about as large as they are.
    fn of(frames: usize) -> Self {
        let folder = TempDir::new().unwrap();
        let (journal, _) =
            Journal::open(&folder.path().join("journal"), Options::default(), [3; 12]).unwrap();
        let mut state = 7_u64;
        for _ in 0..frames {
            let payload: Vec<u8> = (0..600)
                .map(|_| {
                    state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (state >> 56).to_le_bytes()[0]
                })
                .collect();
            journal.append(&[NewFrame { kind: Kind::OPENED, payload: &payload }]).unwrap().wait().unwrap();
        }
        let objects: Arc<dyn Objects> =
            Arc::new(FolderObjects::open(&folder.path().join("objects")).unwrap());
        let scratch = folder.path().join("scratch");
        let count = frames as u64;
        let seal = seal_range(&mut journal.reader().unwrap(), 0, count, &objects, &scratch).unwrap();
        let bytes = objects.get(&seal.object, usize::MAX).unwrap();
        Self { folder, journal, seal, bytes }
    }

    fn seal_into(&self, objects: &Arc<dyn Objects>) -> Result<SegmentSeal, cordon_store::seal::SealError> {
        let scratch = self.folder.path().join("scratch");
        seal_range(&mut self.journal.reader().unwrap(), 0, self.seal.count, objects, &scratch)
    }
}

#[test]
fn a_sealed_object_is_the_same_in_a_bucket_and_a_changed_one_is_found() {
    let Some(server) = Server::start(Keys::Any) else { return };
    let sealed = Sealed::of(200);
    assert!(sealed.bytes.len() > SMALL);
    let objects: Arc<dyn Objects> = Arc::new(at(server.address, &server, "node", 0));
    for _ in 0..2 {
        assert_eq!(sealed.seal_into(&objects).unwrap(), sealed.seal);
    }
    assert_eq!(objects.list("segments/").unwrap(), [sealed.seal.object.as_str()]);
    assert!(objects.get(&sealed.seal.object, usize::MAX).unwrap() == sealed.bytes);
    let mut reader = SealedReader::open(&objects, &sealed.seal).unwrap();
    assert_eq!(std::iter::from_fn(|| reader.read().unwrap()).count(), 200);
    for at in [0, sealed.bytes.len() / 2, sealed.bytes.len() - 1] {
        let mut changed = sealed.bytes.clone();
        changed[at] ^= 1;
        objects.delete(&sealed.seal.object).unwrap();
        objects.put_if_absent(&sealed.seal.object, &mut Cursor::new(&changed)).unwrap();
        let found = verify_object(&objects, &sealed.seal).unwrap_err();
        assert!(matches!(found, SealedError::Flawed { flaw: Flaw::Digest { .. }, .. }), "byte {at}: {found}");
        assert!(sealed.seal_into(&objects).is_err(), "a name that is taken by something else is no seal");
    }
}

/// Every kind of request is signed as a store that computes the signature itself expects it.
#[test]
fn a_store_that_checks_signatures_takes_every_request() {
    let Some(server) = Server::start(Keys::Checked) else { return };
    let sealed = Sealed::of(200);
    let store = at(server.address, &server, "", 0);
    assert_eq!(store.put_if_absent("one", &mut Cursor::new(b"1")).unwrap(), Put::Stored);
    assert_eq!(store.put_if_absent("one", &mut Cursor::new(b"2")).unwrap(), Put::Present);
    assert_eq!(store.get_range("one", 0, 9).unwrap(), b"1");
    let objects: Arc<dyn Objects> = Arc::new(store);
    assert_eq!(sealed.seal_into(&objects).unwrap(), sealed.seal);
    assert_eq!(objects.list("").unwrap(), ["one", sealed.seal.object.as_str()]);
    assert_eq!(objects.list("seg").unwrap(), [sealed.seal.object.as_str()]);
    objects.delete(&sealed.seal.object).unwrap();
    assert_eq!(objects.list("").unwrap(), ["one"]);
}

#[test]
fn a_fault_at_any_request_leaves_the_same_object_or_none_and_asking_again_goes_on() {
    let Some(server) = Server::start(Keys::Any) else { return };
    // One that goes in one piece, and one in parts.
    for frames in [10, 100] {
        let sealed = Sealed::of(frames);
        assert_eq!(sealed.bytes.len() > SMALL, frames == 100);
        let between = Between::before(server.address);
        let prefix = |name: &str| format!("faults-{frames}-{name}");
        between.plan(0, Fate::Before);
        let whole: Arc<dyn Objects> = Arc::new(at(between.address, &server, &prefix("none"), 0));
        assert_eq!(sealed.seal_into(&whole).unwrap(), sealed.seal);
        let requests = between.requests();
        assert!(requests >= 4, "{requests}");
        for request in 1..=requests {
            for (number, fate) in Fate::ALL.into_iter().enumerate() {
                let store = at(between.address, &server, &prefix(&format!("{request}-{number}")), 0);
                let direct = at(server.address, &server, &prefix(&format!("{request}-{number}")), 0);
                let objects: Arc<dyn Objects> = Arc::new(store);
                between.plan(request, fate);
                let first = sealed.seal_into(&objects);
                let case = format!("{frames} frames, request {request}, {fate:?}");
                if let Ok(seal) = &first {
                    assert_eq!(*seal, sealed.seal, "{case}");
                }
                if let Some(size) = direct.size(&sealed.seal.object).unwrap() {
                    assert_eq!(size, sealed.seal.bytes, "{case}: whole or not at all");
                }
                assert_eq!(sealed.seal_into(&objects).unwrap(), sealed.seal, "{case}");
                assert!(direct.get(&sealed.seal.object, usize::MAX).unwrap() == sealed.bytes, "{case}");
                let whole = format!("{}{}", direct.bucket.prefix, sealed.seal.object);
                assert_eq!(everything(&direct), [whole], "{case}: nothing unfinished is left");
            }
        }
        // With its retries the client gets over most of them by itself.
        between.plan(1, Fate::Unavailable);
        let retrying: Arc<dyn Objects> = Arc::new(at(between.address, &server, &prefix("retries"), 3));
        assert_eq!(sealed.seal_into(&retrying).unwrap(), sealed.seal);
    }
}

#[test]
fn who_may_not_learns_why_and_no_key_is_told() {
    let Some(server) = Server::start(Keys::Checked) else { return };
    let with = |settings: &S3Settings, id: &str, secret: &str| {
        S3Objects::with(settings, &ClientConfig::default(), &environment(id, secret), limits(0)).unwrap()
    };
    let good = settings(server.address, "node");
    let wrong = server.secret.chars().rev().collect::<String>();
    for (id, secret) in [(server.id.as_str(), wrong.as_str()), ("AKIAUNKNOWNUNKNOWN", &server.secret)] {
        let store = with(&good, id, secret);
        let errors = [
            store.put_if_absent("a", &mut Cursor::new(b"x")).unwrap_err(),
            store.size("a").unwrap_err(),
            store.list("").unwrap_err(),
            store.delete("a").unwrap_err(),
        ];
        for error in errors {
            let ObjectError::Store { source, .. } = &error else { panic!("{error:?}") };
            assert_eq!(source.kind(), io::ErrorKind::PermissionDenied, "{error:?}");
            let text = text(&error);
            assert!(!text.contains(secret) && !text.contains(id) && text.contains("access key"), "{text}");
        }
        assert!(!format!("{store:?}").contains(secret));
    }
    let absent = S3Settings { secret_key: SecretRef::Env("NOT_THERE".to_owned()), ..good.clone() };
    let error = text(&with(&absent, &server.id, "").size("a").unwrap_err());
    assert!(error.contains("env:NOT_THERE"), "{error}");
    let nowhere = S3Settings { bucket: "another".to_owned(), ..good };
    let store = with(&nowhere, &server.id, &server.secret);
    let error = text(&store.put_if_absent("a", &mut Cursor::new(b"x")).unwrap_err());
    assert!(error.contains("no such bucket"), "{error}");
}

#[test]
fn what_a_store_says_is_bounded_and_never_believed() {
    let answer = |status: &str, head: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{head}\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    // Another range than the one that was asked for, or all of it.
    let range =
        "content-range: bytes 5-8/100\r\netag: \"1\"\r\nlast-modified: Sat, 21 Nov 2026 07:00:00 GMT\r\n";
    for (status, head) in [("206 Partial Content", range), ("200 OK", "etag: \"1\"\r\n")] {
        let between = Between::answering(move |_| answer(status, head, "four"));
        let found = alone(between.address).get_range("a", 0, 4);
        assert!(matches!(found, Err(ObjectError::Store { .. })), "{found:?}");
    }
    // A redirect is not followed, wherever it leads.
    let elsewhere = Between::answering(move |_| answer("200 OK", "", ""));
    let to = format!("location: http://{}/records/a\r\n", elsewhere.address);
    let between = Between::answering(move |_| answer("307 Temporary Redirect", &to, ""));
    assert!(alone(between.address).get_range("a", 0, 4).is_err());
    assert_eq!(elsewhere.requests(), 0);
    // A listing without an end, and names that are none.
    let page = |more: bool, keys: &[&str]| {
        let more = if more {
            "true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        } else {
            "false</IsTruncated>"
        };
        let time = "2026-11-21T07:00:00.000Z";
        let key = |key: &&str| {
            format!("<Contents><Key>{key}</Key><LastModified>{time}</LastModified><Size>1</Size></Contents>")
        };
        let keys: String = keys.iter().map(key).collect();
        format!("<ListBucketResult><IsTruncated>{more}{keys}</ListBucketResult>")
    };
    let endless = page(true, &["node/a"]);
    let between = Between::answering(move |_| answer("200 OK", "", &endless));
    let found = alone(between.address).list("").unwrap_err();
    assert!(text(&found).contains("does not end"), "{found:?}");
    assert_eq!(between.requests(), 5);
    let strange = page(false, &["node/b", "node/A", "node/.new/a", "other/a", "node2/z", "a", "node/a/b"]);
    let between = Between::answering(move |_| answer("200 OK", "", &strange));
    assert_eq!(alone(between.address).list("").unwrap(), ["a/b", "b"]);
    let outside = page(false, &["node/a/../../c"]);
    let between = Between::answering(move |_| answer("200 OK", "", &outside));
    assert!(alone(between.address).list("").is_err());
    // Words of the store, such as a key that it repeats, are not passed on.
    let said =
        format!("<Error><Code>Strange</Code><Message>AKIASECRET {}</Message></Error>", "x".repeat(5000));
    let between = Between::answering(move |_| answer("400 Bad Request", "", &said));
    let store = alone(between.address);
    for error in [store.list("").unwrap_err(), store.put_if_absent("a", &mut Cursor::new(b"x")).unwrap_err()]
    {
        let text = text(&error);
        assert!(text.contains("Strange") && !text.contains("AKIASECRET") && text.len() < 2000, "{text}");
    }
}

/// Calls may come from anywhere, and so may the end of the store.
#[tokio::test]
async fn a_store_that_is_not_there_is_an_error_also_within_a_runtime() {
    let store = alone(closed_port().await);
    for error in [store.size("a").unwrap_err(), store.put_if_absent("a", &mut Cursor::new(b"x")).unwrap_err()]
    {
        assert!(matches!(error, ObjectError::Store { .. }), "{error:?}");
    }
    drop(store);
}

#[test]
fn settings_that_cannot_be_used_are_refused() {
    let good = settings(SocketAddr::from(([127, 0, 0, 1], 9)), "a/b");
    let open = |settings: S3Settings| {
        S3Objects::new(&settings, &ClientConfig::default(), &environment("id", "key")).map(drop)
    };
    open(good.clone()).unwrap();
    let at = |address: &str| S3Settings { endpoint: Some(address.to_owned()), ..good.clone() };
    for address in [
        "https://s3.example.com",
        "HTTPS://s3.example.com:9000/",
        "http://10.1.2.3:9000",
        "http://localhost:9000",
        "http://[::1]:9",
    ] {
        open(at(address)).unwrap();
    }
    open(S3Settings { endpoint: None, ..good.clone() }).unwrap();
    for address in ["http://s3.example.com", "HTTP://s3.example.com", "http://8.8.8.8:9000"] {
        assert!(matches!(open(at(address)), Err(S3Error::Unencrypted)), "{address}");
    }
    for address in [
        "",
        "s3.example.com",
        "https://s3.example.com/bucket",
        "https://key:secret@s3.example.com",
        "http://169.254.169.254",
    ] {
        assert!(matches!(open(at(address)), Err(S3Error::Endpoint(_))), "{address}");
    }
    for bad in ["", ".a", "A", "a/b", "a b"] {
        assert!(matches!(open(S3Settings { bucket: bad.to_owned(), ..good.clone() }), Err(S3Error::Name(_))));
        assert!(matches!(open(S3Settings { region: bad.to_owned(), ..good.clone() }), Err(S3Error::Name(_))));
    }
    for bad in ["/a", "a/", "../a", ".new"] {
        assert!(matches!(open(S3Settings { prefix: bad.to_owned(), ..good.clone() }), Err(S3Error::Name(_))));
    }
}
