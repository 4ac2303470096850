//! Pictures of a content that are read elsewhere (`adapter: ocr`): noted in a first inspection, sent, and what stands in them inspected
//! like any other text of a file.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use cordon_core::{
    Channel, Digest,
    json::{Limits, Value},
    resource::Adapter,
};
use cordon_files::FileType;
use cordon_policy::Quarantined;
use http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use tokio::{task::JoinSet, time::timeout};

use super::{
    Failure, Outcome, Unavailable,
    adapter::MAX_ANSWER,
    asked::{Trial, failure},
    drawn,
    registry::{Detectors, Prepared},
};
use crate::{
    inspection::Inspection,
    upstream::{Accept, Client, Trace, UpstreamRequest, authorization},
};

/// Where pictures are read, below the base URL.
const PATH: &str = "/read";
/// The most pictures of one content that are sent.
const MOST_PICTURES: usize = 16;

/// What a content is inspected with while its pictures are noted, and afterwards.
pub(crate) enum Reading {
    /// They are noted.
    Noting { channels: Vec<Channel>, noted: Mutex<Noted> },
    /// What stands in them.
    Read(BTreeMap<Key, String>),
}

/// A picture is another one on another channel.
type Key = (Channel, Digest);

/// The pictures that are sent.
#[derive(Default)]
pub(crate) struct Noted {
    pictures: BTreeMap<Key, Picture>,
    /// There were more.
    overflowed: bool,
}

#[derive(Clone)]
struct Picture {
    media_type: &'static str,
    bytes: Bytes,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Content stays out of logs.
        f.write_str(match self {
            Self::Noting { .. } => "Noting",
            Self::Read(_) => "Read",
        })
    }
}

/// The media type of a picture that is sent; nothing for what is none, or of a format that is not taken apart here.
const fn media_type(file_type: FileType) -> Option<&'static str> {
    match file_type {
        FileType::Bmp => Some("image/bmp"),
        FileType::Gif => Some("image/gif"),
        FileType::Jpeg => Some("image/jpeg"),
        FileType::Png => Some("image/png"),
        FileType::Webp => Some("image/webp"),
        _ => None,
    }
}

impl Inspection {
    /// What stands in a picture, where somebody has read it. While nobody has, it is noted.
    pub(crate) fn read_of(&self, channel: Channel, bytes: &[u8], file_type: FileType) -> Option<&str> {
        let reading = self.reading.as_deref()?;
        let media_type = media_type(file_type)?;
        let key = (channel, Digest::sha256(bytes));
        match reading {
            Reading::Read(texts) => texts.get(&key).map(String::as_str),
            Reading::Noting { channels, noted } => {
                let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
                // One that will be read does not stop the content as one that nobody has read.
                (channels.contains(&channel) && noted.note(key, media_type, bytes)).then_some("")
            }
        }
    }
}

impl Noted {
    /// Notes a picture, if there is room. Whether it is among those that are sent.
    fn note(&mut self, key: Key, media_type: &'static str, bytes: &[u8]) -> bool {
        if self.pictures.contains_key(&key) {
            return true;
        }
        self.overflowed |= self.pictures.len() >= MOST_PICTURES;
        if !self.overflowed {
            self.pictures.insert(key, Picture { media_type, bytes: Bytes::copy_from_slice(bytes) });
        }
        !self.overflowed
    }
}

impl Detectors {
    /// The means to inspect a content with what stands in its pictures, and who did not say that. `first` inspects it, which notes the
    /// pictures, and says whether it may pass: otherwise nobody is sent anything.
    pub(crate) async fn reading(
        &self,
        out: &Quarantined,
        mut inspection: Inspection,
        first: impl FnOnce(&Inspection) -> bool,
    ) -> (Inspection, Vec<Unavailable>) {
        let all = self.all();
        let is_used = |prepared: &&Arc<Prepared>| {
            let name = &prepared.entry.name;
            prepared.entry.spec.adapter == Adapter::Ocr && !out.detectors().any(|out| out == name)
        };
        let readers: Vec<&Arc<Prepared>> = all.iter().filter(is_used).collect();
        if readers.is_empty() {
            return (inspection, Vec::new());
        }
        let channels =
            readers.iter().flat_map(|prepared| prepared.entry.spec.channels.iter().copied()).collect();
        let noting = Reading::Noting { channels, noted: Mutex::default() };
        let mut asking = inspection.clone();
        asking.reading = Some(Arc::new(noting));
        if !first(&asking) {
            return (inspection, Vec::new());
        }
        let noted = match asking.reading.as_deref() {
            Some(Reading::Noting { noted, .. }) => {
                std::mem::take(&mut *noted.lock().unwrap_or_else(PoisonError::into_inner))
            }
            _ => Noted::default(),
        };
        let (mut texts, mut unavailable) = (BTreeMap::<Key, String>::new(), Vec::new());
        for prepared in readers {
            match self.read_by(prepared, &noted).await {
                Ok(read) if read.is_empty() => {}
                Ok(read) => {
                    prepared.counts.count(Outcome::Answered, 0);
                    for (key, text) in read {
                        let all = texts.entry(key).or_default();
                        if !all.is_empty() {
                            all.push('\n');
                        }
                        all.push_str(&text);
                    }
                }
                Err(why) => {
                    prepared.counts.count(Outcome::Failed(why), 0);
                    tracing::debug!(detector = prepared.name, %why, "a reader of pictures gave no answer");
                    unavailable.push(prepared.unavailable(Channel::Document, why));
                }
            }
        }
        inspection.reading = Some(Arc::new(Reading::Read(texts)));
        (inspection, unavailable)
    }

