use std::collections::HashMap;

/// Distinct groups at most; values are free text, and somebody will name a column of identifiers.
const MOST_GROUPS: usize = 10_000;

/// Numbers groups by the values of one or more columns, in the order in which they first come.
///
/// ```
/// use cordon_stats::fairness::Groups;
/// let mut groups = Groups::new(2);
/// assert_eq!(groups.number(&["female", "young"]), Some(0));
/// assert_eq!(groups.number(&["male", "young"]), Some(1));
/// assert_eq!(groups.number(&["female", "young"]), Some(0));
/// assert_eq!(groups.name(1), Some(vec!["male", "young"]));
/// ```
#[derive(Debug, Clone)]
pub struct Groups {
    /// Of each column its values by their text.
    columns: Vec<HashMap<String, usize>>,
    /// The values themselves, by column.
    values: Vec<Vec<String>>,
    /// A tree over the columns: of each node its children by the code of the next value. The last level holds groups.
    nodes: Vec<Vec<Option<usize>>>,
    /// The codes of each group.
    groups: Vec<Vec<usize>>,
}

impl Groups {
    /// No groups yet, of `columns` columns.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self {
            columns: vec![HashMap::new(); columns],
            values: vec![Vec::new(); columns],
            nodes: vec![Vec::new()],
            groups: Vec::new(),
        }
    }

    /// The number of the group with these values, a new one where they come first. `None` for another number of values
    /// than columns, and for a new group beyond 10,000: count such rows and say so.
    pub fn number(&mut self, values: &[&str]) -> Option<usize> {
        if values.len() != self.columns.len() {
            return None;
        }
        let full = self.groups.len() >= MOST_GROUPS;
        let mut at = 0;
        let last = values.len().checked_sub(1)?;
        let columns = self.columns.iter_mut().zip(&mut self.values);
        for (depth, (value, (codes, names))) in values.iter().zip(columns).enumerate() {
            let code = match codes.get(*value) {
                Some(code) => *code,
                None if full => return None,
                None => {
                    codes.insert((*value).to_owned(), names.len());
                    names.push((*value).to_owned());
                    names.len().saturating_sub(1)
                }
            };
            let fresh = if depth == last { self.groups.len() } else { self.nodes.len() };
            let node = self.nodes.get_mut(at)?;
            if node.len() <= code {
                node.resize(code.saturating_add(1), None);
            }
            let slot = node.get_mut(code)?;
            at = match *slot {
                Some(next) => next,
                None if full => return None,
                None => {
                    *slot = Some(fresh);
                    if depth < last {
                        self.nodes.push(Vec::new());
                    }
                    fresh
                }
            };
        }
        if at == self.groups.len() {
            let code = |(value, codes): (&&str, &HashMap<String, usize>)| codes.get(*value).copied();
            self.groups.push(values.iter().zip(&self.columns).filter_map(code).collect());
        }
        Some(at)
    }

    /// Groups so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// There are none yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The values of a group, by column.
    #[must_use]
    pub fn name(&self, group: usize) -> Option<Vec<&str>> {
        let codes = self.groups.get(group)?;
        Some(
            codes
                .iter()
                .zip(&self.values)
                .filter_map(|(code, values)| Some(values.get(*code)?.as_str()))
                .collect(),
        )
    }

    /// The groups of one column alone: its values, and for each group the number of its value.
    #[must_use]
    pub fn margin(&self, column: usize) -> Option<(&[String], Vec<usize>)> {
        let values = self.values.get(column)?;
        Some((values, self.groups.iter().filter_map(|codes| codes.get(column).copied()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_column_of_identifiers_is_bounded() {
        let mut groups = Groups::new(1);
        for id in 0..=MOST_GROUPS {
            let number = groups.number(&[&id.to_string()]);
            assert_eq!(number, (id < MOST_GROUPS).then_some(id));
        }
        assert_eq!((groups.number(&["7"]), groups.len()), (Some(7), MOST_GROUPS));
        assert_eq!(groups.number(&["7", "8"]), None);
        assert_eq!(Groups::new(0).number(&[]), None);
    }

    proptest! {
        #[test]
        fn same_values_same_number(rows in prop::collection::vec((0u8..4, 0u8..3, 0u8..3), 1..60)) {
            let mut groups = Groups::new(3);
            let text = |row: &(u8, u8, u8)| [row.0, row.1, row.2].map(|v| v.to_string());
            let numbers: Vec<usize> = rows
                .iter()
                .map(|row| { let [a, b, c] = text(row); groups.number(&[&a, &b, &c]).unwrap() })
                .collect();
            for (row, number) in rows.iter().zip(&numbers) {
                prop_assert_eq!(groups.name(*number).unwrap(), text(row).to_vec());
                let (values, of_group) = groups.margin(1).unwrap();
                prop_assert_eq!(&values[of_group[*number]], &row.1.to_string());
            }
            let distinct: std::collections::BTreeSet<_> = rows.iter().collect();
            prop_assert_eq!(distinct.len(), groups.len());
        }
    }
}
