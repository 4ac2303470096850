//! What a service says of a file, read and written anew: only what is known, and only of files of this caller.

use cordon_core::{
    Refusal, RefusalCode,
    json::{self, Object, Value},
};

use super::{form::is_word, owner::Owner};

/// A file of the caller's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileObject {
    pub(super) id: String,
    /// Its name, as the caller gave it.
    pub(super) name: String,
    bytes: Option<u64>,
    created: Option<u64>,
    expires: Option<u64>,
    purpose: Option<String>,
    status: Option<String>,
}

/// A page of the list of a service.
#[derive(Debug)]
pub(super) struct Page {
    /// Those of the caller's.
    pub(super) own: Vec<FileObject>,
    /// The last one of the page, whosever it is; nothing where no page follows.
    pub(super) next: Option<String>,
}

/// The service said what it does not say.
fn odd(why: &str) -> Refusal {
    Refusal::new(RefusalCode::UpstreamFailed, why)
}

/// An answer as JSON.
pub(super) fn tree(bytes: &[u8]) -> Result<Value, Refusal> {
    let limits = json::Limits { bytes: bytes.len(), ..json::Limits::default() };
    Value::parse(bytes, limits).map_err(|error| odd(&format!("the answer is not strict JSON: {error}")))
}

/// Whether this can be a file's id: it is written into paths as it is.
pub(super) fn is_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(plain)
}

impl FileObject {
    /// Reads what a service says of one file; nothing where it is not of this owner.
    ///
    /// # Errors
    /// When it is no file.
    pub(super) fn read(tree: &Value, owner: &Owner) -> Result<Option<Self>, Refusal> {
        let text = |key: &str| tree.get(key).and_then(Value::as_str);
        let count = |key: &str| tree.get(key).and_then(Value::as_u64);
        let id = text("id").filter(|id| is_id(id)).ok_or_else(|| odd("the answer is of no file"))?;
        let Some(name) = text("filename").and_then(|name| owner.own(name)) else { return Ok(None) };
        let word = |key: &str| text(key).filter(|word| is_word(word)).map(str::to_owned);
        Ok(Some(Self {
            id: id.to_owned(),
            name: name.to_owned(),
            bytes: count("bytes"),
            created: count("created_at"),
            expires: count("expires_at"),
            purpose: word("purpose"),
            status: word("status"),
        }))
    }

    /// As its owner sees it.
    pub(super) fn write(&self) -> Value {
        let number = |number: Option<u64>| number.map_or(Value::Null, Value::from);
        let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        let mut members: Object = [
            ("id", Value::from(self.id.as_str())),
            ("object", "file".into()),
            ("bytes", self.bytes.unwrap_or_default().into()),
            ("created_at", self.created.unwrap_or_default().into()),
            ("expires_at", number(self.expires)),
            ("filename", self.name.as_str().into()),
            ("purpose", text(&self.purpose)),
        ]
        .into_iter()
        .collect();
        if self.status.is_some() {
            members.insert("status", text(&self.status));
        }
        members.into()
    }
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn read(tree: &Value, owner: &Owner) -> Result<Self, Refusal> {
        let data = tree.get("data").and_then(Value::as_array).ok_or_else(|| odd("the answer is no list"))?;
        // One that is odd is not the caller's as far as anybody knows, and hides none of the others.
        let own = data.iter().filter_map(|file| FileObject::read(file, owner).ok().flatten()).collect();
        let more = tree.get("has_more").and_then(Value::as_bool).unwrap_or_default();
        let id =
            |file: &Value| file.get("id").and_then(Value::as_str).filter(|id| is_id(id)).map(str::to_owned);
        let last = data.iter().rev().find_map(id);
        if more && last.is_none() {
            return Err(odd("the answer has no file to go on behind"));
        }
        Ok(Self { own, next: last.filter(|_| more) })
    }
}

/// A list as callers read it.
pub(super) fn list(files: &[FileObject], more: bool) -> Value {
    let id = |file: Option<&FileObject>| file.map_or(Value::Null, |file| file.id.as_str().into());
    let members: [(&str, Value); 5] = [
        ("object", "list".into()),
        ("data", files.iter().map(FileObject::write).collect::<Vec<_>>().into()),
        ("first_id", id(files.first())),
        ("last_id", id(files.last())),
        ("has_more", more.into()),
    ];
    Value::Object(members.into_iter().collect())
}

/// That a file is gone.
///
/// # Errors
/// When the service does not say so.
pub(super) fn deleted(tree: &Value, id: &str) -> Result<Value, Refusal> {
    if tree.get("deleted").and_then(Value::as_bool) != Some(true) {
        return Err(odd("the service did not delete the file"));
    }
    let members: [(&str, Value); 3] =
        [("id", id.into()), ("object", "file".into()), ("deleted", true.into())];
    Ok(Value::Object(members.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use cordon_core::{HmacKey, Name};

    use super::*;

    #[test]
    fn a_page_has_the_callers_files_and_what_is_odd_hides_none_of_them() {
        let owner = Owner::new(&HmacKey::from_bytes([7; 32]), &Name::parse("app").unwrap());
        let file = |id: &str, name: &str| format!(r#"{{"id":"{id}","filename":"{name}"}}"#);
        let (own, other) = (file("file-1", &owner.mark("a.txt")), file("file-2", "b.txt"));
        let odd = [file("../x", &owner.mark("c.txt")), "{}".to_owned(), "1".to_owned()].join(",");
        let page = |text: String| Page::read(&tree(text.as_bytes()).unwrap(), &owner);
        let read = page(format!(r#"{{"data":[{odd},{own},{other}],"has_more":true}}"#)).unwrap();
        let names: Vec<&str> = read.own.iter().map(|file| file.name.as_str()).collect();
        assert_eq!((names, read.next.as_deref()), (vec!["a.txt"], Some("file-2")));
        assert_eq!(page(r#"{"data":[]}"#.to_owned()).unwrap().next, None);
        let odd_last = page(format!(r#"{{"data":[{own},{odd}],"has_more":true}}"#)).unwrap();
        assert_eq!(odd_last.next.as_deref(), Some("file-1"), "what is odd ends no list");
        assert!(page(format!(r#"{{"data":[{odd}],"has_more":true}}"#)).is_err());
        assert!(page("{}".to_owned()).is_err());
    }
}
