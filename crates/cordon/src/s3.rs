//! Objects in a bucket of any store that speaks S3, as [`cordon_store::objects::Objects`].
//!
//! Signing, retries and the protocol are `object_store`'s; every byte travels through Cordon's own upstream client, with
//! its trust, proxies and bounds, to the configured endpoint and nowhere else: no redirect is followed, and no credential
//! is asked of a machine's metadata service.
//!
//! An object is created with `If-None-Match: *`: a name that is taken stays as it is. One of more than [`SINGLE`] bytes is
//! uploaded in parts under an unfinished name and then given its own by a conditional copy, so that memory stays bounded.
//! The unfinished name follows from the object's: whoever asks again after a crash uses the same and removes it.
//!
//! **What the bucket needs**: conditional writes (`If-None-Match` for `PutObject` and `CompleteMultipartUpload`), the
//! rights to get, put, delete and list below its prefix, and a rule that ends unfinished multipart uploads after a day.
//!
//! **One writer to a prefix**: unlike a folder, a bucket does not travel with the data folder that names its objects. A copy
//! of that folder under the same prefix meets the objects of the original, also those that it does not know; whoever
//! deletes what a log does not name must know that the prefix is that log's alone.

use std::{
    io::{self, Read, SeekFrom},
    sync::{Arc, mpsc},
    time::Duration,
};

use cordon_core::resource::SecretRef;
use cordon_guard::upstream::{
    AnswerLimits, Class, Client, ClientConfig, ClientError, Endpoint, EndpointError, Environment, Reach,
    SecretError, SecretSource, Timeouts,
};
use cordon_store::objects::{Content, ObjectError, Objects, Put, check_name};
use object_store::{
    BackoffConfig, CopyMode, CopyOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, PutMode,
    PutOptions, PutPayload, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, AwsCredential, Checksum, S3ConditionalPut, S3CopyIfNotExists},
    client::CredentialProvider,
    list::{PaginatedListOptions, PaginatedListStore as _},
    path::Path,
};
use tokio::runtime::{Builder, Runtime};

mod connector;

use connector::{Forbidden, Way};

/// The largest object that is sent in one piece, and so lies in memory: most sealed objects are smaller.
pub const SINGLE: usize = 32 << 20;

/// What is asked of a store at once, and how often.
#[derive(Clone, Debug)]
struct Limits {
    /// Bytes of an object that is sent in one piece.
    single: usize,
    /// Bytes of a part of a larger object; S3 takes 10,000 of them.
    part: usize,
    /// Pages of a listing, of up to a thousand names each: one that never ends is an error.
    pages: usize,
    retry: RetryConfig,
}

impl Default for Limits {
    fn default() -> Self {
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        };
        // Then whoever asked asks again.
        let retry = RetryConfig { backoff, max_retries: 4, retry_timeout: Duration::from_secs(30) };
        Self { single: SINGLE, part: 16 << 20, pages: 10_000, retry }
    }
}

/// Below the prefix: what is not an object yet. No object's name begins like this.
const UNFINISHED: &str = ".new";

/// Characters of what a library says of a failure.
const MAX_SAID: usize = 300;

/// Where the bucket is, and who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Settings {
    /// The bucket's name.
    pub bucket: String,
    /// The store's address, such as `https://minio.example.com:9000`, without a path; the bucket is the first part of
    /// each request's. `None`: AWS, in this region.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// The folder of this node's objects in the bucket, without `/` at its ends; empty: the bucket is this node's alone.
    pub prefix: String,
    /// Where the id of the access key is.
    pub access_key: SecretRef,
    /// Where its secret is.
    pub secret_key: SecretRef,
}

