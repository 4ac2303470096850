//! The form that an upload is (RFC 7578): read strictly, and written anew. What two readers could read differently is refused.
//!
//! ```
//! use cordon_guard::form::Form;
//! use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
//! let said = HeaderValue::from_static("multipart/form-data; boundary=b");
//! let body = "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n--b--\r\n";
//! let refused = Form::read(&HeaderMap::from_iter([(CONTENT_TYPE, said)]), body.as_bytes());
//! assert!(refused.is_err(), "no file is in it");
//! ```

use cordon_core::Refusal;
use cordon_files::Claim;
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use memchr::memmem;

use crate::tree::request::invalid;

/// The most parts of a form.
const MOST_PARTS: usize = 8;
/// The most bytes of what stands before the content of a part.
const MOST_HEAD: usize = 4 << 10;
/// The most bytes of a file's name.
const MOST_NAME: usize = 200;
/// The most bytes of a field that is not the file.
const MOST_FIELD: usize = 256;
/// What is sent where the caller does not say what the file is.
const ANY: &str = "application/octet-stream";

/// An upload as it came: not inspected yet.
#[derive(Debug)]
pub struct Form<'a> {
    /// The bytes of the file.
    pub file: &'a [u8],
    /// Its name, without folders.
    pub name: Option<String>,
    /// What it is said to be.
    pub media_type: Option<&'a str>,
    /// What it is for: one word.
    pub purpose: &'a str,
    /// The route that the caller names in it, which does not go on.
    pub route: Option<&'a str>,
    /// After how many seconds the service shall delete it.
    expires: Option<&'a str>,
}

/// A field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name.
    pub name: String,
    /// Where it is a file, how that is called, as the form says it: with folders or without, and empty where none was chosen.
    pub file_name: Option<String>,
    /// What it holds.
    pub content: &'a [u8],
}

/// The fields of any form (`multipart/form-data`), read as strictly as an upload is.
///
/// # Errors
/// When it is none, or is cut short.
pub fn fields<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<Vec<Field<'a>>, Refusal> {
    let field = |Part { name, file_name, content, .. }| Field { name, file_name, content };
    Ok(parts(body, &boundary(headers)?)?.into_iter().map(field).collect())
}

/// One part of a form.
struct Part<'a> {
    name: String,
    file_name: Option<String>,
    media_type: Option<&'a str>,
    content: &'a [u8],
}

/// A form that is written: its bytes, and what they are.
#[derive(Clone, Debug)]
pub struct Written {
    /// The bytes.
    pub body: Vec<u8>,
    /// Their content type, with the boundary.
    pub content_type: HeaderValue,
}

impl<'a> Form<'a> {
    /// Reads the form of an upload: one `purpose`, one `file`, and beside them only `model` and `expires_after`.
    ///
    /// # Errors
    /// When it is none, is cut short, or has what is not known here.
    pub fn read(headers: &HeaderMap, body: &'a [u8]) -> Result<Self, Refusal> {
        let (mut file, mut purpose, mut route) = (None, None, None);
        let (mut anchor, mut seconds) = (None, None);
        for part in parts(body, &boundary(headers)?)? {
            let name = part.name.clone();
            let place = match part.name.as_str() {
                "file" => {
                    if file.replace(part).is_some() {
                        return Err(invalid("file", "it is there twice"));
                    }
                    continue;
                }
                "purpose" => &mut purpose,
                "model" => &mut route,
                "expires_after[anchor]" => &mut anchor,
                "expires_after[seconds]" => &mut seconds,
                _ => {
                    return Err(invalid("", "the form has a field that an upload has not")
                        .said(Some(FIELDS.to_owned())));
                }
            };
            if place.replace(part.text()?).is_some() {
                return Err(invalid(&name, "it is there twice"));
            }
        }
        let purpose = purpose.filter(|purpose| is_word(purpose));
        let purpose = purpose.ok_or_else(|| invalid("purpose", "it is not there, or no word"))?;
        let file = file.ok_or_else(|| invalid("file", "it is not there"))?;
        let is_number =
            |text: &&str| (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let expires = match (anchor, seconds) {
            (None, None) => None,
            (Some("created_at"), Some(seconds)) if is_number(&seconds) => Some(seconds),
            _ => return Err(invalid("expires_after", "neither `created_at` nor a number of seconds")),
        };
        Ok(Self {
            file: file.content,
            name: file.file_name.map(|name| plain_name(&name)).transpose()?,
            media_type: file.media_type,
            purpose,
            route,
            expires,
        })
    }

    /// What the file is said to be.
    pub(super) fn claim(&self) -> Claim<'_> {
        // What every program says of every file says nothing.
        Claim { name: self.name.as_deref(), media_type: self.media_type.filter(|said| *said != ANY) }
    }

