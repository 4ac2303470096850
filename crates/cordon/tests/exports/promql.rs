//! Which metrics and labels an expression of PromQL names: enough of its grammar for expressions that we wrote.

/// What an expression names.
#[derive(Debug, Default)]
pub struct Named {
    /// Metrics, as they are selected.
    pub metrics: Vec<String>,
    /// Labels, in selectors and in groupings, with the value that a selector compares them with.
    pub labels: Vec<(String, Option<String>)>,
}

const WORDS: [&str; 9] = ["by", "without", "on", "ignoring", "and", "or", "unless", "bool", "offset"];

pub fn named(expression: &str) -> Named {
    let mut found = Named::default();
    let mut rest = expression;
    // Inside of braces, or of a grouping's parentheses, names are labels.
    let (mut selector, mut grouping, mut grouped) = (false, false, false);
    let mut label = String::new();
    while let Some(first) = rest.chars().next() {
        match first {
            '"' => {
                let end = rest[1..].find('"').expect("a string ends") + 1;
                found.labels.push((std::mem::take(&mut label), Some(rest[1..end].to_owned())));
                rest = &rest[end + 1..];
            }
            '[' => rest = &rest[rest.find(']').expect("a range ends") + 1..],
            'a'..='z' | 'A'..='Z' | '_' => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                if selector {
                    label = name.to_owned();
                } else if grouping {
                    found.labels.push((name.to_owned(), None));
                } else if WORDS.contains(&name) {
                    grouped = matches!(name, "by" | "without" | "on" | "ignoring");
                } else if !after.trim_start().starts_with('(') && !is_aggregation(name, after) {
                    found.metrics.push(name.to_owned());
                }
                rest = after;
            }
            '0'..='9' => rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.'),
            other => {
                match other {
                    '{' => selector = true,
                    '}' => selector = false,
                    '(' => (grouping, grouped) = (grouped, false),
                    ')' => grouping = false,
                    _ => {}
                }
                rest = &rest[other.len_utf8()..];
            }
        }
    }
    found
}

/// `sum by (…) (…)`.
fn is_aggregation(name: &str, after: &str) -> bool {
    matches!(name, "sum" | "max" | "min" | "avg" | "count") && after.trim_start().starts_with("by ")
}

#[test]
fn names_are_found() {
    let found =
        named("histogram_quantile(0.9, sum by (le, a) (rate(m_bucket{b=~\"x|y\"}[$__i]))) / n > 5 and o");
    assert_eq!(found.metrics, ["m_bucket", "n", "o"]);
    let labels: Vec<&str> = found.labels.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((labels, found.labels[2].1.as_deref()), (vec!["le", "a", "b"], Some("x|y")));
}