/// Why a bucket cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// The address.
    #[error("the object store's address cannot be used")]
    Endpoint(#[from] EndpointError),
    /// Records would travel unencrypted to another network.
    #[error(
        "the object store's address has no TLS; help: use https; http is only for loopback and private addresses"
    )]
    Unencrypted,
    /// A name that is none.
    #[error("`{0}` is no name of a bucket, region or prefix; help: lower-case letters, digits, `.` and `-`")]
    Name(String),
    /// The client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What object_store says.
    #[error("the object store's client cannot be made")]
    Store(#[source] object_store::Error),
    /// The thread that speaks with the store.
    #[error("the thread of the object store cannot be started")]
    Thread(#[source] io::Error),
}

impl S3Settings {
    /// Looks for what is wrong with them, as far as they alone say.
    ///
    /// # Errors
    /// When an address or a name is not usable.
    pub fn check(&self) -> Result<(), S3Error> {
        self.place().map(drop)
    }

    fn place(&self) -> Result<(String, Endpoint), S3Error> {
        for name in [&self.bucket, &self.region] {
            if !is_name(name) {
                return Err(S3Error::Name(name.clone()));
            }
        }
        if !self.prefix.is_empty() && check_name(&self.prefix).is_err() {
            return Err(S3Error::Name(self.prefix.clone()));
        }
        let address = match &self.endpoint {
            Some(address) => address.trim_end_matches('/').to_owned(),
            None => format!("https://s3.{}.amazonaws.com", self.region),
        };
        let (endpoint, host) = endpoint(&address)?;
        if address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http:")) && !is_near(&host) {
            return Err(S3Error::Unencrypted);
        }
        Ok((address, endpoint))
    }
}

/// The bucket and the folder in it, for people.
impl std::fmt::Display for S3Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// Objects in a bucket. Calls block their thread; the requests run on a thread of their own, so that a call may come from
/// anywhere.
pub struct S3Objects {
    bucket: Arc<Bucket>,
    runtime: Option<Runtime>,
}

struct Bucket {
    store: AmazonS3,
    prefix: String,
    limits: Limits,
}

impl S3Objects {
    /// A bucket. Asks nothing of it yet: a store that cannot be reached now may be later.
    ///
    /// # Errors
    /// When an address or a name is not usable, or the client cannot be made.
    pub fn new(
        settings: &S3Settings,
        client: &ClientConfig,
        environment: &Environment,
    ) -> Result<Self, S3Error> {
        Self::with(settings, client, environment, Limits::default())
    }

    fn with(
        settings: &S3Settings,
        client: &ClientConfig,
        environment: &Environment,
        limits: Limits,
    ) -> Result<Self, S3Error> {
        let (address, endpoint) = settings.place()?;
        let secret = |reference: &SecretRef| SecretSource::new(reference.clone(), environment.clone());
        let credentials =
            Credentials { id: secret(&settings.access_key), secret: secret(&settings.secret_key) };
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("objects")
            .enable_all()
            .build()
            .map_err(S3Error::Thread)?;
        let store = AmazonS3Builder::new()
            .with_bucket_name(&settings.bucket)
            .with_region(&settings.region)
            .with_endpoint(address)
            .with_virtual_hosted_style_request(false)
            .with_credentials(Arc::new(credentials))
            .with_http_connector(Way { client: Client::new(client)?, endpoint })
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_copy_if_not_exists(S3CopyIfNotExists::Multipart)
            // Buckets that keep objects against deletion ask for it.
            .with_checksum_algorithm(Checksum::SHA256)
            .with_disable_bulk_delete(true)
            .with_retry(limits.retry.clone())
            .build()
            .map_err(S3Error::Store)?;
        let prefix = if settings.prefix.is_empty() { String::new() } else { settings.prefix.clone() + "/" };
        Ok(Self { bucket: Arc::new(Bucket { store, prefix, limits }), runtime: Some(runtime) })
    }

    /// Runs an operation on the store's own thread and waits for it.
    fn run<T: Send + 'static, F>(
        &self,
        name: &str,
        work: impl FnOnce(Arc<Bucket>) -> F,
    ) -> Result<T, ObjectError>
    where
        F: Future<Output = Result<T, ObjectError>> + Send + 'static,
    {
        let (done, result) = mpsc::sync_channel(1);
        let work = work(Arc::clone(&self.bucket));
        if let Some(runtime) = &self.runtime {
            runtime.spawn(async move {
                // Whoever asked waits below.
                let _ = done.send(work.await);
            });
        }
        let gone = || store_error(name, io::Error::other("the object store's thread has ended"));
        result.recv().unwrap_or_else(|_| Err(gone()))
    }
}

impl Drop for S3Objects {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waits for nothing, and so may happen anywhere. No operation is running: each borrows this.
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for S3Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Objects").field("store", &self.bucket.store.to_string()).finish_non_exhaustive()
    }
}