    /// Writes it anew, the file by this name, in which quotation marks become `%22`. Nothing where `boundary` stands in the file.
    pub fn write(&self, name: &str, boundary: &str) -> Option<Written> {
        if memmem::find(self.file, boundary.as_bytes()).is_some() {
            return None;
        }
        let mut body = Vec::with_capacity(self.file.len() + 1024);
        let mut field = |name: &str, value: &str| {
            let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(value.as_bytes());
            body.extend_from_slice(b"\r\n");
        };
        field("purpose", self.purpose);
        if let Some(seconds) = self.expires {
            field("expires_after[anchor]", "created_at");
            field("expires_after[seconds]", seconds);
        }
        let name = name.replace('"', "%22");
        let media_type = self.media_type.unwrap_or(ANY);
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {media_type}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(self.file);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let content_type = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}")).ok()?;
        Some(Written { body, content_type })
    }
}

/// What callers read who send more.
const FIELDS: &str =
    "An upload has the fields `file`, `purpose`, `expires_after` and, to name the route, `model`.";

impl<'a> Part<'a> {
    fn text(&self) -> Result<&'a str, Refusal> {
        let text = std::str::from_utf8(self.content).ok();
        let plain = |text: &&str| text.len() <= MOST_FIELD && !text.chars().any(char::is_control);
        text.filter(|_| self.file_name.is_none())
            .filter(plain)
            .ok_or_else(|| invalid("", "a field of the form is no short text"))
    }
}

/// The boundary that the content type names (RFC 2046, 5.1.1).
fn boundary(headers: &HeaderMap) -> Result<String, Refusal> {
    let mut all = headers.get_all(CONTENT_TYPE).iter();
    let said = all.next().filter(|_| all.next().is_none()).and_then(|value| value.to_str().ok());
    let not_a_form = || {
        let words = "An upload is a form: send it as `multipart/form-data`, as the client libraries do.";
        invalid("", "the content type is not `multipart/form-data` with a boundary")
            .said(Some(words.to_owned()))
    };
    let (kind, parameters) = said.and_then(|said| said.split_once(';')).ok_or_else(not_a_form)?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(not_a_form());
    }
    let mut found = None;
    for (name, value) in parameters_of(parameters).ok_or_else(not_a_form)? {
        if name == "boundary" && found.replace(value).is_some() {
            return Err(not_a_form());
        }
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&b);
    found
        .filter(|text| (1..=70).contains(&text.len()) && text.bytes().all(allowed) && !text.ends_with(' '))
        .ok_or_else(not_a_form)
}

/// The parts of a form. Nothing stands before the first boundary or behind the last one.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>, Refusal> {
    let broken = |why: &str| invalid("", why);
    let delimiter = format!("\r\n--{boundary}");
    let first = delimiter.as_bytes().strip_prefix(b"\r\n").unwrap_or_default();
    let finder = memmem::Finder::new(delimiter.as_bytes());
    let mut rest =
        body.strip_prefix(first).ok_or_else(|| broken("the form does not begin with its boundary"))?;
    let mut parts = Vec::new();
    loop {
        if let Some(end) = rest.strip_prefix(b"--") {
            return match end {
                b"" | b"\r\n" => Ok(parts),
                _ => Err(broken("there is something behind the form")),
            };
        }
        let part = rest
            .strip_prefix(b"\r\n")
            .ok_or_else(|| broken("the form is cut short, or its boundary is in a part"))?;
        if parts.len() == MOST_PARTS {
            return Err(broken("the form has too many parts"));
        }
        // A part without a head begins with the empty line: it has no name, and is none of a form's.
        let head = memmem::find(part.get(..MOST_HEAD.min(part.len())).unwrap_or_default(), b"\r\n\r\n");
        let (head, content) = head
            .and_then(|at| Some((part.get(..at)?, part.get(at + 4..)?)))
            .ok_or_else(|| broken("a part of the form has no head"))?;
        let end = finder.find(content).ok_or_else(|| broken("the form is cut short"))?;
        let (content, behind) = content.split_at_checked(end).unwrap_or_default();
        rest = behind.strip_prefix(delimiter.as_bytes()).unwrap_or_default();
        parts.push(Part::read(head, content)?);
    }
}

