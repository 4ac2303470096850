//! The software bill of materials: CycloneDX 1.6 in JSON, of exactly the packages that the binary is built from.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::metadata::{self, Id, Metadata, Package};
use crate::process;

/// The bill of one member of the workspace.
pub(crate) fn of(member: &str, version: &str, time: u64) -> Result<String> {
    let metadata = metadata::read(&[])?;
    // What build scripts use counts: what they make ends up in the binary.
    let used = metadata::tree(&["--package", member, "--edges", "normal,build"])?;
    let checksums = checksums(&std::fs::read_to_string("Cargo.lock").context("reading Cargo.lock")?)?;
    let bill = bill(&metadata, &used, &checksums, member, version, time);
    Ok(serde_json::to_string_pretty(&bill).context("writing the bill of materials")? + "\n")
}

/// SHA-256 of the registry's packages, from the lock file.
fn checksums(lock: &str) -> Result<BTreeMap<Id, String>> {
    let root: toml::Table = lock.parse().context("reading Cargo.lock")?;
    let packages = root.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let word = |package: &toml::Value, key: &str| package.get(key)?.as_str().map(str::to_owned);
    Ok(packages
        .filter_map(|package| {
            Some(((word(package, "name")?, word(package, "version")?), word(package, "checksum")?))
        })
        .collect())
}

fn url(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

fn bill(
    metadata: &Metadata,
    used: &BTreeSet<Id>,
    checksums: &BTreeMap<Id, String>,
    member: &str,
    version: &str,
    time: u64,
) -> Value {
    let is_used = |package: &Package| used.contains(&package.id());
    let packages: Vec<&Package> = metadata.packages.values().filter(|package| is_used(package)).collect();
    let components: Vec<Value> = packages
        .iter()
        .filter(|package| package.name != member)
        .map(|package| component(package, checksums.get(&package.id())))
        .chain([c_library()])
        .collect();
    let dependencies: Vec<Value> = packages
        .iter()
        .map(|package| {
            let below: BTreeSet<String> = package
                .dependencies
                .iter()
                .filter_map(|(id, _)| metadata.packages.get(id))
                .filter(|package| is_used(package))
                .map(url)
                .collect();
            json!({"ref": url(package), "dependsOn": below})
        })
        .collect();
    let root = format!("pkg:cargo/{member}@{version}");
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": timestamp(time),
            "component": {
                "type": "application", "bom-ref": root, "purl": root, "name": member, "version": version,
                "licenses": [{"expression": "Apache-2.0"}],
            },
        },
        "components": components,
        "dependencies": dependencies,
    })
}

fn component(package: &Package, checksum: Option<&String>) -> Value {
    let mut component = json!({
        "type": "library", "bom-ref": url(package), "purl": url(package),
        "name": package.name, "version": package.version,
    });
    if let Some(fields) = component.as_object_mut() {
        if let Some(license) = &package.license {
            let expression = license.replace('/', " OR ");
            fields.insert("licenses".into(), json!([{"expression": expression}]));
        }
        if let Some(checksum) = checksum {
            fields.insert("hashes".into(), json!([{"alg": "SHA-256", "content": checksum}]));
        }
    }
    component
}

/// The C library is linked into the binary, so it is part of the bill; its version is that of the building machine.
fn c_library() -> Value {
    let said = process::output(process::quiet("ldd").arg("--version")).unwrap_or_default();
    let version = said.lines().next().and_then(|line| line.rsplit(' ').next()).unwrap_or("unknown");
    json!({
        "type": "library", "bom-ref": "glibc", "name": "glibc", "version": version,
        "licenses": [{"expression": "LGPL-2.1-or-later"}],
    })
}

/// RFC 3339 in UTC (days to a date as in the proleptic Gregorian calendar).
fn timestamp(seconds: u64) -> String {
    let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
    let leap = |year: u64| (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    let mut year = 1970;
    while days >= if leap(year) { 366 } else { 365 } {
        days -= if leap(year) { 366 } else { 365 };
        year += 1;
    }
    let mut month = 1;
    for length in [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}T{:02}:{:02}:{:02}Z", days + 1, rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
        ] {
            assert_eq!(timestamp(seconds), text);
        }
    }

    #[test]
    fn the_bill_of_this_program_names_what_it_links_and_where_it_comes_from() {
        process::enter_repository().unwrap();
        let bill: Value = serde_json::from_str(&of("xtask", "9.9.9", 0).unwrap()).unwrap();
        let components = bill["components"].as_array().unwrap();
        let anyhow = components.iter().find(|component| component["name"] == "anyhow").unwrap();
        assert_eq!(anyhow["hashes"][0]["content"].as_str().unwrap().len(), 64);
        assert!(anyhow["licenses"][0]["expression"].as_str().unwrap().contains("MIT"));
        assert!(components.iter().all(|component| component["name"] != "tokio"), "xtask uses no runtime");
        let references: BTreeSet<&str> = components
            .iter()
            .map(|component| component["bom-ref"].as_str().unwrap())
            .chain([bill["metadata"]["component"]["bom-ref"].as_str().unwrap()])
            .collect();
        for edge in bill["dependencies"].as_array().unwrap() {
            for below in edge["dependsOn"].as_array().unwrap() {
                assert!(references.contains(below.as_str().unwrap()), "{below}");
            }
        }
    }
}
