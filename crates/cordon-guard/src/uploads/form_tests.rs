use cordon_core::RefusalCode;

use super::*;

fn headers(content_type: &str) -> HeaderMap {
    [(CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap())].into_iter().collect()
}

/// A form with boundary `b` of these parts, each `HEAD|CONTENT`; lines of a head are parted by `^`.
fn form(parts: &[&str]) -> Vec<u8> {
    let mut body = String::new();
    for part in parts {
        let (head, content) = part.split_once('|').unwrap();
        body += &format!("--b\r\n{}\r\n\r\n{content}\r\n", head.replace('^', "\r\n"));
    }
    (body + "--b--\r\n").into_bytes()
}

const PURPOSE: &str = "Content-Disposition: form-data; name=\"purpose\"|user_data";
const FILE: &str =
    "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"^Content-Type: text/plain|hello";

/// What is read of a form, or why it is refused.
fn check(body: &[u8], expected: Result<(&str, &[u8]), &str>) {
    let headers = headers("multipart/form-data; boundary=b");
    let read = Form::read(&headers, body);
    let read = read.as_ref().map(|form| (form.name.as_deref().unwrap_or_default(), form.file));
    match (read, expected) {
        (Ok(read), Ok(expected)) => assert_eq!(read, expected),
        (Err(refusal), Err(why)) => {
            assert_eq!(refusal.code, RefusalCode::InvalidRequest);
            assert!(refusal.private.contains(why), "{} is not {why}", refusal.private);
        }
        (read, expected) => panic!("{read:?}, expected {expected:?}"),
    }
}

#[test]
fn a_form_is_read_and_written_anew() {
    check(&form(&[PURPOSE, FILE]), Ok(("a.txt", b"hello")));
    let tricky = "X-More: 1^content-disposition:form-data;name=file;filename=\"C:\\dir\\a \\\"b\\\".txt\"|\r\n--\r\n--a\r\n";
    check(&form(&[tricky, PURPOSE]), Ok(("a \"b\".txt", b"\r\n--\r\n--a\r\n")));
    check(&form(&[PURPOSE, "Content-Disposition: form-data; name=\"file\"|"]), Ok(("", b"")));

    let expires = "Content-Disposition: form-data; name=\"expires_after[seconds]\"|3600";
    let anchor = "Content-Disposition: form-data; name=\"expires_after[anchor]\"|created_at";
    let model = "Content-Disposition: form-data; name=\"model\"|support";
    let body = form(&[PURPOSE, tricky, model, expires, anchor]);
    let read = Form::read(&headers("Multipart/Form-Data; charset=utf-8; boundary=\"b\""), &body).unwrap();
    assert_eq!((read.route, read.claim().name), (Some("support"), Some("a \"b\".txt")));
    let written = read.write("mine.a \"b\".txt", "other").unwrap();
    let again =
        Form::read(&[(CONTENT_TYPE, written.content_type)].into_iter().collect(), &written.body).unwrap();
    assert_eq!((again.file, again.purpose, again.expires), (read.file, "user_data", Some("3600")));
    assert_eq!(
        (again.name.as_deref(), again.route),
        (Some("mine.a %22b%22.txt"), None),
        "nothing else goes on"
    );
    assert!(read.write("a", "--a").is_none(), "the boundary would end the file");
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    let whole = form(&[PURPOSE, FILE]);
    for cut in 0..whole.len() - 2 {
        assert!(
            Form::read(&headers("multipart/form-data; boundary=b"), &whole[..cut]).is_err(),
            "cut at {cut}"
        );
    }
    let before = [b"preamble\r\n".as_slice(), &whole].concat();
    check(&before, Err("does not begin"));
    check(&[whole.as_slice(), b"more"].concat(), Err("behind the form"));
    check(&form(&[PURPOSE]), Err("not there"));
    check(&form(&[FILE]), Err("no word"));
    check(&form(&[PURPOSE, FILE, FILE]), Err("twice"));
    check(&form(&[PURPOSE, PURPOSE, FILE]), Err("twice"));
    check(&form(&[PURPOSE, FILE, "Content-Disposition: form-data; name=\"url\"|http://a"]), Err("has not"));
    check(&form(&["Content-Disposition: form-data; name=\"purpose\"|two words", FILE]), Err("no word"));
    check(
        &form(&[
            PURPOSE,
            "Content-Disposition: form-data; name=\"file\"; filename=\"a\"; filename*=UTF-8''b|x",
        ]),
        Err("more of itself"),
    );
    check(
        &form(&[PURPOSE, "Content-Disposition: form-data; name=\"file\"; filename=\"a\"; filename=\"b\"|x"]),
        Err("two names"),
    );
    check(&form(&[PURPOSE, "Content-Disposition: attachment; name=\"file\"|x"]), Err("which field"));
    check(&form(&[PURPOSE, "Content-Type: text/plain|x"]), Err("which field"));
    check(&form(&[PURPOSE, "Content-Disposition: form-data;^ name=\"file\"|x"]), Err("broken"));
    check(
        &form(&[
            PURPOSE,
            "Content-Disposition: form-data; name=\"file\"^Content-Transfer-Encoding: base64|eA==",
        ]),
        Err("encoding"),
    );
    check(
        &form(&[PURPOSE, "Content-Disposition: form-data; name=\"file\"; filename=\"a\x07b\"|x"]),
        Err("name of the file"),
    );
    check(&form(&[PURPOSE, "Content-Disposition: form-data; name=\"file\"|x\r\n--bb"]), Err("cut short, or"));
    let nine = [FILE; 9];
    check(&form(&nine), Err("too many"));
    for content_type in [
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=b; boundary=c",
        "multipart/mixed; boundary=b",
    ] {
        assert!(Form::read(&headers(content_type), &whole).is_err(), "{content_type}");
    }
}

proptest::proptest! {
    /// Nothing of a hostile body makes a reader panic; what is read is read again as the same once it is written.
    #[test]
    fn reading_is_total(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "--b", "\r\n", "--", "\r\n--b", "Content-Disposition: form-data; name=\"file\"", "; filename=\"", "\"", "\\", "purpose", ":", ";", "=", "x", "\0", PURPOSE, FILE,
    ]), 0..24)) {
        let body = pieces.concat();
        let _ = Form::read(&headers("multipart/form-data; boundary=b"), body.as_bytes());
    }

    #[test]
    fn a_file_survives_writing(file: Vec<u8>) {
        let mut body = form(&[PURPOSE]);
        body.truncate(body.len() - "--b--\r\n".len());
        body.extend_from_slice(b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n");
        body.extend_from_slice(&file);
        body.extend_from_slice(b"\r\n--b--");
        if memmem::find(&file, b"\r\n--b").is_none() {
            let read = Form::read(&headers("multipart/form-data; boundary=b"), &body).unwrap();
            proptest::prop_assert_eq!(read.file, &file[..]);
            if let Some(written) = read.write("a", "zzzzzz") {
                let again = Form::read(&[(CONTENT_TYPE, written.content_type)].into_iter().collect(), &written.body).unwrap();
                proptest::prop_assert_eq!(again.file, &file[..]);
            }
        }
    }
}
