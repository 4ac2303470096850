use crate::input::InputError;
use crate::profile::{Categories, ColumnProfile, Quantiles};

use super::profiled::{Kinds, Reach, aligned, count_of_kinds, is_numeric, merged, nothing, quantile_bins};
use super::{Bin, Binned, ColumnDrift, Stratified};

/// What is compared of the same season: a column of the reference and of the current data.
pub type Season<'a> = (&'a ColumnProfile, &'a ColumnProfile);

/// Compares a column season by season, such as hour of the week by hour of the week: what comes back each week is no change.
///
/// Bins and categories are those of [`super::column`] for all seasons together. The shares of the reference are what it would have
/// with the current data's seasons, and the test looks within seasons ([`Stratified`]); seasons that only one side has are left
/// out. Of numbers no distance but that of bins is given: the others have no form that is fair to seasons.
///
/// # Errors
/// When no season has a value of the kind that is compared on both sides.
pub fn column_by_season(seasons: &[Season<'_>]) -> Result<ColumnDrift, InputError> {
    let mut whole = [ColumnProfile::default(), ColumnProfile::default()];
    for (was, is) in seasons {
        whole.iter_mut().zip([was, is]).for_each(|(sum, part)| sum.merge(part));
    }
    let [was, is] = &whole;
    if !is_numeric(was) {
        let (Some(left), Some(right)) = (was.texts(), is.texts()) else {
            return Err(missing(was.texts().is_none()));
        };
        let common = left.categories().common(right.categories());
        let of = |column: &ColumnProfile| {
            column.texts().map_or_else(Vec::new, |texts| counted(texts.categories(), &common))
        };
        let reach = common.iter().map(|(_, label)| Reach::Category((*label).to_owned()));
        let tables: Vec<_> = seasons.iter().map(|(was, is)| beside(of(was), of(is))).collect();
        return compared(reach.chain([Reach::Others]), Stratified::of(&tables));
    }
    let (Some(left), Some(right)) = (was.numbers(), is.numbers()) else {
        return Err(missing(was.numbers().is_none()));
    };
    let dropped = left.quantiles().dropped().max(right.quantiles().dropped());
    let (reference, current) = aligned(left.quantiles(), right.quantiles());
    let union = merged(&reference, &current);
    let singles = super::profiled::single_values(&union, dropped == 0);
    let is_single = singles.is_some();
    let bins = singles.unwrap_or_else(|| quantile_bins(&union, left));
    let starts: Vec<f64> = bins
        .iter()
        .map(|bin| match bin.reach {
            Reach::Numbers(low, _) | Reach::Value(low) => low,
            Reach::Category(_) | Reach::Others => f64::NEG_INFINITY,
        })
        .collect();
    let of = |column: &ColumnProfile| {
        column.numbers().map_or_else(Vec::new, |numbers| in_bins(numbers.quantiles(), dropped, &starts))
    };
    let tables: Vec<_> = seasons.iter().map(|(was, is)| beside(of(was), of(is))).collect();
    let stratified = if is_single { Stratified::of(&tables) } else { Stratified::of_neighbours(&tables) };
    compared(bins.into_iter().map(|bin| bin.reach), stratified)
}

/// Of what kind the values of a column are, season by season; see [`Kinds`].
pub fn kinds_by_season(seasons: &[Season<'_>]) -> Kinds {
    let table = |(was, is): &Season<'_>| beside(count_of_kinds(was).to_vec(), count_of_kinds(is).to_vec());
    let stratified = Stratified::of(&seasons.iter().map(table).collect::<Vec<_>>());
    let (counts, test) =
        stratified.map_or_else(Default::default, |stratified| (stratified.counts, stratified.test));
    let at = |place: usize| counts.get(place).copied().unwrap_or_default();
    Kinds { numbers: at(0), texts: at(1), not_finite: at(2), test }
}

/// The values that are missing and those that are there, season by season.
pub fn missing_by_season(seasons: &[Season<'_>]) -> Option<Stratified> {
    let of = |column: &ColumnProfile| vec![column.missing(), column.present()];
    Stratified::of(&seasons.iter().map(|(was, is)| beside(of(was), of(is))).collect::<Vec<_>>())
}

fn missing(of_reference: bool) -> InputError {
    nothing(if of_reference { "the reference" } else { "the current data" })
}

fn beside(mut left: Vec<u64>, mut right: Vec<u64>) -> Vec<(u64, u64)> {
    let longest = left.len().max(right.len());
    left.resize(longest, 0);
    right.resize(longest, 0);
    left.into_iter().zip(right).collect()
}

/// How often each of these categories is, and last all the others.
fn counted(categories: &Categories, common: &[(u64, &str)]) -> Vec<u64> {
    let mut counts: Vec<u64> = common.iter().map(|(hash, _)| categories.count_of(*hash)).collect();
    counts.push(categories.total().saturating_sub(counts.iter().sum()));
    counts
}

/// Exact: the bins begin where intervals of this resolution do.
fn in_bins(quantiles: &Quantiles, dropped: u32, starts: &[f64]) -> Vec<u64> {
    let mut coarse = quantiles.clone();
    coarse.coarsen(dropped);
    let mut counts = vec![0; starts.len()];
    for interval in coarse.intervals() {
        let at = starts.partition_point(|start| *start <= interval.low).saturating_sub(1);
        if let Some(count) = counts.get_mut(at) {
            *count += interval.count;
        }
    }
    counts
}

fn compared(
    reaches: impl Iterator<Item = Reach>,
    stratified: Option<Stratified>,
) -> Result<ColumnDrift, InputError> {
    let stratified = stratified.ok_or_else(|| nothing("every season that both have"))?;
    let bin = |(reach, (reference, current))| Bin { reach, reference, current };
    let bins = reaches.zip(stratified.counts).map(bin);
    // The others are a bin only where there are any.
    let bins = bins.filter(|bin| bin.reach != Reach::Others || bin.reference + bin.current > 0).collect();
    Ok(ColumnDrift {
        bins,
        binned: Binned::of_shares(stratified.shares),
        test: stratified.test,
        numeric: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::column;
    use crate::profile::{Cell, Profile};
    use crate::random::Random;

    fn profile<'a>(values: impl Iterator<Item = Cell<'a>>) -> Profile {
        let mut profile = Profile::new(&["x"]);
        values.for_each(|value| profile.add(&[value]));
        profile
    }

    /// Four weeks against some days, numbers and categories whose mean and mix depend on the day: as it is, every comparison
    /// alarms; by season one in twenty does; and a shift of 0.8 deviations is seen.
    #[test]
    fn a_weekly_pattern_is_no_change_by_season() {
        let mut random = Random::new(77);
        let (runs, mut plain, mut seasonal, mut seen) = (200_u32, 0_u32, 0_u32, 0_u32);
        for run in 0..runs {
            let mut day = |day: usize, rows: usize, shift: f64, is_number: bool| {
                let weekend = if day >= 5 { 2.0 } else { 0.0 };
                let mut draw = |_| -> Cell<'static> {
                    let value = random.normal() + weekend + shift;
                    if is_number {
                        Cell::Decimal(value)
                    } else {
                        Cell::Text(
                            ["low", "middle", "high"][usize::from(value > 0.0) + usize::from(value > 1.0)],
                        )
                    }
                };
                profile((0..rows).map(&mut draw))
            };
            let is_number = run % 2 == 0;
            let reference: Vec<Profile> = (0..7).map(|at| day(at, 400, 0.0, is_number)).collect();
            // From Thursday to Sunday.
            let current: Vec<Profile> =
                (0..7).map(|at| day(at, if at < 3 { 0 } else { 60 }, 0.0, is_number)).collect();
            let shifted: Vec<Profile> =
                (0..7).map(|at| day(at, if at < 3 { 0 } else { 60 }, 0.8, is_number)).collect();
            let pairs = |current: &[Profile]| -> Vec<(ColumnProfile, ColumnProfile)> {
                let of = |profile: &Profile| profile.column("x").unwrap().clone();
                reference.iter().zip(current).map(|(was, is)| (of(was), of(is))).collect()
            };
            let by_season = |current: &[Profile]| {
                let pairs = pairs(current);
                let seasons: Vec<Season<'_>> = pairs.iter().map(|(was, is)| (was, is)).collect();
                column_by_season(&seasons).unwrap()
            };
            let mut whole = [ColumnProfile::default(), ColumnProfile::default()];
            for (was, is) in pairs(&current) {
                whole[0].merge(&was);
                whole[1].merge(&is);
            }
            let alarms = |drift: &ColumnDrift| u32::from(drift.test.unwrap().p_value.at_most(0.05));
            plain += alarms(&column(&whole[0], &whole[1]).unwrap());
            seasonal += alarms(&by_season(&current));
            let shifted = by_season(&shifted);
            seen += u32::from(shifted.test.unwrap().p_value.at_most(0.05));
            assert!(shifted.binned.jensen_shannon_distance_bits() > 0.1);
        }
        // Three standard deviations of the count at the level.
        assert!(seasonal <= 19, "{seasonal} of {runs}");
        assert!(plain > 195 && seen > 195, "{plain} and {seen} of {runs}");
    }

    /// Where each season is alike, the shares are those of the plain comparison.
    #[test]
    fn one_season_is_the_plain_comparison() {
        let mut random = Random::new(5);
        let mut draw = |rows: usize, shift: f64| {
            let values: Vec<f64> = (0..rows).map(|_| random.normal() + shift).collect();
            profile(values.into_iter().map(Cell::Decimal))
        };
        let (was, is) = (draw(5_000, 0.0), draw(3_000, 0.3));
        let (was, is) = (was.column("x").unwrap(), is.column("x").unwrap());
        let (plain, seasonal) = (column(was, is).unwrap(), column_by_season(&[(was, is)]).unwrap());
        assert_eq!(plain.bins, seasonal.bins);
        let [a, b] = [&plain, &seasonal].map(|drift| drift.binned.jensen_shannon_distance_bits());
        assert!((a - b).abs() < 1e-12);
        let [a, b] = [&plain, &seasonal].map(|drift| drift.test.unwrap().statistic);
        assert!((a * 7_999.0 / 8_000.0 - b).abs() < 1e-6 * a);
    }

    #[test]
    fn nothing_in_common_says_so() {
        let numbers = profile([Cell::Integer(1)].into_iter());
        let texts = profile([Cell::Text("a")].into_iter());
        let none = ColumnProfile::default();
        let (numbers, texts) = (numbers.column("x").unwrap(), texts.column("x").unwrap());
        assert!(column_by_season(&[]).is_err());
        assert!(column_by_season(&[(numbers, texts)]).is_err());
        assert!(column_by_season(&[(numbers, &none), (&none, numbers)]).is_err());
        assert_eq!(missing_by_season(&[(numbers, &none)]), None);
        assert_eq!(kinds_by_season(&[(numbers, texts)]).total_variation(), 1.0);
    }
}
