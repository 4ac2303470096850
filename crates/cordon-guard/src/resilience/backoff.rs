//! How long a call waits before the same target is tried again.

use std::time::Duration;

use http::{HeaderMap, HeaderName, header};

const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// A pause drawn at random between nothing and a bound that doubles with each: "full jitter" (M. Brooker, Exponential
/// Backoff And Jitter, AWS Architecture Blog, 2015), so that calls that failed together do not come back together.
/// `random` is a random number, `before` how many pauses there were.
pub(super) fn pause(first: Duration, longest: Duration, before: u32, random: u64) -> Duration {
    let bound = first.saturating_mul(1 << before.min(16)).min(longest);
    let micros = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(random.checked_rem(micros.saturating_add(1)).unwrap_or(0))
}

/// What an upstream says about when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing.
    Unsaid,
    /// After this time.
    Wait(Duration),
    /// Not at all, or in a way that is not understood.
    Never,
}

/// Reads `Retry-After` in seconds (RFC 9110, section 10.2.3), and the finer headers of OpenAI's. A date is `Never`: clocks
/// differ, and who gives one means longer than a call waits.
pub(super) fn after(headers: &HeaderMap) -> After {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
    if text(&SHOULD_RETRY) == Some("false") {
        return After::Never;
    }
    let number = |text: &str| text.parse::<u64>().ok();
    match (text(&RETRY_AFTER_MS).and_then(number), text(&header::RETRY_AFTER)) {
        (Some(millis), _) => After::Wait(Duration::from_millis(millis)),
        (None, Some(seconds)) => {
            number(seconds).map_or(After::Never, |seconds| After::Wait(Duration::from_secs(seconds)))
        }
        (None, None) => After::Unsaid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_spread_below_a_bound_that_doubles() {
        let (first, longest) = (Duration::from_millis(100), Duration::from_millis(500));
        for (before, bound) in [(0, 100), (1, 200), (2, 400), (3, 500), (40, 500)] {
            let most = (0..10_000).map(|random| pause(first, longest, before, random * 7_919)).max().unwrap();
            assert!(most <= Duration::from_millis(bound), "{before}: {most:?}");
            assert!(most > Duration::from_millis(bound * 9 / 10), "{before}: {most:?}");
        }
        assert_eq!(pause(Duration::ZERO, longest, 3, u64::MAX), Duration::ZERO);
    }

    #[test]
    fn what_an_upstream_says_is_read() {
        for (headers, expected) in [
            (&[][..], After::Unsaid),
            (&[("retry-after", "2")][..], After::Wait(Duration::from_secs(2))),
            (&[("retry-after", "2"), ("retry-after-ms", "20")][..], After::Wait(Duration::from_millis(20))),
            (&[("retry-after", "Sat, 21 Nov 2026 09:00:00 GMT")][..], After::Never),
            (&[("retry-after", "-1")][..], After::Never),
            (&[("retry-after", "1"), ("x-should-retry", "false")][..], After::Never),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(HeaderName::from_static(name), value.parse().unwrap());
            }
            assert_eq!(after(&map), expected, "{headers:?}");
        }
    }
}
