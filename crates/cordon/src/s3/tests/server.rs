//! A store that speaks S3, as a process of its own on loopback: it checks conditions, and keys and signatures where a test
//! says so. And something between it and its client that fails where a test says so.
#![allow(unreachable_pub, dead_code, reason = "tests of this crate and of the whole node use parts of it")]

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use cordon_testkit::server;

/// The bucket that is there.
pub const BUCKET: &str = "records";

/// Whether keys and signatures are checked. Where they are, moto refuses every listing whose prefix holds a `/`, also those of
/// Amazon's own clients: it reads the query decoded and signs it so. Such listings are tested where nobody checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    Any,
    Checked,
}

/// The running server, and the key that may use it.
pub struct Server {
    _process: server::Server,
    pub address: SocketAddr,
    pub id: String,
    pub secret: String,
}

impl Server {
    /// `None` where there is none, see [`server::find`].
    pub fn start(keys: Keys) -> Option<Self> {
        let mut command = Command::new(server::find("S3", "moto_server")?);
        command
            .args(["-H", "127.0.0.1", "-p", "0"])
            // The bucket and its user are made by anybody, with four requests.
            .env("INITIAL_NO_AUTH_ACTION_COUNT", if keys == Keys::Checked { "4" } else { "inf" })
            .env("S3_UPLOAD_PART_MIN_SIZE", "1");
        let process = server::Server::start(&mut command);
        let address = process.address;
        let mut server = Self { _process: process, address, id: String::new(), secret: String::new() };
        server.ask("PUT", "/records", "s3", "");
        let policy = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C\
                      %22Action%22%3A%22s3%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D";
        server.iam("Action=CreateUser&UserName=cordon");
        server.iam(&format!("Action=PutUserPolicy&UserName=cordon&PolicyName=all&PolicyDocument={policy}"));
        let key = server.iam("Action=CreateAccessKey&UserName=cordon");
        let field = |name: &str| {
            let (_, rest) = key.split_once(&format!("<{name}>")).expect("a key was made");
            rest.split_once('<').unwrap().0.to_owned()
        };
        (server.id, server.secret) = (field("AccessKeyId"), field("SecretAccessKey"));
        Some(server)
    }

    fn iam(&self, action: &str) -> String {
        self.ask("POST", "/", "iam", &format!("{action}&Version=2010-05-08"))
    }

    fn ask(&self, method: &str, path: &str, service: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=x/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len(),
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer
    }
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The connection ends before the server hears of it.
    Before,
    /// The server hears the half of it.
    TornRequest,
    /// The server does it, and nobody hears of that.
    After,
    /// The half of the answer arrives.
    TornAnswer,
    /// The server says that it cannot.
    Unavailable,
}

impl Fate {
    pub const ALL: [Self; 5] =
        [Self::Before, Self::TornRequest, Self::After, Self::TornAnswer, Self::Unavailable];
}

/// Answers a request from its bytes.
type Answer = dyn Fn(&[u8]) -> Vec<u8> + Send + Sync;

/// Stands before a server, hands on each request on a connection of its own, and lets one of them fail.
pub struct Between {
    pub address: SocketAddr,
    requests: Arc<AtomicUsize>,
    fault: Arc<Mutex<Option<(usize, Fate)>>>,
}

impl Between {
    pub fn before(server: SocketAddr) -> Self {
        Self::answering(move |request| forward(server, request))
    }

    /// Answers for itself.
    pub fn answering(answer: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, fault) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(None)));
        let answer: Arc<Answer> = Arc::new(answer);
        let shared = (Arc::clone(&requests), Arc::clone(&fault));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (requests, fault) = shared.clone();
                let answer = Arc::clone(&answer);
                thread::spawn(move || serve(stream, &requests, &fault, &*answer));
            }
        });
        Self { address, requests, fault }
    }

    /// How many requests there were since the last plan.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Which request from now on fails, from 1 on; 0: none.
    pub fn plan(&self, request: usize, fate: Fate) {
        let mut fault = self.fault.lock().unwrap();
        self.requests.store(0, Ordering::SeqCst);
        *fault = Some((request, fate));
    }
}

fn serve(
    mut stream: TcpStream,
    requests: &AtomicUsize,
    fault: &Mutex<Option<(usize, Fate)>>,
    answer: &Answer,
) {
    let Some(request) = read_request(&mut stream) else { return };
    let fate = {
        let fault = fault.lock().unwrap();
        let number = requests.fetch_add(1, Ordering::SeqCst) + 1;
        fault.filter(|(at, _)| *at == number).map(|(_, fate)| fate)
    };
    let said = match fate {
        Some(Fate::Before) => return,
        Some(Fate::TornRequest) => {
            answer(&request[..request.len() - 1 - request.len() / 4]);
            return;
        }
        Some(Fate::Unavailable) => {
            b"HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec()
        }
        _ => answer(&request),
    };
    let sent = match fate {
        Some(Fate::After) => return,
        Some(Fate::TornAnswer) => &said[..said.len() / 2],
        _ => &said[..],
    };
    let _ = stream.write_all(sent);
}

/// A whole request, `None` where the client went.
fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut buffer = [0; 64 << 10];
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&buffer[..read]);
        let Some(head) = request.windows(4).position(|part| part == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
        let whole = head + 4 + length.unwrap_or(0);
        while request.len() < whole {
            let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
            request.extend_from_slice(&buffer[..read]);
        }
        return Some(request);
    }
}

/// Asks the server, on a connection of its own.
pub fn forward(server: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server).unwrap();
    let line = request.windows(2).position(|part| part == b"\r\n").unwrap() + 2;
    let mut sent = request[..line].to_vec();
    // Not signed, and so not missed.
    sent.extend_from_slice(b"Connection: close\r\n");
    sent.extend_from_slice(&request[line..]);
    let _ = stream.write_all(&sent);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}
