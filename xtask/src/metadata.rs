//! The part of `cargo metadata` that the checks read.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// The packages that the workspace really uses, on the platforms that it is built for.
pub(crate) struct Metadata {
    /// By package id.
    pub(crate) packages: BTreeMap<String, Package>,
    members: BTreeSet<String>,
}

/// One package.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    /// `None` for a package of this repository.
    pub(crate) source: Option<String>,
    /// Edges as they were resolved: id and whether it is a normal one (not only for build scripts or tests).
    pub(crate) dependencies: Vec<(String, bool)>,
}

/// Name and version.
pub(crate) type Id = (String, String);

/// What `cargo tree` lists for these options. It knows which features are on; `cargo metadata` alone also names packages
/// that an optional feature would bring.
pub(crate) fn tree(options: &[&str]) -> Result<BTreeSet<Id>> {
    let mut command = process::cargo();
    command.args(["tree", "--locked", "--prefix", "none", "--format", "{p}"]).args(options);
    Ok(process::output(&mut command)?.lines().filter_map(name_and_version).collect())
}

/// Of a line such as `serde v1.0.229 (proc-macro)`.
fn name_and_version(line: &str) -> Option<Id> {
    let mut words = line.split_whitespace();
    Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
}

impl Package {
    pub(crate) fn id(&self) -> Id {
        (self.name.clone(), self.version.clone())
    }
}

/// Reads the metadata of the workspace, for the given target triples.
pub(crate) fn read(platforms: &[&str]) -> Result<Metadata> {
    let mut command = process::cargo();
    command.args(["metadata", "--format-version", "1", "--locked"]);
    for platform in platforms {
        command.args(["--filter-platform", platform]);
    }
    let text = process::output(&mut command)?;
    parse(&serde_json::from_str(&text).context("reading the answer of cargo metadata")?)
}

fn parse(root: &Value) -> Result<Metadata> {
    let mut edges: BTreeMap<String, Vec<(String, bool)>> = BTreeMap::new();
    for node in list(root.pointer("/resolve/nodes")) {
        let targets = list(node.get("deps")).iter().map(|dep| {
            let normal =
                list(dep.get("dep_kinds")).iter().any(|kind| kind.get("kind").is_none_or(Value::is_null));
            (text(dep.get("pkg")).unwrap_or_default(), normal)
        });
        edges.insert(text(node.get("id")).context("a node without id")?, targets.collect());
    }
    let mut packages = BTreeMap::new();
    for package in list(root.get("packages")) {
        let id = text(package.get("id")).context("a package without id")?;
        let Some(dependencies) = edges.remove(&id) else { continue };
        packages.insert(
            id,
            Package {
                name: text(package.get("name")).context("a package without name")?,
                version: text(package.get("version")).context("a package without version")?,
                license: text(package.get("license")),
                source: text(package.get("source")),
                dependencies,
            },
        );
    }
    let members = list(root.get("workspace_members")).iter().filter_map(|id| text(Some(id))).collect();
    Ok(Metadata { packages, members })
}

impl Metadata {
    /// The packages of this workspace.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.members.iter().filter_map(|id| self.packages.get(id))
    }

    /// The names of the packages in the set that use this one themselves, for whatever.
    pub(crate) fn users(&self, id: &str, set: &BTreeSet<Id>) -> BTreeSet<&str> {
        let uses = |package: &&Package| package.dependencies.iter().any(|(target, _)| target == id);
        let packages = self.packages.values().filter(|package| set.contains(&package.id()));
        packages.filter(uses).map(|package| package.name.as_str()).collect()
    }

    /// Normal edges between members, by name. Edges of tests and build scripts are nobody's architecture.
    pub(crate) fn member_edges(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.members()
            .map(|package| {
                let targets = package
                    .dependencies
                    .iter()
                    .filter(|(id, normal)| *normal && self.members.contains(id))
                    .filter_map(|(id, _)| self.packages.get(id))
                    .map(|target| target.name.clone())
                    .collect();
                (package.name.clone(), targets)
            })
            .collect()
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_tree_are_read() {
        let read = name_and_version("serde_derive v1.0.2 (proc-macro)").unwrap();
        assert_eq!(read, ("serde_derive".to_owned(), "1.0.2".to_owned()));
        assert_eq!(name_and_version(""), None);
    }

    #[test]
    fn only_resolved_packages_and_normal_edges_count() {
        let root = serde_json::json!({
            "workspace_members": ["a", "b"],
            "packages": [
                {"id": "a", "name": "alpha", "version": "1.0.0", "license": null, "source": null},
                {"id": "b", "name": "beta", "version": "1.0.0", "license": null, "source": null},
                {"id": "x", "name": "unused", "version": "1.0.0", "license": "MIT", "source": "r"},
            ],
            "resolve": {"nodes": [
                {"id": "a", "deps": [{"pkg": "b", "dep_kinds": [{"kind": "dev"}, {"kind": null}]}]},
                {"id": "b", "deps": [{"pkg": "a", "dep_kinds": [{"kind": "dev"}]}]},
            ]},
        });
        let metadata = parse(&root).unwrap();
        assert_eq!(metadata.packages.len(), 2);
        let edges = metadata.member_edges();
        assert_eq!(edges["alpha"], BTreeSet::from(["beta".to_owned()]));
        assert!(edges["beta"].is_empty());
        let all = metadata.packages.values().map(Package::id).collect();
        assert_eq!(metadata.users("b", &all), BTreeSet::from(["alpha"]));
        assert!(metadata.users("b", &BTreeSet::new()).is_empty());
    }
}