impl Objects for S3Objects {
    fn put_if_absent(&self, name: &str, content: &mut dyn Content) -> Result<Put, ObjectError> {
        check_name(name)?;
        let unreadable = |source| ObjectError::Content { name: name.to_owned(), source };
        let Limits { single, part, .. } = self.bucket.limits;
        let length = content.seek(SeekFrom::End(0)).map_err(unreadable)?;
        content.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        if length <= single as u64 {
            let content = piece(content, usize::try_from(length).unwrap_or(single)).map_err(unreadable)?;
            let own = name.to_owned();
            return self.run(name, |bucket| async move { bucket.create(&own, content).await });
        }
        if self.size(name)?.is_some() {
            // Whoever put it may have ended before the unfinished one was removed.
            let own = name.to_owned();
            self.run(name, |bucket| async move { bucket.delete(&own, bucket.unfinished(&own)?).await })?;
            return Ok(Put::Present);
        }
        let own = name.to_owned();
        let mut upload = self.run(name, |bucket| async move {
            let place = bucket.unfinished(&own)?;
            bucket.store.put_multipart(&place).await.map_err(refused(&own))
        })?;
        loop {
            let part = match piece(content, part) {
                Ok(part) if part.is_empty() => break,
                Ok(part) => part,
                Err(source) => {
                    self.run(name, |_| async move {
                        // The rule of the bucket ends what this cannot.
                        let _ = upload.abort().await;
                        Ok(())
                    })?;
                    return Err(unreadable(source));
                }
            };
            let own = name.to_owned();
            upload = self.run(name, |_| async move {
                match upload.put_part(PutPayload::from(part)).await {
                    Ok(()) => Ok(upload),
                    Err(error) => {
                        // The rule of the bucket ends what this cannot.
                        let _ = upload.abort().await;
                        Err(refused(&own)(error))
                    }
                }
            })?;
        }
        let own = name.to_owned();
        self.run(name, |bucket| async move {
            upload.complete().await.map_err(refused(&own))?;
            bucket.publish(&own).await
        })
    }

    fn get_range(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, ObjectError> {
        check_name(name)?;
        let own = name.to_owned();
        self.run(name, |bucket| async move { bucket.read(&own, offset, length).await })
    }

    fn size(&self, name: &str) -> Result<Option<u64>, ObjectError> {
        check_name(name)?;
        let own = name.to_owned();
        self.run(name, |bucket| async move { bucket.size(&own).await })
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        if let Some((below, _)) = prefix.rsplit_once('/') {
            check_name(below)?;
        }
        let own = prefix.to_owned();
        self.run(prefix, |bucket| async move { bucket.list(&own).await })
    }

    fn delete(&self, name: &str) -> Result<(), ObjectError> {
        check_name(name)?;
        let own = name.to_owned();
        self.run(name, |bucket| async move { bucket.delete(&own, bucket.path(&own)?).await })
    }
}

impl Bucket {
    fn path(&self, name: &str) -> Result<Path, ObjectError> {
        Path::parse(format!("{}{name}", self.prefix)).map_err(|_| ObjectError::Name(name.to_owned()))
    }

    fn unfinished(&self, name: &str) -> Result<Path, ObjectError> {
        self.path(&format!("{UNFINISHED}/{name}"))
    }

    async fn create(&self, name: &str, content: Vec<u8>) -> Result<Put, ObjectError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&self.path(name)?, PutPayload::from(content), options).await {
            Ok(_) => Ok(Put::Stored),
            // Also where an answer was lost and the request was sent again.
            Err(object_store::Error::AlreadyExists { .. }) => Ok(Put::Present),
            Err(error) => Err(refused(name)(error)),
        }
    }

    /// Gives an uploaded object its name.
    async fn publish(&self, name: &str) -> Result<Put, ObjectError> {
        let (from, to) = (self.unfinished(name)?, self.path(name)?);
        let options = CopyOptions::new().with_mode(CopyMode::Create);
        let put = match self.store.copy_opts(&from, &to, options).await {
            Ok(()) => Put::Stored,
            Err(object_store::Error::AlreadyExists { .. }) => Put::Present,
            Err(error) => return Err(refused(name)(error)),
        };
        self.delete(name, from).await?;
        Ok(put)
    }

    async fn size(&self, name: &str) -> Result<Option<u64>, ObjectError> {
        match self.store.head(&self.path(name)?).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(refused(name)(error)),
        }
    }

    async fn read(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, ObjectError> {
        let absent = || ObjectError::Absent(name.to_owned());
        if length == 0 {
            return self.size(name).await?.map(|_| Vec::new()).ok_or_else(absent);
        }
        let range = GetRange::Bounded(offset..offset.saturating_add(length as u64));
        let options = GetOptions::new().with_range(Some(range));
        let found = match self.store.get_opts(&self.path(name)?, options).await {
            Ok(found) => found.bytes().await.map_err(refused(name))?,
            Err(object_store::Error::NotFound { .. }) => return Err(absent()),
            // A store refuses a range that begins at the end or behind it.
            Err(error) => match self.size(name).await {
                Ok(Some(size)) if offset >= size => return Ok(Vec::new()),
                _ => return Err(refused(name)(error)),
            },
        };
        let mut bytes = Vec::from(found);
        bytes.truncate(length);
        Ok(bytes)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        let whole = format!("{}{prefix}", self.prefix);
        let (mut found, mut token) = (Vec::new(), None);
        for _ in 0..self.limits.pages {
            let options = PaginatedListOptions { page_token: token, ..PaginatedListOptions::default() };
            let asked = Some(whole.as_str()).filter(|whole| !whole.is_empty());
            let page = self.store.list_paginated(asked, options).await.map_err(refused(prefix))?;
            let names = page.result.objects.iter().filter_map(|object| {
                let name = object.location.as_ref().strip_prefix(&self.prefix)?;
                (name.starts_with(prefix) && check_name(name).is_ok()).then(|| name.to_owned())
            });
            found.extend(names);
            token = page.page_token;
            if token.is_none() {
                found.sort_unstable();
                return Ok(found);
            }
        }
        Err(store_error(prefix, io::Error::other("the store's listing does not end")))
    }

    async fn delete(&self, name: &str, path: Path) -> Result<(), ObjectError> {
        match self.store.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(refused(name)(error)),
        }
    }
}

