//! The supply chain: licences, banned packages, sources and double versions, by the rules of `deny.toml`.
//!
//! Where `cargo-deny` is installed it decides. Where it is not, the part of the same file that needs no advisory data
//! base is checked here from `cargo metadata`: licences, bans, sources and double versions. **Known vulnerabilities are
//! then not looked at**, and the step says so.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

use crate::metadata::{self, Id, Package};
use crate::process;
use crate::report;

/// The step `supply`. `install` brings `cargo-deny` from the package registry when it is missing.
pub(crate) fn step(install: bool) -> Result<bool> {
    if install && !is_installed() {
        process::must(process::cargo().args(["install", "--locked", "cargo-deny"]))?;
    }
    if is_installed() {
        let kinds = if install {
            ["advisories", "licenses", "bans", "sources"].as_slice()
        } else {
            &["licenses", "bans", "sources"]
        };
        return process::succeeds(process::cargo().args(["deny", "--workspace", "check"]).args(kinds));
    }
    println!("cargo-deny is not installed: its rules are checked here, known vulnerabilities are not");
    println!("help: `cargo xtask check --deny` installs it and checks them too");
    let rules = Rules::read(&std::fs::read_to_string("deny.toml").context("reading deny.toml")?)?;
    let platforms: Vec<&str> = rules.platforms.iter().map(String::as_str).collect();
    let metadata = metadata::read(&platforms)?;
    let mut used = BTreeSet::new();
    for platform in &platforms {
        used.extend(metadata::tree(&["--workspace", "--target", platform, "--edges", "normal,build,dev"])?);
    }
    for warning in doubles(&used, &rules.skipped) {
        println!("warning: {warning}");
    }
    let mut findings = Vec::new();
    for (id, package) in metadata.packages.iter().filter(|(_, package)| used.contains(&package.id())) {
        findings.extend(rules.judge(package, &metadata.users(id, &used)));
    }
    Ok(report::nothing_found(&findings))
}

fn is_installed() -> bool {
    process::answers(process::cargo().args(["deny", "--version"]))
}

/// The part of `deny.toml` that is checked here.
struct Rules {
    platforms: Vec<String>,
    licenses: BTreeSet<String>,
    /// Licences allowed for one package.
    exceptions: BTreeMap<String, BTreeSet<String>>,
    banned: BTreeMap<String, Ban>,
    /// Names whose double versions were looked at.
    skipped: BTreeSet<String>,
}

struct Ban {
    reason: String,
    /// The packages that may use it all the same, such as a tool of tests.
    wrappers: BTreeSet<String>,
}

impl Rules {
    fn read(text: &str) -> Result<Self> {
        let root: Table = text.parse().context("reading deny.toml")?;
        let mut exceptions = BTreeMap::new();
        for entry in tables(&root, "licenses", "exceptions") {
            exceptions.insert(word(entry, "crate")?, strings(entry.get("allow")).collect());
        }
        let mut banned = BTreeMap::new();
        for entry in tables(&root, "bans", "deny") {
            let ban =
                Ban { reason: word(entry, "reason")?, wrappers: strings(entry.get("wrappers")).collect() };
            banned.insert(word(entry, "crate")?, ban);
        }
        let mut skipped = BTreeSet::new();
        for entry in tables(&root, "bans", "skip") {
            word(entry, "reason")?;
            let name = word(entry, "crate")?;
            skipped.insert(name.split('@').next().unwrap_or(&name).to_owned());
        }
        let licenses: BTreeSet<String> = strings(at(&root, "licenses", "allow")).collect();
        if licenses.is_empty() {
            bail!("deny.toml allows no licence");
        }
        Ok(Self {
            platforms: strings(at(&root, "graph", "targets")).collect(),
            licenses,
            exceptions,
            banned,
            skipped,
        })
    }

    /// What is wrong with a package, given the names of those that use it.
    fn judge(&self, package: &Package, users: &BTreeSet<&str>) -> Vec<String> {
        let mut findings = Vec::new();
        let name = format!("`{} {}`", package.name, package.version);
        if let Some(ban) = self.banned.get(&package.name)
            && let Some(user) = users.iter().find(|user| !ban.wrappers.contains(**user))
        {
            findings.push(format!("{name} is banned, and `{user}` uses it: {}", ban.reason));
        }
        // The index of the public registry, as cargo writes it; a package of this repository has no source.
        if package.source.as_deref().is_some_and(|source| !source.starts_with("registry+")) {
            findings.push(format!("{name} does not come from the registry"));
        }
        let own = self.exceptions.get(&package.name);
        let allowed =
            |license: &str| self.licenses.contains(license) || own.is_some_and(|own| own.contains(license));
        match &package.license {
            None => findings.push(format!("{name} names no licence")),
            Some(expression) => match satisfied(expression, &allowed) {
                Some(true) => {}
                Some(false) => findings
                    .push(format!("{name} has the licence `{expression}`, which deny.toml does not allow")),
                None => findings
                    .push(format!("{name} has the licence `{expression}`, which is not an SPDX expression")),
            },
        }
        findings
    }
}

/// Packages in more than one version, but for those that were looked at.
fn doubles(used: &BTreeSet<Id>, skipped: &BTreeSet<String>) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, version) in used {
        versions.entry(name).or_default().push(version);
    }
    versions
        .into_iter()
        .filter(|(name, versions)| versions.len() > 1 && !skipped.contains(*name))
        .map(|(name, versions)| {
            format!("`{name}` is there in {} versions: {}", versions.len(), versions.join(", "))
        })
        .collect()
}

