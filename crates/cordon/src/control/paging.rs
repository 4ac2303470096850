//! Pages of lists: how a request asks for one, and the cursor that the next one goes on from.
//!
//! A cursor says which list it belongs to (path and other parameters), the position of the log that the list is read at, and
//! the last thing that was given. It grants nothing: who may read the list may read each of its pages.

use std::borrow::Cow;

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use cordon_core::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};

use super::request::wrong;
use crate::api::{List, Problem};

/// The query of a list, and the page of it that is asked for. Unknown parameters are refused.
pub(super) struct Paged<Q>(pub(super) Q, pub(super) Page);

/// A page that is asked for.
pub(super) struct Page {
    limit: Option<u32>,
    list: ListId,
    cursor: Option<Cursor>,
}

/// The parameters that every list has.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// At most so many on a page; the server knows how many make sense where it is absent.
    #[schemars(range(min = 1, max = 10_000))]
    limit: Option<u32>,
    /// Goes on behind a page: `next` of its answer. The other parameters stay as they were, but for `limit`.
    cursor: Option<String>,
}

/// A query without parameters of its own.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Everything {}

/// The first bytes of the digest of a list's path and parameters.
type ListId = [u8; 16];

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cursor {
    list: ListId,
    position: u64,
    last: String,
}

/// The most things on a page.
pub(super) const MOST: u32 = 10_000;
/// Things on a page where nobody says how many.
const PAGE: u32 = 1_000;
/// The form of a cursor.
const VERSION: u8 = 1;

impl<Q: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Paged<Q> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let text = parts.uri.query().unwrap_or_default();
        let (paging, own): (Vec<&str>, Vec<&str>) =
            text.split('&').partition(|pair| pair.starts_with("limit=") || pair.starts_with("cursor="));
        let asked: PageQuery = read(&paging.join("&"))?;
        let own = own.join("&");
        let query = read(&own)?;
        let limit = match asked.limit {
            Some(limit) if !(1..=MOST).contains(&limit) => {
                return Err(wrong(&format!("`limit` is {limit}; help: it is from 1 to {MOST}")));
            }
            limit => limit,
        };
        let list = list_id(parts.uri.path(), read(&own)?);
        let cursor = asked.cursor.as_deref().map(Cursor::parse).transpose()?;
        if cursor.as_ref().is_some_and(|cursor| cursor.list != list) {
            return Err(Problem::cursor("it is of another list, or of one with other parameters"));
        }
        Ok(Self(query, Page { limit, list, cursor }))
    }
}

impl Page {
    /// With another number of things where nobody says how many.
    pub(super) fn or(self, limit: u32) -> Self {
        Self { limit: self.limit.or(Some(limit)), ..self }
    }

    /// The position of the log that the list is read at; none where it begins.
    pub(super) fn position(&self) -> Option<u64> {
        self.cursor.as_ref().map(|cursor| cursor.position)
    }

    /// What the page comes after; none where the list begins.
    pub(super) fn after<K>(&self, key: impl FnOnce(&str) -> Option<K>) -> Result<Option<K>, Problem> {
        let read = |cursor: &Cursor| key(&cursor.last).ok_or_else(unreadable);
        self.cursor.as_ref().map(read).transpose()
    }

    /// How many to read: one more than is given says whether something comes after.
    pub(super) fn most(&self) -> u32 {
        self.limit().saturating_add(1)
    }

    /// The page of what was read at a position of the log. `key` is what the next one comes after.
    pub(super) fn of<T>(&self, mut items: Vec<T>, position: u64, key: impl FnOnce(&T) -> String) -> List<T> {
        let limit = self.limit() as usize;
        if items.len() <= limit {
            return List::whole(items);
        }
        items.truncate(limit);
        let cursor = |last: &T| Cursor { list: self.list, position, last: key(last) }.text();
        let next = items.last().map(cursor);
        List { items, next }
    }

    fn limit(&self) -> u32 {
        self.limit.unwrap_or(PAGE)
    }
}

impl Cursor {
    fn text(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.list);
        bytes.extend_from_slice(&self.position.to_be_bytes());
        bytes.extend_from_slice(self.last.as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| unreadable())?;
        let (version, rest) = bytes.split_first().ok_or_else(unreadable)?;
        if *version != VERSION {
            return Err(Problem::cursor("another version of this program gave it out"));
        }
        let (list, rest) = rest.split_first_chunk().ok_or_else(unreadable)?;
        let (position, last) = rest.split_first_chunk().ok_or_else(unreadable)?;
        let last = std::str::from_utf8(last).map_err(|_| unreadable())?;
        Ok(Self { list: *list, position: u64::from_be_bytes(*position), last: last.to_owned() })
    }
}

