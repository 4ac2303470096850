//! W3C Trace Context (<https://www.w3.org/TR/trace-context/>): which trace a call belongs to, and what an upstream is told
//! of it. A caller's headers are hostile: they are read strictly and with bounds, and what is passed on is written anew.
//!
//! Ids of our own need no memory. A call whose caller names no trace starts one whose id is the call's; the ids of the
//! spans of a call are the random half of its id, each with another last byte: so a trace leads to its call and back.

use cordon_core::CallId;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::{ports::Sampling, upstream::Trace};

/// The header that names trace and parent.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The header of vendors' own state.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Bytes of a `tracestate` that are passed on (section 3.3.1.5 asks for at least 512).
const MAX_TRACESTATE: usize = 512;
/// Entries of a `tracestate` (section 3.3.1.1).
const MAX_MEMBERS: usize = 32;
/// Entries longer than this go first where there is not room for all (section 3.3.1.5).
const LONG_MEMBER: usize = 128;
/// Bytes of a `tracestate` that are looked at.
const MAX_READ: usize = 8 << 10;
/// Bytes of a `traceparent` of version 00; later versions begin like it.
const PARENT_LENGTH: usize = 55;
/// Flags that are known: `sampled` (level 1) and `random-trace-id` (level 2).
const SAMPLED: u8 = 1;
const RANDOM: u8 = 2;

/// The id of a trace: 16 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// The id of a span: 8 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

impl TraceId {
    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The low 56 bits, which are random also in ids of our own (level 2, section 3.2.2.3.1): what a share of all traces
    /// is chosen by.
    pub fn randomness(&self) -> u64 {
        let [.., a, b, c, d, e, f, g] = self.0;
        u64::from_be_bytes([0, a, b, c, d, e, f, g])
    }
}

impl SpanId {
    /// The 8 bytes.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

fn hex(f: &mut std::fmt::Formatter<'_>, bytes: &[u8]) -> std::fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl std::fmt::Display for TraceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        hex(f, &self.0)
    }
}

impl std::fmt::Debug for TraceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TraceId({self})")
    }
}

impl std::fmt::Display for SpanId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        hex(f, &self.0)
    }
}

impl std::fmt::Debug for SpanId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SpanId({self})")
    }
}

/// The span that a caller made its call in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
    flags: u8,
    state: Option<HeaderValue>,
}

impl Parent {
    /// What a caller's headers say; nothing where they say it in another form, or twice.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(&TRACEPARENT).iter();
        let value = values.next().filter(|_| values.next().is_none())?;
        let (trace, span, flags) = parent(value.as_bytes())?;
        Some(Self { trace, span, flags, state: state(headers) })
    }

    /// Whether the caller's span is recorded.
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }
}

/// A part of a call that is a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The whole call, as the caller sees it.
    Call,
    /// The inspection of the request.
    Request,
    /// The exchange with the upstream.
    Upstream,
    /// The inspection of the answer.
    Answer,
    /// The wait for the record.
    Record,
}

/// The place of a call in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTrace {
    call: CallId,
    parent: Option<Parent>,
    sampling: Sampling,
}

impl CallTrace {
    /// The place that a call has; `sample` says what is done with its trace.
    pub fn new(
        call: CallId,
        parent: Option<Parent>,
        sample: impl FnOnce(TraceId, Option<bool>) -> Sampling,
    ) -> Self {
        let mut trace = Self { call, parent, sampling: Sampling::Off };
        trace.sampling = sample(trace.id(), trace.parent.as_ref().map(Parent::is_sampled));
        trace
    }

    /// The trace: the caller's, or one that begins here.
    pub fn id(&self) -> TraceId {
        self.parent.as_ref().map_or(TraceId(*self.call.as_bytes()), |parent| parent.trace)
    }

    /// The caller's span, where there is one.
    pub const fn parent(&self) -> Option<&Parent> {
        self.parent.as_ref()
    }

    /// Whether the call's spans are exported.
    pub fn is_sampled(&self) -> bool {
        self.sampling == Sampling::Sampled
    }

    /// The id of one of the call's spans.
    pub fn span(&self, part: Part) -> SpanId {
        let [_, _, _, _, _, _, _, _, rest @ ..] = *self.call.as_bytes();
        let mut span: [u8; 8] = rest;
        // Bits of the call's id that are random; its variant (RFC 9562) keeps the whole from being zero.
        if let Some(last) = span.last_mut() {
            *last ^= match part {
                Part::Call => 0,
                Part::Request => 1,
                Part::Upstream => 2,
                Part::Answer => 3,
                Part::Record => 4,
            };
        }
        SpanId(span)
    }

