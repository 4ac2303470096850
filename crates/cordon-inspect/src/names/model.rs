//! The weights, and how they choose a tag.

use std::sync::LazyLock;

use crate::names::features::{BUCKETS, Token};

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A person.
    Person,
    /// A company, an office, a club.
    Organisation,
    /// A country, a region, a town.
    Place,
    /// A street with a number, and what belongs to it.
    Address,
}

/// What a token is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tag {
    /// No part of a name.
    #[default]
    Outside,
    /// The first token of one.
    First(Kind),
    /// A further token of one.
    Further(Kind),
}

/// All tags, in the order of the weights.
pub const TAGS: [Tag; 9] = [
    Tag::Outside,
    Tag::First(Kind::Person),
    Tag::Further(Kind::Person),
    Tag::First(Kind::Organisation),
    Tag::Further(Kind::Organisation),
    Tag::First(Kind::Place),
    Tag::Further(Kind::Place),
    Tag::First(Kind::Address),
    Tag::Further(Kind::Address),
];

impl Tag {
    /// What it is part of.
    pub fn kind(self) -> Option<Kind> {
        match self {
            Self::Outside => None,
            Self::First(kind) | Self::Further(kind) => Some(kind),
        }
    }

    /// Whether a token of this tag belongs to a name that began with that one.
    pub fn goes_on(self, first: Self) -> bool {
        matches!((self, first.kind()), (Self::Further(kind), Some(of)) if kind == of)
    }

    /// Its place in [`TAGS`].
    pub fn index(self) -> usize {
        TAGS.iter().position(|tag| *tag == self).unwrap_or(0)
    }

    /// Whether a token can have it behind one with another tag: a number begins nothing but an address.
    pub fn can_follow(self, last: Self, token: &Token) -> bool {
        match self {
            Self::Outside => true,
            Self::First(kind) => token.may_begin() && (kind == Kind::Address || !token.is_number()),
            Self::Further(_) => self.goes_on(last),
        }
    }
}

/// One row of weights per bucket, one weight per tag.
#[derive(Debug)]
pub struct Model(Vec<[i8; TAGS.len()]>);

impl Model {
    /// The weights that come with this crate.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Model> = LazyLock::new(|| Model::read(Model::bytes()));
        &BUILTIN
    }

    /// The weights of [`Self::builtin`] as they are stored.
    pub(crate) const fn bytes() -> &'static [u8] {
        include_bytes!("weights.bin")
    }

    /// Weights as the trainer writes them: a byte each, row by row.
    pub fn read(bytes: &[u8]) -> Self {
        let mut rows: Vec<[i8; TAGS.len()]> = bytes
            .chunks_exact(TAGS.len())
            .map(|row| std::array::from_fn(|i| row.get(i).map_or(0, |b| i8::from_ne_bytes([*b]))))
            .collect();
        rows.resize(BUCKETS, [0; TAGS.len()]);
        Self(rows)
    }

    /// The best tag for these features that can follow the last one.
    pub fn best(&self, buckets: &[u32], last: Tag, token: &Token) -> Tag {
        let mut scores = [0_i32; TAGS.len()];
        for bucket in buckets {
            if let Some(row) = usize::try_from(*bucket).ok().and_then(|at| self.0.get(at)) {
                for (score, weight) in scores.iter_mut().zip(row) {
                    *score += i32::from(*weight);
                }
            }
        }
        let allowed = TAGS.iter().zip(scores).filter(|(tag, _)| tag.can_follow(last, token));
        // The first of equals: outside.
        allowed.rev().max_by_key(|(_, score)| *score).map_or(Tag::Outside, |(tag, _)| *tag)
    }
}
