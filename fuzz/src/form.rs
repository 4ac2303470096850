//! The form of an upload.

use cordon_guard::form::{Form, fields};
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

/// A content type and a body, parted by a line feed: the body is refused, or written anew so that it is read as the same.
pub(crate) fn read(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (Some(said), Some(body)) = (parts.next(), parts.next()) else { return };
    let Ok(said) = HeaderValue::from_bytes(said) else { return };
    let headers: HeaderMap = [(CONTENT_TYPE, said)].into_iter().collect();
    let fields = fields(&headers, body);
    let Ok(form) = Form::read(&headers, body) else { return };
    let is_there = fields
        .is_ok_and(|fields| fields.iter().any(|field| field.name == "file" && field.content == form.file));
    assert!(is_there, "an upload is a form with its file");
    let name = form.name.clone().unwrap_or_else(|| "file".to_owned());
    let Some(written) = form.write(&name, "cordon-fuzz-boundary") else {
        assert!(String::from_utf8_lossy(form.file).contains("cordon-fuzz-boundary"));
        return;
    };
    let headers: HeaderMap = [(CONTENT_TYPE, written.content_type.clone())].into_iter().collect();
    let again = match Form::read(&headers, &written.body) {
        Ok(again) => again,
        // Written with its quotation marks as `%22` a name may be longer than one may be.
        Err(_) if name.replace('"', "%22").len() > 200 => return,
        Err(refusal) => panic!("what was written is refused: {}", refusal.private),
    };
    assert_eq!((again.file, again.purpose, again.route), (form.file, form.purpose, None));
    assert_eq!(again.name, Some(name.replace('"', "%22")));
    assert_eq!(again.media_type, form.media_type.or(Some("application/octet-stream")));
}
