//! What a guard does with texts: what is redacted is gone, and windows over prompts stay bounded.

use std::sync::{Arc, LazyLock};

use cordon_core::{
    Action, Category, Channel, Form, HmacKey, Mode, Name, Score, Timestamp,
    json::{Limits, Value},
    resource::{GuardScope, GuardSpec, Rule},
};
use cordon_guard::{
    Inspection, Verdict,
    abuse::{Abuse, Turn},
    openai::Request,
};
use cordon_policy::EffectiveGuard;

use crate::text::{ENGINE, split};

/// An address that is found wherever it stands by itself.
pub(crate) const ADDRESS: &str = "jane.roe@example.com";
const FORMS: [Form; 4] = [Form::Mask, Form::Drop, Form::Hash, Form::Token];

static GUARDS: LazyLock<[Arc<EffectiveGuard>; 4]> = LazyLock::new(|| FORMS.map(|form| Arc::new(guard(form))));

/// Addresses, numbers and keys are redacted in this form.
fn guard(form: Form) -> EffectiveGuard {
    let rule = |category| Rule {
        channels: Channel::ALL.to_vec(),
        category: Category::known(category),
        at: Score::percent(50),
        action: Action::Redact,
        form,
        throttle: None,
        new_only: false,
    };
    let spec = GuardSpec {
        scope: GuardScope::Organisation,
        mode: Mode::Enforce,
        rules: ["pii", "secret"].map(rule).to_vec(),
        exceptions: Vec::new(),
        allow: None,
        hosts: None,
        types: Vec::new(),
        topics: None,
    };
    match Name::parse("fuzz") {
        Ok(name) => EffectiveGuard::alone(&name, &spec),
        Err(error) => panic!("{error}"),
    }
}

/// Inspection that redacts in the form of this number.
pub(crate) fn inspection(form: u8) -> Inspection {
    let guard = Arc::clone(&GUARDS[usize::from(form) % FORMS.len()]);
    Inspection::new(ENGINE.clone(), guard, Timestamp::from_millis(0), HmacKey::from_bytes([7; 32]))
}

/// A text with an address by itself somewhere in it. No JSON that is read has a NUL in its texts.
pub(crate) fn planted(text: &str, at: u8) -> String {
    let text = text.replace('\0', "");
    let at = text.floor_char_boundary(text.len() * usize::from(at) / 255);
    format!("{} {ADDRESS} {}", &text[..at], &text[at..])
}

/// The first byte is the form, the second where in the text an address stands. No copy of it goes on, whatever stands around it, in
/// one string of a request or in an object beside it; and what goes on is JSON.
pub(crate) fn redacted(bytes: &[u8]) {
    let Some((_, cut, text)) = split(bytes) else { return };
    let form = bytes.first().copied().unwrap_or(0);
    let message = |content: Value| {
        let message: Value = [("role", Value::from("user")), ("content", content)]
            .into_iter()
            .collect::<cordon_core::json::Object>()
            .into();
        let whole = [("model", Value::from("m")), ("messages", Value::Array(vec![message]))];
        Value::Object(whole.into_iter().collect())
    };
    let Ok(request) = Request::read(message(planted(&text, cut).into())) else { return };
    let mut verdict = Verdict::default();
    if let Ok(mut passed) = request.inspect(&inspection(form), &mut verdict) {
        let body = passed.body("upstream");
        let parsed = Value::parse(&body, Limits::default());
        let body = String::from_utf8_lossy(&body);
        assert!(parsed.is_ok(), "what goes on is JSON: {parsed:?} {body}");
        assert!(!body.contains(ADDRESS), "{form}: {body}");
        assert_eq!(verdict.action(), Action::Redact);
    }
}

/// Prompts parted by zero bytes, each a call of one principal: windows are bounded, and the same calls look the same again.
pub(crate) fn abuse(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(name) = Name::parse("fuzz") else { return };
    let run = || {
        let abuse = Abuse::new([[3; 8], [5; 8]]);
        let mut all = Vec::new();
        for (at, prompt) in text.split('\0').take(96).enumerate() {
            let now = Timestamp::from_millis(i64::try_from(at).unwrap_or(0).saturating_mul(900));
            let turn = Turn::said(prompt.split('\u{1}'));
            let Ok(seen) = abuse.see(&name, &GUARDS[0], &turn, now) else { continue };
            assert!(seen.signals.iter().all(|(_, score)| *score >= Score::percent(50)));
            all.push(seen.signals);
        }
        assert!(abuse.remembered() <= 1 && abuse.throttled(Timestamp::from_millis(0)) == 0);
        all
    };
    assert_eq!(run(), run(), "the same calls look the same");
}

/// Messages parted by zero bytes, each of parts that U+0001 parts; the first byte of a message is who says it. What was cut over parts,
/// messages and quoted pieces is judged the same again, what is redacted is gone from all of them, and what goes on is JSON.
pub(crate) fn conversation(bytes: &[u8]) {
    const ROLES: [&str; 3] = ["user", "assistant", "user"];
    let text = String::from_utf8_lossy(bytes);
    let object = |members: Vec<(&str, Value)>| {
        Value::Object(members.into_iter().collect::<cordon_core::json::Object>())
    };
    let message = |said: &str| {
        let role = ROLES[said.bytes().next().map_or(0, usize::from) % ROLES.len()];
        let part = |text: &str| object(vec![("type", Value::from("text")), ("text", Value::from(text))]);
        let parts = said.split('\u{1}').take(8).map(part).collect();
        object(vec![("role", Value::from(role)), ("content", Value::Array(parts))])
    };
    let messages: Vec<Value> = text.split('\0').take(24).map(message).collect();
    let request = object(vec![("model", Value::from("m")), ("messages", Value::Array(messages))]);
    let run = || {
        let Ok(request) = Request::read(request.clone()) else { return None };
        let mut verdict = Verdict::default();
        let body =
            request.inspect(&inspection(0), &mut verdict).ok().map(|mut passed| passed.body("upstream"));
        if let Some(body) = &body {
            assert!(Value::parse(body, Limits::default()).is_ok(), "{}", String::from_utf8_lossy(body));
        }
        Some((verdict.recorded().clone(), body))
    };
    assert_eq!(run(), run(), "the same conversation, the same answer");
}
