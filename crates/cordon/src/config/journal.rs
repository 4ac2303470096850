//! The journal of calls, and where its sealed records go.

use cordon_core::DurationMs;

use super::{Raw, text};
use crate::s3::S3Settings;

/// The shortest time that sealed records are kept: decisions stay provable for a year.
const SHORTEST_RETENTION: DurationMs = DurationMs::from_secs(365 * 86_400);

/// The journal of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// Bytes of a segment.
    pub segment: u64,
    /// Bytes that are not sealed.
    pub keep: u64,
    /// How long sealed records are kept.
    pub retention: Option<DurationMs>,
    /// Bytes that may wait.
    pub queue: usize,
    /// Bytes kept while the disk cannot be written.
    pub backlog: usize,
    /// Longest time until a best-effort record is synced.
    pub sync: DurationMs,
}

impl Journal {
    pub(super) fn read(raw: &mut Raw) -> Option<Self> {
        let segment = raw.take("journal.segment", |value| match text::bytes(value)? {
            segment @ 1_048_576..=1_073_741_824 => Ok(segment),
            _ => Err("1MiB to 1GiB are expected".to_owned()),
        });
        let keep = raw.take("journal.keep", text::bytes);
        let retention = raw.take("journal.retention", |value| match text::duration(value) {
            _ if value.is_empty() => Ok(None),
            Ok(time) if time >= SHORTEST_RETENTION => Ok(Some(time)),
            Ok(_) => Err("at least 365d are expected: decisions stay provable for a year".to_owned()),
            Err(error) => Err(error),
        });
        let queue = raw.take("journal.queue", text::size);
        let backlog = raw.take("journal.backlog", text::size);
        let sync = raw.take("journal.sync", text::time);
        Some(Self {
            segment: segment?,
            keep: keep?,
            retention: retention?,
            queue: queue?,
            backlog: backlog?,
            sync: sync?,
        })
    }
}

/// The bucket, if one is set; `None` when something about it is wrong.
pub(super) fn objects(raw: &mut Raw) -> Option<Option<S3Settings>> {
    let beside =
        ["objects.endpoint", "objects.region", "objects.prefix", "objects.access_key", "objects.secret_key"];
    let set = beside.map(|key| (key, raw.source(key)));
    let bucket_from = raw.source("objects.bucket");
    let plain = |value: &str| Ok(value.to_owned());
    let bucket = raw.take("objects.bucket", plain);
    let endpoint = raw.take("objects.endpoint", plain);
    let region = raw.take("objects.region", plain);
    let prefix = raw.take("objects.prefix", plain);
    let access_key = raw.take("objects.access_key", text::reference);
    let secret_key = raw.take("objects.secret_key", text::reference);
    let (bucket, access_key, secret_key) = (bucket?, access_key?, secret_key?);
    let Some(from) = bucket_from.filter(|_| !bucket.is_empty()) else {
        for (key, source) in set {
            if let Some(source) = source {
                raw.wrong(&source, format!("{key}: only beside a bucket in `objects.bucket`"));
            }
        }
        return Some(None);
    };
    let (Some(access_key), Some(secret_key)) = (access_key, secret_key) else {
        let what = "objects.bucket: `objects.access_key` and `objects.secret_key` are expected beside it";
        raw.wrong(&from, what.to_owned());
        return None;
    };
    let endpoint = Some(endpoint?).filter(|endpoint| !endpoint.is_empty());
    let settings = S3Settings { bucket, endpoint, region: region?, prefix: prefix?, access_key, secret_key };
    match settings.check() {
        Ok(()) => Some(Some(settings)),
        Err(error) => {
            raw.wrong(&from, format!("objects: {}", crate::desk::with_causes(&error)));
            None
        }
    }
}
