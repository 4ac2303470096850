//! The journals: every frame, its chain, and the tree over all of them against every anchor.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use cordon_core::{
    CallId, Digest, JournalId,
    evidence::{Anchor, EndReason, Journal, SegmentSeal},
    record::Frame,
};
use cordon_ledger::{Frontier, Hash};
use cordon_store::{
    calls::CallRow,
    frames::{Archive, FrameReader, FramesError},
    journal,
    ledger::Levels,
    objects::{FolderObjects, ObjectError, Objects},
    seal::{Flaw, SealedError, verify_object},
};

use super::{Depth, History, Options, Report};
use crate::{desk::with_causes, ledger, objects};

/// What the frames of all journals say of the calls, for the index: handed over call by call.
pub(super) struct Walked {
    pub(super) data: PathBuf,
    /// Journals with the number of frames that were read and hold.
    pub(super) journals: Vec<(JournalId, u64)>,
    pub(super) archive: Archive,
    /// How many frames were retired.
    pub(super) retired: u64,
    /// Of sealed frames only their hashes were compared.
    pub(super) by_hash: bool,
}

pub(super) async fn check(report: &mut Report, options: &Options, history: &History) -> Option<Walked> {
    let mut anchors: BTreeMap<JournalId, Vec<(u64, Anchor)>> = BTreeMap::new();
    for (position, anchor) in &history.anchors {
        anchors.entry(anchor.journal).or_default().push((*position, anchor.clone()));
    }
    let data = &options.data;
    let folder = data.join("objects");
    let objects = objects::of_folder(FolderObjects::read_only(&folder), options.bucket.clone());
    let state = history.state.clone();
    let seals = move |id: JournalId| state.segments(id).map(|seal| SegmentSeal::clone(seal)).collect();
    let archive = Archive::new(objects, seals);
    let state = history.state.clone();
    let sealed: Vec<SegmentSeal> = state
        .journals()
        .flat_map(|journal| state.segments(journal.anchor.journal))
        .map(|seal| SegmentSeal::clone(seal))
        .collect();
    let mut by_hash = false;
    if !sealed.is_empty() {
        let looked = look(&archive, folder, sealed, options).await;
        match looked {
            Looked::Whole(detail) => drop(report.add("objects", Ok(detail))),
            Looked::There(detail) => {
                by_hash = true;
                report.add("objects", Ok(detail));
            }
            Looked::Named(detail) => {
                by_hash = true;
                report.skip("objects", &detail);
            }
            Looked::Unseen(detail) => {
                by_hash = true;
                report.unseen("objects", detail);
            }
            Looked::Wrong(detail) => {
                report.add("objects", Err(detail));
                return None;
            }
        }
    }
    let known: Vec<Journal> = history.state.journals().map(|journal| Journal::clone(journal)).collect();
    let data = data.to_owned();
    let work = move || walk(&data, &archive, &known, &anchors, by_hash);
    let walked = tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(vec![error.to_string()]));
    match walked {
        Ok((walked, detail)) => report.add("journals", Ok(detail)).then_some(walked),
        Err(faults) => {
            for fault in faults {
                report.add("journals", Err(fault));
            }
            None
        }
    }
}

/// What is known of the sealed segments.
enum Looked {
    /// Each was read, and is as it was sealed.
    Whole(String),
    /// Each is there with its length; those in the folder were read.
    There(String),
    /// Those in the folder were read, for the others nobody asked.
    Named(String),
    /// The bucket could not be asked.
    Unseen(String),
    /// One is not as it was sealed, or not there.
    Wrong(String),
}

/// Compares each sealed segment's object with the fact that sealed it, as closely as is asked for.
async fn look(archive: &Archive, folder: PathBuf, sealed: Vec<SegmentSeal>, options: &Options) -> Looked {
    let objects = Arc::clone(archive.objects());
    let depth =
        if options.bucket.is_some() || options.depth == Depth::Name { options.depth } else { Depth::Read };
    let work = move || {
        let (count, mut frames, mut apart) = (sealed.len(), 0, 0);
        for seal in &sealed {
            frames += seal.count;
            let outside = depth != Depth::Read && !objects::is_held(&folder, &seal.object);
            apart += usize::from(outside);
            let found = match depth {
                _ if !outside => verify_object(&objects, seal),
                Depth::Ask => is_there(&objects, seal),
                Depth::Name | Depth::Read => Ok(()),
            };
            let told = |error| format!("{}: {}", seal.object, with_causes(error));
            match found {
                Ok(()) => {}
                Err(error @ SealedError::Store(ObjectError::Store { .. })) => {
                    return Looked::Unseen(format!(
                        "{}; of what is sealed the hashes alone are compared",
                        told(&error)
                    ));
                }
                Err(error) => return Looked::Wrong(told(&error)),
            }
        }
        if apart == 0 {
            return Looked::Whole(format!(
                "{count} sealed segments hold the {frames} frames that were sealed, and their projections"
            ));
        }
        let what = format!("{apart} of {count} sealed segments lie in the bucket");
        match depth {
            Depth::Name => Looked::Named(format!(
                "{apart} of {count} sealed segments do not lie here and were not looked for; their hashes alone are compared"
            )),
            _ => Looked::There(format!("{what}, each with its length; `cordon verify` reads them")),
        }
    };
    let result = tokio::task::spawn_blocking(work).await;
    result.unwrap_or_else(|error| Looked::Wrong(format!("looking at the objects ended early: {error}")))
}

