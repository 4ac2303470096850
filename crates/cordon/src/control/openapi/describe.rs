//! How a handler's own signature becomes its entry in the document: every part that it takes and the answer that it gives
//! tell what they are. A handler with a part that tells nothing does not compile as an endpoint.

use std::collections::BTreeMap;

use axum::{Extension, Json, extract::State, http::HeaderMap};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::faults::{self, Fault};
use crate::{
    api::Problem,
    control::{
        Shared,
        paging::{PageQuery, Paged},
        request::{Asked, Of, Segment, Sent},
    },
    identity::{Caller, Peer},
};

/// The schemas of the document: those of what is sent, and those of what is answered.
pub(in crate::control) struct Schemas {
    sent: SchemaGenerator,
    told: SchemaGenerator,
}

/// What is known of an endpoint from its handler.
#[derive(Default)]
pub(in crate::control) struct Told {
    /// Parameters, as the document writes them.
    pub(super) parameters: Vec<Value>,
    /// The media type and schema of the body.
    pub(super) body: Option<Value>,
    /// Answers that are no problems, by status.
    pub(super) answers: BTreeMap<u16, Value>,
    /// Problems that reading the parts can lead to.
    pub(super) faults: Vec<Fault>,
}

/// An endpoint's entry while it is told.
pub(in crate::control) struct Telling<'d> {
    schemas: &'d mut Schemas,
    /// The names of the path's parameters that no part has taken yet.
    names: Vec<&'d str>,
    told: Told,
}

/// Something that a handler takes.
pub(in crate::control) trait Part {
    /// Tells what it expects of a request.
    fn tell(telling: &mut Telling<'_>);
}

/// Something that a handler answers with.
pub(in crate::control) trait Answered {
    /// Tells its status, media type and schema.
    fn tell(telling: &mut Telling<'_>);
}

/// A handler that takes these parts.
pub(in crate::control) trait Described<Parts> {
    /// Tells of all parts and of the answer.
    fn tell(telling: &mut Telling<'_>);
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Self {
            sent: settings().for_deserialize().into_generator(),
            told: settings().for_serialize().into_generator(),
        }
    }

    /// The schema of something that is answered.
    pub(super) fn told<T: JsonSchema>(&mut self) -> Value {
        self.told.subschema_for::<T>().to_value()
    }

    /// Every schema that has a name. One name has one meaning: types that are both sent and answered look the same in both
    /// directions, which a test holds on to.
    pub(super) fn named(mut self) -> (Map<String, Value>, Map<String, Value>) {
        (self.sent.take_definitions(true), self.told.take_definitions(true))
    }
}

/// What gives the schema of an event's data.
type SchemaOf<'d> = fn(&mut Telling<'d>) -> Value;

impl<'d> Telling<'d> {
    /// Begins the entry of a path such as `/keys/{id}`.
    pub(super) fn begin(schemas: &'d mut Schemas, path: &'d str) -> Self {
        let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        let mut names: Vec<&str> = names.map(|name| name.trim_start_matches('*')).collect();
        names.reverse();
        Self { schemas, names, told: Told::default() }
    }

    /// Ends it; a parameter of the path that no part took stays a text.
    pub(super) fn end(mut self) -> Told {
        while let Some(name) = self.names.pop() {
            self.told.parameters.push(path_parameter(name, &json!({"type": "string"})));
        }
        self.told
    }

    /// The next parameter of the path.
    fn named<T: JsonSchema>(&mut self) {
        let schema = self.schemas.sent.subschema_for::<T>().to_value();
        if let Some(name) = self.names.pop() {
            self.told.parameters.push(path_parameter(name, &schema));
        }
    }

    /// The fields of a query, each a parameter.
    fn asked<Q: JsonSchema>(&mut self) {
        // Inline, so that its fields can be taken apart; what they refer to keeps its name.
        let schema = Q::json_schema(&mut self.schemas.sent).to_value();
        let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let fields = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        for (name, mut schema) in fields {
            let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            let needed = required.iter().any(|field| field.as_str() == Some(&name));
            let mut parameter =
                json!({"name": name, "in": "query", "required": needed, "schema": present(schema)});
            set(&mut parameter, "description", description);
            // Where two tell of a parameter, the one that is told last reads it.
            self.told.parameters.retain(|other| other.get("name") != parameter.get("name"));
            self.told.parameters.push(parameter);
        }
    }

    /// A body as JSON.
    fn sent<B: JsonSchema>(&mut self) {
        let schema = self.schemas.sent.subschema_for::<B>().to_value();
        self.told.body = Some(json!({"application/json": {"schema": schema}}));
    }

