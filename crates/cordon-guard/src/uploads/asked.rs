//! What is asked of files: at which path, by which method and query.

use cordon_core::{Refusal, RefusalCode, record::Operation};
use http::{Method, Uri};

use super::{MOST_FILES, form::is_word, object::is_id};
use crate::tree::request::invalid;

/// Where it is.
const PATH: &str = "/v1/files";

/// What is asked at a path below [`PATH`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Upload,
    List,
    Describe(String),
    Read(String),
    Delete(String),
}

/// A request for files.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(super) wanted: Wanted,
    pub(super) query: String,
}

/// What the query of a request says.
#[derive(Debug, Default)]
pub(super) struct Query<'a> {
    pub(super) route: Option<&'a str>,
    pub(super) after: Option<&'a str>,
    pub(super) limit: Option<usize>,
    order: Option<&'a str>,
    purpose: Option<&'a str>,
}

/// Whether something is at this path.
pub(crate) fn has(path: &str) -> bool {
    path.strip_prefix(PATH).is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

impl Asked {
    /// What is asked.
    ///
    /// # Errors
    /// When there is nothing at the path, or not by this method.
    pub(crate) fn of(method: &Method, uri: &Uri) -> Result<Self, RefusalCode> {
        let below = uri.path().strip_prefix(PATH).unwrap_or_default();
        let named = below.strip_prefix('/').map(|named| match named.strip_suffix("/content") {
            Some(id) => (id, true),
            None => (named, false),
        });
        let wanted = match (method, named) {
            (_, Some((id, _))) if !is_id(id) => return Err(RefusalCode::NotFound),
            (&Method::POST, None) => Wanted::Upload,
            (&Method::GET, None) => Wanted::List,
            (&Method::GET, Some((id, false))) => Wanted::Describe(id.to_owned()),
            (&Method::GET, Some((id, true))) => Wanted::Read(id.to_owned()),
            (&Method::DELETE, Some((id, false))) => Wanted::Delete(id.to_owned()),
            _ => return Err(RefusalCode::MethodNotAllowed),
        };
        Ok(Self { wanted, query: uri.query().unwrap_or_default().to_owned() })
    }

    pub(super) const fn operation(&self) -> Operation {
        match &self.wanted {
            Wanted::Upload => Operation::UploadFile,
            Wanted::List => Operation::ListFiles,
            Wanted::Describe(_) => Operation::DescribeFile,
            Wanted::Read(_) => Operation::ReadFile,
            Wanted::Delete(_) => Operation::DeleteFile,
        }
    }
}

impl<'a> Query<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Refusal> {
        let mut query = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let plain = |value: &&'a str| is_word(value);
            let text = match key {
                "model" => &mut query.route,
                "after" => &mut query.after,
                "order" => &mut query.order,
                "purpose" => &mut query.purpose,
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=10_000).contains(limit));
                    let limit = limit.ok_or_else(|| invalid("limit", "not a number from 1 to 10,000"))?;
                    query.limit = Some(limit);
                    continue;
                }
                _ => return Err(invalid("", "the query has what is not known of files")),
            };
            // What it is when it is a name is asked where the route is looked for.
            let value =
                Some(value).filter(|value| key == "model" || key == "after" && is_id(value) || plain(value));
            *text = Some(value.ok_or_else(|| invalid(key, "not one word"))?);
        }
        match query.order {
            None | Some("asc" | "desc") => Ok(query),
            Some(_) => Err(invalid("order", "neither `asc` nor `desc`")),
        }
    }

    /// The path of a page behind this file.
    pub(super) fn page(&self, after: Option<&str>) -> String {
        let mut path = format!("/files?limit={MOST_FILES}");
        for (key, value) in [("after", after), ("order", self.order), ("purpose", self.purpose)] {
            if let Some(value) = value {
                path.extend(["&", key, "=", value]);
            }
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_methods_and_queries_are_known_or_refused() {
        let of =
            |method: Method, path: &str| Asked::of(&method, &path.parse().unwrap()).map(|asked| asked.wanted);
        assert_eq!(of(Method::POST, "/v1/files"), Ok(Wanted::Upload));
        assert_eq!(of(Method::GET, "/v1/files?limit=2"), Ok(Wanted::List));
        assert_eq!(of(Method::GET, "/v1/files/file-1"), Ok(Wanted::Describe("file-1".to_owned())));
        assert_eq!(of(Method::GET, "/v1/files/file-1/content"), Ok(Wanted::Read("file-1".to_owned())));
        assert_eq!(of(Method::DELETE, "/v1/files/file-1"), Ok(Wanted::Delete("file-1".to_owned())));
        assert_eq!(of(Method::POST, "/v1/files/file-1"), Err(RefusalCode::MethodNotAllowed));
        assert_eq!(of(Method::PUT, "/v1/files"), Err(RefusalCode::MethodNotAllowed));
        for path in [
            "/v1/files/",
            "/v1/files/a/b",
            "/v1/files/..",
            "/v1/files/a%2fb",
            "/v1/files/content/content/content",
        ] {
            assert_eq!(of(Method::GET, path), Err(RefusalCode::NotFound), "{path}");
        }
        assert!(has("/v1/files") && has("/v1/files/x") && !has("/v1/filesystem"));

        let query = Query::read("limit=5&order=asc&purpose=user_data&after=file-9&model=bot").unwrap();
        assert_eq!((query.limit, query.route), (Some(5), Some("bot")));
        assert_eq!(query.page(query.after), "/files?limit=1000&after=file-9&order=asc&purpose=user_data");
        for wrong in ["limit=0", "limit=x", "order=up", "after=a%26b=c", "purpose=", "url=http"] {
            assert!(Query::read(wrong).is_err(), "{wrong}");
        }
    }
}
