//! `cordon up`: everything wired together.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use cordon_inspect::Engine;
use cordon_store::{
    CallIndex, DataDir, SqliteLog,
    log::{Loader, StateCaches},
    sequencer::{Outside, Sequencer},
};
use prometheus_client::registry::Registry;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{
    cli::UpArgs,
    clock::{self, Clock},
    config::Config,
    control::{self, AdminToken, ControlState},
    desk::{CallLog, Desk},
    doctor,
};

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// When something cannot be opened or listened on.
pub async fn run(_args: UpArgs, config: Config) -> Result<()> {
    let folder = DataDir::open(&config.data)?;
    let token = AdminToken::load_or_create(folder.path(), clock::random)?;
    let log = Arc::new(SqliteLog::open(&folder.log_file()).await?);
    let clock = Clock::system();
    let now = clock.clone();
    let outside = Outside {
        now: Box::new(move || now.now()),
        entropy: Box::new(clock::seal_key),
        publish: Box::new(|_: &_, _: &[_]| {}),
    };
    let loader = Loader::new(log.clone(), StateCaches::new(folder.cache_dir()));
    let (stop, stopping) = watch::channel(false);
    let mut ended = stopping.clone();
    let (sequencer, task) = Sequencer::start(loader, outside, async move {
        let _ended = ended.wait_for(|stopping| *stopping).await;
    })
    .await?;
    let task = tokio::spawn(task);
    let (index, _writer) = CallIndex::open(&folder.index_file()).await?;
    let calls = CallLog::new(&folder.journal_dir(), Some(index.clone()), None);
    let desk = Desk::served(sequencer.clone(), calls, Engine::builtin(), clock);
    let (committed, health) = (sequencer.clone(), sequencer);
    let settings = config.clone();
    let state = ControlState {
        desk,
        token,
        readiness: Arc::new(move || match health.committed().health {
            cordon_store::sequencer::Health::Following => Vec::new(),
            cordon_store::sequencer::Health::Unreachable(why) => vec![why],
            cordon_store::sequencer::Health::Stalled(why) => vec![why.to_string()],
        }),
        metrics: Arc::new(Registry::default()),
        doctor: Arc::new(move || {
            let (state, settings) = (committed.committed().state, settings.clone());
            Box::pin(async move { doctor::served(&state, &settings).await })
        }),
        stopping,
        max_body: config.control.max_body,
    };
    let listener = TcpListener::bind(config.control.listen)
        .await
        .with_context(|| format!("cannot listen on {} (control.listen)", config.control.listen))?;
    let address = listener.local_addr()?;
    control::announce(folder.path(), address).context("cannot write control.url in the data folder")?;
    println!("control listener ready at http://{address}");
    control::serve(listener, control::router(state), terminated()).await;
    stop.send_replace(true);
    task.await.context("the sequencer ended early")?;
    index.close().await;
    log.close().await;
    Ok(())
}

/// Resolves on SIGTERM or SIGINT. Where signals cannot be heard, never: the process then ends as the system ends it.
pub async fn terminated() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
