//! What callers' libraries read of limits: OpenAI's `x-ratelimit-*` headers, and the name of a limit that refused.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::counters::{Measure, Standing};

/// The limit that refused a call.
pub const LIMIT: HeaderName = HeaderName::from_static("cordon-limit");

const REQUESTS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];
const TOKENS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

/// Says how full the fullest limit of requests and the fullest of tokens are, in place of what an upstream says of its own.
pub(crate) fn put(headers: &mut HeaderMap, standings: &[Standing]) {
    for (measure, [limit, remaining, reset]) in [(Measure::Requests, REQUESTS), (Measure::Tokens, TOKENS)] {
        let of = standings.iter().filter(|standing| standing.measure == measure);
        let Some(fullest) = of.min_by_key(|standing| (standing.remaining, std::cmp::Reverse(standing.reset)))
        else {
            continue;
        };
        headers.insert(limit, HeaderValue::from(fullest.most));
        headers.insert(remaining, HeaderValue::from(fullest.remaining));
        if let Ok(value) = HeaderValue::from_str(&time(fullest.reset)) {
            headers.insert(reset, value);
        }
    }
}

/// A time as OpenAI writes it: `20ms`, `1s`, `6m0s`, `1h0m0s`. Parts of a second are only written where that is all there is, and
/// rounded up.
fn time(time: Duration) -> String {
    let millis = time.as_nanos().div_ceil(1_000_000);
    if millis < 1000 {
        return format!("{millis}ms");
    }
    let seconds = millis.div_ceil(1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use cordon_core::Name;

    use super::*;

    #[test]
    fn times_are_written_as_openai_does() {
        let texts = [0, 20, 1_000, 1_001, 59_999, 60_000, 360_000, 3_600_000, 90_061_000]
            .map(|millis| time(Duration::from_millis(millis)));
        assert_eq!(
            texts,
            ["0ms", "20ms", "1s", "2s", "1m0s", "1m0s", "6m0s", "1h0m0s", "25h1m1s"].map(str::to_owned)
        );
        assert_eq!(time(Duration::from_nanos(1)), "1ms");
    }

    #[test]
    fn the_fullest_limit_is_shown() {
        let standing = |measure, remaining, seconds| Standing {
            limit: Name::parse("a").unwrap(),
            measure,
            most: 10,
            remaining,
            reset: Duration::from_secs(seconds),
        };
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-limit-tokens", HeaderValue::from_static("of the upstream"));
        put(&mut headers, &[standing(Measure::Requests, 3, 9), standing(Measure::Requests, 2, 60)]);
        assert_eq!(headers["x-ratelimit-remaining-requests"], "2");
        assert_eq!(headers["x-ratelimit-reset-requests"], "1m0s");
        assert_eq!(headers["x-ratelimit-limit-requests"], "10");
        assert_eq!(headers["x-ratelimit-limit-tokens"], "of the upstream", "no limit of ours counts tokens");
        put(&mut headers, &[standing(Measure::Tokens, 0, 1)]);
        assert_eq!(headers["x-ratelimit-limit-tokens"], "10");
    }
}