/// Whether an object is there with the length of its seal.
fn is_there(objects: &Arc<dyn Objects>, seal: &SegmentSeal) -> Result<(), SealedError> {
    match objects.size(&seal.object)? {
        Some(bytes) if bytes == seal.bytes => Ok(()),
        Some(found) => Err(SealedError::Flawed { object: seal.object.clone(), flaw: Flaw::Length { found } }),
        None => Err(ObjectError::Absent(seal.object.clone()).into()),
    }
}

fn walk(
    data: &Path,
    archive: &Archive,
    known: &[Journal],
    anchors: &BTreeMap<JournalId, Vec<(u64, Anchor)>>,
    by_hash: bool,
) -> Result<(Walked, String), Vec<String>> {
    let folder = data.join("journal");
    let there =
        journal::list(&folder).map_err(|error| vec![format!("the journals cannot be read: {error}")])?;
    let (mut faults, mut journals) = (Vec::new(), Vec::new());
    let (mut frames, mut pending, mut count) = (0, 0, 0);
    for journal in known {
        let id = journal.anchor.journal;
        let own = anchors.get(&id).map(Vec::as_slice).unwrap_or_default();
        count += own.len();
        let hashed = if by_hash { journal.sealed } else { journal.retired };
        match one(data, &folder, archive, journal, own, there.contains(&id), hashed) {
            Ok(size) => {
                frames += size;
                pending += size.saturating_sub(journal.anchor.size);
                journals.push((id, size));
            }
            Err(fault) => faults.push(fault),
        }
    }
    for id in there.iter().filter(|id| known.iter().all(|journal| journal.anchor.journal != **id)) {
        // A journal that its node has not named yet, or one that does not belong here.
        match FrameReader::open(&folder, *id, None, 0).and_then(|mut reader| count_frames(&mut reader)) {
            Ok(size) => {
                pending += size;
                frames += size;
                journals.push((*id, size));
            }
            Err(error) => faults.push(with_causes(&error)),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let retired = known.iter().map(|journal| journal.retired).sum::<u64>();
    let detail = format!("{frames} frames of {} journals are those of {count} anchors", journals.len());
    let detail = match pending {
        0 => detail,
        pending => format!(
            "{detail}; {pending} are younger than the last anchor, which comes within 10 s of a running node"
        ),
    };
    let detail = match retired {
        0 => detail,
        retired => format!("{detail}; {retired} frames are retired, their hashes kept"),
    };
    let archive = archive.clone();
    Ok((Walked { data: data.to_owned(), journals, archive, retired, by_hash }, detail))
}

fn count_frames(reader: &mut FrameReader) -> Result<u64, FramesError> {
    let mut size = 0;
    while let Some(frame) = reader.read()? {
        size = frame.sequence.saturating_add(1);
    }
    Ok(size)
}

/// Reads one journal and compares it with each of its anchors: of the first `hashed` frames their hashes. Gives the number
/// of its frames.
fn one(
    data: &Path,
    folder: &Path,
    archive: &Archive,
    journal: &Journal,
    anchors: &[(u64, Anchor)],
    there: bool,
    hashed: u64,
) -> Result<u64, String> {
    let id = journal.anchor.journal;
    match journal.ended.as_ref().map(|ended| ended.why) {
        Some(EndReason::Missing) => {
            return Err(format!(
                "journal {id} is missing, as its node found at its start: {} anchored frames are not there",
                journal.anchor.size
            ));
        }
        _ if !there && journal.anchor.size > journal.sealed => {
            return Err(format!(
                "journal {id} is missing: {} anchored frames are not there",
                journal.anchor.size
            ));
        }
        _ => {}
    }
    let kept = Levels::read(&ledger::journals_folder(&data.join("ledger")).join(id.to_string())).ok();
    let mut anchors = anchors.iter().peekable();
    let mut frontier = Frontier::new();
    let mut good = 0;
    // The anchors at this size: each must have this root.
    let mut compare = |frontier: &Frontier, wrong: Option<u64>| -> Result<(), String> {
        while let Some((position, anchor)) = anchors.next_if(|(_, anchor)| anchor.size <= frontier.size()) {
            if anchor.size < frontier.size() {
                return Err(format!(
                    "fact {position} anchors {} frames of journal {id} after more were anchored",
                    anchor.size
                ));
            }
            let root = Digest::from_bytes(*frontier.root().as_bytes());
            if anchor.root != root {
                let first = match wrong {
                    Some(first) => {
                        format!("frame {first} is the first that is not the one that was anchored")
                    }
                    None => format!(
                        "one of the frames {good} to {} is not the one that was anchored",
                        anchor.size - 1
                    ),
                };
                return Err(format!(
                    "journal {id} does not have the root that fact {position} anchors at {} frames: {first}",
                    anchor.size
                ));
            }
            good = anchor.size;
        }
        Ok(())
    };
    compare(&frontier, None)?;
    let mut wrong = None;
    // Of retired frames only the hashes are left; the anchors say whether they are the right ones.
    while frontier.size() < hashed {
        let next = frontier.size();
        let hashes = kept.as_ref().and_then(|kept| kept.leaves(next, (hashed - next).min(4096)).ok());
        let hashes = hashes.filter(|hashes| !hashes.is_empty()).ok_or_else(|| {
            format!("journal {id}: the hashes of the frames from {next} on are not kept in its tree; help: restore ledger/journal from a backup")
        })?;
        for hash in hashes {
            frontier.push(hash);
            compare(&frontier, None)?;
        }
    }
    let mut reader =
        FrameReader::open(folder, id, Some(archive), hashed).map_err(|error| with_causes(&error))?;
    loop {
        let frame = match reader.read() {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(error) => return Err(with_causes(&error)),
        };
        let sequence = frontier.size();
        if frame.sequence != sequence {
            return Err(format!("journal {id}: frames {sequence} to {} are not there", frame.sequence));
        }
        let leaf = Hash::new(*frame.leaf.as_bytes());
        // The kept tree is not believed, but it tells which frame it is.
        if wrong.is_none()
            && let Some(kept) = &kept
            && kept
                .leaves(sequence, 1)
                .ok()
                .and_then(|leaves| leaves.first().copied())
                .is_some_and(|kept| kept != leaf)
        {
            wrong = Some(sequence);
        }
        frontier.push(leaf);
        compare(&frontier, wrong)?;
    }
    let size = frontier.size();
    if size < journal.anchor.size {
        return Err(format!(
            "journal {id} has {size} frames, but {} were anchored: the first missing one is frame {size}",
            journal.anchor.size
        ));
    }
    let kept = kept.filter(|kept| kept.size() >= journal.anchor.size);
    let root = kept.as_ref().map(|kept| kept.root(journal.anchor.size));
    match root {
        Some(Ok(root)) if wrong.is_none() && root.as_bytes() == journal.anchor.root.as_bytes() => Ok(size),
        _ if journal.anchor.size == 0 => Ok(size),
        _ => Err(format!(
            "the tree that is kept of journal {id} is not the one of its frames, which hold; help: a restart makes it again"
        )),
    }
}

/// Gives every call of a journal as the index should know it, in the order of their ends; those that did not end, last.
pub(super) fn calls(
    data: &Path,
    archive: &Archive,
    id: JournalId,
    size: u64,
    mut each: impl FnMut(CallRow) -> Result<(), String>,
) -> Result<(), String> {
    let journals = data.join("journal");
    let mut reader =
        FrameReader::open(&journals, id, Some(archive), 0).map_err(|error| with_causes(&error))?;
    let mut open: BTreeMap<CallId, CallRow> = BTreeMap::new();
    while let Some(frame) = reader.read().map_err(|error| with_causes(&error))? {
        if frame.sequence >= size {
            break;
        }
        let decoded = Frame::decode(&frame.payload)
            .map_err(|error| format!("frame {} of journal {id} cannot be read: {error}", frame.sequence))?;
        match decoded {
            Frame::Opened(opened) => {
                let row = CallRow::opened(*id.as_bytes(), frame.sequence, *opened);
                open.insert(row.call, row);
            }
            Frame::Closed(closed) => {
                if let Some(mut row) = open.remove(&closed.call) {
                    row.close(frame.sequence, *closed);
                    each(row)?;
                }
            }
            Frame::Attempted(_) | Frame::Unknown(_) | Frame::Read(_) => {}
        }
    }
    open.into_values().try_for_each(each)
}