    /// Has one of them read all pictures of its channels, within its deadline.
    async fn read_by(&self, prepared: &Arc<Prepared>, noted: &Noted) -> Result<Vec<(Key, String)>, Failure> {
        let spec = &prepared.entry.spec;
        let pictures: Vec<(Key, Picture)> = noted
            .pictures
            .iter()
            .filter(|((channel, _), _)| spec.channels.contains(channel))
            .map(|(key, picture)| (*key, picture.clone()))
            .collect();
        if pictures.is_empty() {
            return Ok(Vec::new());
        }
        if noted.overflowed {
            return Err(Failure::TooMany);
        }
        if pictures.iter().any(|(_, picture)| picture.bytes.len() > spec.max_bytes() as usize) {
            return Err(Failure::TooLong);
        }
        prepared.passes(&self.client, &*self.clock).await?;
        let trial = Trial::begin(prepared)?;
        let mut asking = JoinSet::new();
        for (key, picture) in pictures {
            let (prepared, client) = (Arc::clone(prepared), self.client.clone());
            asking.spawn(async move {
                // None is ever closed.
                let _place = prepared.places.acquire().await.map_err(|_| Failure::Unready)?;
                read(&prepared, &client, picture).await.map(|text| (key, text))
            });
        }
        let all = async {
            let mut texts = Vec::new();
            while let Some(joined) = asking.join_next().await {
                // A task that panicked gave no answer. The others end with the set.
                texts.push(joined.map_err(|_| Failure::Malformed)??);
            }
            Ok(texts)
        };
        let came = timeout(prepared.deadline(), all).await.unwrap_or(Err(Failure::Deadline));
        trial.end(came.as_ref().err().copied());
        came
    }
}

/// Whether one of them reads what is drawn for it.
pub(super) async fn test(prepared: &Prepared, client: &Client) -> Result<(), Failure> {
    let picture = Picture { media_type: "image/png", bytes: drawn::picture().into() };
    let text = read(prepared, client, picture).await?;
    if drawn::says(&text) { Ok(()) } else { Err(Failure::SelfTest) }
}

async fn read(prepared: &Prepared, client: &Client, picture: Picture) -> Result<String, Failure> {
    let endpoint = prepared.endpoint.as_ref().map_err(|_| Failure::Unready)?;
    let secret = prepared.secret.as_ref().map(|secret| secret.header()).transpose();
    let mut headers = authorization(secret.map_err(|_| Failure::Unready)?);
    headers.push((CONTENT_TYPE, HeaderValue::from_static(picture.media_type)));
    let request = UpstreamRequest {
        method: Method::POST,
        path: PATH,
        body: picture.bytes,
        accept: Accept::Json,
        headers,
        trace: Trace::default(),
    };
    let response = client.send(endpoint, request).await.map_err(|error| failure(&error))?;
    if response.status != StatusCode::OK {
        return Err(Failure::Status);
    }
    let bytes = response.body.collect(MAX_ANSWER).await.map_err(|error| failure(&error))?;
    let limits = Limits { bytes: MAX_ANSWER, depth: 8, values: 64 };
    let tree = Value::parse(&bytes, limits).map_err(|_| Failure::Malformed)?;
    tree.get("text").and_then(Value::as_str).map(str::to_owned).ok_or(Failure::Malformed)
}

#[cfg(test)]
#[path = "pictures_tests.rs"]
mod tests;
