//! An image in the layout of the OCI image specification 1.1: a folder that `skopeo`, `podman` and `buildah` read.
//!
//! One layer, not compressed, with the static binary, the trust anchors of the building machine, and a user that is not
//! root. There is no shell, no package manager and no library in it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::sha256;

/// User and group that the image runs as: above every user of a usual machine.
pub(crate) const USER: u32 = 65532;

/// What goes into the image.
pub(crate) struct Image<'a> {
    pub(crate) binary: &'a Path,
    /// Certificates that upstreams are checked against; left out where the machine has none.
    pub(crate) certificates: &'a Path,
    pub(crate) version: &'a str,
    pub(crate) revision: &'a str,
    /// Seconds since 1970.
    pub(crate) time: u64,
    pub(crate) architecture: &'a str,
}

impl Image<'_> {
    /// Writes the layout into a new folder; the path of the layer.
    pub(crate) fn write(&self, folder: &Path) -> Result<PathBuf> {
        let blobs = folder.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).with_context(|| format!("making {}", blobs.display()))?;
        let store = |bytes: &[u8], media_type: &str| -> Result<Value> {
            let digest = sha256(bytes);
            std::fs::write(blobs.join(&digest), bytes).with_context(|| format!("writing blob {digest}"))?;
            Ok(json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len()}))
        };
        let layer_bytes = self.layer()?;
        let layer = store(&layer_bytes, "application/vnd.oci.image.layer.v1.tar")?;
        let config = store(&serialized(&self.config(&layer))?, "application/vnd.oci.image.config.v1+json")?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config,
            "layers": [layer],
            "annotations": self.labels(),
        });
        let mut entry = store(&serialized(&manifest)?, "application/vnd.oci.image.manifest.v1+json")?;
        if let Some(entry) = entry.as_object_mut() {
            entry.insert("platform".into(), json!({"architecture": self.architecture, "os": "linux"}));
            entry.insert("annotations".into(), json!({"org.opencontainers.image.ref.name": self.version}));
        }
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [entry],
        });
        std::fs::write(folder.join("index.json"), serialized(&index)?).context("writing index.json")?;
        let layout = serialized(&json!({"imageLayoutVersion": "1.0.0"}))?;
        std::fs::write(folder.join("oci-layout"), layout).context("writing oci-layout")?;
        Ok(blobs.join(sha256(&layer_bytes)))
    }

    fn labels(&self) -> Value {
        json!({
            "org.opencontainers.image.title": "cordon",
            "org.opencontainers.image.licenses": "Apache-2.0",
            "org.opencontainers.image.version": self.version,
            "org.opencontainers.image.revision": self.revision,
        })
    }

    /// Both listeners on every address of the container: what is published is the operator's decision.
    fn config(&self, layer: &Value) -> Value {
        json!({
            "architecture": self.architecture,
            "os": "linux",
            "config": {
                "User": format!("{USER}:{USER}"),
                "Entrypoint": ["/cordon"],
                "Cmd": ["up", "--data", "/data", "--gateway", "0.0.0.0:4180", "--control", "0.0.0.0:4181"],
                "Env": ["SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
                "ExposedPorts": {"4180/tcp": {}, "4181/tcp": {}},
                "Volumes": {"/data": {}},
                "WorkingDir": "/data",
                "StopSignal": "SIGTERM",
                "Labels": self.labels(),
            },
            "rootfs": {"type": "layers", "diff_ids": [layer.get("digest")]},
        })
    }

    fn layer(&self) -> Result<Vec<u8>> {
        let mut layer = Layer { archive: tar::Builder::new(Vec::new()), time: self.time };
        for folder in ["etc", "etc/ssl", "etc/ssl/certs"] {
            layer.folder(folder, 0o755, 0)?;
        }
        layer.folder("data", 0o700, USER)?;
        layer.folder("tmp", 0o1777, 0)?;
        layer.file(
            "etc/passwd",
            format!("cordon:x:{USER}:{USER}::/data:/nonexistent\n").as_bytes(),
            0o644,
        )?;
        layer.file("etc/group", format!("cordon:x:{USER}:\n").as_bytes(), 0o644)?;
        layer.file("etc/nsswitch.conf", b"hosts: files dns\n", 0o644)?;
        if self.certificates.is_file() {
            let certificates = std::fs::read(self.certificates).context("reading the certificates")?;
            layer.file("etc/ssl/certs/ca-certificates.crt", &certificates, 0o644)?;
        } else {
            println!(
                "no {}: mount certificates, or upstreams cannot be checked",
                self.certificates.display()
            );
        }
        let binary =
            std::fs::read(self.binary).with_context(|| format!("reading {}", self.binary.display()))?;
        layer.file("cordon", &binary, 0o755)?;
        layer.archive.into_inner().context("closing the layer")
    }
}

