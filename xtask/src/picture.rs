//! The arrows: what ARCHITECTURE.md draws is compared with what the crates really use.
//!
//! Three fenced blocks of the document are read by this program:
//!
//! - `edges`: `crate -> crate …`, every member of the workspace once, every normal dependency on another member.
//! - `never`: `crate: package …`, packages that must not be among its dependencies, however deep.
//! - `only`: `package: crate …`, the only members that may name the package among their own dependencies.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use crate::metadata::{self, Metadata};
use crate::report;

type Lists = BTreeMap<String, BTreeSet<String>>;

struct Picture {
    edges: Lists,
    never: Lists,
    only: Lists,
}

/// The step `arrows`.
pub(crate) fn step() -> Result<bool> {
    let text = std::fs::read_to_string("ARCHITECTURE.md").context("reading ARCHITECTURE.md")?;
    let picture = parse(&text)?;
    let metadata = metadata::read(&[])?;
    let mut findings = compare(&picture.edges, &metadata.member_edges());
    findings.extend(misplaced(&picture.only, &direct(&metadata)));
    let known: BTreeSet<&str> = metadata.members().map(|package| package.name.as_str()).collect();
    for (name, forbidden) in &picture.never {
        if known.contains(name.as_str()) {
            findings.extend(contained(name, forbidden, &closure(name)?));
        } else {
            findings.push(format!(
                "ARCHITECTURE.md: `never` names `{name}`, which is not a crate of the workspace"
            ));
        }
    }
    Ok(report::nothing_found(&findings))
}

fn parse(text: &str) -> Result<Picture> {
    Ok(Picture {
        edges: block(text, "edges", "->")?,
        never: block(text, "never", ":")?,
        only: block(text, "only", ":")?,
    })
}

/// The lines `name SEPARATOR name …` of one fenced block.
fn block(text: &str, kind: &str, separator: &str) -> Result<Lists> {
    let fence = format!("```{kind}");
    let mut lines = text.lines().skip_while(|line| line.trim() != fence);
    if lines.next().is_none() {
        bail!("ARCHITECTURE.md has no block `{kind}`\nhelp: write one between {fence} and ```");
    }
    let mut lists = Lists::new();
    for line in lines.take_while(|line| line.trim() != "```").filter(|line| !line.trim().is_empty()) {
        let Some((name, rest)) = line.split_once(separator) else {
            bail!("ARCHITECTURE.md: `{line}` in block `{kind}` has no `{separator}`");
        };
        let name = name.trim().to_owned();
        let rest = rest.split_whitespace().map(str::to_owned).collect();
        if lists.insert(name.clone(), rest).is_some() {
            bail!("ARCHITECTURE.md: block `{kind}` names `{name}` twice");
        }
    }
    Ok(lists)
}

fn compare(drawn: &Lists, real: &Lists) -> Vec<String> {
    let none = BTreeSet::new();
    let mut findings = Vec::new();
    for name in drawn.keys().chain(real.keys()).collect::<BTreeSet<_>>() {
        if !real.contains_key(name) {
            findings.push(format!("ARCHITECTURE.md draws `{name}`, which is not a crate of the workspace"));
            continue;
        }
        if !drawn.contains_key(name) {
            findings.push(format!("ARCHITECTURE.md does not draw the crate `{name}`"));
        }
        let (drawn, real) = (drawn.get(name).unwrap_or(&none), real.get(name).unwrap_or(&none));
        for target in real.difference(drawn) {
            findings.push(format!(
                "`{name}` uses `{target}`: no such arrow in ARCHITECTURE.md\nhelp: take the dependency out, or argue for the arrow and draw it"
            ));
        }
        for target in drawn.difference(real) {
            findings.push(format!("ARCHITECTURE.md draws `{name} -> {target}`, which nothing needs"));
        }
    }
    findings
}

/// Names of the packages that each member uses itself, normal edges alone.
fn direct(metadata: &Metadata) -> Lists {
    metadata
        .members()
        .map(|package| {
            let names = package
                .dependencies
                .iter()
                .filter(|(_, normal)| *normal)
                .filter_map(|(id, _)| metadata.packages.get(id))
                .map(|target| target.name.clone());
            (package.name.clone(), names.collect())
        })
        .collect()
}

fn misplaced(only: &Lists, direct: &Lists) -> Vec<String> {
    let mut findings = Vec::new();
    for (package, homes) in only {
        for (name, _) in direct.iter().filter(|(name, uses)| uses.contains(package) && !homes.contains(*name))
        {
            findings.push(format!("`{name}` uses `{package}`, which ARCHITECTURE.md keeps to {homes:?}"));
        }
    }
    findings
}

/// Every package below a member when it is built alone, so that no other member's features count.
fn closure(name: &str) -> Result<BTreeSet<String>> {
    let packages = metadata::tree(&["--package", name, "--edges", "normal"])?;
    Ok(packages.into_iter().map(|(name, _)| name).collect())
}

fn contained(name: &str, forbidden: &BTreeSet<String>, closure: &BTreeSet<String>) -> Vec<String> {
    forbidden
        .intersection(closure)
        .map(|package| {
            format!(
                "`{name}` must never contain `{package}`\nhelp: `cargo tree -p {name} -e normal -i {package}` says where it comes from"
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(text: &str, kind: &str, separator: &str) -> Lists {
        block(text, kind, separator).unwrap()
    }

    const PAGE: &str =
        "words\n```edges\na ->\nb -> a\n```\nmore\n```never\na: tokio sqlx\n```\n```only\nsqlx: b\n```\n";

    #[test]
    fn the_three_blocks_are_read() {
        let picture = parse(PAGE).unwrap();
        assert_eq!(picture.edges.len(), 2);
        assert!(picture.edges["a"].is_empty());
        assert_eq!(picture.never["a"].len(), 2);
        assert_eq!(picture.only["sqlx"], BTreeSet::from(["b".to_owned()]));
    }

    #[test]
    fn a_page_that_cannot_be_read_is_an_error_and_not_a_pass() {
        for page in ["", "```edges\na b\n```", "```edges\na -> b\na -> c\n```"] {
            assert!(parse(page).is_err(), "{page:?}");
        }
    }

    #[test]
    fn an_edge_on_either_side_alone_is_found() {
        let drawn = lists("```edges\na ->\nb -> a\nc -> a\n```", "edges", "->");
        assert!(compare(&drawn, &drawn).is_empty());
        let more = lists("```edges\na -> b\nb -> a\nc -> a\n```", "edges", "->");
        assert!(compare(&drawn, &more)[0].contains("`a` uses `b`"));
        assert!(compare(&more, &drawn)[0].contains("draws `a -> b`"));
        let fewer = lists("```edges\na ->\nb -> a\n```", "edges", "->");
        assert!(compare(&drawn, &fewer)[0].contains("not a crate"));
        assert!(
            compare(&fewer, &drawn).iter().any(|finding| finding.contains("does not draw the crate `c`"))
        );
    }

    #[test]
    fn a_forbidden_package_is_found_at_any_depth_and_a_kept_one_outside_of_its_home() {
        let forbidden = BTreeSet::from(["tokio".to_owned()]);
        let closure = BTreeSet::from(["serde".to_owned(), "tokio".to_owned()]);
        assert_eq!(contained("a", &forbidden, &closure).len(), 1);
        let only = lists("```only\nsqlx: b\n```", "only", ":");
        let uses = lists("```edges\na -> sqlx\nb -> sqlx\n```", "edges", "->");
        let findings = misplaced(&only, &uses);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("`a` uses `sqlx`"));
    }
}