    /// An answer of this media type and schema.
    pub(in crate::control) fn answers(&mut self, status: u16, says: &str, kind: &str, schema: &Value) {
        let answer = json!({"description": says, "content": {kind: {"schema": schema}}});
        self.told.answers.insert(status, answer);
    }

    /// An answer as JSON.
    pub(in crate::control) fn answers_json<T: JsonSchema>(&mut self, says: &str) {
        let schema = self.schemas.told::<T>();
        self.answers(200, says, "application/json", &schema);
    }

    /// A stream of events: the name of each, and the schema of its data.
    pub(in crate::control) fn streams(&mut self, says: &str, events: &[(&str, SchemaOf<'d>)]) {
        // The body itself is text.
        let data: Map<String, Value> =
            events.iter().map(|(name, schema)| ((*name).to_owned(), schema(self))).collect();
        self.answers(200, says, "text/event-stream", &json!({"type": "string", "x-event-data": data}));
    }

    /// The schema of something told.
    pub(in crate::control) fn schema<T: JsonSchema>(&mut self) -> Value {
        self.schemas.told::<T>()
    }

    /// A header of the answer.
    pub(in crate::control) fn with_header(&mut self, name: &str, says: &str) {
        for answer in self.told.answers.values_mut().filter_map(Value::as_object_mut) {
            let headers = answer.entry("headers").or_insert_with(|| json!({}));
            set(headers, name, Some(json!({"description": says, "schema": {"type": "string"}})));
        }
    }
}

fn path_parameter(name: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

/// The schema of an optional field where it is there: a query has no null.
fn present(mut schema: Value) -> Value {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            set(&mut schema, "type", Some(one));
        }
    }
    if let Some(Value::Array(forms)) = schema.get_mut("anyOf") {
        forms.retain(|form| form.get("type").and_then(Value::as_str) != Some("null"));
        if let [one] = forms.as_slice() {
            return one.clone();
        }
    }
    schema
}

/// Sets a field of an object, where there is something to set.
pub(super) fn set(object: &mut Value, field: &str, value: Option<Value>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(field.to_owned(), value);
    }
}

impl<A: Segment> Part for Of<A> {
    fn tell(telling: &mut Telling<'_>) {
        telling.named::<A>();
        telling.told.faults.push(faults::MALFORMED);
    }
}

impl<A: Segment, B: Segment> Part for Of<(A, B)> {
    fn tell(telling: &mut Telling<'_>) {
        telling.named::<A>();
        telling.named::<B>();
        telling.told.faults.push(faults::MALFORMED);
    }
}

impl<Q: JsonSchema> Part for Asked<Q> {
    fn tell(telling: &mut Telling<'_>) {
        telling.asked::<Q>();
        telling.told.faults.push(faults::MALFORMED);
    }
}

impl<Q: JsonSchema> Part for Paged<Q> {
    fn tell(telling: &mut Telling<'_>) {
        telling.asked::<Q>();
        telling.asked::<PageQuery>();
        telling.told.faults.extend([faults::MALFORMED, faults::CURSOR]);
    }
}

impl<B: JsonSchema> Part for Sent<B> {
    fn tell(telling: &mut Telling<'_>) {
        telling.sent::<B>();
        telling.told.faults.extend([faults::MALFORMED, faults::TOO_LARGE, faults::MEDIA_TYPE]);
    }
}

macro_rules! untold {
    ($($part:ty),*) => { $(impl Part for $part { fn tell(_: &mut Telling<'_>) {} })* };
}
// What every request has, and what others know of it.
untold!(State<Shared>, Extension<Caller>, Option<Extension<Peer>>, HeaderMap);

impl<T: JsonSchema> Answered for Json<T> {
    fn tell(telling: &mut Telling<'_>) {
        telling.answers_json::<T>("Done, or here it is.");
    }
}

impl<T: Answered> Answered for Result<T, Problem> {
    fn tell(telling: &mut Telling<'_>) {
        T::tell(telling);
    }
}

macro_rules! described {
    ($($part:ident),*) => {
        impl<F, Future, R, $($part),*> Described<($($part,)*)> for F
        where
            F: Fn($($part),*) -> Future,
            Future: std::future::Future<Output = R>,
            R: Answered,
            $($part: Part),*
        {
            fn tell(telling: &mut Telling<'_>) {
                $($part::tell(telling);)*
                R::tell(telling);
            }
        }
    };
}
described!();
described!(A);
described!(A, B);
described!(A, B, C);
described!(A, B, C, D);
described!(A, B, C, D, E);
