//! `cargo xtask dist`: what is handed to others, in `dist/`: one static binary, an OCI image layout, a software bill of
//! materials, and the checksums of all of it. What was made is unpacked and run before the command says that it is done.
//!
//! The same commit gives the same files but for the compiler's own output: times come from the commit.

mod oci;
mod sbom;

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::process;

const FOLDER: &str = "dist";

/// Runs the command; it has no options.
pub(crate) fn command(options: &[String]) -> Result<bool> {
    if !options.is_empty() {
        bail!("`dist` has no options");
    }
    let target = host()?;
    let build = Build::new(&target)?;
    let built = build.binary()?;
    linkage(&built)?;

    let folder = Path::new(FOLDER);
    if folder.exists() {
        std::fs::remove_dir_all(folder).context("emptying dist")?;
    }
    std::fs::create_dir_all(folder).context("making dist")?;
    let name = format!("cordon-{}-{target}", build.version);
    let binary = folder.join(&name);
    std::fs::copy(&built, &binary).with_context(|| format!("copying to {}", binary.display()))?;
    let materials = sbom::of("cordon", &build.version, build.time)?;
    std::fs::write(folder.join(format!("cordon-{}.cdx.json", build.version)), materials)
        .context("writing the bill of materials")?;
    let image = oci::Image {
        binary: &binary,
        certificates: Path::new("/etc/ssl/certs/ca-certificates.crt"),
        version: &build.version,
        revision: &build.revision,
        time: build.time,
        architecture: architecture(&target)?,
    };
    let layer = image.write(&folder.join("image"))?;
    let sums = checksums(folder)?;
    std::fs::write(folder.join("SHA256SUMS"), &sums).context("writing SHA256SUMS")?;
    print!("\n{sums}");
    verify(&layer, &build.version)
}

/// What is built, and from what.
struct Build {
    target: String,
    version: String,
    revision: String,
    /// Seconds since 1970: `SOURCE_DATE_EPOCH`, else the commit's time.
    time: u64,
}

impl Build {
    fn new(target: &str) -> Result<Self> {
        let git = |words: &[&str]| process::output(process::quiet("git").args(words));
        let time = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(time) => time,
            Err(_) => git(&["log", "-1", "--format=%ct"])?,
        };
        Ok(Self {
            target: target.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: git(&["rev-parse", "HEAD"])?.trim().to_owned(),
            time: time
                .trim()
                .parse()
                .with_context(|| format!("`{}` is not a time in seconds", time.trim()))?,
        })
    }

    /// Built with the C library inside: nothing of the machine is needed but the kernel. The target is named, so that build
    /// scripts and macros, which must load libraries, are built as usual.
    fn binary(&self) -> Result<PathBuf> {
        let root = process::root();
        let home =
            std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|home| home + "/.cargo"));
        let flags = format!(
            "-C target-feature=+crt-static --remap-path-prefix={}=cordon --remap-path-prefix={}=cargo",
            root.display(),
            home.context("neither CARGO_HOME nor HOME is set")?,
        );
        let commit = self.revision.get(..12).unwrap_or(&self.revision);
        process::must(
            process::cargo()
                .args([
                    "build",
                    "--release",
                    "--locked",
                    "--package",
                    "cordon",
                    "--bin",
                    "cordon",
                    "--target",
                    &self.target,
                ])
                .env("RUSTFLAGS", flags)
                .env("CORDON_BUILD", format!("{}+{commit}", self.version))
                .env("CARGO_TARGET_DIR", "target/dist"),
        )?;
        Ok(Path::new("target/dist").join(&self.target).join("release/cordon"))
    }
}

fn host() -> Result<String> {
    let text = process::output(process::quiet("rustc").arg("-vV"))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_owned())
}

/// The architecture in the words of the OCI image specification (those of Go's `GOARCH`).
fn architecture(target: &str) -> Result<&'static str> {
    match target.split('-').next() {
        Some("x86_64") => Ok("amd64"),
        Some("aarch64") => Ok("arm64"),
        other => bail!("no image is made for {other:?}"),
    }
}

