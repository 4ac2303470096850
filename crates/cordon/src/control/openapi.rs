//! The document of the API: OpenAPI 3.1 (<https://spec.openapis.org/oas/v3.1.1.html>), made of the table of endpoints, of
//! their handlers' signatures and of the types that they take and give. Nothing in it is written a second time, and its
//! examples are a node's own answers.

mod describe;
mod examples;
pub(super) mod faults;

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    body::Bytes,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

pub(super) use self::{
    describe::{Answered, Described, Telling},
    faults::Fault,
};
use self::{
    describe::{Schemas, Told, set},
    examples::Example,
};
use super::{
    endpoint::{Endpoint, Group},
    endpoints,
    idempotency::{Kept, PATTERN, REPLAYED},
};
use crate::{
    api::Problem,
    identity::{CSRF_HEADER, SESSION_COOKIE, permit},
};

/// The document, as an answer.
pub(super) struct Document;

/// The document of this program, made once.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| document(endpoints::groups()));

/// What is said of the whole API.
const ABOUT: &str = "The API for operators. Requests and answers are JSON; unknown fields and unknown parameters are refused. \
    Times are RFC 3339, durations such as `30d`. Errors are problem details (RFC 9457): `type` is `urn:cordon:problem:` and a \
    word that never changes.";

/// The OpenAPI document of the control API.
pub fn openapi() -> &'static Value {
    &DOCUMENT
}

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        let body = Bytes::from(serde_json::to_vec(&*DOCUMENT).unwrap_or_default());
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}

impl Answered for Document {
    fn tell(telling: &mut Telling<'_>) {
        telling.answers(200, "An OpenAPI 3.1 document.", "application/json", &json!({"type": "object"}));
    }
}

fn document(groups: Vec<Group>) -> Value {
    let mut schemas = Schemas::new();
    let problem = schemas.told::<Problem>();
    let examples = examples::all();
    let mut paths: Map<String, Value> = Map::new();
    let mut tags = Vec::new();
    for group in groups {
        tags.push(json!({"name": group.name, "description": group.says}));
        for endpoint in group.endpoints {
            let path = format!("{}{}", group.prefix, endpoint.path.replace("{*", "{"));
            let operation = operation(&mut schemas, &endpoint, group.name, &problem, &examples);
            let item = paths.entry(path).or_insert_with(|| json!({}));
            set(item, &endpoint.method.as_str().to_ascii_lowercase(), Some(operation));
        }
    }
    let (sent, mut named) = schemas.named();
    named.extend(sent);
    let mut document = json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Cordon control API",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "What Cordon knows, and what it can be told.",
            "description": ABOUT,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/", "description": "The control listener that serves this document."}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": named,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A personal token (`cu_…`, from `cordon login` or `createToken`), or the administrator's \
                                    token of the data folder.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": SESSION_COOKIE,
                    "description": "The cookie of a session, from `logIn`; behind TLS its name begins with `__Host-`.",
                },
                "csrf": {
                    "type": "apiKey",
                    "in": "header",
                    "name": CSRF_HEADER,
                    "description": "What a session's requests repeat when they change something: `csrf` of `readMe`.",
                },
            },
        },
    });
    bound(&mut document);
    document
}

/// Says of every whole number what its format bounds it by.
fn bound(value: &mut Value) {
    let most = match value.get("format").and_then(Value::as_str) {
        Some("uint16") => Some(u64::from(u16::MAX)),
        Some("uint32") => Some(u64::from(u32::MAX)),
        Some("uint64" | "uint") => Some(u64::MAX),
        _ => None,
    };
    if let (Some(most), Some(schema)) = (most, value.as_object_mut()) {
        schema.entry("maximum").or_insert_with(|| Value::from(most));
    }
    match value {
        Value::Object(fields) => fields.values_mut().for_each(bound),
        Value::Array(values) => values.iter_mut().for_each(bound),
        _ => {}
    }
}