/// Whether an SPDX licence expression (annex D of the SPDX specification) can be met; `None` when it is none.
/// `WITH` belongs to its licence; `AND` binds closer than `OR`; the old `/` of some packages means `OR`.
fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut words = words.as_slice();
    let met = any_of(&mut words, allowed, 0)?;
    words.is_empty().then_some(met)
}

/// Deeper nesting than any real licence has.
const MAX_DEPTH: usize = 16;

fn any_of(words: &mut &[&str], allowed: &dyn Fn(&str) -> bool, depth: usize) -> Option<bool> {
    let mut met = all_of(words, allowed, depth)?;
    while take(words, "OR") {
        met |= all_of(words, allowed, depth)?;
    }
    Some(met)
}

fn all_of(words: &mut &[&str], allowed: &dyn Fn(&str) -> bool, depth: usize) -> Option<bool> {
    let mut met = one(words, allowed, depth)?;
    while take(words, "AND") {
        met &= one(words, allowed, depth)?;
    }
    Some(met)
}

fn one(words: &mut &[&str], allowed: &dyn Fn(&str) -> bool, depth: usize) -> Option<bool> {
    if take(words, "(") {
        let met = (depth < MAX_DEPTH).then(|| any_of(words, allowed, depth + 1)).flatten()?;
        return take(words, ")").then_some(met);
    }
    let license = next(words)?;
    if ["AND", "OR", "WITH", ")"].contains(&license) {
        return None;
    }
    if take(words, "WITH") {
        return Some(allowed(&format!("{license} WITH {}", next(words)?)));
    }
    Some(allowed(license))
}

fn take(words: &mut &[&str], word: &str) -> bool {
    let found = words.first() == Some(&word);
    if found {
        next(words);
    }
    found
}

fn next<'a>(words: &mut &[&'a str]) -> Option<&'a str> {
    let (first, rest) = words.split_first()?;
    *words = rest;
    Some(first)
}

fn at<'a>(root: &'a Table, table: &str, key: &str) -> Option<&'a Value> {
    root.get(table)?.get(key)
}

fn tables<'a>(root: &'a Table, table: &str, key: &str) -> impl Iterator<Item = &'a Table> {
    at(root, table, key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
}

fn strings(value: Option<&Value>) -> impl Iterator<Item = String> + '_ {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}

fn word(entry: &Table, key: &str) -> Result<String> {
    entry
        .get(key)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .with_context(|| format!("deny.toml: {entry:?} has no `{key}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
        [graph]
        targets = ["x86_64-unknown-linux-gnu"]
        [licenses]
        allow = ["MIT", "Apache-2.0 WITH LLVM-exception"]
        exceptions = [{ crate = "special", allow = ["ISC"] }]
        [bans]
        deny = [{ crate = "ring", reason = "one crypto provider", wrappers = ["tool"] }]
        skip = [{ crate = "twice@1", reason = "seen" }]
    "#;

    fn judged(rules: &Rules, package: &Package) -> Vec<String> {
        rules.judge(package, &BTreeSet::from(["somebody"]))
    }

    fn package(name: &str, license: Option<&str>, source: Option<&str>) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: license.map(str::to_owned),
            source: source.map(str::to_owned),
            dependencies: Vec::new(),
        }
    }

    #[test]
    fn expressions_are_met_as_their_words_say() {
        let allowed =
            |license: &str| ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].contains(&license);
        let cases = [
            ("MIT", Some(true)),
            ("GPL-3.0-only", Some(false)),
            ("GPL-3.0-only OR MIT", Some(true)),
            ("GPL-3.0-only AND MIT", Some(false)),
            ("MIT AND (GPL-3.0-only OR Apache-2.0)", Some(true)),
            ("GPL-3.0-only OR MIT AND ISC", Some(false)),
            ("Apache-2.0 WITH LLVM-exception", Some(true)),
            ("MIT WITH LLVM-exception", Some(false)),
            ("MIT/Apache-2.0", Some(true)),
            ("MIT OR", None),
            ("(MIT", None),
            ("MIT ISC", None),
            ("", None),
        ];
        for (expression, expected) in cases {
            assert_eq!(satisfied(expression, &allowed), expected, "{expression}");
        }
        assert_eq!(satisfied(&"(".repeat(10_000), &allowed), None);
    }

    #[test]
    fn each_rule_catches_what_it_is_for() {
        let rules = Rules::read(RULES).unwrap();
        let registry = Some("registry+https://example.org/index");
        assert!(judged(&rules, &package("fine", Some("MIT"), registry)).is_empty());
        assert!(judged(&rules, &package("special", Some("ISC"), registry)).is_empty());
        assert!(judged(&rules, &package("other", Some("ISC"), registry))[0].contains("does not allow"));
        assert!(judged(&rules, &package("bare", None, registry))[0].contains("names no licence"));
        assert!(judged(&rules, &package("ring", Some("MIT"), registry))[0].contains("one crypto provider"));
        assert!(
            judged(&rules, &package("git", Some("MIT"), Some("git+https://example.org")))[0]
                .contains("registry")
        );
    }

    #[test]
    fn a_rule_without_a_reason_is_refused() {
        assert!(Rules::read(&RULES.replace(", reason = \"seen\"", "")).is_err());
        assert!(Rules::read(&RULES.replace("reason = \"one crypto provider\", ", "")).is_err());
        assert!(Rules::read("[licenses]\nallow = []").is_err());
    }
}