struct Layer {
    archive: tar::Builder<Vec<u8>>,
    time: u64,
}

impl Layer {
    fn folder(&mut self, path: &str, mode: u32, owner: u32) -> Result<()> {
        self.add(&format!("{path}/"), &[], tar::EntryType::Directory, mode, owner)
    }

    fn file(&mut self, path: &str, bytes: &[u8], mode: u32) -> Result<()> {
        self.add(path, bytes, tar::EntryType::Regular, mode, 0)
    }

    fn add(&mut self, path: &str, bytes: &[u8], kind: tar::EntryType, mode: u32, owner: u32) -> Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(owner.into());
        header.set_gid(owner.into());
        header.set_mtime(self.time);
        header.set_size(bytes.len() as u64);
        self.archive
            .append_data(&mut header, path, bytes)
            .with_context(|| format!("adding {path} to the layer"))
    }
}

/// Unpacks a layer into a folder, with the modes that it gives; owners too, for root.
pub(crate) fn unpack(layer: &Path, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let file = std::fs::File::open(layer).with_context(|| format!("reading {}", layer.display()))?;
    let mut archive = tar::Archive::new(file);
    archive.set_preserve_permissions(true);
    archive.unpack(folder).with_context(|| format!("unpacking into {}", folder.display()))
}

fn serialized(value: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec(value).context("writing JSON")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::process::Command;

    use super::*;

    fn image(folder: &Path, binary: &Path) -> PathBuf {
        let image = Image {
            binary,
            certificates: &folder.join("absent.crt"),
            version: "1.2.3",
            revision: "abc",
            time: 1_700_000_000,
            architecture: "amd64",
        };
        image.write(&folder.join("image")).unwrap()
    }

    fn read(path: &Path) -> Value {
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn every_descriptor_leads_to_a_blob_of_its_digest_and_size() {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("binary");
        std::fs::write(&binary, "bytes").unwrap();
        image(folder.path(), &binary);
        let root = folder.path().join("image");
        assert_eq!(read(&root.join("oci-layout"))["imageLayoutVersion"], "1.0.0");
        let blob = |descriptor: &Value| {
            let digest = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
            let path = root.join("blobs/sha256").join(digest);
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(sha256(&bytes), digest);
            assert_eq!(descriptor["size"], bytes.len());
            path
        };
        let manifest = read(&blob(&read(&root.join("index.json"))["manifests"][0]));
        let config = read(&blob(&manifest["config"]));
        blob(&manifest["layers"][0]);
        assert_eq!(config["rootfs"]["diff_ids"][0], manifest["layers"][0]["digest"]);
        assert_eq!(config["config"]["User"], "65532:65532");
    }

    #[test]
    fn what_is_unpacked_runs_and_the_same_input_gives_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("binary");
        std::fs::write(&binary, "#!/bin/sh\necho cordon 1.2.3 $1\n").unwrap();
        let layer = image(folder.path(), &binary);
        let again = tempfile::tempdir().unwrap();
        assert_eq!(image(again.path(), &binary).file_name(), layer.file_name());

        let root = folder.path().join("root");
        unpack(&layer, &root).unwrap();
        let output = Command::new("sh").arg(root.join("cordon")).arg("--version").output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "cordon 1.2.3 --version\n");
        let mode = |name: &str| std::fs::metadata(root.join(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("data"), mode("cordon")), (0o700, 0o755));
        assert_eq!(std::fs::metadata(root.join("cordon")).unwrap().mtime(), 1_700_000_000);
    }
}
