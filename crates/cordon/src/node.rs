//! One running node: gateway, control listener, log, journal and index, wired together. The binary starts one; tests start
//! as many as they like, in their own process.

mod keys;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use cordon_core::{
    DurationMs, HmacKey, Name,
    containment::Subject,
    evidence::SegmentSeal,
    record::{Closed, Frame},
    resource::{Kind, SecretRef, Spec},
    state::Touched,
};
use cordon_guard::{
    Gateway, Options, Parts,
    dispatch::Upstreams,
    limits::{Counters, ProcessCounters},
    ports::{Clock, Entropy, NoTracer, Recorder as _, Tracer},
    remote::Models,
    server::{self, ServerLimits},
    upstream::{Client, ClientConfig, Environment},
};
use cordon_inspect::Engine;
use cordon_policy::Snapshot;
use cordon_store::{
    DataDir, IdentityStore, Sequencer, SqliteLog,
    calls::{CallIndex, Follower, Lag},
    content::{Bounds, ContentStore, Files, Unlocked},
    data_dir::DataDirError,
    frames::Archive,
    held::{HeldBounds, HeldStore},
    journal::{self, Disk, Journal},
    log::{Loader, StateCaches},
    objects::FolderObjects,
    sequencer::{Health, Outside},
};
use prometheus_client::registry::Registry;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use self::keys::Keys;
pub(crate) use self::keys::{read_signing_key, secret_file, signing_key};
use crate::{
    background,
    content::{self, Contents},
    control,
    counting::{self, Before, SharedCounters},
    desk::CallLog,
    held::{self, Held},
    identity::{self, Identity, Lifetimes, OidcOptions, OidcParts, Site},
    ledger::{self, Ledger},
    metrics::Metrics,
    objects,
    quarantine::Quarantines,
    recorder::JournalRecorder,
    s3::S3Settings,
    sealing,
    siem::{self, Siem},
    telemetry::{self, Telemetry},
    tls,
    watch::{Feed, Parts as WatchParts, Watch},
};

/// What a node is made of.
#[derive(Clone)]
pub struct Settings {
    /// The data folder.
    pub data: PathBuf,
    /// Where callers connect.
    pub gateway: SocketAddr,
    /// Where operators connect.
    pub control: SocketAddr,
    /// Proxies, trust, pool.
    pub client: ClientConfig,
    /// Where secrets named `env:` are read.
    pub environment: Environment,
    /// Bounds of the gateway's listener.
    pub server: ServerLimits,
    /// TLS of both listeners.
    pub tls: tls::Listeners,
    /// Largest body of a request, in bytes.
    pub max_body_bytes: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// Calls at the same time.
    pub max_calls: usize,
    /// Memory that readers of files may take together, in bytes.
    pub max_file_memory: usize,
    /// Whether calls are shed by priority when the machine has more to do than it can.
    pub sheds: bool,
    /// Sizes and bounds of the journal.
    pub journal: journal::Options,
    /// How many bytes of the journal's whole segments are not sealed.
    pub keep_bytes: u64,
    /// How long sealed records are kept; for ever where nothing is said.
    pub retention: Option<DurationMs>,
    /// How often it is looked for segments to seal.
    pub seal_every: Duration,
    /// The bucket that sealed records lie in; without one they lie in the data folder.
    pub objects: Option<S3Settings>,
    /// The disk that sealing writes to: objects in the data folder, and segments that go.
    pub disk: Arc<dyn Disk>,
    /// Most bytes of the index of calls on disk.
    pub index_bytes: u64,
    /// Where the key is that captured content is sealed under; without one nothing is captured.
    pub content_key: Option<SecretRef>,
    /// Most bytes of captured content on disk.
    pub content_bytes: u64,
    /// How much may wait for a review.
    pub held: HeldBounds,
    /// How long a held file is kept.
    pub held_kept: DurationMs,
    /// The log's name in checkpoints; used when its key is made.
    pub ledger_origin: Option<String>,
    /// Where the key that signs checkpoints is, if not in the data folder.
    pub ledger_key: Option<SecretRef>,
    /// How often the journal is anchored in the log while it grows.
    pub anchor_every: Duration,
    /// What goes to a SIEM, and where.
    pub siem: Option<siem::Options>,
    /// Where limits are counted that several nodes share; without it in this process.
    pub counters: Option<counting::Options>,
    /// Which traces and metrics go to a collector, and where.
    pub telemetry: Option<telemetry::Options>,
    /// How long a caller hears nothing of a stream that has begun before it is sent a comment.
    pub keep_alive: Duration,
    /// A header that names the person behind the caller.
    pub subject_header: Option<http::HeaderName>,
    /// Where browsers reach the control listener.
    pub site: Site,
    /// The identity provider that people sign in with.
    pub oidc: Option<OidcOptions>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
}

