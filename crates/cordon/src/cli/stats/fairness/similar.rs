//! Whether like people are scored alike: each of a sample beside the one who is most like them.

use cordon_stats::{
    fairness::{
        Groups,
        individual::{Neighbours, nearest},
    },
    interval::{Level, Proportion},
    random::Random,
};
use serde::Serialize;

use super::super::{
    StatsError, number,
    outcomes::{Input, Told, shown},
    report::{Head, Row, Section, Table},
};

/// People who are compared, each with each.
const MOST_PEOPLE: usize = 2_000;
/// Pairs that are named.
const MOST_PAIRS: usize = 5;
/// Where the sampling of rows starts, so that the same file gives the same answer.
const SEED: u64 = 1;

/// What people are like and how they were scored: a fair sample of the rows.
pub(super) struct People {
    random: Random,
    seen: u64,
    people: Vec<Person>,
}

struct Person {
    /// Of the table, from 1.
    row: u64,
    group: usize,
    score: f64,
    inputs: Vec<Input>,
}

/// As JSON tells it.
#[derive(Serialize)]
pub(super) struct Alike {
    similar: Vec<String>,
    lipschitz: f64,
    /// People who were compared, and of how many.
    people: usize,
    of: u64,
    /// Those whose score differs from that of who is most like them by more than the constant times their distance.
    violations: Told,
    /// The same of those for whom that one is of another group.
    across_groups: Told,
    /// The pairs that are farthest beyond it.
    worst: Vec<Pair>,
    #[serde(skip)]
    level: Level,
    #[serde(skip)]
    counts: [Proportion; 2],
}

#[derive(Serialize)]
struct Pair {
    rows: [u64; 2],
    groups: [Vec<String>; 2],
    distance: f64,
    scores: [f64; 2],
}

impl Default for People {
    fn default() -> Self {
        Self { random: Random::new(SEED), seen: 0, people: Vec::new() }
    }
}

impl People {
    /// Takes a row in; each has the same chance to be kept (Vitter's algorithm R).
    pub(super) fn push(&mut self, row: u64, group: usize, score: f64, inputs: impl FnOnce() -> Vec<Input>) {
        self.seen += 1;
        let person = |inputs: Vec<Input>| Person { row, group, score, inputs };
        if self.people.len() < MOST_PEOPLE {
            self.people.push(person(inputs()));
            return;
        }
        let seen = usize::try_from(self.seen).unwrap_or(usize::MAX);
        if let Some(kept) = self.people.get_mut(self.random.below(seen)) {
            *kept = person(inputs());
        }
    }

    /// Each beside the one who is most like them.
    pub(super) fn alike(
        &self,
        similar: &[String],
        constant: f64,
        groups: &Groups,
        level: Level,
    ) -> Result<Alike, StatsError> {
        let spreads: Vec<f64> = (0..similar.len()).map(|column| self.spread(column)).collect();
        let distance = |a: usize, b: usize| match (self.people.get(a), self.people.get(b)) {
            (Some(a), Some(b)) => apart(a, b, &spreads),
            _ => f64::NAN,
        };
        let scores: Vec<f64> = self.people.iter().map(|person| person.score).collect();
        let pairs = nearest(&scores, distance).map_err(|why| {
            StatsError::Told(format!(
                "people cannot be compared: {why}; help: --similar needs two rows or more with a score (--score, or --threshold for \
                 scores as predictions)"
            ))
        })?;
        let group = |at: usize| self.people.get(at).map(|person| person.group);
        let is_across = |pair: &&Neighbours| group(pair.rows.0) != group(pair.rows.1);
        let counts = [beyond(pairs.iter(), constant), beyond(pairs.iter().filter(is_across), constant)];
        let [violations, across] = counts.map(|counted| counted.wilson(level).into());
        Ok(Alike {
            similar: similar.to_vec(),
            lipschitz: constant,
            people: self.people.len(),
            of: self.seen,
            violations,
            across_groups: across,
            worst: self.worst(&pairs, constant, groups),
            level,
            counts,
        })
    }