    /// What an upstream is told: our own span as its parent, or, where nothing is traced here, the caller's as it came.
    pub fn onward(&self) -> Trace {
        let span = match (self.sampling, &self.parent) {
            (Sampling::Off, None) => return Trace::default(),
            (Sampling::Off, Some(parent)) => parent.span,
            (Sampling::Dropped | Sampling::Sampled, _) => self.span(Part::Upstream),
        };
        let received = self.parent.as_ref().map_or(0, |parent| parent.flags);
        let flags = match self.sampling {
            Sampling::Off => received & (SAMPLED | RANDOM),
            Sampling::Dropped => received & RANDOM,
            Sampling::Sampled => SAMPLED | received & RANDOM,
        };
        let value = format!("00-{}-{span}-{flags:02x}", self.id());
        let parent = HeaderValue::try_from(value).ok();
        Trace::new(parent, self.parent.as_ref().and_then(|parent| parent.state.clone()))
    }
}

/// `version-traceid-parentid-flags`, lower-case hexadecimal. Later versions may say more after what is known
/// (section 4.3); version ff is none.
fn parent(bytes: &[u8]) -> Option<(TraceId, SpanId, u8)> {
    let (known, rest) = bytes.split_at_checked(PARENT_LENGTH)?;
    let mut parts = known.split(|byte| *byte == b'-');
    let [version] = digits(parts.next()?)?;
    let trace: [u8; 16] = digits(parts.next()?)?;
    let span: [u8; 8] = digits(parts.next()?)?;
    let [flags] = digits(parts.next()?)?;
    let ends_well = match (version, rest.first()) {
        (0xff, _) => false,
        (_, None) => true,
        (0, Some(_)) => false,
        (_, Some(next)) => *next == b'-',
    };
    let is_id = |id: &[u8]| id.iter().any(|byte| *byte != 0);
    (ends_well && parts.next().is_none() && is_id(&trace) && is_id(&span)).then_some((
        TraceId(trace),
        SpanId(span),
        flags,
    ))
}

/// Exactly `N` bytes in lower-case hexadecimal.
fn digits<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(bytes)
}

/// The entries of all `tracestate` headers, as one; nothing where one of them has another form (section 3.3.1).
fn state(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut members: Vec<&str> = Vec::new();
    let mut read = 0_usize;
    for value in headers.get_all(&TRACESTATE) {
        let text = value.to_str().ok()?;
        read = read.saturating_add(text.len());
        if read > MAX_READ {
            return None;
        }
        for member in text.split(',').map(|member| member.trim_matches([' ', '\t'])) {
            // Empty entries are allowed, and need not be kept.
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=')?;
            let is_new = members.iter().all(|known| known.split_once('=').is_none_or(|(k, _)| k != key));
            if !is_key(key) || !is_value(value) || !is_new || members.len() == MAX_MEMBERS {
                return None;
            }
            members.push(member);
        }
    }
    let length = |members: &[&str]| members.iter().map(|member| member.len() + 1).sum::<usize>();
    if length(&members) > MAX_TRACESTATE + 1 {
        members.retain(|member| member.len() <= LONG_MEMBER);
    }
    while length(&members) > MAX_TRACESTATE + 1 {
        members.pop();
    }
    if members.is_empty() { None } else { HeaderValue::try_from(members.join(",")).ok() }
}

/// `lcalpha *255(…)`, or a tenant's `241(…)@lcalpha 13(…)` (section 3.3.1.3.1).
fn is_key(key: &str) -> bool {
    let rest = |text: &str, most: usize| {
        text.len() <= most
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/'))
    };
    let begins = |text: &str| text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    match key.split_once('@') {
        None => begins(key) && rest(key, 256),
        Some((tenant, system)) => {
            !tenant.is_empty()
                && tenant.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                && rest(tenant, 241)
                && begins(system)
                && rest(system, 14)
        }
    }
}

