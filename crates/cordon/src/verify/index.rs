//! The index of calls, which is derived: every call that it tells must be the one of the journal.

use std::path::Path;

use cordon_store::calls::{CallIndex, CallQuery, CallRow};

use super::{
    Report,
    journals::{self, Walked},
};
use crate::desk::with_causes;

/// Calls that are compared together.
const BATCH: usize = 256;

pub(super) async fn check(report: &mut Report, data: &Path, walked: Walked) {
    let file = data.join("index.db");
    if !file.exists() {
        report.notes.push("there is no index of calls; `cordon up` makes it from the journals".to_owned());
        return;
    }
    let result = match CallIndex::open_read_only(&file).await {
        Ok(index) => {
            let result = compare(&index, walked).await;
            index.close().await;
            result
        }
        Err(error) => Err(format!(
            "it cannot be read: {}; help: stop the server and remove index.db, it is made again",
            with_causes(&error)
        )),
    };
    report.add("index", result);
}

async fn compare(index: &CallIndex, walked: Walked) -> Result<String, String> {
    let progress = index.progress().await.map_err(|error| with_causes(&error))?;
    let (mut compared, mut behind, mut forgotten) = (0_u64, 0_u64, 0_u64);
    let retired = walked.retired;
    for (id, size) in walked.journals {
        let read = progress.get(id.as_bytes()).copied().unwrap_or(0);
        behind += size.saturating_sub(read);
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<CallRow>(BATCH);
        let (data, archive) = (walked.data.clone(), walked.archive.clone());
        // What the index has not read yet is not its fault.
        let reading = tokio::task::spawn_blocking(move || {
            journals::calls(&data, &archive, id, size.min(read), |row| {
                sender.blocking_send(row).map_err(|_| "the comparison has ended".to_owned())
            })
        });
        while let Some(row) = receiver.recv().await {
            let place = row.place;
            match index.call(row.call).await.map_err(|error| with_causes(&error))? {
                // Meanwhile it may have ended.
                Some(known)
                    if known == row || (row.ending.is_none() && known.place.opened == place.opened) =>
                {
                    compared += 1;
                }
                Some(_) => {
                    return Err(format!(
                        "call {} is another one in the index than in frame {} of the journal; help: stop the server and remove index.db, it is made again",
                        row.call, place.opened
                    ));
                }
                // The oldest are forgotten when the index is full.
                None if compared == 0 => forgotten += 1,
                None => {
                    return Err(format!(
                        "call {} of frame {} is not in the index; help: stop the server and remove index.db, it is made again",
                        row.call, place.opened
                    ));
                }
            }
        }
        reading.await.map_err(|error| error.to_string())??;
    }
    let known = count(index).await?;
    // Of retired calls the index may still tell; there is nothing left to compare them with.
    if known > compared && behind == 0 && retired == 0 {
        return Err(format!(
            "the index tells {known} calls, the journals only {compared}; help: stop the server and remove index.db, it is made again"
        ));
    }
    let mut detail = format!("{compared} calls are those of the journals");
    if forgotten > 0 {
        detail.push_str(&format!("; {forgotten} older ones are only in the journals"));
    }
    if behind > 0 {
        detail.push_str(&format!("; {behind} frames are not read yet"));
    }
    Ok(detail)
}

async fn count(index: &CallIndex) -> Result<u64, String> {
    let mut query = CallQuery { limit: Some(1000), ..CallQuery::default() };
    let mut count = 0;
    loop {
        let page = index.query(&query).await.map_err(|error| with_causes(&error))?;
        count += page.len() as u64;
        match page.last() {
            Some(last) if page.len() == 1000 => query.before = Some(last.call),
            _ => return Ok(count),
        }
    }
}