/// Says what the binary links, and refuses one that needs a library of the machine.
fn linkage(binary: &Path) -> Result<()> {
    let bytes = std::fs::read(binary).with_context(|| format!("reading {}", binary.display()))?;
    if needs_loader(&bytes)? {
        bail!("{} needs a loader and shared libraries\nhelp: `ldd` names them", binary.display());
    }
    println!(
        "{}: {} bytes, static: the C library, SQLite and the crypto provider are inside",
        binary.display(),
        bytes.len()
    );
    Ok(())
}

/// Whether an ELF file (64 bits, little-endian) has a segment `PT_INTERP`, the path of a loader (System V ABI, chapter 5).
fn needs_loader(elf: &[u8]) -> Result<bool> {
    const PT_INTERP: u32 = 3;
    if !elf.starts_with(b"\x7fELF\x02\x01") {
        bail!("not a 64-bit little-endian ELF file");
    }
    let number = |at: usize, length: usize| -> Result<usize> {
        let bytes =
            at.checked_add(length).and_then(|end| elf.get(at..end)).context("the ELF file ends too early")?;
        let value = bytes.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        usize::try_from(value).context("a number of the ELF file is too large")
    };
    let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    for index in 0..count {
        let at = index
            .checked_mul(size)
            .and_then(|offset| offset.checked_add(table))
            .context("a broken ELF table")?;
        if number(at, 4)? == PT_INTERP as usize {
            return Ok(true);
        }
    }
    Ok(false)
}

/// SHA-256 of bytes, in lower-case hexadecimal digits.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The lines of `sha256sum` for every file below a folder, by path.
fn checksums(folder: &Path) -> Result<String> {
    let mut paths = Vec::new();
    files(folder, &mut paths)?;
    paths.sort();
    let mut lines = String::new();
    for path in paths {
        let mut bytes = Vec::new();
        std::fs::File::open(&path)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .with_context(|| format!("reading {}", path.display()))?;
        let name = path.strip_prefix(folder).unwrap_or(&path);
        lines.push_str(&format!("{}  {}\n", sha256(&bytes), name.display()));
    }
    Ok(lines)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// Checks the checksums with the ordinary tool, then unpacks the image's layer and runs what is in it: as root, with the
/// layer as the whole file system and as the image's user; otherwise from where it was unpacked.
fn verify(layer: &Path, version: &str) -> Result<bool> {
    process::must(
        process::quiet("sha256sum").args(["--check", "--quiet", "SHA256SUMS"]).current_dir(FOLDER),
    )?;
    let root = Path::new("target/dist/unpacked");
    if root.exists() {
        std::fs::remove_dir_all(root).context("emptying target/dist/unpacked")?;
    }
    oci::unpack(layer, root)?;
    let is_root = process::is_root()?;
    let mut command = if is_root {
        let mut command = process::quiet("chroot");
        command.arg(format!("--userspec={user}:{user}", user = oci::USER)).arg(root).arg("/cordon");
        command
    } else {
        process::quiet(root.join("cordon"))
    };
    let said = process::output(command.arg("--version"))?;
    println!("unpacked, {} says: {}", if is_root { "in a root of its own" } else { "in place" }, said.trim());
    Ok(said.split_whitespace().any(|word| word.starts_with(version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head of 64 bytes and one program header of the given kind.
    fn elf(kind: u32) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 56];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        bytes[64..68].copy_from_slice(&kind.to_le_bytes());
        bytes
    }

    #[test]
    fn a_loader_is_seen_in_the_headers() {
        assert!(needs_loader(&elf(3)).unwrap());
        assert!(!needs_loader(&elf(1)).unwrap());
        assert!(needs_loader(b"#!/bin/sh").is_err());
        assert!(needs_loader(&elf(1)[..66]).is_err());
        assert!(needs_loader(&std::fs::read(std::env::current_exe().unwrap()).unwrap()).unwrap());
    }

    #[test]
    fn checksums_are_those_of_the_ordinary_tool() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        std::fs::write(folder.path().join("b/c"), "abc").unwrap();
        std::fs::write(folder.path().join("a"), "").unwrap();
        let sums = checksums(folder.path()).unwrap();
        // FIPS 180-4 gives the digest of "abc"; that of nothing is as well known.
        assert_eq!(
            sums,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n\
             ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  b/c\n"
        );
    }
}
