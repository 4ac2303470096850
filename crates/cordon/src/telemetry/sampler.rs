//! Which traces are exported.

use cordon_guard::{ports::Sampling, trace::TraceId};

/// Trace ids have 56 bits that are random.
const WHOLE: u64 = 1 << 56;

/// A share of all traces, in 2⁻⁵⁶.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u64);

impl Share {
    /// All of them.
    pub const ALL: Self = Self(WHOLE);
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Reads a number from 0 to 1.
    ///
    /// # Errors
    /// With what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let ratio: f64 = text
            .trim()
            .parse()
            .ok()
            .filter(|ratio| (0.0..=1.0).contains(ratio))
            .ok_or("a number from 0 to 1 is expected")?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 2^56")]
        #[expect(clippy::cast_precision_loss, reason = "2^56 is a double")]
        Ok(Self((ratio * WHOLE as f64) as u64))
    }

    /// Whether a trace is in it: the same answer in every process that asks for the same trace.
    fn has(self, trace: TraceId) -> bool {
        trace.randomness() >= WHOLE.saturating_sub(self.0)
    }
}

/// Decides by trace id, and by what the caller decided where `by_parent` says so: the samplers of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampler {
    by_parent: bool,
    share: Share,
}

impl Sampler {
    /// The sampler of a name of `OTEL_TRACES_SAMPLER`; `share` is the argument of those that take one.
    ///
    /// # Errors
    /// With the names that there are.
    pub fn named(name: &str, share: Share) -> Result<Self, String> {
        let (by_parent, root) = match name.strip_prefix("parentbased_") {
            Some(root) => (true, root),
            None => (false, name),
        };
        let share = match root {
            "always_on" => Share::ALL,
            "always_off" => Share::NONE,
            "traceidratio" => share,
            _ => {
                return Err(
                    "`always_on`, `always_off` or `traceidratio` is expected, or one of them after `parentbased_`"
                        .to_owned(),
                );
            }
        };
        Ok(Self { by_parent, share })
    }

    /// What is done with a trace.
    pub fn sample(&self, trace: TraceId, parent: Option<bool>) -> Sampling {
        match parent.filter(|_| self.by_parent).unwrap_or_else(|| self.share.has(trace)) {
            true => Sampling::Sampled,
            false => Sampling::Dropped,
        }
    }
}

#[cfg(test)]
mod tests {
    use cordon_core::{CallId, Timestamp};
    use cordon_guard::trace::CallTrace;

    use super::*;

    fn traces() -> impl Iterator<Item = TraceId> {
        (0..10_000_u64).map(|n| {
            // A generator of Weyl's kind: evenly spread, and the same at each run.
            let spread = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
            let mut random = [0; 10];
            random[2..].copy_from_slice(&spread);
            CallTrace::new(CallId::new(Timestamp::from_millis(1), random), None, |_, _| Sampling::Off).id()
        })
    }

    #[test]
    fn a_share_of_the_traces_is_chosen_by_their_ids() {
        let share = |text: &str| Share::parse(text).unwrap();
        let count = |name: &str, ratio: &str, parent: Option<bool>| {
            let sampler = Sampler::named(name, share(ratio)).unwrap();
            traces().filter(|trace| sampler.sample(*trace, parent) == Sampling::Sampled).count()
        };
        assert_eq!(count("always_on", "0", Some(false)), 10_000);
        assert_eq!(count("parentbased_always_on", "0", Some(false)), 0);
        assert_eq!(count("parentbased_always_on", "0", None), 10_000);
        assert_eq!(count("always_off", "1", Some(true)), 0);
        assert_eq!(count("parentbased_always_off", "1", Some(true)), 10_000);
        assert_eq!(count("traceidratio", "1", None), 10_000);
        assert_eq!(count("traceidratio", "0", None), 0);
        let tenth = count("traceidratio", "0.1", Some(true));
        assert!((900..1_100).contains(&tenth), "{tenth}");
        // Who is in a small share is in a larger one.
        let (small, large) = (share("0.1"), share("0.2"));
        assert!(traces().all(|trace| !small.has(trace) || large.has(trace)));
        for wrong in ["-0.1", "1.1", "NaN", "x", ""] {
            assert!(Share::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Sampler::named("jaeger_remote", Share::ALL).is_err());
    }
}