fn operation(
    schemas: &mut Schemas,
    endpoint: &Endpoint,
    tag: &str,
    problem: &Value,
    examples: &BTreeMap<String, Example>,
) -> Value {
    let mut telling = Telling::begin(schemas, endpoint.path);
    (endpoint.describe)(&mut telling);
    if !endpoint.is_safe() && endpoint.kept == Kept::Whole {
        telling.with_header(
            REPLAYED,
            "`true` where the request was answered before, under the same key: nothing was done this time.",
        );
    }
    let mut told = telling.end();
    if let Some(example) = examples.get(endpoint.id) {
        example.show(&mut told);
    }
    let mut faults = endpoint.faults.clone();
    faults.extend(&told.faults);
    if !endpoint.is_safe() {
        told.parameters.push(key_parameter());
        faults.extend([
            faults::MALFORMED,
            faults::ANSWERED,
            faults::UNDERWAY,
            faults::TOO_LARGE,
            faults::IDEMPOTENCY_KEY,
        ]);
    }
    let Told { parameters, body, mut answers, .. } = told;
    add_problems(&mut answers, faults, problem);
    let answers: Map<String, Value> =
        answers.into_iter().map(|(status, answer)| (status.to_string(), answer)).collect();
    let mut operation = json!({
        "operationId": endpoint.id,
        "tags": [tag],
        "summary": endpoint.says,
        "parameters": parameters,
        "responses": answers,
        "security": security(endpoint),
    });
    if let Some(verb) = endpoint.verb {
        let roles: Vec<&str> = cordon_core::Role::ALL
            .into_iter()
            .filter(|role| permit(*role, verb))
            .map(cordon_core::Role::as_str)
            .collect();
        let says = format!("Needs the right to {}: {}.", verb.as_str(), roles.join(", "));
        set(&mut operation, "description", Some(Value::from(says)));
    }
    let body = body.map(|content| json!({"required": true, "content": content}));
    set(&mut operation, "requestBody", body);
    operation
}

/// The header of a request that may be sent again.
fn key_parameter() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": "Under one key something is done once: who sends the same again within a day gets the same answer. \
                        A string of structured fields (RFC 9651), or its characters without the quotes: 1 to 128.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 258, "pattern": PATTERN},
    })
}

/// One answer for each status, which says which problems have it.
fn add_problems(answers: &mut BTreeMap<u16, Value>, mut faults: Vec<Fault>, problem: &Value) {
    faults.sort();
    faults.dedup();
    for status in faults.iter().map(|fault| fault.status) {
        let of_status = || faults.iter().filter(move |fault| fault.status == status);
        let says: Vec<String> =
            of_status().map(|fault| format!("`{}`: {}.", fault.word, fault.when)).collect();
        let words: Vec<String> = of_status().map(|fault| Problem::urn(fault.word)).collect();
        let schema = json!({
            "allOf": [problem],
            "properties": {"type": {"enum": words}, "status": {"const": status}},
        });
        answers.entry(status).or_insert_with(|| {
            json!({
                "description": says.join(" "),
                "content": {"application/problem+json": {"schema": schema}},
            })
        });
    }
    answers.entry(503).or_insert_with(|| {
        json!({
            "description": "Something that it needs does not work now; `detail` says what, and what to do.",
            "content": {"application/problem+json": {"schema": problem}},
        })
    });
    for (status, header, says) in [
        (401, "WWW-Authenticate", "How to show who one is."),
        (429, "Retry-After", "Seconds after which another try makes sense."),
    ] {
        if let Some(answer) = answers.get_mut(&status) {
            let header = json!({header: {"description": says, "schema": {"type": "string"}}});
            set(answer, "headers", Some(header));
        }
    }
}

fn security(endpoint: &Endpoint) -> Value {
    match (endpoint.verb, endpoint.is_safe()) {
        (None, _) => json!([]),
        (Some(_), true) => json!([{"token": []}, {"session": []}]),
        (Some(_), false) => json!([{"token": []}, {"session": [], "csrf": []}]),
    }
}

#[cfg(test)]
mod tests;