/// How many full segments make one sealed object.
const SEGMENTS_OF_AN_OBJECT: u64 = 4;
/// How often a node looks after what nobody else does.
const TICK: Duration = Duration::from_millis(500);
/// How often sessions and tokens that have ended are forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How long an end waits for the index, which can be built again.
const INDEX_WITHIN: Duration = Duration::from_secs(5);
/// How long a node waits for a folder that another process only reads.
const FOLDER_WITHIN: Duration = Duration::from_secs(5);

/// What the control listener, the demo and tests hold of a running node. Clones share it.
#[derive(Clone)]
pub struct Handles {
    /// Decides wishes and knows the committed state.
    pub sequencer: Sequencer,
    /// The data plane.
    pub gateway: Gateway,
    /// The journal of frames.
    pub journal: Arc<Journal>,
    /// The index of calls.
    pub index: CallIndex,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Where an exporter reads it.
    pub registry: Arc<Registry>,
    /// The detectors.
    pub engine: Engine,
    /// What the node is made of.
    pub settings: Arc<Settings>,
    /// Who operators are.
    pub identity: Identity,
    /// How far proofs are behind the records.
    pub provable: watch::Receiver<ledger::Progress>,
    /// Where frames are that are not in the journal any more.
    pub archive: Archive,
    /// Captured content.
    pub contents: Contents,
    /// Held files.
    pub held: Held,
    /// The kill switch.
    pub quarantines: Quarantines,
    /// The triggers.
    pub watch: Watch,
    /// How far the SIEM's sink is behind, where there is one.
    pub siem: Option<watch::Receiver<siem::Progress>>,
    /// Becomes true when the node goes down: live views end then.
    pub stopping: watch::Receiver<bool>,
}

/// A running node. Dropping it leaves its tasks running until the runtime ends; [`Node::stop`] ends it in order.
pub struct Node {
    /// Where callers connect.
    pub gateway: SocketAddr,
    /// Where operators connect.
    pub control: SocketAddr,
    /// The shared parts.
    pub handles: Handles,
    stop: watch::Sender<Stage>,
    gateway_task: JoinHandle<std::io::Result<usize>>,
    control_task: JoinHandle<()>,
    stopping: watch::Sender<bool>,
    sequencer_task: JoinHandle<()>,
    index_task: JoinHandle<anyhow::Result<()>>,
    interrupted_task: JoinHandle<anyhow::Result<()>>,
    sealing_task: JoinHandle<()>,
    content_task: JoinHandle<()>,
    held_task: JoinHandle<()>,
    siem: Option<Siem>,
    telemetry: Option<Telemetry>,
    tick_task: JoinHandle<()>,
    ledger: Ledger,
    log: Arc<SqliteLog>,
    // Held until the end: nobody else may open the folder meanwhile.
    _folder: DataDir,
}

/// How far the end has come: calls first, then what records them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    Draining,
    Closing,
    /// Nothing is recorded any more, and all of it is anchored.
    Ended,
}

async fn reached(mut stop: watch::Receiver<Stage>, stage: Stage) {
    // An error means that the node itself is gone, which ends everything too.
    let _ = stop.wait_for(|now| *now >= stage).await;
}

