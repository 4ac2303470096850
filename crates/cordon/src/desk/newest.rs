//! The newest calls as they end, no more than somebody can look at, with a count of the others.

use cordon_store::calls::LiveView;

use super::calls::{CallLog, CallsProblem, query};
use crate::api::{CallFilter, CallView};

/// First the latest calls that have ended, then the newest ones of those that end between two looks.
pub struct Newest {
    before: Vec<CallView>,
    view: LiveView,
}

/// Calls that have ended since the last look.
pub struct Ended {
    /// The newest ones, in the order in which they ended.
    pub calls: Vec<CallView>,
    /// How many ended before these since the last look.
    pub left_out: u64,
}

impl CallLog {
    /// The calls that a filter asks for as they end: at most so many are kept between two looks, and the others are counted.
    /// None where nobody in this process writes the index of calls.
    ///
    /// # Errors
    /// When index or journal cannot be read.
    pub async fn newest(&self, filter: &CallFilter, most: usize) -> Result<Option<Newest>, CallsProblem> {
        let query = query(filter);
        let Some((journal, view)) = self.live(&query, most) else { return Ok(None) };
        // What ends from the view's place on comes from there, even though the list may know it already.
        let from = view.from();
        let rows = self.rows(&query).await?;
        let before = rows.iter().rev().filter(|row| {
            let place = row.place;
            row.ending.is_some() && (place.journal != journal || place.closed.is_some_and(|at| at < from))
        });
        Ok(Some(Newest { before: before.map(CallView::new).collect(), view }))
    }
}

impl Newest {
    /// What ended since the last look, as soon as it is something; none when nothing more will come.
    pub async fn next(&mut self) -> Option<Ended> {
        if !self.before.is_empty() {
            return Some(Ended { calls: std::mem::take(&mut self.before), left_out: 0 });
        }
        let seen = self.view.next().await?;
        Some(Ended {
            calls: seen.calls.iter().map(|row| CallView::new(row)).collect(),
            left_out: seen.left_out,
        })
    }
}