/// Reads the key anew for each request: a new one is used from then on.
#[derive(Debug)]
struct Credentials {
    id: SecretSource,
    secret: SecretSource,
}

#[async_trait::async_trait]
impl CredentialProvider for Credentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let unusable = |source: SecretError| object_store::Error::Unauthenticated {
            path: String::new(),
            source: Box::new(source),
        };
        let id = self.id.text().map_err(unusable)?;
        let secret = self.secret.text().map_err(unusable)?;
        Ok(Arc::new(AwsCredential { key_id: id.to_string(), secret_key: secret.to_string(), token: None }))
    }
}

/// The endpoint of an address without a path, and its host. The operator names it: it may be in a private network.
fn endpoint(address: &str) -> Result<(Endpoint, String), S3Error> {
    let (_, rest) = address.split_once("://").ok_or(EndpointError::Scheme)?;
    if rest.contains('/') {
        return Err(EndpointError::Path.into());
    }
    let timeouts = Timeouts {
        // Until the head of the answer, what is sent must have arrived.
        first_byte: Duration::from_secs(180),
        ..Timeouts::default()
    };
    let endpoint = Endpoint::new(address, Reach::PrivateToo, timeouts, AnswerLimits::default())?;
    let host = endpoint.host().to_owned();
    Ok((endpoint, host))
}

/// Whether a host is this machine or an address of a private network.
fn is_near(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address| Class::of(address) == Class::Private)
}

fn is_name(name: &str) -> bool {
    let letter = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-');
    (1..=63).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(letter)
}

/// Up to `limit` bytes.
fn piece(mut content: &mut dyn Content, limit: usize) -> io::Result<Vec<u8>> {
    // Room for all at once: growing would cost twice.
    let mut bytes = Vec::with_capacity(limit);
    Read::take(&mut content, limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn store_error(name: &str, source: io::Error) -> ObjectError {
    ObjectError::Store { name: name.to_owned(), source }
}

/// What a refusal of the store means.
fn refused(name: &str) -> impl FnOnce(object_store::Error) -> ObjectError {
    let name = name.to_owned();
    move |error| {
        let (kind, said) = if let Some(secret) = cause::<SecretError>(&error) {
            (io::ErrorKind::PermissionDenied, secret.to_string())
        } else if let Some(forbidden) = cause::<Forbidden>(&error) {
            let help =
                "help: compare it with the store's, and see that it may get, put, delete and list here";
            (io::ErrorKind::PermissionDenied, format!("{forbidden}; {help}"))
        } else if matches!(error, object_store::Error::NotFound { .. }) {
            (io::ErrorKind::NotFound, "there is no such bucket; help: make it, or name another".to_owned())
        } else {
            (io::ErrorKind::Other, chain(&error))
        };
        store_error(&name, io::Error::new(kind, said))
    }
}

/// The cause of an error that is of a type.
fn cause<'a, T: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a T> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref())
}

/// What an error and its causes say, in one bounded line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SAID).collect()
}

#[cfg(test)]
mod tests;
