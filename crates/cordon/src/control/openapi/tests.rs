use std::collections::BTreeSet;

use super::*;

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

#[test]
fn a_name_of_a_schema_means_one_thing() {
    let mut schemas = Schemas::new();
    for group in endpoints::groups() {
        for endpoint in group.endpoints {
            let mut telling = Telling::begin(&mut schemas, endpoint.path);
            (endpoint.describe)(&mut telling);
            telling.end();
        }
    }
    let (sent, told) = schemas.named();
    for (name, schema) in sent {
        assert!(
            told.get(&name).is_none_or(|other| *other == schema),
            "`{name}` is sent and told differently"
        );
    }
}

#[test]
fn every_parameter_of_a_path_is_typed_and_every_operation_has_its_name() {
    let mut names = BTreeSet::new();
    for (path, _, operation) in operations(openapi()) {
        assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{operation}");
        let parameters = operation["parameters"].as_array().unwrap();
        let of_path = |parameter: &&Value| parameter["in"] == "path";
        let typed = parameters.iter().filter(of_path).count();
        assert_eq!(typed, path.matches('{').count(), "{path}");
        // A segment that no part of the handler reads would be a plain text.
        let untyped = |parameter: &&Value| {
            parameter["schema"]["type"] == "string" && parameter["schema"].as_object().unwrap().len() == 1
        };
        assert_eq!(parameters.iter().filter(of_path).filter(untyped).count(), 0, "{path}");
    }
    assert!(names.len() > 40, "{}", names.len());
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    references(openapi(), &mut found);
    assert!(found.len() > 100);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(openapi().pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_body_and_every_answer_has_an_example() {
    for (path, method, operation) in operations(openapi()) {
        let body = operation.pointer("/requestBody/content/application~1json");
        assert!(body.is_none_or(|body| body.get("example").is_some()), "{method} {path}: body");
        let answer = operation.pointer("/responses/200/content/application~1json");
        let own = operation["operationId"] == "readOpenApi";
        assert!(
            answer.is_none_or(|answer| own || answer.get("example").is_some()),
            "{method} {path}: answer"
        );
        for parameter in operation["parameters"].as_array().unwrap() {
            let needed = parameter["required"] == true;
            assert!(!needed || parameter.get("example").is_some(), "{method} {path}: {parameter}");
        }
    }
}

#[test]
fn the_page_and_the_document_tell_of_the_same_roles() {
    for (path, method, operation) in operations(openapi()) {
        let open = operation["security"].as_array().unwrap().is_empty();
        assert_eq!(open, operation.get("description").is_none(), "{method} {path}");
        assert_eq!(
            open,
            operation["responses"].get("403").is_none() || path.contains("login") || path.contains("enrol"),
            "{method} {path}"
        );
    }
}
