//! A folder that nobody serves, opened for one command.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cordon_core::{State, evidence::SegmentSeal};
use cordon_inspect::Engine;
use cordon_store::{
    CallIndex, DataDir, IdentityStore, SqliteLog,
    frames::Archive,
    log::{Loader, StateCaches},
    objects::FolderObjects,
    sequencer::{Outside, Sequencer},
};

use super::{
    client::{Need, is_used},
    unusable_bucket,
};
use crate::{
    api::Problem,
    clock::{self, Clock},
    config::Raw,
    desk::{CallLog, Desk, with_causes},
    identity::{self, Identity, Lifetimes, Site},
    objects,
    up::MachineEntropy,
};

/// An open folder.
pub(super) struct Local {
    pub(super) desk: Desk,
    path: PathBuf,
    log: Option<Arc<SqliteLog>>,
    identity: Option<Identity>,
    index: Option<CallIndex>,
    task: Option<tokio::task::JoinHandle<()>>,
    /// Let go of last: others may come in when all is closed.
    _folder: Option<DataDir>,
}

/// Where frames are that are not in the journals any more: in the folder, or in the bucket of the configuration. What is
/// wrong with that is told by others; it does not keep anybody from the folder.
fn archive(folder: &DataDir, state: State) -> Result<Archive, Problem> {
    let config = Raw::default().file(None).environment(|name| std::env::var(name).ok()).check();
    let bucket = config.ok().map(|config| objects::bucket_of(&config)).transpose();
    let bucket = bucket.map_err(|error| unusable_bucket(&error))?.flatten();
    let objects = objects::of_folder(FolderObjects::read_only(&folder.objects_dir()), bucket);
    Ok(Archive::new(objects, move |id| state.segments(id).map(|seal| SegmentSeal::clone(seal)).collect()))
}

impl Local {
    /// Opens a folder that this process has locked, or one that does not exist yet.
    pub(super) async fn open(path: &Path, folder: Option<DataDir>, need: Need) -> Result<Self, Problem> {
        let wrong = |error: &dyn std::error::Error| {
            Problem::new(503, "log_unavailable", "the log is not available", with_causes(error))
        };
        let clock = Clock::system();
        let engine = Engine::builtin();
        // Without an index the journals alone are read.
        let index = match path.join("index.db") {
            file if file.exists() => CallIndex::open_read_only(&file).await.ok(),
            _ => None,
        };
        let calls = CallLog::new(&path.join("journal"), index.clone(), None);
        let mut local = Self {
            desk: Desk::empty(calls.clone(), engine.clone(), clock.clone()),
            path: path.to_owned(),
            log: None,
            identity: None,
            index,
            task: None,
            _folder: None,
        };
        let Some(folder) = folder else { return Ok(local) };
        if need == Need::Write {
            let log = Arc::new(SqliteLog::open(&folder.log_file()).await.map_err(|error| wrong(&error))?);
            let loader = Loader::new(log.clone(), StateCaches::new(folder.cache_dir()));
            let now = clock.clone();
            let outside = Outside {
                now: Box::new(move || now.now()),
                entropy: Box::new(clock::seal_key),
                publish: Box::new(|_: &_, _: &[_]| {}),
            };
            let started = Sequencer::start(loader, outside, std::future::pending()).await;
            let (sequencer, task) = started.map_err(|error| wrong(&error))?;
            local.task = Some(tokio::spawn(task));
            let calls = calls.with_archive(archive(&folder, sequencer.committed().state)?);
            let store = IdentityStore::open(&folder.identity_file()).await.map_err(|error| wrong(&error))?;
            local.identity = Some(Identity::new(identity::Parts {
                sequencer: sequencer.clone(),
                store,
                token: None,
                site: Site::loopback(),
                lifetimes: Lifetimes::default(),
                oidc: None,
                clock: clock.clone(),
                entropy: Arc::new(MachineEntropy),
            }));
            local.desk = Desk::served(sequencer, calls, engine, clock);
            local.log = Some(log);
        } else if is_used(path) {
            let log = SqliteLog::open_read_only(&folder.log_file()).await.map_err(|error| wrong(&error))?;
            let log = Arc::new(log);
            let loader = Loader::new(log.clone(), StateCaches::read_only(folder.cache_dir()));
            let state = loader.load().await.map_err(|error| wrong(&error))?.state;
            let calls = calls.with_archive(archive(&folder, state)?);
            local.desk = Desk::still(loader, calls, engine, clock);
            local.log = Some(log);
        }
        local._folder = Some(folder);
        Ok(local)
    }

    /// The people of a folder that was opened to write.
    pub(super) fn identity(&self) -> Result<&Identity, Problem> {
        self.identity.as_ref().ok_or_else(|| {
            Problem::new(503, "read_only", "the log is only read", "the log was opened only to read")
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Ends the sequencer and writes the log back into one file.
    pub(super) async fn close(self) {
        let Self { desk, log, identity, index, task, _folder, .. } = self;
        drop(desk);
        if let Some(identity) = identity {
            identity.close().await;
        }
        if let Some(task) = task {
            // It ends when the last handle is gone; if it was cut off, everything granted is durable all the same.
            let _ended = task.await;
        }
        if let Some(log) = log {
            log.close().await;
        }
        if let Some(index) = index {
            index.close().await;
        }
    }
}