fn unreadable() -> Problem {
    Problem::cursor("it is not what this server gave out")
}

fn read<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let uri = format!("/?{query}").parse().map_err(|error| wrong(&error))?;
    Query::try_from_uri(&uri).map(|Query(query)| query).map_err(|error| wrong(&error.body_text()))
}

/// Parameters in another order, or escaped in another way, ask for the same list.
fn list_id(path: &str, mut parameters: Vec<(Cow<'_, str>, Cow<'_, str>)>) -> ListId {
    parameters.retain(|(name, _)| !name.is_empty());
    parameters.sort();
    let mut text = path.to_owned();
    for (name, value) in parameters {
        // No byte of either can be the one between them: both are counted.
        text.push_str(&format!("\n{}:{name}{}:{value}", name.len(), value.len()));
    }
    let mut id = ListId::default();
    for (to, from) in id.iter_mut().zip(Digest::sha256(text.as_bytes()).as_bytes()) {
        *to = *from;
    }
    id
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wish {
        word: Option<String>,
        other: Option<String>,
    }

    fn asked(uri: &str) -> Result<(Wish, Page), Problem> {
        let (mut parts, ()) = Request::builder().uri(uri).body(()).unwrap().into_parts();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let Paged(wish, page) = runtime.block_on(Paged::from_request_parts(&mut parts, &()))?;
        Ok((wish, page))
    }

    #[test]
    fn a_cursor_goes_on_with_its_own_list_alone() {
        let (_, first) = asked("/things?limit=2&word=a%20b&other=c").unwrap();
        assert_eq!((first.position(), first.most()), (None, 3));
        let page = first.of(vec![1, 2, 3], 7, ToString::to_string);
        assert_eq!(page.items, [1, 2]);
        let next = page.next.unwrap();
        for same in ["other=c&word=a+b", "word=a%20b&other=%63&limit=9"] {
            let (wish, page) = asked(&format!("/things?{same}&cursor={next}")).unwrap();
            assert_eq!((wish.word.as_deref(), page.position()), (Some("a b"), Some(7)));
            assert_eq!(page.after(|text| text.parse::<u8>().ok()).unwrap(), Some(2));
            assert_eq!(page.of(vec![3], 7, ToString::to_string), List::whole(vec![3]));
        }
        for other in ["/things?word=a%20b", "/others?word=a%20b&other=c", "/things?word=a%20bother&other=c"] {
            let mark = if other.contains('?') { '&' } else { '?' };
            let problem = asked(&format!("{other}{mark}cursor={next}")).err().unwrap();
            assert!(problem.detail.contains("another list"), "{problem}");
        }
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for wrong in [
            "limit=0",
            "limit=10001",
            "limit=-1",
            "limit=1&limit=2",
            "limit=",
            "unknown=1",
            "%6cimit=3",
            "cursor=a&cursor=a",
        ] {
            assert_eq!(
                asked(&format!("/things?{wrong}")).err().map(|problem| problem.status),
                Some(400),
                "{wrong}"
            );
        }
        for nowhere in ["", "!", "AA", "AQ"] {
            let problem = asked(&format!("/things?cursor={nowhere}")).err().unwrap();
            assert_eq!(problem.status, 422, "{nowhere}");
        }
        assert_eq!(asked("/things").unwrap().1.most(), 1_001);
        assert_eq!(asked("/things?&limit=10000").unwrap().1.or(5).most(), 10_001);
    }

    proptest! {
        #[test]
        fn a_cursor_is_read_as_it_was_written(list: [u8; 16], position: u64, last in ".{0,40}") {
            let cursor = Cursor { list, position, last };
            prop_assert_eq!(Cursor::parse(&cursor.text()).unwrap(), cursor);
        }

        #[test]
        fn no_text_is_more_than_a_problem(text in "[A-Za-z0-9_-]{0,80}") {
            if let Ok(cursor) = Cursor::parse(&text) {
                prop_assert_eq!(cursor.text(), text);
            }
        }
    }
}
