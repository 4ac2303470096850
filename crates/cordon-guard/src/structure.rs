//! What the files of a route must be: types, sizes, pictures and tables of a known form. A model was trained on those, and whatever is
//! none of them is refused before anything reads it.

use cordon_core::{
    Category,
    resource::{PictureRules, RouteFiles, TableRules},
};
use cordon_files::{FileType, Picture, Report, Table};

/// A type that is not taken, or a file of which nothing could be read.
pub(crate) const TYPE: Category = Category::known("file/structure/type");
const SIZE: Category = Category::known("file/structure/size");
const PICTURE: Category = Category::known("file/structure/image");
const TABLE: Category = Category::known("file/structure/table");

/// What is not as it must be of a file with so many bytes.
pub(crate) fn faults(rules: &RouteFiles, report: &Report, length: usize) -> Vec<Category> {
    let mut found = Vec::new();
    let is_listed = rules.types.iter().any(|word| word == report.file_type.as_str());
    if !rules.types.is_empty() && !is_listed {
        found.push(TYPE);
    }
    if rules.max_bytes.is_some_and(|most| length as u64 > most) {
        found.push(SIZE);
    }
    let (picture, table) = (report.structure.picture.as_ref(), report.structure.table.as_ref());
    // A drawing is shown as a picture, and has no pixels of which anything could be said.
    let is_shown = report.file_type.is_image() || report.file_type == FileType::Svg;
    if let Some(rules) = rules.image.as_ref().filter(|_| is_shown)
        && !picture.is_some_and(|picture| fits(rules, picture))
    {
        found.push(PICTURE);
    }
    if let Some(rules) = rules.csv.as_ref().filter(|_| report.file_type == FileType::Csv)
        && !table.is_some_and(|table| is_table(rules, table))
    {
        found.push(TABLE);
    }
    found
}

fn fits(rules: &PictureRules, picture: &Picture) -> bool {
    let within = |value: u32, least: Option<u32>, most: Option<u32>| {
        least.is_none_or(|least| value >= least) && most.is_none_or(|most| value <= most)
    };
    within(picture.width, rules.min_width, rules.max_width)
        && within(picture.height, rules.min_height, rules.max_height)
        && rules.max_frames.is_none_or(|most| picture.frames <= most.into())
        && (rules.channels.is_empty()
            || picture.channels.is_some_and(|channels| rules.channels.contains(&channels)))
}

fn is_table(rules: &TableRules, table: &Table) -> bool {
    // Who reads it by RFC 4180 splits it at commas, whatever the file itself seems to be split at.
    let named = || !table.cut && table.separator == ',' && rules.columns == table.columns;
    (rules.columns.is_empty() || named()) && rules.max_rows.is_none_or(|most| table.rows <= most)
}

#[cfg(test)]
mod tests {
    use cordon_core::{Action, Channel, resource::FILE_TYPES};
    use cordon_files::{Claim, Limits};
    use serde_json::json;

    use super::*;
    use crate::{
        Inspection, Verdict,
        anthropic::{MessagesRequest, Wanted},
        inspection::Part,
        tree::testing::{inspection, tree},
    };

    /// What is found of a file by rules.
    fn found(rules: &str, name: &str, bytes: &[u8]) -> Vec<String> {
        let rules: RouteFiles = serde_json::from_str(rules).unwrap();
        let claim = Claim { name: Some(name), media_type: None };
        let report = cordon_files::inspect(bytes, &claim, &Limits::default());
        faults(&rules, &report, bytes.len()).iter().map(|category| category.as_str().to_owned()).collect()
    }

    const DRAWING: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><rect/></svg>";

    /// A picture of so many pixels and channels: its header is what is read.
    fn gif(width: u16, height: u16) -> Vec<u8> {
        let mut bytes = b"GIF89a".to_vec();
        bytes.extend(width.to_le_bytes());
        bytes.extend(height.to_le_bytes());
        bytes.extend(b"\x80\0\0\0\0\0\xff\xff\xff");
        bytes.extend(b",\0\0\0\0");
        bytes.extend(width.to_le_bytes());
        bytes.extend(height.to_le_bytes());
        bytes.extend(b"\0\x02\x02D\x01\0;");
        bytes
    }

