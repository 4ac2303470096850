//! The note in the data folder that tells commands which server serves it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// The name of the file in the data folder.
const FILE: &str = "control.url";

/// Notes where the control listener of this folder's server is. Call it when the listener listens; a note that nobody
/// took away is harmless, since commands look at it only while the folder is locked.
///
/// # Errors
/// When the file cannot be written: commands then need `--server`.
pub fn announce(folder: &Path, listener: SocketAddr) -> io::Result<()> {
    let reachable = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, listener.port())),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::from((Ipv6Addr::LOCALHOST, listener.port())),
        _ => listener,
    };
    let part = folder.join("control.url.part");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    writeln!(file, "http://{reachable}")?;
    fs::rename(&part, folder.join(FILE))
}

/// Where the server of a folder said that its control listener is.
pub fn announced(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join(FILE)).ok()?;
    let url = text.trim();
    // Only what `announce` writes: the administrator's token is sent there.
    url.strip_prefix("http://").and_then(|address| address.parse::<SocketAddr>().ok()).map(|_| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_reached_on_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(announced(folder.path()), None);
        announce(folder.path(), "0.0.0.0:4181".parse().unwrap()).unwrap();
        assert_eq!(announced(folder.path()).as_deref(), Some("http://127.0.0.1:4181"));
        announce(folder.path(), "[::1]:9".parse().unwrap()).unwrap();
        assert_eq!(announced(folder.path()).as_deref(), Some("http://[::1]:9"));
        fs::write(folder.path().join(FILE), "http://evil.example/\n").unwrap();
        assert_eq!(announced(folder.path()), None);
    }
}
