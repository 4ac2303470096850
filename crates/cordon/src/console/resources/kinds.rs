//! What differs between the kinds on their lists.

use cordon_core::resource::Kind;

/// What a kind is for, and how the first one is made.
pub(super) const fn taught(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Detector => (
            "A detector is asked over HTTP about texts, or has its model here, beside those that are built in, wherever a guard has rules for what it may find.",
            "apiVersion: cordon/v1\nkind: Detector\nname: insults\nspec:\n  adapter: cordon\n  base_url: https://detector.example.com/v1\n  categories: {insult: toxic/insult}\n  self_test: {text: you fool, category: toxic}",
        ),
        Kind::Guard => (
            "A guard says what is done about what is found: which categories lead to which action. The built-in baseline \
             decides about what no guard has a rule for.",
            "apiVersion: cordon/v1\nkind: Guard\nname: no-cards\nspec:\n  scope: organisation\n  mode: observe\n  rules:\n    - {category: pii/card, action: block}",
        ),
        Kind::Limit => (
            "A limit bounds use: requests, tokens and money in a time, calls at once, and what one call may be.",
            "apiVersion: cordon/v1\nkind: Limit\nname: per-team\nspec:\n  applies_to: {team: support}\n  requests: {count: 600, window: 1m}",
        ),
        Kind::Model => (
            "A model is one that a service offers, under a name of yours.",
            "apiVersion: cordon/v1\nkind: Model\nname: small\nspec: {service: provider, upstream_name: gpt-5-mini}",
        ),
        Kind::Principal => (
            "A principal is a caller: a workload of a team, with the routes that it may use.",
            "apiVersion: cordon/v1\nkind: Principal\nname: support-app\nspec: {team: support, routes: [support-bot]}",
        ),
        Kind::Retention => (
            "A retention says how long records and captured content of some routes are kept.",
            "apiVersion: cordon/v1\nkind: Retention\nname: health-data\nspec: {labels: {data: health}, content: 7d, records: 3650d}",
        ),
        Kind::Route => (
            "A route is the public name that callers use in `model`: the models behind it, and the guards on it.",
            "apiVersion: cordon/v1\nkind: Route\nname: support-bot\nspec: {team: support, targets: [{model: small}]}",
        ),
        Kind::Service => (
            "A service is an upstream provider: its address, and where its key is.",
            "apiVersion: cordon/v1\nkind: Service\nname: provider\nspec: {protocol: openai, base_url: https://api.openai.com/v1, secret: env:OPENAI_API_KEY}",
        ),
        Kind::System => (
            "A system is an AI system as a regulator means it: a purpose, an owner, a risk class.",
            "apiVersion: cordon/v1\nkind: System\nname: helpdesk\nspec: {team: support, purpose: answers customers, risk: limited}",
        ),
        Kind::Team => (
            "A team owns systems and routes; its guards apply to them and to its callers.",
            "apiVersion: cordon/v1\nkind: Team\nname: support\nspec: {}",
        ),
        Kind::Tool => (
            "A tool is one that models may propose to call: who may have it called, with what, and what may have entered the \
             conversation before.",
            "apiVersion: cordon/v1\nkind: Tool\nname: send-mail\nspec:\n  called: send_mail\n  callers: {teams: [support]}\n  effects: {acts_outside: true}",
        ),
        Kind::Trigger => (
            "A trigger does what was approved in advance when a signal is too high: it takes out what fails or leaks, tests that, and says \
             how long it took.",
            "apiVersion: cordon/v1\nkind: Trigger\nname: small-fails\nspec:\n  on: {model: small}\n  signal: {error_rate: {above: 0.5, until: 0.1}}\n  window: 60s\n  action: {quarantine: model/small}\n  lift: rule",
        ),
    }
}

/// The columns of a kind's list: fields of its spec.
pub(super) const fn fields(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Detector => &[
            ("Adapter", "adapter"),
            ("Address", "base_url"),
            ("Categories", "categories"),
            ("When unavailable", "when_unavailable"),
        ],
        Kind::Guard => &[("Scope", "scope"), ("Mode", "mode"), ("Rules", "rules")],
        Kind::Limit => &[
            ("Applies to", "applies_to"),
            ("Requests", "requests"),
            ("Tokens", "tokens"),
            ("Money", "money"),
            ("At once", "concurrency"),
        ],
        Kind::Model => &[("Service", "service"), ("Upstream name", "upstream_name"), ("Prices", "prices")],
        Kind::Principal => &[("Team", "team"), ("Routes", "routes")],
        Kind::Retention => &[
            ("Content", "content"),
            ("Records", "records"),
            ("Labels", "labels"),
            ("Jurisdictions", "jurisdictions"),
        ],
        Kind::Route => &[
            ("Team", "team"),
            ("System", "system"),
            ("Targets", "targets"),
            ("Mode", "mode"),
            ("Guards", "guards"),
            ("Content", "content"),
        ],
        Kind::Service => &[("Protocol", "protocol"), ("Address", "base_url"), ("Region", "region")],
        Kind::System => &[("Team", "team"), ("Risk", "risk"), ("Jurisdictions", "jurisdictions")],
        Kind::Team => &[],
        Kind::Tool => &[
            ("Called", "called"),
            ("Callers", "callers"),
            ("Effects", "effects"),
            ("Highest taint", "max_taint"),
        ],
        Kind::Trigger => &[
            ("On", "on"),
            ("Signal", "signal"),
            ("Window", "window"),
            ("Action", "action"),
            ("Lift", "lift"),
        ],
    }
}