impl Node {
    /// Starts a node. `routes` makes the control listener's routes of the node's parts.
    ///
    /// # Errors
    /// When the folder is in use or cannot be used, the log cannot be read, or an address is taken.
    pub async fn start(
        settings: Settings,
        routes: impl FnOnce(&Handles) -> axum::Router,
    ) -> anyhow::Result<Self> {
        let folder = open_folder(&settings.data).await?;
        let keys = Keys::open(folder.path(), &settings)?;
        let (stop, stopped) = watch::channel(Stage::Running);
        let (stopping, stopping_seen) = watch::channel(false);

        // The journal checks its files while the rest starts.
        let journal_dir = folder.journal_dir();
        let journal_options = settings.journal.clone();
        let mut random = [0; 12];
        settings.entropy.fill(&mut random);
        let opening =
            tokio::task::spawn_blocking(move || Journal::open(&journal_dir, journal_options, random));
        let log = Arc::new(SqliteLog::open(&folder.log_file()).await?);
        let loader = Loader::new(Arc::<SqliteLog>::clone(&log), StateCaches::new(folder.cache_dir()));
        let (index, writer) = CallIndex::open(&folder.index_file()).await?;
        let writer = writer.bounded(settings.index_bytes);
        let client = Client::new(&settings.client).context("the upstream client cannot be made")?;
        let engine = Engine::builtin();
        let (metrics, registry) = Metrics::new();
        let (journal, recovered) = opening.await.context("the journal's check ended early")??;
        if let Some(damage) = &recovered.damage {
            tracing::error!(%damage, "the journal is damaged; it is left as it is and a new one begins");
        }
        if let Some(torn) = &recovered.torn {
            tracing::warn!(?torn, "the journal's end was not finished; nothing acknowledged is missing");
        }
        let journal = Arc::new(journal);
        let recorder = Arc::new(JournalRecorder::new(Arc::clone(&journal)));
        let settings = Arc::new(settings);
        let content = open_content(&folder, &settings).await?;
        let held_store = HeldStore::open(&folder.held_file()).await.context("held files")?;
        let (holding, arriving) = held::door(Arc::clone(&metrics));

        let (telemetry, tracer) = start_telemetry(&settings, &keys.node, &metrics, &registry)?;
        let process = ProcessCounters::to_be_rebuilt();
        let counters: Arc<dyn Counters> = match &settings.counters {
            Some(options) => {
                Arc::new(SharedCounters::new(options, &settings.environment, settings.entropy.as_ref())?)
            }
            None => Arc::new(process.clone()),
        };
        let (feed, ended) = Feed::new(Arc::<Metrics>::clone(&metrics));
        let gateway = Gateway::new(Parts {
            clock: Arc::clone(&settings.clock),
            entropy: Arc::clone(&settings.entropy),
            recorder: Arc::<JournalRecorder>::clone(&recorder),
            capture: content.queue,
            holding: Arc::new(holding),
            meter: Arc::<Feed>::clone(&feed),
            tracer,
            counters,
            engine: engine.clone(),
            upstreams: Upstreams::new(client.clone(), settings.environment.clone()),
            models: models(folder.path()),
            snapshot: Snapshot::default(),
            options: Options {
                build: crate::build(),
                max_body_bytes: settings.max_body_bytes,
                body_timeout: settings.body_timeout,
                max_calls: settings.max_calls,
                max_file_memory: settings.max_file_memory,
                keep_alive: settings.keep_alive,
                digest_key: keys.digest,
                pseudonym_key: keys.pseudonym.clone(),
                subject_header: settings.subject_header.clone(),
            },
        });

        let outside = outside(&settings, &gateway);
        let (sequencer, sequencing) =
            Sequencer::start(loader, outside, reached(stopped.clone(), Stage::Ended)).await?;
        // Before the sequencer's task runs, so that no commit is swapped in before this.
        gateway.load(&sequencer.committed().state);
        let sequencer_task = tokio::spawn(sequencing);

        // Before anything is served: what an older copy of the keys brought back is erased again.
        let quarantines = Quarantines::open(
            folder.path(),
            gateway.clone(),
            sequencer.clone(),
            Arc::clone(&settings.clock),
        )?;
        let watch = Watch::open(WatchParts {
            data: folder.path(),
            feed,
            calls: ended,
            gateway: gateway.clone(),
            sequencer: sequencer.clone(),
            node: keys.node.clone(),
            clock: Arc::clone(&settings.clock),
            metrics: Arc::clone(&metrics),
        })?;
        let contents = Contents::start(content::Parts {
            store: content.store,
            unlocked: content.unlocked,
            sequencer: sequencer.clone(),
            clock: Arc::clone(&settings.clock),
            recorder: Arc::<JournalRecorder>::clone(&recorder),
            gateway: gateway.clone(),
            counts: content.counts,
        })
        .await
        .context("captured content")?;
        let held = Held::new(held::Parts {
            store: held_store,
            contents: contents.clone(),
            gateway: gateway.clone(),
            sequencer: sequencer.clone(),
            recorder: Arc::<JournalRecorder>::clone(&recorder),
            clock: Arc::clone(&settings.clock),
            bounds: settings.held,
            kept: settings.held_kept,
            metrics: Arc::clone(&metrics),
        });
        // Neither a start nor readiness waits for a bucket: sealing does.
        let bucket = objects::bucket(settings.objects.as_ref(), &settings.client, &settings.environment)
            .context("the object store")?;
        let strays = if bucket.is_some() { sealing::Strays::Keep } else { sealing::Strays::Delete };
        let in_folder = FolderObjects::open_on(Arc::clone(&settings.disk), &folder.objects_dir())?;
        let objects = objects::of_folder(in_folder, bucket);
        let seals = sequencer.clone();
        let archive = Archive::new(objects, move |id| {
            seals.committed().state.segments(id).map(|seal| SegmentSeal::clone(seal)).collect()
        });
        let ledger = Ledger::start(ledger::Parts {
            sequencer: sequencer.clone(),
            journal: Arc::clone(&journal),
            journals: folder.journal_dir(),
            archive: archive.clone(),
            folder: folder.ledger_dir(),
            signer: keys.ledger,
            node: keys.node.clone(),
            every: settings.anchor_every,
        })
        .await?;

        let siem = match settings.siem.clone() {
            Some(options) => Some(Siem::start(siem::Parts {
                options,
                data: folder.path().to_owned(),
                node: keys.node.clone(),
                sequencer: sequencer.clone(),
                journal: Arc::clone(&journal),
                archive: archive.clone(),
                calls: CallLog::new(
                    &folder.journal_dir(),
                    Some(index.clone()),
                    Some((journal.id(), journal.follow())),
                )
                .with_archive(archive.clone()),
                metrics: Arc::clone(&metrics),
                clock: Arc::clone(&settings.clock),
                client: settings.client.clone(),
                environment: settings.environment.clone(),
            })?),
            None => None,
        };

        let time = Arc::clone(&settings.clock);
        let identity = Identity::new(identity::Parts {
            sequencer: sequencer.clone(),
            store: IdentityStore::open(&folder.identity_file()).await?,
            token: Some(keys.admin_token),
            site: settings.site.clone(),
            lifetimes: Lifetimes::default(),
            oidc: settings.oidc.clone().map(|options| OidcParts {
                options,
                client,
                environment: settings.environment.clone(),
                pseudonym: keys.pseudonym,
            }),
            clock: crate::clock::Clock::of(move || time.now()),
            entropy: Arc::clone(&settings.entropy),
        });

        let handles = Handles {
            sequencer,
            gateway: gateway.clone(),
            journal: Arc::clone(&journal),
            index,
            metrics,
            registry,
            engine,
            settings: Arc::clone(&settings),
            identity: identity.clone(),
            provable: ledger.progress.clone(),
            archive: archive.clone(),
            contents: contents.clone(),
            held: held.clone(),
            quarantines: quarantines.clone(),
            watch: watch.clone(),
            siem: siem.as_ref().map(|siem| siem.progress.clone()),
            stopping: stopping_seen,
        };
        // Behind the path: a start waits neither for the index nor for what it tells of the process before.
        let (follower, lag) = Follower::new(&folder.journal_dir(), writer);
        let follower = follower.with_archive(archive.clone());
        let following = follower.run(journal.id(), journal.follow(), std::future::pending());
        let index_task = tokio::spawn(background::run("index", background::Rank::Follows, following));

        let sealing_task = tokio::spawn(sealing::run(
            sealing::Parts {
                sequencer: handles.sequencer.clone(),
                index: handles.index.clone(),
                provable: ledger.progress.clone(),
                archive,
                journals: folder.journal_dir(),
                ledger: folder.ledger_dir(),
                scratch: folder.scratch_dir(),
                disk: Arc::clone(&settings.disk),
                node: keys.node,
                keep: settings.keep_bytes,
                object: settings.journal.segment_bytes.saturating_mul(SEGMENTS_OF_AN_OBJECT),
                retention: settings.retention,
                strays,
                metrics: Arc::clone(&handles.metrics),
                clock: Arc::clone(&settings.clock),
                every: settings.seal_every,
            },
            reached(stopped.clone(), Stage::Closing),
        ));

        let held_task = tokio::spawn(held::keep(held, arriving, reached(stopped.clone(), Stage::Closing)));
        let content_task =
            tokio::spawn(content::keep(contents, content.receiver, reached(stopped.clone(), Stage::Closing)));

        tokio::spawn(quarantines.follow(reached(stopped.clone(), Stage::Closing)));
        tokio::spawn(watch.run(reached(stopped.clone(), Stage::Closing)));
        tokio::spawn(handles.gateway.clone().test_detectors(reached(stopped.clone(), Stage::Closing)));
        if settings.sheds {
            tokio::spawn(handles.gateway.clone().watch(reached(stopped.clone(), Stage::Closing)));
        }

        let before = Before {
            index: handles.index.clone(),
            journal: journal.id(),
            size: recovered.size,
            lag: lag.clone(),
        };
        let clock = Arc::clone(&settings.clock);
        tokio::spawn(counting::rebuild(process, before.clone(), gateway.snapshot(), clock));
        let interrupted_task =
            tokio::spawn(close_interrupted(handles.clone(), Arc::clone(&recorder), before));

        let gateway_listener = listen(settings.gateway).await?;
        let control_listener = listen(settings.control).await?;
        let (gateway_address, control_address) =
            (gateway_listener.local_addr()?, control_listener.local_addr()?);
        let routes = routes(&handles);
        let gateway_task = tokio::spawn(server::serve(
            gateway_listener,
            gateway,
            ServerLimits { tls: settings.tls.gateway.clone(), ..settings.server.clone() },
            reached(stopped.clone(), Stage::Draining),
        ));
        let control_task = tokio::spawn(control::serve(
            control_listener,
            settings.tls.control.clone(),
            routes,
            reached(stopped.clone(), Stage::Closing),
        ));
        let tick_task = tokio::spawn(tick(handles.clone(), recorder, lag, stopped));
        follow_health(&handles);
        Ok(Self {
            gateway: gateway_address,
            control: control_address,
            handles,
            stop,
            stopping,
            gateway_task,
            control_task,
            sequencer_task,
            index_task,
            interrupted_task,
            sealing_task,
            content_task,
            held_task,
            siem,
            telemetry,
            tick_task,
            ledger,
            log,
            _folder: folder,
        })
    }

