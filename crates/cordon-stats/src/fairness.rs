//! Whether a model treats groups of people alike, and what it would cost if it did.
//!
//! One pass counts decisions against labels in each group ([`Tally`]); everything about groups follows from these counts,
//! which merge by addition. Groups are the values of one column or the combinations of several ([`Groups`]): a model can
//! be fair to women and to the young and unfair to young women.
//!
//! | criterion | asks | take |
//! |---|---|---|
//! | demographic parity | are groups selected equally often? | [`Tally::gap`] of [`Rate::Selection`] |
//! | four fifths (disparate impact) | is each group's selection at least 0.8 of the highest? | [`Tally::disparate_impact`] |
//! | equal opportunity | are the deserving selected equally often? | [`Tally::gap`] of [`Rate::Recall`] |
//! | equalized odds | … and the undeserving too? | [`Tally::equalized_odds`] |
//! | predictive parity | does a selection mean the same? | [`Tally::gap`] of [`Rate::Precision`] |
//! | calibration by group | does a score mean the same? | [`crate::performance::Reliability`] of each group |
//! | individual fairness | are like people treated alike? | [`individual`] |
//! | unequal benefit, as one number | | [`Tally::entropy_index`] |
//!
//! Where base rates differ, several of these cannot hold at once (Kleinberg, Mullainathan and Raghavan, 2016;
//! Chouldechova, 2017): which one matters is a decision about harm, not about statistics.
//!
//! **Small groups.** A gap between the best and the worst of many small groups is large by chance alone. Its interval
//! holds for all pairs of groups at once, groups below a least size are left out *and named*, and a limit inside the
//! interval is [`crate::interval::Side::Undecided`], not a pass. Labels that are themselves biased make every criterion
//! that uses them blind to that bias.
//!
//! Mitigation: [`Tally::reweighing`] before training, [`thresholds`] after it, each with its price.

mod gap;
mod groups;
mod indices;
pub mod individual;
mod tally;
pub mod thresholds;

pub use gap::{Gap, Limits, Odds};
pub use groups::Groups;
pub use tally::{Reweighing, Tally};

pub use crate::performance::Rate;
