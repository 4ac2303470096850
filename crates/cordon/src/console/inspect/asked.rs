//! What somebody wants inspected, as the form of the page says it.

use axum::http::{HeaderMap, header};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use cordon_core::{Channel, Name};
use cordon_guard::form::fields;
use serde::Deserialize;

use crate::api::{Problem, inspect::Inspect};

/// A text or a file to inspect.
#[derive(Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default, rename = "text")]
    pasted: String,
    #[serde(default)]
    pub(super) channel: String,
    /// Who judges: `guard/NAME`, `route/NAME`, or nothing.
    #[serde(default)]
    pub(super) judge: String,
    /// The file, which takes the place of the text.
    #[serde(skip)]
    file: Option<File>,
}

struct File {
    name: String,
    bytes: Vec<u8>,
}

pub(super) fn malformed(why: &str) -> Problem {
    Problem::new(400, "malformed", "the form cannot be read", why)
}

impl Asked {
    /// Nothing yet, to be judged so.
    pub(super) fn of(channel: String, judge: String) -> Self {
        Self { channel, judge, ..Self::default() }
    }

    /// The form in parts, which pages send, or without, as programs may that bring no file.
    ///
    /// # Errors
    /// When it is no such form.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let in_parts =
            kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("multipart/form-data");
        let mut asked = if in_parts {
            Self::of_parts(headers, body)?
        } else {
            serde_urlencoded::from_bytes(body).map_err(|_| malformed("a text or a file is expected"))?
        };
        // Browsers send a field's line ends as CR and LF; its text has the LF alone (HTML, section 4.10.5.4).
        asked.pasted = asked.pasted.replace("\r\n", "\n");
        Ok(asked)
    }

    fn of_parts(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        let mut asked = Self::default();
        let fields =
            fields(headers, body).map_err(|_| malformed("it is cut short, or is not what browsers send"))?;
        for field in fields {
            let text = || {
                let text = std::str::from_utf8(field.content).map(str::to_owned);
                text.map_err(|_| malformed("a field is not UTF-8"))
            };
            match (field.name.as_str(), field.file_name.as_deref()) {
                // None was chosen (HTML, section 4.10.21.7).
                ("file", Some("")) if field.content.is_empty() => {}
                ("file", Some(name)) => {
                    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
                    asked.file = Some(File { name, bytes: field.content.to_vec() });
                }
                ("text", None) => asked.pasted = text()?,
                ("channel", None) => asked.channel = text()?,
                ("judge", None) => asked.judge = text()?,
                _ => {}
            }
        }
        Ok(asked)
    }

    pub(super) const fn is_file(&self) -> bool {
        self.file.is_some()
    }

    /// What stands in the field again: a browser keeps no file.
    pub(super) fn pasted(&self) -> &str {
        &self.pasted
    }

    /// The text that was pasted, or that the file is.
    pub(super) fn text(&self) -> &str {
        match &self.file {
            Some(file) => std::str::from_utf8(&file.bytes).unwrap_or_default(),
            None => &self.pasted,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.file.as_ref().map_or(self.pasted.len(), |file| file.bytes.len())
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.file.as_ref().map(|file| file.name.as_str()).filter(|name| !name.is_empty())
    }

    pub(super) fn wish(&self) -> Result<Inspect, Problem> {
        let name = |text: &str| Name::parse(text).map(Some).map_err(|_| malformed("the judge has no name"));
        let (guard, route) = match self.judge.split_once('/') {
            None if self.judge.is_empty() => (None, None),
            Some(("guard", text)) => (name(text)?, None),
            Some(("route", text)) => (None, name(text)?),
            _ => return Err(malformed("the judge is neither a guard nor a route")),
        };
        let channel = match self.channel.as_str() {
            "" => Channel::User,
            word => Channel::parse(word).ok_or_else(|| malformed("the channel is not known"))?,
        };
        Ok(Inspect {
            text: (!self.is_file()).then(|| self.pasted.clone()),
            file_b64: self.file.as_ref().map(|file| BASE64_STANDARD.encode(&file.bytes)),
            name: self.name().map(str::to_owned),
            channel,
            guard,
            route,
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(parts: &[&str]) -> Result<Asked, Problem> {
        let parts =
            parts.iter().map(|part| format!("--b\r\nContent-Disposition: form-data; name={part}\r\n"));
        let body = format!("{}--b--\r\n", parts.collect::<String>());
        let kind = HeaderValue::from_static("multipart/form-data; boundary=b");
        Asked::read(&HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]), body.as_bytes())
    }

    #[test]
    fn a_file_takes_the_place_of_a_text_and_none_does_not() {
        let rest = "\"channel\"\r\n\r\ndocument";
        let pasted = read(&["\"text\"\r\n\r\na\r\nb", "\"file\"; filename=\"\"\r\n\r\n", rest]).unwrap();
        assert_eq!((pasted.text(), pasted.bytes(), pasted.is_file()), ("a\nb", 3, false));
        assert_eq!((pasted.channel.as_str(), pasted.name()), ("document", None));
        let file =
            read(&["\"text\"\r\n\r\na", "\"file\"; filename=\"d/x.pdf\"\r\n\r\n%PDF\r\n", rest]).unwrap();
        assert_eq!((file.name(), file.bytes(), file.pasted()), (Some("x.pdf"), 6, "a"));
        let wish = file.wish().unwrap();
        assert_eq!(
            (wish.text, wish.file_b64.as_deref(), wish.name.as_deref()),
            (None, Some("JVBERg0K"), Some("x.pdf"))
        );
        assert!(read(&["\"text\"\r\n\r\na\r\n--c"]).is_ok() && read(&["text"]).is_err());
    }
}
