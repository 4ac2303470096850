//! Names of entries: where one would be written by a reader that believes it.

use std::collections::BTreeMap;

use crate::{Reason, claim, context::Context};

/// Names that Windows gives to devices, whatever their ending.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The names of one archive so far.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// As a file system without case sees them; whether the name was a folder's.
    seen: BTreeMap<String, bool>,
}

impl Names {
    /// Checks a name, and whether it stood before.
    pub(crate) fn check(&mut self, context: &mut Context<'_>, name: &str) {
        for reason in reasons(name) {
            context.see(reason);
        }
        let folder = name.ends_with(['/', '\\']);
        let normal = name.replace('\\', "/").to_lowercase();
        let normal: Vec<&str> = normal.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        match self.seen.insert(normal.join("/"), folder) {
            // A folder may be named again and again.
            Some(true) if folder => {}
            Some(_) => context.see(Reason::DuplicateName),
            None => {}
        }
    }
}

/// What is wrong with a name.
fn reasons(name: &str) -> impl Iterator<Item = Reason> {
    let drive = name.as_bytes().get(1) == Some(&b':') && name.starts_with(|c: char| c.is_ascii_alphabetic());
    let absolute = name.starts_with(['/', '\\']) || drive;
    let parts = || name.split(['/', '\\']);
    let traversal =
        absolute || parts().any(|part| part.trim_end_matches([' ']) == "..") || name.contains('\0');
    let device = parts().any(|part| {
        let stem = part.split(['.', ':']).next().unwrap_or_default().trim_end().to_ascii_lowercase();
        let numbered = ["com", "lpt"].iter().any(|port| {
            stem.strip_prefix(port).is_some_and(|digit| {
                digit.chars().count() == 1 && digit.chars().all(|c| matches!(c, '0'..='9' | '¹' | '²' | '³'))
            })
        });
        numbered || DEVICES.contains(&stem.as_str())
    });
    let stream = !drive && name.contains(':');
    [
        (traversal, Reason::Traversal),
        (device, Reason::DeviceName),
        (stream, Reason::StreamName),
        (claim::turns(name), Reason::NameDirection),
    ]
    .into_iter()
    .filter_map(|(is, reason)| is.then_some(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_their_folder_are_seen() {
        for (name, expected) in [
            ("a/b.txt", None),
            ("a..b/c", None),
            ("консоль/con-tract.txt", None),
            ("../../etc/x", Some(Reason::Traversal)),
            ("a\\..\\..\\x", Some(Reason::Traversal)),
            ("/etc/x", Some(Reason::Traversal)),
            ("C:\\x", Some(Reason::Traversal)),
            ("\\\\host\\x", Some(Reason::Traversal)),
            ("a/CON.txt", Some(Reason::DeviceName)),
            ("lpt1", Some(Reason::DeviceName)),
            ("a.txt:hidden.exe", Some(Reason::StreamName)),
            ("a\u{202e}txt.exe", Some(Reason::NameDirection)),
        ] {
            assert_eq!(reasons(name).next(), expected, "{name}");
        }
    }
}