    #[test]
    fn each_rule_refuses_what_breaks_it_and_nothing_else() {
        let (table, picture) = (&b"id,name\n1,Ada\n2,Bob\n"[..], &gif(300, 200)[..]);
        for (rules, name, bytes, expected) in [
            (r#"{"types": ["csv", "gif"]}"#, "a.csv", table, None),
            (r#"{"types": ["pdf"]}"#, "a.csv", table, Some("file/structure/type")),
            (r#"{"types": ["csv"]}"#, "a.csv", picture, Some("file/structure/type")),
            (r#"{"max_bytes": 20}"#, "a.csv", table, None),
            (r#"{"max_bytes": 19}"#, "a.csv", table, Some("file/structure/size")),
            (r#"{"csv": {"columns": ["id", "name"], "max_rows": 2}}"#, "a.csv", table, None),
            (r#"{"csv": {"columns": ["name", "id"]}}"#, "a.csv", table, Some("file/structure/table")),
            (r#"{"csv": {"columns": ["id"]}}"#, "a.csv", table, Some("file/structure/table")),
            (r#"{"csv": {"columns": ["id", "name", "age"]}}"#, "a.csv", table, Some("file/structure/table")),
            (r#"{"csv": {"max_rows": 1}}"#, "a.csv", table, Some("file/structure/table")),
            // For who reads commas each of these has one column.
            (
                r#"{"csv": {"columns": ["id", "name"]}}"#,
                "a.csv",
                b"id;name\n1;Ada\n",
                Some("file/structure/table"),
            ),
            (
                r#"{"csv": {"columns": ["id", "name"]}}"#,
                "a.csv",
                b"id\tname\n1\tAda\n",
                Some("file/structure/table"),
            ),
            (
                r#"{"csv": {"columns": ["id", "name"]}}"#,
                "a.csv",
                b"sep=;\nid;name\n1;Ada\n",
                Some("file/structure/table"),
            ),
            (r#"{"csv": {"columns": ["id", "name"]}}"#, "a.csv", b"id,name\n1,Ada;Bob\n", None),
            (r#"{"csv": {"columns": ["id"]}}"#, "a.csv", b"id\n1\n", None),
            (r#"{"csv": {"max_rows": 1}}"#, "a.csv", b"id;name\n1;Ada\n", None),
            (r#"{"image": {"max_width": 300}}"#, "a.svg", DRAWING, Some("file/structure/image")),
            (r#"{"types": ["svg"]}"#, "a.svg", DRAWING, None),
            (r#"{"csv": {"columns": ["id"]}}"#, "a.gif", picture, None),
            (
                r#"{"image": {"min_width": 224, "max_width": 300, "min_height": 200, "max_height": 4096, "max_frames": 1, "channels": [3]}}"#,
                "a.gif",
                picture,
                None,
            ),
            (r#"{"image": {"min_width": 301}}"#, "a.gif", picture, Some("file/structure/image")),
            (r#"{"image": {"max_width": 299}}"#, "a.gif", picture, Some("file/structure/image")),
            (r#"{"image": {"min_height": 201}}"#, "a.gif", picture, Some("file/structure/image")),
            (r#"{"image": {"max_height": 199}}"#, "a.gif", picture, Some("file/structure/image")),
            (r#"{"image": {"channels": [1, 4]}}"#, "a.gif", picture, Some("file/structure/image")),
            // What says nothing of itself is not what is wanted.
            (r#"{"image": {"max_width": 300}}"#, "a.gif", &picture[..8], Some("file/structure/image")),
            (r#"{"image": {"max_width": 300}}"#, "a.csv", table, None),
        ] {
            assert_eq!(found(rules, name, bytes), expected.into_iter().collect::<Vec<_>>(), "{rules} {name}");
        }
        let frames = [&gif(300, 200)[..picture.len() - 1], &gif(300, 200)[19..]].concat();
        let rules = r#"{"image": {"max_frames": 1}}"#;
        assert_eq!(found(rules, "a.gif", &frames), ["file/structure/image"]);
    }

    /// A part of a request.
    struct Attachment;

    impl Part for Attachment {
        fn name(&self) -> String {
            "attachment".to_owned()
        }
    }

    #[test]
    fn a_file_that_is_not_what_its_route_takes_is_blocked_without_a_guard() {
        let by = |rules: &str| -> Inspection {
            inspection(&[]).structured(Some(std::sync::Arc::new(serde_json::from_str(rules).unwrap())))
        };
        let action = |by: &Inspection| {
            let mut verdict = Verdict::default();
            let claim = Claim { name: Some("a.csv"), media_type: None };
            by.bytes(Channel::User, &Attachment, b"id,name\n1,Ada\n", &claim, &mut verdict, |_, _| {});
            verdict.action()
        };
        assert_eq!(action(&by(r#"{"types": ["csv"]}"#)), cordon_core::Action::Allow);
        assert_eq!(action(&by(r#"{"types": ["pdf"]}"#)), cordon_core::Action::Block);
        // It is a rule of the route: whose findings do not count says nothing of it.
        let out = cordon_policy::Snapshot::compile(&cordon_core::State::new())
            .without(cordon_core::containment::Subject::parse("detector/file").unwrap());
        let by = by(r#"{"types": ["pdf"]}"#).contained(out.quarantined());
        assert_eq!(action(&by), cordon_core::Action::Block);
    }

    #[test]
    fn a_file_that_is_written_down_as_it_is_is_a_file() {
        let action = |rules: &str, request: serde_json::Value| {
            let rules: Option<RouteFiles> = serde_json::from_str(rules).unwrap();
            let by = inspection(&[]).structured(rules.map(std::sync::Arc::new));
            let (tree, mut verdict) = (tree(request.to_string()), Verdict::default());
            if request.get("max_tokens").is_some() {
                let read = MessagesRequest::read(tree, &http::HeaderMap::new(), Wanted::Message);
                let _ = read.unwrap().inspect(&by, &mut verdict);
            } else {
                let _ = crate::openai::Request::read(tree).unwrap().inspect(&by, &mut verdict);
            }
            verdict.action()
        };
        let shown = |url: &str| {
            let part = json!({"type": "image_url", "image_url": {"url": url}});
            json!({"model": "m", "messages": [{"role": "user", "content": [part]}]})
        };
        let document = |title: &str, text: &str| {
            let source = json!({"type": "text", "media_type": "text/plain", "data": text});
            let part = json!({"type": "document", "title": title, "source": source});
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [part]}]})
        };
        let drawing = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'%3E%3C/svg%3E";
        for (rules, request, expected) in [
            (r#"{"types": ["png"]}"#, shown(drawing), Action::Block),
            (r#"{"types": ["png"]}"#, shown("data:text/plain;charset=utf-8,hello%20there"), Action::Block),
            (r#"{"max_bytes": 4}"#, shown("data:,%41%42%43%44%45"), Action::Block),
            (r#"{"max_bytes": 5}"#, shown("data:,%41%42%43%44%45"), Action::Allow),
            (r#"{"types": ["svg"]}"#, shown(drawing), Action::Allow),
            ("null", shown(drawing), Action::Allow),
            (r#"{"types": ["pdf"]}"#, document("notes.txt", "Anything at all."), Action::Block),
            (r#"{"max_bytes": 9}"#, document("notes.txt", "Anything at all."), Action::Block),
            (r#"{"csv": {"columns": ["id"]}}"#, document("a.csv", "other,name\n1,Ada\n"), Action::Block),
            (
                r#"{"types": ["text"], "max_bytes": 99}"#,
                document("notes.txt", "Anything at all."),
                Action::Allow,
            ),
            (r#"{"csv": {"columns": ["id", "name"]}}"#, document("a.csv", "id,name\n1,Ada\n"), Action::Allow),
            ("null", document("notes.txt", "Anything at all."), Action::Allow),
        ] {
            assert_eq!(action(rules, request.clone()), expected, "{rules} {request}");
        }
    }

    #[test]
    fn every_type_has_its_word() {
        let mut words: Vec<&str> = FileType::ALL.iter().map(|file_type| file_type.as_str()).collect();
        words.sort_unstable();
        assert_eq!(words, FILE_TYPES);
    }
}
