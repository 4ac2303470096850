use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::http::{Request, Wire};
use crate::script::{Script, Step};

/// A provider on a loopback port that does what a test scripts and remembers what it was asked. It ends when dropped.
#[derive(Debug)]
pub struct FakeUpstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

/// What has happened at an upstream so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Connections accepted.
    pub accepted: usize,
    /// Connections open now.
    pub open: usize,
    /// Requests read in full.
    pub requests: usize,
    /// Scripts played to their end.
    pub finished: usize,
    /// Scripts that the peer left before their end: calls that the caller cancelled.
    pub abandoned: usize,
    /// Connections that broke while a request was read.
    pub broken_requests: usize,
}

#[derive(Debug)]
struct Shared {
    source: Mutex<Source>,
    requests: Mutex<Vec<Request>>,
    count: watch::Sender<Count>,
}

type Answering = Box<dyn FnMut(&Request) -> Script + Send>;

enum Source {
    Queue(VecDeque<Script>),
    Closure(Answering),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Queue(_)) { "Queue" } else { "Closure" })
    }
}

/// A test waits no longer than this for what it asked for.
const PATIENCE: Duration = Duration::from_secs(20);

impl FakeUpstream {
    /// Plays these scripts, one a request, in order. A request after the last is answered 500 with a word.
    pub async fn start(scripts: impl IntoIterator<Item = Script>) -> Self {
        Self::listen(Source::Queue(scripts.into_iter().collect())).await
    }

    /// Plays what the closure answers to each request.
    pub async fn answering(answer: impl FnMut(&Request) -> Script + Send + 'static) -> Self {
        Self::listen(Source::Closure(Box::new(answer))).await
    }

    async fn listen(source: Source) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            source: Mutex::new(source),
            requests: Mutex::default(),
            count: watch::Sender::new(Count::default()),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        Self { address, shared, accepting }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, without a path.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Appends a script to the queue.
    ///
    /// # Panics
    /// When the upstream answers from a closure.
    pub fn push(&self, script: Script) {
        match &mut *self.shared.source.lock().unwrap() {
            Source::Queue(queue) => queue.push_back(script),
            Source::Closure(_) => panic!("this upstream answers from a closure"),
        }
    }

    /// Every request so far, in the order in which they were read.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Forgets the requests so far: a run that takes long has many.
    pub fn forget(&self) {
        self.shared.requests.lock().unwrap().clear();
    }

    /// The newest request.
    ///
    /// # Panics
    /// When there was none.
    pub fn last_request(&self) -> Request {
        self.requests().pop().expect("the upstream was asked")
    }

    /// What has happened so far.
    pub fn count(&self) -> Count {
        *self.shared.count.borrow()
    }

    /// Waits until the count is as wished, such as `|count| count.abandoned == 1`.
    ///
    /// # Panics
    /// When it is not within 20 seconds.
    pub async fn until(&self, mut wished: impl FnMut(&Count) -> bool) -> Count {
        let mut seen = self.shared.count.subscribe();
        let result = tokio::time::timeout(PATIENCE, seen.wait_for(|count| wished(count))).await;
        match result {
            Ok(count) => *count.expect("the sender lives as long as this"),
            Err(_) => panic!("the upstream never came to that; it counts {:?}", self.count()),
        }
    }
}

impl Drop for FakeUpstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A loopback address at which nobody listens: connecting to it is refused.
pub async fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    listener.local_addr().expect("its address")
}

/// Accepts until it is aborted, which drops the set and with it every connection.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                let number = shared.count.borrow().accepted;
                shared.change(|count| { count.accepted += 1; count.open += 1 });
                connections.spawn(converse(stream, number, Arc::clone(&shared)));
            }
            Some(ended) = connections.join_next() => {
                shared.change(|count| count.open -= 1);
                if let Err(error) = ended && error.is_panic() {
                    eprintln!("an upstream's connection ended in a panic");
                }
            }
        }
    }
}

async fn converse(stream: TcpStream, number: usize, shared: Arc<Shared>) {
    // Each write of a script is its own segment, as far as the kernel goes.
    stream.set_nodelay(true).expect("an option of every TCP socket");
    let mut wire = Wire::new(stream, number);
    loop {
        let request = match wire.request().await {
            Ok(Some(request)) => request,
            Ok(None) => return,
            Err(_) => return shared.change(|count| count.broken_requests += 1),
        };
        let script = shared.next(request);
        match play(&script, &mut wire).await {
            End::Abandoned => return shared.change(|count| count.abandoned += 1),
            End::Closed => return shared.change(|count| count.finished += 1),
            End::Open => shared.change(|count| count.finished += 1),
        }
    }
}

enum End {
    /// The peer left first.
    Abandoned,
    /// The script closed the connection.
    Closed,
    /// The connection waits for its next request.
    Open,
}

async fn play(script: &Script, wire: &mut Wire) -> End {
    for step in &script.steps {
        let stayed = match step {
            Step::Bytes(bytes) => wire.stream().write_all(bytes).await.is_ok(),
            Step::Close => {
                let _ = wire.stream().shutdown().await;
                return End::Closed;
            }
            Step::Forever(bytes) => {
                while wire.stream().write_all(bytes).await.is_ok() {
                    // A write that never waits would never let a test's one thread go on.
                    tokio::task::yield_now().await;
                }
                false
            }
            Step::Hang => {
                wire.gone().await;
                false
            }
            Step::Reset => {
                let _ = wire.stream().set_zero_linger();
                return End::Closed;
            }
            Step::Wait(gate) => first(gate.pass(), wire.gone()).await,
        };
        if !stayed {
            return End::Abandoned;
        }
    }
    End::Open
}

/// Whether the left one ends first.
async fn first(left: impl Future<Output = ()>, right: impl Future<Output = ()>) -> bool {
    let (mut left, mut right) = (pin!(left), pin!(right));
    tokio::select! {
        biased;
        () = &mut left => true,
        () = &mut right => false,
    }
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut Count)) {
        self.count.send_modify(change);
    }

    fn next(&self, request: Request) -> Script {
        let script = match &mut *self.source.lock().unwrap() {
            Source::Queue(queue) => queue.pop_front().unwrap_or_else(|| {
                Script::answer(500, &[("content-type", "text/plain")], "the upstream's scripts are used up")
            }),
            Source::Closure(answer) => answer(&request),
        };
        self.requests.lock().unwrap().push(request);
        self.change(|count| count.requests += 1);
        script
    }
}