    /// The pairs farthest beyond the constant, each once.
    fn worst(&self, pairs: &[Neighbours], constant: f64, groups: &Groups) -> Vec<Pair> {
        let mut beyond: Vec<&Neighbours> = pairs.iter().filter(|pair| pair.exceeds(constant)).collect();
        let excess = |pair: &Neighbours| pair.difference - constant * pair.distance;
        beyond.sort_by(|a, b| excess(b).total_cmp(&excess(a)).then(a.in_order().cmp(&b.in_order())));
        beyond.dedup_by_key(|pair| pair.in_order());
        let name = |group| groups.name(group).unwrap_or_default().into_iter().map(str::to_owned).collect();
        let told = |pair: &Neighbours| {
            let (first, second) = pair.in_order();
            let (a, b) = (self.people.get(first)?, self.people.get(second)?);
            Some(Pair {
                rows: [a.row, b.row],
                groups: [name(a.group), name(b.group)],
                distance: pair.distance,
                scores: [a.score, b.score],
            })
        };
        beyond.into_iter().filter_map(told).take(MOST_PAIRS).collect()
    }

    /// The standard deviation of the numbers of a column; 0 where they do not vary.
    fn spread(&self, column: usize) -> f64 {
        let number = |person: &Person| match person.inputs.get(column) {
            Some(Input::Number(value)) => Some(*value),
            _ => None,
        };
        let numbers: cordon_stats::interval::Mean = self.people.iter().filter_map(number).collect();
        numbers.variance().unwrap_or(0.0).sqrt()
    }
}

/// The share of pairs whose scores differ by more than so many times their distance.
fn beyond<'a>(pairs: impl Iterator<Item = &'a Neighbours>, constant: f64) -> Proportion {
    let (mut beyond, mut within) = (0, 0);
    for pair in pairs {
        *(if pair.exceeds(constant) { &mut beyond } else { &mut within }) += 1;
    }
    Proportion::of_parts(beyond, within)
}

/// How far two people are apart: a standard deviation of a number is 1, and so is another word, or a value that one of them lacks.
fn apart(a: &Person, b: &Person, spreads: &[f64]) -> f64 {
    let square = |((a, b), spread): ((&Input, &Input), &f64)| match (a, b) {
        (Input::Number(a), Input::Number(b)) if *spread > 0.0 => ((a - b) / spread).powi(2),
        (a, b) => f64::from(u8::from(a != b)),
    };
    a.inputs.iter().zip(&b.inputs).zip(spreads).map(square).sum::<f64>().sqrt()
}

impl Alike {
    fn sentence(&self) -> String {
        let [all, across] = self.counts.map(|counted| counted.wilson(self.level));
        let mut said = format!(
            "{} of the people are scored otherwise than who is most like them, by more than {} times their distance",
            shown(all),
            number(self.lipschitz)
        );
        if across.is_ok() {
            said.push_str(&format!("; where that one is of another group, {}", shown(across)));
        }
        said
    }

    pub(super) fn section(&self) -> Section {
        let sample = if (self.people as u64) < self.of {
            format!(", a sample of {} of {}", self.people, self.of)
        } else {
            format!(", all {}", self.of)
        };
        let heads = vec![
            Head::left("ROWS"),
            Head::left("GROUPS"),
            Head::right("DISTANCE").is("similar"),
            Head::left("SCORES"),
        ];
        let row = |pair: &Pair| {
            let [a, b] = &pair.rows;
            let [first, second] = &pair.groups;
            let [score, other] = pair.scores;
            Row::plain([
                format!("{a} and {b}"),
                format!("{} and {}", first.join(", "), second.join(", ")),
                number(pair.distance),
                format!("{} and {}", number(score), number(other)),
            ])
        };
        Section {
            title: "Like people".to_owned(),
            line: format!("By {}{sample}: {}", self.similar.join(", "), self.sentence()),
            table: Table { heads, rows: self.worst.iter().map(row).collect() },
            notes: vec![
                "A standard deviation of a number is a distance of 1, and so is another word: the columns decide what is alike, not the formula."
                    .to_owned(),
            ],
            ..Section::default()
        }
    }

    /// For those who decide.
    pub(super) fn said(&self) -> String {
        self.sentence() + "."
    }
}