impl<'a> Part<'a> {
    fn read(head: &'a [u8], content: &'a [u8]) -> Result<Self, Refusal> {
        let broken = |why: &str| invalid("", why);
        let head = std::str::from_utf8(head).map_err(|_| broken("the head of a part is not UTF-8"))?;
        let (mut disposition, mut media_type) = (None, None);
        for line in head.split("\r\n") {
            if line.contains(['\r', '\n', '\0']) || line.starts_with([' ', '\t']) {
                return Err(broken("a line in the head of a part is broken"));
            }
            let (name, value) =
                line.split_once(':').ok_or_else(|| broken("a line in the head of a part has no name"))?;
            let place = match name.to_ascii_lowercase().as_str() {
                "content-disposition" => &mut disposition,
                "content-type" => &mut media_type,
                "content-transfer-encoding" if !is_plain(value) => {
                    return Err(broken("a part has a transfer encoding"));
                }
                // It is written anew: nothing else of the head goes on.
                _ => continue,
            };
            if place.replace(value.trim()).is_some() {
                return Err(broken("a line in the head of a part is there twice"));
            }
        }
        let said = disposition.and_then(|said| said.split_once(';'));
        let parameters = said.filter(|(kind, _)| kind.trim().eq_ignore_ascii_case("form-data"));
        let parameters = parameters.and_then(|(_, parameters)| parameters_of(parameters));
        let (mut name, mut file_name) = (None, None);
        for (key, value) in parameters.ok_or_else(|| broken("a part does not say which field it is"))? {
            let place = match key.as_str() {
                "name" => &mut name,
                "filename" => &mut file_name,
                // RFC 7578, 4.2: `filename*` is not for forms. Two names are one too many.
                _ => return Err(broken("a part says more of itself than its name and the file's")),
            };
            if place.replace(value).is_some() {
                return Err(broken("a part has two names"));
            }
        }
        let name = name.ok_or_else(|| broken("a part does not say which field it is"))?;
        let media_type = media_type.and_then(|said| said.split(';').next()).map(str::trim);
        Ok(Self { name, file_name, media_type: media_type.filter(|said| is_media_type(said)), content })
    }
}

/// A file's name without folders.
fn plain_name(name: &str) -> Result<String, Refusal> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    // What a program that undoes percent signs takes for a folder would hide the mark that goes in front.
    let is_folder =
        name.contains("%2F") || name.contains("%2f") || name.contains("%5C") || name.contains("%5c");
    if name.is_empty() || is_folder || name.len() > MOST_NAME || name.chars().any(char::is_control) {
        let words = "The name of the file is empty, longer than 200 bytes, or has control characters or a written-out slash.";
        return Err(invalid("file", "the name of the file").said(Some(words.to_owned())));
    }
    Ok(name.to_owned())
}

/// Parameters behind a `;` (RFC 9110, 5.6.6): `key=value; key="value"`, keys in lower case. Nothing where they are broken.
fn parameters_of(mut text: &str) -> Option<Vec<(String, String)>> {
    let mut all = Vec::new();
    loop {
        text = text.trim_start_matches([' ', '\t']);
        if text.is_empty() {
            return Some(all);
        }
        let (key, rest) = text.split_once('=')?;
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = rest.find([';', ' ', '\t']).unwrap_or(rest.len());
                let (value, rest) = rest.split_at_checked(end)?;
                (value.to_owned(), rest)
            }
        };
        let is_key = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_*".contains(&b));
        if !is_key || all.len() == 4 {
            return None;
        }
        all.push((key.to_ascii_lowercase(), value));
        let rest = rest.trim_start_matches([' ', '\t']);
        text = if rest.is_empty() { rest } else { rest.strip_prefix(';')? };
    }
}

/// What stands up to the closing quote, and what comes after it. A backslash that no quote and no backslash follows stands for itself,
/// as in names of files that are written so.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => return Some((value, rest.as_str())),
            '\\' if rest.as_str().starts_with(['"', '\\']) => value.extend(rest.next()),
            c => value.push(c),
        }
    }
    None
}

/// Whether a transfer encoding leaves the content as it is.
fn is_plain(encoding: &str) -> bool {
    ["7bit", "8bit", "binary"].iter().any(|plain| encoding.trim().eq_ignore_ascii_case(plain))
}

/// One word, as purposes are: it is written into paths and forms as it is.
pub(super) fn is_word(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

fn is_media_type(text: &str) -> bool {
    let token = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    text.len() <= 127 && text.split_once('/').is_some_and(|(kind, of)| token(kind) && token(of))
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