    /// Ends the node: no new calls, calls in flight end (or the drain time does), records are durable, the index is
    /// written, the folder is free. Gives the number of calls that did not end in time.
    ///
    /// # Errors
    /// When a part had failed before, or records of calls could not be written to the end.
    pub async fn stop(self) -> anyhow::Result<usize> {
        self.handles.gateway.set_ready(false);
        self.stop.send_replace(Stage::Draining);
        self.stopping.send_replace(true);
        let cut_off = self.gateway_task.await.context("the gateway ended early")??;
        self.handles.gateway.flush_unknown(true);
        if let Some(telemetry) = &self.telemetry {
            telemetry.end();
        }
        self.stop.send_replace(Stage::Closing);
        self.tick_task.await.context("the node's housekeeping ended early")?;
        self.sealing_task.await.context("sealing ended early")?;
        self.control_task.await.context("the control listener ended early")?;
        self.held_task.await.context("keeping held files ended early")?;
        self.content_task.await.context("keeping content ended early")?;
        // What one of these could not do is told at the end: what comes behind it is closed all the same.
        let mut interrupted = self.interrupted_task;
        let closed = match tokio::time::timeout(INDEX_WITHIN, &mut interrupted).await {
            Ok(done) => done.context("closing interrupted calls ended early")?,
            Err(_) => {
                // The next start finds them again.
                interrupted.abort();
                Ok(())
            }
        };
        let journal = Arc::clone(&self.handles.journal);
        let closing = tokio::task::spawn_blocking(move || {
            journal.close();
            journal.health()
        });
        let journal = closing.await.context("the journal ended early")?;
        let mut index = self.index_task;
        let indexed = match tokio::time::timeout(INDEX_WITHIN, &mut index).await {
            Ok(done) => done.context("the index ended early")?.context("the index of calls"),
            Err(_) => {
                tracing::warn!("the index of calls is behind; the next start goes on with it");
                index.abort();
                Ok(())
            }
        };
        // Its last facts are signed too.
        self.handles.identity.close().await;
        self.ledger.stop().await;
        // The last facts are those of the ledger.
        if let Some(siem) = self.siem {
            siem.stop().await;
        }
        if let Some(telemetry) = self.telemetry {
            telemetry.ended().await;
        }
        self.stop.send_replace(Stage::Ended);
        let call_index = self.handles.index.clone();
        let content = self.handles.contents.store().clone();
        let held = self.handles.held.store().clone();
        drop(self.handles);
        self.sequencer_task.await.context("the sequencer ended early")?;
        // Everything in one file each: the folder can be copied as it is.
        call_index.close().await;
        content.close().await;
        held.close().await;
        self.log.close().await;
        if journal.backlog > 0 {
            let why = journal.unwritable.map_or_else(String::new, |why| format!(": {why}"));
            anyhow::bail!(
                "{} frames of calls that were served are lost, because the journal could not be written{why}; help: make room on its disk before a stop, and look at `/readyz`",
                journal.backlog
            );
        }
        closed?;
        indexed?;
        Ok(cut_off)
    }
}