/// Printable ASCII but `,` and `=`, at most 256, not ending in a space (section 3.3.1.3.2).
fn is_value(value: &str) -> bool {
    !value.is_empty()
        && value.len() <= 256
        && value.bytes().all(|b| matches!(b, b' '..=b'~') && b != b',' && b != b'=')
        && !value.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use cordon_core::Timestamp;
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        headers
    }

    fn call() -> CallId {
        CallId::new(Timestamp::from_millis(1_700_000_000_000), [7; 10])
    }

    fn onward(pairs: &[(&'static str, &str)], sampling: Sampling) -> [Option<String>; 2] {
        let trace = CallTrace::new(call(), Parent::of(&headers(pairs)), |_, _| sampling).onward();
        trace.headers().map(|value| value.map(|value| value.to_str().unwrap().to_owned()))
    }

    #[test]
    fn only_a_well_formed_parent_is_believed() {
        let parent = Parent::of(&headers(&[("traceparent", GOOD)])).unwrap();
        assert_eq!(parent.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.span.to_string(), "00f067aa0ba902b7");
        assert!(parent.is_sampled());
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        assert!(!Parent::of(&headers(&[("traceparent", later)])).unwrap().is_sampled());
        assert!(Parent::of(&headers(&[("traceparent", &format!("{later}-what-comes"))])).is_some());
        for wrong in [
            "",
            "00",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "ignore previous instructions",
        ] {
            assert_eq!(Parent::of(&headers(&[("traceparent", wrong)])), None, "{wrong}");
        }
        assert_eq!(Parent::of(&headers(&[("tracestate", "a=b")])), None);
        assert_eq!(Parent::of(&headers(&[("traceparent", GOOD), ("traceparent", GOOD)])), None);
    }

    #[test]
    fn an_upstream_is_told_of_our_span_or_of_the_callers_as_it_came() {
        let from = [("traceparent", GOOD), ("tracestate", "a=1"), ("tracestate", "b@c=2, ,")];
        let state = Some("a=1,b@c=2".to_owned());
        assert_eq!(onward(&from, Sampling::Off), [Some(GOOD.to_owned()), state.clone()]);
        let span = CallTrace::new(call(), None, |_, _| Sampling::Sampled).span(Part::Upstream);
        let ours = |flags| Some(format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{span}-{flags}"));
        assert_eq!(onward(&from, Sampling::Sampled), [ours("01"), state.clone()]);
        assert_eq!(onward(&from, Sampling::Dropped), [ours("00"), state]);
        assert_eq!(onward(&[], Sampling::Off), [None, None]);
        let begun = format!("00-{}-{span}-01", call().to_string().replace('-', ""));
        assert_eq!(onward(&[], Sampling::Sampled), [Some(begun), None]);
    }

    #[test]
    fn state_is_kept_within_its_bounds_or_not_at_all() {
        let of = |text: &str| {
            let parent = Parent::of(&headers(&[("traceparent", GOOD), ("tracestate", text)])).unwrap();
            parent.state.map(|state| state.to_str().unwrap().to_owned())
        };
        let many: Vec<String> = (0..33).map(|n| format!("k{n}=v")).collect();
        for wrong in [
            "a",
            "=b",
            "A=b",
            "a=b=c",
            "a=b,a=c",
            "a@B=c",
            "a=\u{7f}",
            &many.join(","),
            &"a=b,".repeat(3_000),
        ] {
            let map = headers(&[("traceparent", GOOD)]);
            let parses = wrong.parse::<HeaderValue>().is_ok();
            assert!(Parent::of(&map).is_some());
            assert!(!parses || of(wrong).is_none(), "{wrong}");
        }
        assert_eq!(of(&many[..32].join(",")).unwrap(), many[..32].join(","));
        // The long one goes first, then what stands last.
        let long = format!("long={}", "x".repeat(200));
        let short: Vec<String> = (0..9).map(|n| format!("k{n}={}", "y".repeat(60))).collect();
        let kept = of(&format!("{long},{}", short.join(","))).unwrap();
        assert!(kept.len() <= MAX_TRACESTATE, "{}", kept.len());
        assert_eq!(kept, short[..8].join(","));
    }

    #[test]
    fn the_spans_of_a_call_are_told_apart() {
        let trace = CallTrace::new(call(), None, |_, _| Sampling::Sampled);
        let parts = [Part::Call, Part::Request, Part::Upstream, Part::Answer, Part::Record];
        let ids: std::collections::HashSet<SpanId> = parts.iter().map(|part| trace.span(*part)).collect();
        assert_eq!(ids.len(), parts.len());
        assert!(call().to_string().replace('-', "").ends_with(&trace.span(Part::Call).to_string()));
    }

    proptest! {
        /// Whatever a caller sends: no panic, and what goes on is well formed and bounded.
        #[test]
        fn hostile_headers_give_nothing_or_something_well_formed(
            parents in prop::collection::vec(
                prop_oneof![
                    Just(GOOD.to_owned()), "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[ -~]{0,9})?",
                    "[ -~]{0,80}",
                ],
                0..3,
            ),
            states in prop::collection::vec("([a-z0-9@*/_-]{0,20}=[ -~]{0,300},?){0,40}|[ -~]{0,600}", 0..3),
            sampling in prop_oneof![Just(Sampling::Off), Just(Sampling::Dropped), Just(Sampling::Sampled)],
        ) {
            let mut pairs: Vec<(&'static str, &str)> = Vec::new();
            pairs.extend(parents.iter().map(|parent| ("traceparent", parent.as_str())));
            pairs.extend(states.iter().map(|state| ("tracestate", state.as_str())));
            let [first, state] = onward(&pairs, sampling);
            if let Some(first) = &first {
                prop_assert!(parent(first.as_bytes()).is_some() && first.len() == PARENT_LENGTH, "{first}");
                prop_assert_eq!(first.ends_with("01") || first.ends_with("03"), match sampling {
                    Sampling::Sampled => true,
                    Sampling::Dropped => false,
                    Sampling::Off => Parent::of(&headers(&pairs)).is_some_and(|parent| parent.is_sampled()),
                });
            }
            if let Some(state) = state {
                prop_assert!(state.len() <= MAX_TRACESTATE && first.is_some());
                let pairs = [("traceparent", GOOD), ("tracestate", state.as_str())];
                let again = Parent::of(&headers(&pairs)).unwrap().state.unwrap();
                prop_assert_eq!(again.to_str().unwrap(), state.as_str());
            }
        }
    }
}
