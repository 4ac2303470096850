use std::{collections::HashMap, future::Future};

use cordon_core::{CallId, record::Frame};

use super::{CallIndex, CallQuery, CallRow, CallsError, JournalBytes, Progress, SourceFrame};

/// Calls of the journal's tail: those frames that the index has not read yet.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    calls: HashMap<CallId, CallRow>,
    /// Ends of calls that began before the tail.
    ends: HashMap<CallId, (u64, cordon_core::record::Closed)>,
}

impl Tail {
    /// The calls of these frames of a journal, which come in the journal's order.
    pub fn read(&mut self, journal: JournalBytes, frames: impl IntoIterator<Item = SourceFrame>) {
        for source in frames {
            match super::decode(&source) {
                Some(Frame::Opened(frame)) => {
                    let row = CallRow::opened(journal, source.sequence, *frame);
                    self.calls.entry(row.call).or_insert(row);
                }
                Some(Frame::Closed(frame)) => match self.calls.get_mut(&frame.call) {
                    Some(row) if row.ending.is_none() => row.close(source.sequence, *frame),
                    Some(_) => {}
                    None => {
                        self.ends.entry(frame.call).or_insert((source.sequence, *frame));
                    }
                },
                Some(Frame::Attempted(_) | Frame::Unknown(_) | Frame::Read(_)) | None => {}
            }
        }
    }

    /// A call that began in the tail.
    pub fn row(&self, call: CallId) -> Option<CallRow> {
        self.calls.get(&call).cloned()
    }

    /// The calls that a query asks for, newest first, of those that began in the tail: all there are where no index was
    /// made yet.
    pub fn rows(&self, query: &CallQuery) -> Vec<CallRow> {
        let mut rows: Vec<CallRow> = self.calls.values().filter(|row| query.matches(row)).cloned().collect();
        rows.sort_unstable_by(|a, b| b.call.as_bytes().cmp(a.call.as_bytes()));
        rows.truncate(query.limit.unwrap_or(CallQuery::PAGE) as usize);
        rows
    }

    fn finish(&self, row: &mut CallRow) {
        if row.ending.is_none()
            && let Some((sequence, frame)) = self.ends.get(&row.call)
        {
            row.close(*sequence, frame.clone());
        }
    }
}

impl CallIndex {
    /// The calls that a query asks for, newest first, those that the index has not read yet among them.
    ///
    /// `tail` reads what comes after the given progress; it is asked before the index is, so that no call falls between.
    ///
    /// # Errors
    /// When index or tail cannot be read.
    pub async fn list<F: Future<Output = Result<Tail, CallsError>> + Send>(
        &self,
        query: &CallQuery,
        tail: impl FnOnce(Progress) -> F + Send,
    ) -> Result<Vec<CallRow>, CallsError> {
        let tail = tail(self.progress().await?).await?;
        let limit = query.limit.unwrap_or(CallQuery::PAGE) as usize;
        // A call of the index that ended in the tail may only now match, or no longer: each one is looked at again.
        let mut found: HashMap<CallId, CallRow> = HashMap::new();
        for call in tail.ends.keys() {
            if let Some(row) = self.call(*call).await? {
                found.insert(row.call, row);
            }
        }
        // So many of the index's rows may be dropped again.
        let more = u32::try_from(found.len()).unwrap_or(u32::MAX);
        let wide = CallQuery {
            limit: Some(query.limit.unwrap_or(CallQuery::PAGE).saturating_add(more)),
            ..query.clone()
        };
        found.extend(self.query(&wide).await?.into_iter().map(|row| (row.call, row)));
        found.extend(tail.calls.iter().map(|(call, row)| (*call, row.clone())));
        let mut rows: Vec<CallRow> = found.into_values().collect();
        rows.iter_mut().for_each(|row| tail.finish(row));
        rows.retain(|row| query.matches(row));
        rows.sort_unstable_by(|a, b| b.call.as_bytes().cmp(a.call.as_bytes()));
        rows.truncate(limit);
        Ok(rows)
    }

    /// One call, though the index may not have read it yet.
    ///
    /// # Errors
    /// When index or tail cannot be read.
    pub async fn find<F: Future<Output = Result<Tail, CallsError>> + Send>(
        &self,
        call: CallId,
        tail: impl FnOnce(Progress) -> F + Send,
    ) -> Result<Option<CallRow>, CallsError> {
        let tail = tail(self.progress().await?).await?;
        let row = match tail.calls.get(&call) {
            Some(row) => Some(row.clone()),
            None => self.call(call).await?,
        };
        Ok(row.map(|mut row| {
            tail.finish(&mut row);
            row
        }))
    }
}
