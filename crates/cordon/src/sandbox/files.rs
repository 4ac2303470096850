//! `/v1/files`: files that the sandbox keeps while it runs, a few of them, whoever's they are.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use cordon_core::json::Value;
use http::{HeaderMap, Method, StatusCode, header::CONTENT_TYPE};

use super::{Refused, object, refused};

/// The most files; an older one goes for each more.
const MOST: usize = 64;
/// The most bytes of all files.
const MOST_BYTES: usize = 64 << 20;

/// What the sandbox keeps.
#[derive(Debug, Default)]
pub(super) struct Files(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// How many there were.
    number: u64,
    files: VecDeque<File>,
}

#[derive(Debug)]
struct File {
    id: String,
    name: String,
    purpose: String,
    bytes: Vec<u8>,
}

/// What is answered.
pub(super) enum Said {
    Json(Value),
    Bytes(Vec<u8>),
}

impl Files {
    /// Answers a request below `/v1/files`; `below` is the rest of its path.
    pub(super) fn answer(
        &self,
        method: &Method,
        below: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Said, Refused> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = || refused(StatusCode::NOT_FOUND, "", "there is no such file");
        let (id, content) = match below.trim_start_matches('/') {
            "" => return kept.all(method, headers, body),
            named => named.strip_suffix("/content").map_or((named, false), |id| (id, true)),
        };
        let at = kept.files.iter().position(|file| file.id == id).ok_or_else(missing)?;
        match (method, content) {
            (&Method::DELETE, false) => {
                kept.files.remove(at);
                let gone = object([("id", id.into()), ("object", "file".into()), ("deleted", true.into())]);
                Ok(Said::Json(gone.into()))
            }
            (&Method::GET, _) => {
                let file = kept.files.get(at).ok_or_else(missing)?;
                Ok(if content { Said::Bytes(file.bytes.clone()) } else { Said::Json(file.about()) })
            }
            _ => Err(refused(StatusCode::METHOD_NOT_ALLOWED, "", "a file is read or deleted")),
        }
    }
}

impl Kept {
    fn all(&mut self, method: &Method, headers: &HeaderMap, body: &[u8]) -> Result<Said, Refused> {
        if method == Method::GET {
            let data: Vec<Value> = self.files.iter().rev().map(File::about).collect();
            let list = object([("object", "list".into()), ("data", data.into()), ("has_more", false.into())]);
            return Ok(Said::Json(list.into()));
        }
        if method != Method::POST {
            return Err(refused(StatusCode::METHOD_NOT_ALLOWED, "", "files are listed or uploaded"));
        }
        let file = read(headers, body).ok_or_else(|| {
            refused(StatusCode::BAD_REQUEST, "", "an upload is a form with `purpose` and `file`")
        })?;
        self.number += 1;
        let file = File { id: format!("file-sandbox{:06}", self.number), ..file };
        let about = file.about();
        self.files.push_back(file);
        let bytes = |files: &VecDeque<File>| files.iter().map(|file| file.bytes.len()).sum::<usize>();
        while self.files.len() > MOST || bytes(&self.files) > MOST_BYTES {
            self.files.pop_front();
        }
        Ok(Said::Json(about))
    }
}

impl File {
    fn about(&self) -> Value {
        object([
            ("id", self.id.as_str().into()),
            ("object", "file".into()),
            ("bytes", (self.bytes.len() as u64).into()),
            ("created_at", 1_767_225_600_u64.into()),
            ("filename", self.name.as_str().into()),
            ("purpose", self.purpose.as_str().into()),
            ("status", "processed".into()),
        ])
        .into()
    }
}

/// Reads a form as gullibly as everything here: what looks like one is one.
fn read(headers: &HeaderMap, body: &[u8]) -> Option<File> {
    let boundary = headers.get(CONTENT_TYPE)?.to_str().ok()?.split_once("boundary=")?.1.trim_matches('"');
    let (mut purpose, mut found) = (None, None);
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(delimiter.trim_start().as_bytes())?;
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let (head, content) = cut(part, b"\r\n\r\n")?;
        let (content, behind) = cut(content, delimiter.as_bytes())?;
        rest = behind;
        let head = std::str::from_utf8(head).ok()?;
        let of = |key: &str| Some(head.split_once(&format!(" {key}=\""))?.1.split_once('"')?.0.to_owned());
        match of("name")?.as_str() {
            "purpose" => purpose = Some(std::str::from_utf8(content).ok()?.to_owned()),
            "file" => found = Some((of("filename")?, content.to_vec())),
            _ => {}
        }
    }
    let (name, bytes) = found?;
    Some(File { id: String::new(), name, purpose: purpose?, bytes })
}

/// What stands before the first of these, and what behind it.
fn cut<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (before, rest) = bytes.split_at_checked(bytes.windows(at.len()).position(|window| window == at)?)?;
    Some((before, rest.strip_prefix(at)?))
}
