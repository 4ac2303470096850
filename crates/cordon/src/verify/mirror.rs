//! A copy of a published log: checkpoint, entry bundles and tiles, as any host of static files serves them.

use std::{fs, io, path::Path, time::Duration};

use cordon_guard::upstream::{
    Accept, AnswerLimits, Client, ClientConfig, Endpoint, Reach, Timeouts, Trace, UpstreamRequest,
    authorization,
};
use cordon_ledger::tiles::{CHECKPOINT, Row, Tile, WIDTH};
use http::{HeaderValue, Method, StatusCode};

use crate::desk::with_causes;

/// Where a log is published: the prefix before `/checkpoint` and `/tile/…`.
pub struct Mirror {
    client: Client,
    endpoint: Endpoint,
    url: String,
    authorization: Option<HeaderValue>,
}

/// Why a log was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// There is no such host, or it does not answer.
    #[error(
        "`{url}` cannot be fetched: {why}; help: the URL is the prefix before `/checkpoint`, such as http://127.0.0.1:4181/ledger"
    )]
    Fetch {
        /// What was asked for.
        url: String,
        /// Why it did not come.
        why: String,
    },
    /// There is no room for the copy.
    #[error("the copy of the log cannot be written")]
    Folder(#[source] io::Error),
}

/// Bytes of the largest file: a bundle of 256 entries.
const MAX_FILE: usize = 256 * (65_535 + 2);
const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(10),
    first_byte: Duration::from_secs(30),
    idle: Duration::from_secs(30),
    total: Duration::from_secs(120),
};

impl Mirror {
    /// A log below this URL. `token` is shown where there is one.
    ///
    /// # Errors
    /// When the URL is none.
    pub fn new(
        url: &str,
        token: Option<&str>,
        ca_bundle: Option<std::path::PathBuf>,
    ) -> Result<Self, MirrorError> {
        let url = url.trim_end_matches('/').to_owned();
        let wrong =
            |error: &dyn std::error::Error| MirrorError::Fetch { url: url.clone(), why: with_causes(error) };
        let limits = AnswerLimits { max_bytes: MAX_FILE as u64, ..AnswerLimits::default() };
        let endpoint =
            Endpoint::new(&url, Reach::PrivateToo, TIMEOUTS, limits).map_err(|error| wrong(&error))?;
        let client = Client::new(&ClientConfig { ca_bundle, ..ClientConfig::default() })
            .map_err(|error| wrong(&error))?;
        let authorization = token
            .map(|token| HeaderValue::try_from(format!("Bearer {token}")))
            .transpose()
            .map_err(|error| wrong(&error))?
            .map(|mut value| {
                value.set_sensitive(true);
                value
            });
        Ok(Self { client, endpoint, url, authorization })
    }

    /// Copies the log into a folder and gives the number of facts that its checkpoint claims.
    pub(super) async fn fetch(&self, folder: &Path) -> Result<u64, MirrorError> {
        let checkpoint = self.file(CHECKPOINT).await?;
        // A claim until the signature is checked: it only says what to ask for.
        let text = String::from_utf8_lossy(&checkpoint);
        let size = text.lines().nth(1).and_then(|line| line.parse().ok());
        let size: u64 = size.ok_or_else(|| self.failed(CHECKPOINT, "it is no checkpoint"))?;
        write(folder, CHECKPOINT, &checkpoint)?;
        let rows = std::iter::once(Row::Entries).chain((0..8).map(Row::Hashes));
        for row in rows {
            for index in 0.. {
                let Some(tile) = Tile::of_tree(row, index, size) else { break };
                self.tile(folder, tile).await?;
                if tile.width() < WIDTH {
                    break;
                }
            }
        }
        Ok(size)
    }

    async fn tile(&self, folder: &Path, tile: Tile) -> Result<(), MirrorError> {
        let path = tile.path();
        match self.get(&path).await? {
            Some(bytes) => write(folder, &path, &bytes),
            None if tile.is_partial() => {
                // Meanwhile it is full, and the partial one is gone: its beginning is what was there.
                let full = self.file(&tile.full().path()).await?;
                let width = usize::from(tile.width());
                let part = match tile.row() {
                    Row::Hashes(_) => full.get(..width * 32).map(<[u8]>::to_vec),
                    Row::Entries => cordon_ledger::tiles::entries(tile.full(), &full).ok().map(|entries| {
                        let mut part = Vec::new();
                        for entry in entries.into_iter().take(width) {
                            // It came out of a bundle, so it fits into one.
                            let _ = cordon_ledger::tiles::push_entry(&mut part, entry);
                        }
                        part
                    }),
                };
                write(folder, &path, &part.ok_or_else(|| self.failed(&path, "it is too short"))?)
            }
            None => Err(self.failed(&path, "it is not there")),
        }
    }

    async fn file(&self, path: &str) -> Result<Vec<u8>, MirrorError> {
        self.get(path).await?.ok_or_else(|| self.failed(path, "it is not there"))
    }

    async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, MirrorError> {
        let request = UpstreamRequest {
            method: Method::GET,
            path: &format!("/{path}"),
            body: Vec::new().into(),
            accept: Accept::Json,
            headers: authorization(self.authorization.clone()),
            trace: Trace::default(),
        };
        let answer = self.client.send(&self.endpoint, request).await;
        let answer = answer.map_err(|error| self.failed(path, &with_causes(&error)))?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !answer.status.is_success() {
            return Err(self.failed(path, &format!("status {}", answer.status)));
        }
        let bytes = answer.body.collect(MAX_FILE).await;
        bytes.map(|bytes| Some(bytes.to_vec())).map_err(|error| self.failed(path, &with_causes(&error)))
    }

    fn failed(&self, path: &str, why: &str) -> MirrorError {
        MirrorError::Fetch { url: format!("{}/{path}", self.url), why: why.to_owned() }
    }
}

fn write(folder: &Path, path: &str, bytes: &[u8]) -> Result<(), MirrorError> {
    let path = folder.join(path);
    let done = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, bytes));
    done.map_err(MirrorError::Folder)
}
