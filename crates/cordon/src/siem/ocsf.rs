//! Facts and frames as OCSF events: pure, the same input gives the same event.
//!
//! | what | class |
//! |---|---|
//! | a fact | Entity Management (3004) |
//! | `opened` with a verdict, `closed` with a verdict on the answer | Detection Finding (2004) |
//! | any other `closed`, and what an unknown caller met | API Activity (6003) |
//! | a caller that could not be authenticated | Authentication (3002) |
//! | a frame of a newer version, which this program cannot read | Base Event (0) |

mod call;
mod fact;

use cordon_core::{Digest, Timestamp};
use serde_json::{Value, json};

pub use call::{CallContext, Place, frame, unreadable};
pub use fact::fact;

/// The version of the schema that events follow.
pub const SCHEMA: &str = "1.2.0";

/// One event, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `fact:<position>` or `frame:<journal>:<sequence>`: the same each time that it is sent.
    pub uid: String,
    /// When it happened.
    pub time: Timestamp,
    /// How bad it is.
    pub severity: Severity,
    /// The event on one line.
    pub json: String,
}

/// How bad an event is, by OCSF's `severity_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing to do.
    Informational = 1,
    /// Worth a look one day.
    Low = 2,
    /// Worth a look.
    Medium = 3,
    /// Look now.
    High = 4,
}

impl Severity {
    const fn caption(self) -> &'static str {
        match self {
            Self::Informational => "Informational",
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
        }
    }
}

/// A class of events.
#[derive(Clone, Copy)]
struct Class {
    uid: u32,
    name: &'static str,
    category: &'static str,
}

const API_ACTIVITY: Class = Class { uid: 6003, name: "API Activity", category: "Application Activity" };
const AUTHENTICATION: Class = Class { uid: 3002, name: "Authentication", category: IAM };
const DETECTION_FINDING: Class = Class { uid: 2004, name: "Detection Finding", category: "Findings" };
const ENTITY_MANAGEMENT: Class = Class { uid: 3004, name: "Entity Management", category: IAM };
const BASE_EVENT: Class = Class { uid: 0, name: "Base Event", category: "Uncategorized" };
const IAM: &str = "Identity & Access Management";

/// What every event has.
struct Base<'a> {
    class: Class,
    activity: (u32, &'static str),
    severity: Severity,
    time: Timestamp,
    /// `metadata.uid`.
    uid: String,
    /// The list that the event is of, and its place there.
    log: (&'static str, u64),
    /// What kind of entry it is made of, such as `key.revoked`.
    code: &'a str,
    leaf: Digest,
    message: String,
    build: &'a str,
}

impl Base<'_> {
    /// The event with the members of its class. `own` and `unmapped` are objects.
    fn event(self, own: Value, mut unmapped: Value) -> Event {
        let (activity, activity_name) = self.activity;
        let mut event = json!({
            "activity_id": activity,
            "activity_name": activity_name,
            "category_name": self.class.category,
            "category_uid": self.class.uid / 1000,
            "class_name": self.class.name,
            "class_uid": self.class.uid,
            "message": self.message,
            "metadata": {
                "event_code": self.code,
                "log_name": self.log.0,
                "product": {"name": "Cordon", "vendor_name": "Cordon", "version": self.build},
                "sequence": self.log.1,
                "uid": self.uid,
                "version": SCHEMA,
            },
            "severity": self.severity.caption(),
            "severity_id": self.severity as u32,
            "time": self.time.as_millis(),
            "type_uid": self.class.uid * 100 + activity,
        });
        // RFC 6962: with it a receiver can check an inclusion proof against what it was sent at the time.
        put(&mut unmapped, "leaf", json!(self.leaf.to_string()));
        merge(&mut event, own);
        put(&mut event, "unmapped", unmapped);
        drop_nulls(&mut event);
        Event { uid: self.uid, time: self.time, severity: self.severity, json: event.to_string() }
    }
}

fn put(object: &mut Value, key: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}

/// Adds the members of an object; where both have an object, its members.
fn merge(into: &mut Value, from: Value) {
    let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) else { return };
    for (key, value) in from {
        match into.get_mut(&key) {
            Some(known) if known.is_object() => merge(known, value),
            _ => drop(into.insert(key, value)),
        }
    }
}

/// OCSF has no null: what is not known is left out. Depth is that of the objects made here.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}

/// The word of an enumeration, as its stored form writes it.
fn word(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

#[cfg(test)]
mod tests;
