use super::rows::OneHot;
use super::{Cause, Columns, Rows, ranked};
use crate::drift::{Classified, cross_fitted};
use crate::interval::{Estimate, Level, Mean, Unknown};

/// How well a classifier tells the rows of two tables apart, and by which columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Separation {
    /// The area under the curve and its test.
    pub classified: Classified,
    /// The mean log odds of the current rows less that of the reference: 0 where nothing tells them apart. The sum of what the
    /// columns contribute.
    pub distance: Estimate,
    /// What each column contributes, given the others: the largest first.
    pub columns: Vec<Cause>,
}

/// A classifier two-sample test over all columns at once: can anything tell the tables apart, and which columns do?
///
/// The classifier is logistic and additive in the pieces of the columns, cross-fitted and tested as [`crate::drift::classifier`]. Its
/// score is a sum over columns, so that the mean difference of the scores splits into what each column contributes: of an
/// additive score these are its Shapley values exactly, without sampling (Štrumbelj and Kononenko, "Explaining prediction
/// models and individual predictions with feature contributions", 2014). The intervals hold the chance of the rows that were asked,
/// not that of the fit.
///
/// Sees every change of single columns and of their additive mixture. Blind to a change of nothing but how columns depend on
/// each other: take [`crate::drift::mmd`] for that. Columns that move together share a contribution.
///
/// # Errors
/// [`Unknown::TooFew`] below 40 rows on a side, [`Unknown::Constant`] where no column varies.
pub fn separation(
    columns: &Columns,
    reference: &Rows,
    current: &Rows,
    level: Level,
) -> Result<Separation, Unknown> {
    let design = OneHot { tables: [reference, current], starts: columns.starts(), width: columns.width() };
    let was = reference.len();
    let mut each = vec![[Mean::default(); 2]; columns.len()];
    let mut whole = [Mean::default(); 2];
    let classified = cross_fitted(&design, [was, current.len()], level, |row, is_current, weights| {
        let codes = if is_current { current.codes(row - was) } else { reference.codes(row) };
        let side = usize::from(is_current);
        let mut score = 0.0;
        for ((means, own), code) in each.iter_mut().zip(columns.split(weights)).zip(codes) {
            let part = own.get(usize::from(*code)).copied().unwrap_or(0.0);
            score += part;
            means.iter_mut().skip(side).take(1).for_each(|mean| mean.push(part));
        }
        whole.iter_mut().skip(side).take(1).for_each(|mean| mean.push(score));
        score
    })?;
    let difference = |[was, is]: &[Mean; 2]| is.minus(was, level);
    let causes = each.iter().enumerate().map(|(at, means)| {
        let contribution = difference(means)?;
        Ok(Cause { column: columns.name(at).to_owned(), contribution, alone: columns.alone(at) })
    });
    let causes = causes.collect::<Result<_, Unknown>>()?;
    Ok(Separation { classified, distance: difference(&whole)?, columns: ranked(causes) })
}