/// The store of captured content and the way to it.
struct OpenContent {
    store: ContentStore,
    unlocked: Option<Unlocked>,
    queue: Arc<content::Queue>,
    receiver: Option<content::Receiver>,
    counts: Arc<content::Counts>,
}

async fn open_content(folder: &DataDir, settings: &Settings) -> anyhow::Result<OpenContent> {
    let files = Files { keys: folder.keys_file(), content: folder.content_file() };
    let bounds = Bounds { content: settings.content_bytes, ..Bounds::default() };
    let entropy = Arc::clone(&settings.entropy);
    let store = ContentStore::open(&files, bounds, move |bytes: &mut [u8]| entropy.fill(bytes)).await?;
    let counts = Arc::new(content::Counts::default());
    let (unlocked, queue, receiver) = match &settings.content_key {
        Some(reference) => {
            let key = content::master_key(reference, &settings.environment)?;
            let (queue, receiver) = content::Queue::new(Arc::clone(&counts));
            let unlocked = match store.unlock(key).await {
                Ok(unlocked) => unlocked,
                Err(error) => {
                    store.close().await;
                    return Err(error.into());
                }
            };
            (Some(unlocked), queue, Some(receiver))
        }
        None => (None, content::Queue::closed(Arc::clone(&counts)), None),
    };
    Ok(OpenContent { store, unlocked, queue: Arc::new(queue), receiver, counts })
}

