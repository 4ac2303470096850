//! Where limits are counted: a port, so that one process or many can share a count.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use cordon_core::{
    Name, Timestamp,
    record::Spend,
    resource::{LimitSpec, LimitWindow},
};
use cordon_policy::{CompiledLimit, Limits};
use smallvec::SmallVec;

use super::usage::Reading;

/// What is counted of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Tokens of input.
    InputTokens,
    /// Money, in billionths.
    Money,
    /// Tokens of output.
    OutputTokens,
    /// Requests.
    Requests,
    /// Tokens of input and output together.
    Tokens,
}

/// One limit of a call, and what of it is asked for now.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The limit.
    pub limit: Arc<CompiledLimit>,
    /// Whether the call counts as a request now.
    pub request: bool,
}

/// All that is asked for at once: it is counted under every limit, or under none.
#[derive(Clone, Debug, Default)]
pub struct Demand {
    /// The limits.
    pub claims: SmallVec<[Claim; 8]>,
    /// Tokens and money, where limits that count them are asked.
    pub spend: Option<Spend>,
}

/// How full a limit is, as callers' libraries want to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The limit.
    pub limit: Name,
    /// What is counted.
    pub measure: Measure,
    /// How much there is in a window.
    pub most: u64,
    /// How much is left.
    pub remaining: u64,
    /// Until when all of it is there again.
    pub reset: Duration,
}

/// What was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The time that it was counted at; nothing where the counters cannot be reached and the limits allow that.
    pub time: Option<Timestamp>,
    /// How full the limits are now, of requests and tokens.
    pub standings: Vec<Standing>,
}

/// Why nothing was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// There is not so much left.
    Full {
        /// The limit.
        limit: Name,
        /// What there is too little of.
        measure: Measure,
        /// When another try makes sense.
        wait: Duration,
        /// How full the limits are.
        standings: Vec<Standing>,
    },
    /// It is more than the limit has in a whole window.
    TooMuch {
        /// The limit.
        limit: Name,
        /// What there is too little of.
        measure: Measure,
    },
    /// The counters cannot be reached, and this limit refuses then.
    Unavailable {
        /// The limit.
        limit: Name,
        /// Why not.
        why: String,
    },
}

/// What a call holds of limits that count tokens or money, until it is known what it used.
#[derive(Clone, Debug)]
pub struct Held {
    /// The limits.
    pub limits: Limits,
    /// When it was counted.
    pub time: Timestamp,
    /// What was counted.
    pub reserved: Spend,
}

/// Resolves when a demand was counted, or is known not to be.
pub type Taking = Pin<Box<dyn Future<Output = Result<Taken, Denied>> + Send>>;

/// Counters of limits.
pub trait Counters: Send + Sync + 'static {
    /// Counts a demand at a time, under all of its limits or under none. Nothing is counted once the future was dropped
    /// before it resolved, or it is counted whole: such a call is charged what it asked for.
    fn take(&self, demand: Demand, now: Timestamp) -> Taking;

    /// Counts what a call used in place of what it had reserved. It is on its way when this returns.
    fn settle(&self, held: Held, spent: Spend);

    /// How much each of some limits counted at a time, in their order. It changes nothing, and keeps no call waiting.
    fn usage(&self, limits: Limits, now: Timestamp) -> Reading;

    /// How much of a limit's tokens or money is used in the window of a time, and how much there is: of what is nearest to its
    /// end. Nothing where that is not known here.
    fn used(&self, _limit: &CompiledLimit, _now: Timestamp) -> Option<(u64, u64)> {
        None
    }

    /// Whether a limit is known; others may be forgotten once they hold nothing.
    fn retain(&self, known: &dyn Fn(&Name) -> bool, now: Timestamp);
}

impl Measure {
    /// Those of use, which a call reserves.
    pub const OF_USE: [Self; 4] = [Self::InputTokens, Self::Money, Self::OutputTokens, Self::Tokens];

    /// Its word, in keys and reasons.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InputTokens => "input_tokens",
            Self::Money => "money",
            Self::OutputTokens => "output_tokens",
            Self::Requests => "requests",
            Self::Tokens => "tokens",
        }
    }

    /// How much of it a spend is.
    pub fn of(self, spend: &Spend) -> u64 {
        match self {
            Self::InputTokens => spend.input,
            Self::Money => spend.cost.map_or(0, |cost| cost.amount.nanos()),
            Self::OutputTokens => spend.output,
            Self::Requests => 0,
            Self::Tokens => spend.input.saturating_add(spend.output),
        }
    }

    /// How much of it a limit allows in a window, and in which; nothing where it does not count it, or counts it in another way.
    pub fn quota(self, limit: &LimitSpec) -> Option<(u64, LimitWindow)> {
        let of = |quota: cordon_core::resource::TokenQuota| (quota.count, quota.window);
        match self {
            Self::InputTokens => limit.input_tokens.map(of),
            Self::Money => limit.money.map(|budget| (budget.amount.nanos(), budget.window)),
            Self::OutputTokens => limit.output_tokens.map(of),
            Self::Requests => None,
            Self::Tokens => limit.tokens.map(of),
        }
    }
}
