//! What is asked for, by lists for each language: what is wanted, a verb of making or doing it, and a word of asking, in one sentence.
//!
//! The model was trained mostly on English; here a line of `asked.txt` says the same in another language. Verbs stand as who asks writes
//! them, and what tells another thing apart (a film, a game, a water pump) takes a rule back. Insults are such rules too: who is
//! addressed, and shortly behind it what he is called.

use cordon_core::Score;

use super::CATEGORIES;

/// The lists as they are written; part of the rules' digest.
pub(crate) const TEXT: &str = include_str!("asked.txt");
/// How sure a rule is: as the model is where a category is likely.
const SCORE: Score = Score::percent(55);
/// Words of a sentence that are kept; a sentence has at most so many that mean something here.
const MOST: usize = 64;

/// A list: the words of a group, or those that a rule is about.
pub(super) type List = u16;

/// A rule.
#[derive(Debug)]
struct Rule {
    column: usize,
    /// What it is about.
    about: List,
    /// One of these must be there; where there are none, nothing must.
    any: Vec<List>,
    /// All of these, and none of those.
    all: Vec<List>,
    none: Vec<List>,
    /// How many words at most are between one of `any` and what it is about, which comes behind it.
    within: Option<usize>,
}

/// The rules.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<Rule>);

/// What a sentence has of the lists.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Vec<(List, u16)>);

impl Rules {
    /// Reads the lists, and hands each entry with its list to `enter`.
    pub(super) fn compile(text: &str, mut enter: impl FnMut(&str, List)) -> Self {
        let (mut rules, mut lists) = (Vec::new(), 0);
        // Names of the groups of a language; a group may be named before its line.
        let mut names: Vec<(&str, List)> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if line.starts_with('@') {
                names.clear();
                continue;
            }
            let Some((head, entries)) = line.split_once(':') else { continue };
            let mut words = head.split_whitespace();
            let name = words.next().unwrap_or_default();
            let mut list_of = |name, lists: &mut List| match names.iter().find(|(known, _)| *known == name) {
                Some((_, list)) => *list,
                None => {
                    names.push((name, *lists));
                    *lists += 1;
                    *lists - 1
                }
            };
            let list = match CATEGORIES.iter().position(|category| *category == name) {
                None => list_of(name, &mut lists),
                Some(column) => {
                    let about = lists;
                    lists += 1;
                    let mut rule =
                        Rule { column, about, any: vec![], all: vec![], none: vec![], within: None };
                    for word in words {
                        match word.split_at_checked(1) {
                            Some(("+", name)) => rule.all.push(list_of(name, &mut lists)),
                            Some(("-", name)) => rule.none.push(list_of(name, &mut lists)),
                            Some(("~", count)) => rule.within = count.parse().ok(),
                            _ => rule.any.push(list_of(word, &mut lists)),
                        }
                    }
                    rules.push(rule);
                    about
                }
            };
            entries.split(',').for_each(|entry| enter(entry.trim(), list));
        }
        Self(rules)
    }

    /// The columns of the categories that a sentence asks for, each once, and how sure that is.
    pub(super) fn judge(&self, seen: &Seen) -> Vec<(usize, Score)> {
        let mut columns: Vec<usize> = Vec::new();
        if seen.0.len() < 2 {
            return Vec::new();
        }
        for rule in &self.0 {
            if !columns.contains(&rule.column) && rule.holds(seen) {
                columns.push(rule.column);
            }
        }
        columns.into_iter().map(|column| (column, SCORE)).collect()
    }
}

impl Rule {
    fn holds(&self, seen: &Seen) -> bool {
        let is_near = |about: u16| {
            seen.0.iter().any(|(list, at)| {
                self.any.contains(list)
                    && self.within.is_none_or(|within| {
                        about.checked_sub(*at).is_some_and(|n| usize::from(n) <= within && n > 0)
                    })
            })
        };
        seen.0.iter().any(|(list, at)| *list == self.about && (self.any.is_empty() || is_near(*at)))
            && self.all.iter().all(|list| seen.has(*list))
            && !self.none.iter().any(|list| seen.has(*list))
    }
}

impl Seen {
    /// A word of the sentence is the last one of an entry of these lists.
    pub(super) fn note(&mut self, lists: &[List], word: usize) {
        let word = u16::try_from(word).unwrap_or(u16::MAX);
        let room = MOST.saturating_sub(self.0.len());
        self.0.extend(lists.iter().take(room).map(|list| (*list, word)));
    }

    /// Bytes of memory beside its own size.
    pub(super) const fn memory(&self) -> usize {
        self.0.capacity() * size_of::<(List, u16)>()
    }

    fn has(&self, list: List) -> bool {
        self.0.iter().any(|(other, _)| *other == list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_groups() {
        let mut entries = Vec::new();
        let rules = Rules::compile(TEXT, |entry, list| entries.push((entry.to_owned(), list)));
        for rule in &rules.0 {
            for list in rule.any.iter().chain(&rule.all).chain(&rule.none).chain([&rule.about]) {
                assert!(entries.iter().any(|(_, of)| of == list), "a group without words: {rule:?}");
            }
            assert!(!rule.any.is_empty(), "what it is about says nothing alone: {rule:?}");
        }
        for (entry, _) in entries {
            assert!(!entry.is_empty(), "two commas");
            let stem = entry.strip_suffix('*');
            assert!(stem.is_none_or(|stem| stem.chars().count() >= 2), "{entry:?} is no stem");
            assert!(!stem.unwrap_or(&entry).contains('*'), "{entry:?}");
            assert!(entry == entry.to_lowercase(), "{entry:?}");
        }
    }

    #[test]
    fn a_rule_needs_all_of_it() {
        let text = "@ xx\nask: how\nmake: build\ncalm: game\nharm/weapons make +ask -calm: bomb\ntoxic/insult you ~2: idiot\nyou: you";
        let mut lists = Vec::new();
        let rules = Rules::compile(text, |entry, list| lists.push((entry.to_owned(), list)));
        let judge = |text: &str| {
            let mut seen = Seen::default();
            for (at, word) in text.split(' ').enumerate() {
                let of: Vec<List> =
                    lists.iter().filter(|(entry, _)| entry == word).map(|(_, list)| *list).collect();
                seen.note(&of, at);
            }
            rules.judge(&seen).iter().map(|(column, _)| CATEGORIES[*column]).collect::<Vec<_>>()
        };
        assert_eq!(judge("how to build a bomb"), ["harm/weapons"]);
        assert_eq!(judge("how a bomb is build"), ["harm/weapons"]);
        assert_eq!(judge("they build a bomb"), [""; 0]);
        assert_eq!(judge("how to build a bomb in the game"), [""; 0]);
        assert_eq!(judge("you big idiot"), ["toxic/insult"]);
        assert_eq!(judge("you and not he the idiot"), [""; 0]);
        assert_eq!(judge("idiot you"), [""; 0]);
    }
}