/// The models that detectors may have in this process.
#[cfg(feature = "deep")]
fn models(data: &Path) -> Arc<dyn Models> {
    Arc::new(crate::models::Folders::new(data.join("models")))
}

/// None: the program is built without them.
#[cfg(not(feature = "deep"))]
fn models(_: &Path) -> Arc<dyn Models> {
    Arc::new(cordon_guard::remote::NoModels)
}

/// The way to a collector, and what calls are handed to.
fn start_telemetry(
    settings: &Settings,
    node: &Name,
    metrics: &Arc<Metrics>,
    registry: &Arc<Registry>,
) -> anyhow::Result<(Option<Telemetry>, Arc<dyn Tracer>)> {
    let Some(options) = settings.telemetry.clone() else { return Ok((None, Arc::new(NoTracer))) };
    let (telemetry, spans) = Telemetry::start(telemetry::Parts {
        options,
        node: node.clone(),
        metrics: Arc::clone(metrics),
        registry: Arc::clone(registry),
        clock: Arc::clone(&settings.clock),
        client: settings.client.clone(),
        environment: settings.environment.clone(),
    })?;
    Ok((Some(telemetry), spans))
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; help: is another cordon running, or the port taken?")
    })
}

/// What the sequencer needs: the time, keys for sealed values, and the gateway that learns of each commit.
fn outside(settings: &Settings, gateway: &Gateway) -> Outside {
    let clock = Arc::clone(&settings.clock);
    let entropy = Arc::clone(&settings.entropy);
    let gateway = gateway.clone();
    Outside {
        now: Box::new(move || clock.now()),
        entropy: Box::new(move || {
            let mut key = [0; 32];
            entropy.fill(&mut key);
            HmacKey::from_bytes(key)
        }),
        publish: Box::new(move |state: &cordon_core::State, touched: &[Touched]| {
            gateway.advance(state, touched);
            for touched in touched {
                match touched {
                    // What must reach calls in flight does so here: a revoked key ends them.
                    Touched::Key(id) if state.key(*id).is_none_or(|key| key.revoked.is_some()) => {
                        gateway.running().cancel(&Subject::Key(*id));
                    }
                    Touched::Resource(Kind::Principal, name) => match state.resource(Kind::Principal, name) {
                        Some(standing) if matches!(standing.spec, Spec::Principal(_)) => {}
                        _ => drop(gateway.running().cancel(&Subject::Principal(name.clone()))),
                    },
                    Touched::Resource(Kind::Limit, _) => gateway.forget_limits(state),
                    Touched::Resource(Kind::Model | Kind::Route, _) => gateway.health().retain(state),
                    _ => {}
                }
            }
        }),
    }
}

