//! What the numbers of a report mean, in a sentence, and how each is read. `docs/statistics.md` has the formulas.

/// A statistic.
pub(super) struct Term {
    /// What rows and heads name it by.
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    pub(super) reading: &'static str,
}

/// The definition of a statistic.
pub(super) fn find(key: &str) -> Option<&'static Term> {
    TERMS.iter().find(|term| term.key == key)
}

const fn term(key: &'static str, name: &'static str, meaning: &'static str, reading: &'static str) -> Term {
    Term { key, name, meaning, reading }
}

/// In the order in which a page lists them.
pub(super) const TERMS: [Term; 84] = [
    term(
        "js",
        "JS distance",
        "Jensen–Shannon distance, base 2, square root: how far apart two distributions are, on bins that the reference froze.",
        "0 is the same, 1 is nothing in common. The interval takes off what chance alone adds, so it can lie below the plain value.",
    ),
    term(
        "threshold",
        "Threshold",
        "The JS distance from which on a change is large enough to matter (--effect).",
        "With many rows chance explains nothing any more: this keeps changes that nobody cares about silent.",
    ),
    term(
        "psi",
        "PSI",
        "Population stability index, Σ (q − p) ln(q/p) over the same bins.",
        "0 is the same. The usual limits of 0.1 and 0.25 ignore how many rows there are: read it beside p.",
    ),
    term(
        "ks",
        "KS",
        "Kolmogorov–Smirnov: the largest distance of the two cumulative shares.",
        "0.1 means: for some value, the share of rows below it differs by ten points.",
    ),
    term(
        "shift",
        "Mean shift",
        "Difference of the means in standard deviations of the reference, with an interval of 95 %.",
        "+0.5 sd: the middle moved up by half of what is usual between rows. Below 0.1 few would see it.",
    ),
    term(
        "wasserstein",
        "Wasserstein",
        "How far values moved on average, in the column's own unit.",
        "In euros, days or degrees: ask whoever owns the data whether that is much.",
    ),
    term(
        "p_adjusted",
        "p, adjusted",
        "Probability of a change at least this large if nothing had changed, corrected for every test of the table (Holm, unless --correction says otherwise).",
        "At or below the level (0.05 unless said otherwise) chance does not explain it. It says nothing about size.",
    ),
    term(
        "rows_needed",
        "Rows needed",
        "Rows with a value that it takes to tell a change of the stated size from chance, with the stated probability.",
        "With fewer, that nothing was found says little. A small reference makes it more, or impossible.",
    ),
    term(
        "rank_correlation",
        "Rank correlation",
        "Spearman's: how far two columns rise and fall together, whatever their scale and however far single values lie.",
        "1 is always together, -1 always opposite, 0 neither. A change is of the whole: from 0.8 to 0.3 is -0.5.",
    ),
    term(
        "mean_loss",
        "Mean loss",
        "What wrong predictions cost on average, from 0 (all right) to 1: 1 for a wrong answer, or the error over --largest-error.",
        "0.08 of answers that are right or wrong: eight of a hundred are wrong.",
    ),
    term(
        "loss_difference",
        "Difference",
        "Mean loss of this one less that of the one it is compared with, with an interval that holds at all rows at once.",
        "Wholly above the margin: worse. Wholly below: not worse. Else more rows are needed.",
    ),
    term(
        "missing",
        "Missing",
        "The share of rows without a value, in the reference and now.",
        "A jump is more often a broken pipe than a changed world: ask there first.",
    ),
    term(
        "distinct",
        "Distinct",
        "How many different values; with ~ an estimate, off by about 3 %.",
        "As many as rows: an identifier, which no model should see.",
    ),
    term(
        "quantiles",
        "Bands",
        "Under a histogram: the line runs from the 5 % to the 95 % quantile, the bar from 25 % to 75 %, the dot is the median.",
        "Half of all rows lie within the bar, nine of ten within the line.",
    ),
    term(
        "defect",
        "Defect",
        "Something that was counted: a column that is gone, values out of range, texts among numbers.",
        "A breach breaks what the reference promises; a note is only said.",
    ),
    term(
        "contribution",
        "Contribution",
        "How much of the change goes with this column or segment, in the unit of what is explained.",
        "It says where a change sits in the data, not what caused it. What touches none is chance.",
    ),
    term(
        "trend",
        "At the end",
        "The straight line through the values, at the last of their times, with its interval.",
        "Single values scatter around the line: this is its height, not the next value.",
    ),
    term(
        "slope",
        "Change",
        "How much the line rises or falls, with its interval.",
        "An interval on both sides of 0: no trend is told from chance.",
    ),
    term(
        "effective",
        "Worth",
        "How many independent values these are worth: values that resemble the ones before them say less.",
        "Far below the number of values, the trend is less sure than it looks.",
    ),
    term(
        "separation",
        "Log odds",
        "How much this column helps a classifier to tell the current rows from those of the reference.",
        "The largest first; near 0 a column looks the same in both.",
    ),
    term(
        "interval",
        "Interval",
        "Where the true value lies, with the confidence that is stated, given how few or many rows there are.",
        "Two estimates whose intervals overlap much are not known to differ.",
    ),
    term(
        "accuracy",
        "Accuracy",
        "Right decisions of all.",
        "Compare it with always saying the more frequent answer.",
    ),
    term("base_rate", "Base rate", "Positive labels of all rows.", "How common what is looked for is."),
    term(
        "selection_rate",
        "Selection rate",
        "Rows decided positive, of all.",
        "Alike for all groups: demographic parity. The lowest below four fifths of the highest: disparate impact.",
    ),
    term(
        "recall",
        "Recall",
        "Of what is positive, how much was found (true positive rate).",
        "Low: much is missed. Alike for all groups: equal opportunity.",
    ),
    term("precision", "Precision", "Of what was decided positive, how much is.", "Low: many false alarms."),
    term(
        "false_positive_rate",
        "False positive rate",
        "Of what is negative, how much was decided positive.",
        "The share of the innocent that is accused.",
    ),
    term(
        "false_negative_rate",
        "False negative rate",
        "Of what is positive, how much was missed.",
        "One less recall.",
    ),
    term(
        "specificity",
        "Specificity",
        "Of what is negative, how much was decided so.",
        "One less the false positive rate.",
    ),
    term(
        "negative_predictive_value",
        "Negative predictive value",
        "Of what was decided negative, how much is.",
        "How far a no can be trusted.",
    ),
    term(
        "f1",
        "F1",
        "Harmonic mean of precision and recall.",
        "Near 1 only where both are; ignores true negatives.",
    ),
    term(
        "balanced_accuracy",
        "Balanced accuracy",
        "Mean of recall and specificity.",
        "0.5 is what a coin does, however rare the positive answer is.",
    ),
    term(
        "informedness",
        "Informedness",
        "Recall less false positive rate (Youden's J).",
        "0 is what a coin does, 1 is perfect.",
    ),
    term(
        "cohen_kappa",
        "Cohen's kappa",
        "Agreement of label and decision beyond chance.",
        "0 is chance, 1 is perfect.",
    ),
    term(
        "mcc",
        "MCC",
        "Correlation of label and decision (Matthews).",
        "0 is chance, 1 perfect, −1 always wrong.",
    ),
    term(
        "roc_auc",
        "ROC AUC",
        "The probability that a positive row has a higher score than a negative one.",
        "0.5 is chance, 1 perfect order. It says nothing about the threshold.",
    ),
    term(
        "average_precision",
        "Average precision",
        "Mean precision over all thresholds, weighted by the recall gained.",
        "Compare it with the base rate, which is what chance gives.",
    ),
    term(
        "ks_separation",
        "KS separation",
        "Largest distance of the score distributions of positive and negative rows.",
        "0 is no separation, 1 complete.",
    ),
    term(
        "brier",
        "Brier score",
        "Mean squared distance of the probability from what happened.",
        "0 is perfect; always saying the base rate b gives b(1 − b).",
    ),
    term(
        "log_loss",
        "Log loss",
        "Mean of −ln of the probability that was given to what happened.",
        "Punishes being sure and wrong most.",
    ),
    term(
        "expected_calibration_error",
        "Calibration error",
        "Mean distance of probabilities from what happened, in ten bins.",
        "Never 0, not of a perfect model either: read it next to the next one.",
    ),
    term(
        "calibration_p",
        "p of calibration",
        "Probability that scores are off by at least as much if each came true as often as it says (Spiegelhalter), corrected (Holm) for the groups.",
        "At or below 0.05 the scores of the group do not mean what they say. It says nothing about by how much.",
    ),
    term(
        "mean_score",
        "Mean score",
        "The mean of the scores of a group.",
        "Scores are probabilities only if as many come true as they say: read it beside what happened.",
    ),
    term(
        "happened",
        "Happened",
        "The share of the group's rows with a positive label.",
        "Above the mean score: the group is scored too low. Below it: too high.",
    ),
    term(
        "calibration_error_if_perfect",
        "Calibration error if perfect",
        "What a perfectly calibrated model would show with as many rows.",
        "A calibration error near it is noise.",
    ),
    term(
        "precision_macro",
        "Precision, macro",
        "Mean of the classes' precisions, each class alike.",
        "Rare classes count as much as frequent ones.",
    ),
    term(
        "recall_macro",
        "Recall, macro",
        "Mean of the classes' recalls, each class alike.",
        "Rare classes count as much as frequent ones.",
    ),
    term(
        "f1_macro",
        "F1, macro",
        "Mean of the classes' F1, each class alike.",
        "Rare classes count as much as frequent ones.",
    ),
    term(
        "precision_weighted",
        "Precision, weighted",
        "Mean of the classes' precisions, weighted by their rows.",
        "Frequent classes decide.",
    ),
    term(
        "recall_weighted",
        "Recall, weighted",
        "Mean of the classes' recalls, weighted by their rows.",
        "The same as accuracy.",
    ),
    term(
        "f1_weighted",
        "F1, weighted",
        "Mean of the classes' F1, weighted by their rows.",
        "Frequent classes decide.",
    ),
    term(
        "mean_absolute_error",
        "Mean absolute error",
        "Mean distance of prediction and value.",
        "In the unit of what is predicted.",
    ),
    term(
        "root_mean_squared_error",
        "Root mean squared error",
        "Root of the mean squared distance.",
        "In the unit of what is predicted; large errors weigh more.",
    ),
    term("mean_squared_error", "Mean squared error", "Mean squared distance.", "In the squared unit."),
    term("bias", "Bias", "Mean of prediction less value.", "Above 0: too high on average."),
    term(
        "mean_relative_error",
        "Mean relative error",
        "Mean distance as a share of the value.",
        "0.1 is ten per cent off.",
    ),
    term(
        "median_absolute_error",
        "Median absolute error",
        "Half of the rows are off by less.",
        "Far outliers do not move it.",
    ),
    term("largest_error", "Largest error", "The row that is off most.", "One row: look at it."),
    term(
        "r_squared",
        "R²",
        "The share of the values' variance that predictions explain.",
        "0 is what the mean does; below 0 is worse.",
    ),
    term(
        "explained_variance",
        "Explained variance",
        "R² with the bias taken off.",
        "Far above R²: predictions are off by a constant.",
    ),
    term(
        "pearson",
        "Pearson",
        "Linear correlation of prediction and value.",
        "1 is a straight line, 0 none.",
    ),
    term("spearman", "Spearman", "Correlation of the ranks.", "1 is the same order."),
    term(
        "kendall",
        "Kendall",
        "Pairs in the same order less pairs in the other, as a share.",
        "1 is the same order.",
    ),
    term(
        "expected",
        "Expected",
        "What performance is estimated to be without labels, from calibrated scores, and where the realised one will lie.",
        "Only while scores mean what they meant: it does not see that the same input has another answer now.",
    ),
    term(
        "estimate_error",
        "Error",
        "What was estimated for the rows that have a label after all, less what was realised on them.",
        "Near 0: the estimate can be relied on while nothing else changes.",
    ),
    term(
        "ndcg",
        "NDCG",
        "Gains of the entries, less the farther down they are, of those of the best order.",
        "1 is the best order.",
    ),
    term(
        "mean_average_precision",
        "MAP",
        "Mean over queries of the precision up to each relevant entry.",
        "High: what is relevant comes first.",
    ),
    term(
        "mean_reciprocal_rank",
        "MRR",
        "Mean of one over the rank of the first relevant entry.",
        "0.5 is a first one in the second place.",
    ),
    term(
        "precision_at_depth",
        "Precision at depth",
        "Relevant ones among the entries that are looked at.",
        "Low where there is little to be found, however good the order.",
    ),
    term(
        "recall_at_depth",
        "Recall at depth",
        "Of what is relevant, how much is among the entries that are looked at.",
        "The rest is never seen.",
    ),
    term(
        "surprise",
        "Surprise",
        "Distance of the realised value from the expected one, in half-widths of the interval.",
        "Above 1 lies outside: now and then is chance, often is a model that no longer means what it says.",
    ),
    term(
        "coverage",
        "Coverage",
        "The share of predictions whose label has come.",
        "Labels that come early are rarely like those that come late: a low share makes every metric doubtful.",
    ),
    term(
        "delay",
        "Delay",
        "How long after its prediction a label came.",
        "Younger predictions than this cannot be judged yet.",
    ),
    term(
        "calibration",
        "Calibration",
        "Points: mean score and share of positive labels in ten bins of scores.",
        "On the diagonal, 0.7 is right seven times of ten; below it scores exaggerate.",
    ),
    term(
        "roc",
        "ROC",
        "Recall against false positive rate, over all thresholds.",
        "The further to the upper left, the better; the diagonal is chance.",
    ),
    term(
        "precision_recall",
        "Precision–recall",
        "Precision against recall, over all thresholds.",
        "The dashed line is what chance gives: the base rate.",
    ),
    term(
        "four_fifths",
        "Four fifths",
        "The limit (--limit) of lowest rate divided by highest rate.",
        "Drawn where four fifths of the highest group's rate is: a group wholly left of it is at a disadvantage.",
    ),
    term(
        "difference",
        "Difference",
        "Highest rate less lowest rate, with an interval that holds for all pairs of groups at once.",
        "0 is equal.",
    ),
    term(
        "ratio",
        "Ratio",
        "Lowest rate divided by highest rate, likewise.",
        "1 is equal; the verdict compares the whole interval with the limit.",
    ),
    term(
        "equalized_odds",
        "Equalized odds",
        "The worse of the gaps in recall and in false positive rate.",
        "0: both kinds of mistake are equally frequent in all groups.",
    ),
    term(
        "verdict",
        "Verdict",
        "Breach: the whole interval is beyond the limit. Within: the whole interval is not. Undecided: the limit lies inside.",
        "Undecided is no pass: more rows are needed.",
    ),
    term(
        "repair",
        "Repair",
        "Thresholds for each group that make the groups equal, and the accuracy that this costs on the same rows.",
        "They treat groups differently on purpose, which needs a legal basis in many places.",
    ),
    term(
        "similar",
        "Distance of people",
        "By the columns that make people alike: a standard deviation of a number is 1, and so is another word.",
        "Near 0 are people who are alike in all of them: their scores should be too.",
    ),
    term(
        "counterfactual",
        "Counterfactual",
        "Decisions that would have been others with nothing but the attribute changed.",
        "0 is what individual fairness asks for.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use cordon_stats::performance::{Index, Rate};

    #[test]
    fn each_metric_has_one_definition() {
        let keys: std::collections::BTreeSet<&str> = TERMS.iter().map(|term| term.key).collect();
        assert_eq!(keys.len(), TERMS.len());
        for name in Rate::ALL.map(Rate::name).into_iter().chain(Index::ALL.map(Index::name)) {
            assert!(find(name).is_some(), "`{name}` is not defined");
        }
    }
}
