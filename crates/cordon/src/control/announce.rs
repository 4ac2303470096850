//! The note in the data folder that tells commands which server serves it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use cordon_core::Digest;

/// The name of the file in the data folder.
const FILE: &str = "control.url";

/// Where a server's control listener is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// `http://` or `https://`, an IP address and a port.
    pub url: String,
    /// The SHA-256 of the certificate that it shows. Its name may be any: the folder vouches for it.
    pub certificate: Option<Digest>,
}

/// Notes where the control listener of this folder's server is, and the certificate that it shows, if it speaks TLS. Call it
/// when the listener listens, and when the certificate is another; a note that nobody took away is harmless, since commands
/// look at it only while the folder is locked.
///
/// # Errors
/// When the file cannot be written: commands then need `--server`.
pub fn announce(folder: &Path, listener: SocketAddr, certificate: Option<Digest>) -> io::Result<()> {
    let reachable = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, listener.port())),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::from((Ipv6Addr::LOCALHOST, listener.port())),
        _ => listener,
    };
    let part = folder.join("control.url.part");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    match certificate {
        Some(certificate) => writeln!(file, "https://{reachable} {certificate}")?,
        None => writeln!(file, "http://{reachable}")?,
    }
    fs::rename(&part, folder.join(FILE))
}

/// Where the server of a folder said that its control listener is. Only what [`announce`] writes is taken: the
/// administrator's token is sent there.
pub fn announced(folder: &Path) -> Option<Announced> {
    let text = fs::read_to_string(folder.join(FILE)).ok()?;
    let (url, certificate) = match text.trim().split_once(' ') {
        Some((url, digest)) => (url, Some(Digest::parse(digest).ok()?)),
        None => (text.trim(), None),
    };
    let scheme = if certificate.is_some() { "https://" } else { "http://" };
    url.strip_prefix(scheme)?.parse::<SocketAddr>().ok()?;
    Some(Announced { url: url.to_owned(), certificate })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_reached_on_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        let said = || announced(folder.path()).map(|said| said.url);
        assert_eq!(said(), None);
        announce(folder.path(), "0.0.0.0:4181".parse().unwrap(), None).unwrap();
        assert_eq!(said().as_deref(), Some("http://127.0.0.1:4181"));
        announce(folder.path(), "[::1]:9".parse().unwrap(), None).unwrap();
        assert_eq!(said().as_deref(), Some("http://[::1]:9"));
        let certificate = Digest::sha256(b"certificate");
        announce(folder.path(), "127.0.0.1:9".parse().unwrap(), Some(certificate)).unwrap();
        let shown = Announced { url: "https://127.0.0.1:9".to_owned(), certificate: Some(certificate) };
        assert_eq!(announced(folder.path()), Some(shown));
        for wrong in [
            "http://evil.example/",
            "https://127.0.0.1:9",
            "https://127.0.0.1:9 0",
            "http://evil.example/ 1 2",
        ] {
            fs::write(folder.path().join(FILE), wrong).unwrap();
            assert_eq!(said(), None, "{wrong}");
        }
    }
}