/// Says readiness and freshness from the sequencer's health, as soon as it changes.
fn follow_health(handles: &Handles) {
    let gateway = handles.gateway.clone();
    let mut committed = handles.sequencer.watch();
    tokio::spawn(async move {
        loop {
            let (confirmed, ready) = {
                let committed = committed.borrow_and_update();
                if let Health::Stalled(stalled) = &committed.health {
                    tracing::error!(%stalled, "the log holds what this program cannot read; not ready");
                }
                (committed.confirmed, committed.is_ready())
            };
            gateway.confirm(confirmed);
            gateway.set_ready(ready);
            if committed.changed().await.is_err() {
                return;
            }
        }
    });
}

/// What nobody else looks after: samples of unknown callers, gauges.
async fn tick(
    handles: Handles,
    recorder: Arc<JournalRecorder>,
    lag: watch::Receiver<Lag>,
    stop: watch::Receiver<Stage>,
) {
    let mut interval = tokio::time::interval(TICK);
    let mut closing = std::pin::pin!(reached(stop, Stage::Closing));
    let mut swept = tokio::time::Instant::now();
    loop {
        tokio::select! {
            () = &mut closing => return,
            _ = interval.tick() => {}
        }
        handles.gateway.flush_unknown(false);
        if swept.elapsed() >= SWEEP_EVERY {
            swept = tokio::time::Instant::now();
            if let Err(problem) = handles.identity.sweep().await {
                tracing::warn!(%problem, "sessions that have ended could not be forgotten");
            }
        }
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let metrics = &handles.metrics;
        let health = handles.journal.health();
        metrics.running.set(whole(handles.gateway.running().len() as u64));
        let (gateway, now) = (&handles.gateway, handles.settings.clock.now());
        metrics.throttled.set(whole(gateway.abuse().throttled(now) as u64));
        metrics.throttled_prompts.set(whole(gateway.abuse().throttled_prompts(now) as u64));
        metrics.forgotten.set(whole(gateway.abuse().forgotten()));
        metrics.admitted(handles.gateway.shedder());
        metrics.breakers(&handles.gateway.health().conditions());
        metrics.detectors.are(&handles.gateway.detectors().states());
        metrics.position.set(whole(handles.gateway.snapshot().position()));
        metrics.journal_frames.set(whole(health.durable));
        metrics.journal_failures.set(whole(health.failures));
        metrics.index_lag.set(whole(lag.borrow().frames));
        let state = handles.sequencer.committed().state;
        let (anchored, sealed) = state
            .journal(handles.journal.id())
            .map_or((0, 0), |journal| (journal.anchor.size, journal.sealed));
        let signed = handles.provable.borrow().signed;
        metrics.facts_unsigned.set(whole(state.position().saturating_sub(signed)));
        metrics.frames_unanchored.set(whole(health.durable.saturating_sub(anchored)));
        metrics.frames_sealed.set(whole(sealed));
        metrics.content_kept.set(whole(handles.contents.counts().kept()));
        metrics.content_lost.set(whole(handles.contents.counts().lost()));
        metrics.frames_lost.set(whole(health.lost.saturating_add(recorder.refused())));
    }
}

