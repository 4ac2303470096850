//! For CI.

use super::{super::super::table::plain, Report};

pub(super) fn of(report: &Report) -> String {
    let cases = || {
        let rows = report.sections.iter().flat_map(|section| &section.table.rows);
        rows.filter_map(|row| Some((row.case.as_ref()?, row.failure.as_ref())))
    };
    let failures = cases().filter(|(_, failure)| failure.is_some()).count();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"cordon {}\" tests=\"{}\" failures=\"{failures}\">\n",
        report.name,
        cases().count()
    );
    for (case, failure) in cases() {
        let case = attribute(case);
        let (suite, end) = (format!("cordon.{}", report.name), "</testcase>\n");
        match failure {
            None => text.push_str(&format!("  <testcase classname=\"{suite}\" name=\"{case}\"/>\n")),
            Some(found) => {
                let found = attribute(found);
                text.push_str(&format!(
                    "  <testcase classname=\"{suite}\" name=\"{case}\"><failure message=\"{found}\"/>{end}"
                ));
            }
        }
    }
    text + "</testsuite>\n"
}

/// Text as an attribute of XML 1.0, which knows no control characters.
fn attribute(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in plain(text).replace('\n', " ").chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => shown.push('\u{fffd}'),
            _ => shown.push(c),
        }
    }
    shown
}