/// Why no second node comes to a log.
const ONE_NODE: &str = "a log has one node, which counts limits and budgets for it; help: nodes that are to share budgets have a folder \
    each, and `limits.store`";

/// Opens the folder. A command that reads it holds it for a moment, which a start outlasts; a server does not go away.
async fn open_folder(path: &Path) -> anyhow::Result<DataDir> {
    let opening = async {
        loop {
            match DataDir::open(path) {
                Err(DataDirError::InUse { .. }) => tokio::time::sleep(Duration::from_millis(50)).await,
                done => return done,
            }
        }
    };
    match tokio::time::timeout(FOLDER_WITHIN, opening).await {
        Ok(done) => Ok(done?),
        Err(_) => match DataDir::open(path) {
            Err(error @ DataDirError::InUse { .. }) => Err(anyhow::Error::new(error).context(ONE_NODE)),
            done => Ok(done?),
        },
    }
}

/// Ends the records of calls that had begun and not ended when the process before this one did: those below `size`, the
/// journal's length at the start, once the index has read that far.
async fn close_interrupted(
    handles: Handles,
    recorder: Arc<JournalRecorder>,
    before: Before,
) -> anyhow::Result<()> {
    let journal = *before.journal.as_bytes();
    before.indexed().await?;
    let mut open = handles.index.running().await?;
    open.retain(|row| row.place.journal != journal || row.place.opened < before.size);
    if open.is_empty() {
        return Ok(());
    }
    tracing::warn!(calls = open.len(), "calls were interrupted by the end of the process before");
    let now = handles.settings.clock.now();
    let mut frames = Vec::with_capacity(open.len());
    for row in &open {
        // What it used is not known: it stays charged what was reserved.
        let charged = handles.index.owed(row.call).await?;
        let closed = Closed { charged, ..Closed::interrupted(row.call, now) };
        frames.extend(Frame::Closed(Box::new(closed)).encode().ok());
    }
    for batch in frames.chunks(64) {
        recorder.offer(batch.to_vec());
    }
    Ok(())
}
