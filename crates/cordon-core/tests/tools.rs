//! What a `Tool` says: its arguments, and what may have entered before it is called.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use cordon_core::{
    Action, Category, Channel, Name, canonical,
    json::{Limits, Value},
    resource::{
        Additional, CheckedSchema, FaultKind, FaultStep, Kind, Resource, Scalar, Schema, Spec, ToolSpec,
    },
    taint::Taint,
};
use serde_json::json;

fn tool(spec: serde_json::Value) -> ToolSpec {
    match Kind::Tool.read(spec) {
        Ok(Spec::Tool(spec)) => spec,
        other => panic!("not a tool: {other:?}"),
    }
}

fn problems(spec: serde_json::Value) -> Vec<String> {
    let resource = Resource { name: Name::parse("t").unwrap(), spec: Spec::Tool(tool(spec)) };
    resource.problems().into_iter().map(|problem| problem.path).collect()
}

fn value(text: &str) -> Value {
    Value::parse(text.as_bytes(), Limits::default()).unwrap()
}

/// Checks a schema, as people write it and as facts hold it, against values that are and are not what it says.
fn check(schema: serde_json::Value, good: &[&str], bad: &[&str]) {
    let schema: Schema = serde_json::from_value(schema).unwrap();
    let stored: Schema = canonical::from_bytes(&canonical::to_bytes(&schema).unwrap()).unwrap();
    assert_eq!(stored, schema);
    let checked = CheckedSchema::new(&stored);
    for text in good {
        assert!(checked.matches_text(text), "{text} should do for {schema:?}");
    }
    for text in bad {
        assert!(!checked.matches_text(text), "{text} should not do for {schema:?}");
    }
}

#[test]
fn values_are_what_a_schema_says() {
    check(json!({}), &["1", "{}", "", "null", "[]"], &["{", "{\"a\":1,\"a\":2}", "x"]);
    check(json!({"type": "object"}), &["{}", " ", "{\"a\":[]}"], &["[]", "\"{}\"", "1", "null"]);
    check(json!({"type": ["integer", "null"]}), &["1", "-0", "1.0", "1e3", "null"], &["1.5", "\"1\"", "{}"]);
    check(json!({"type": "number"}), &["1.5", "2"], &["true", "\"2\""]);
    check(
        json!({"enum": ["a", true, 3]}),
        &["\"a\"", "true", "3", "3.0"],
        &["\"b\"", "false", "\"3\"", "4", "null"],
    );
    check(
        json!({"const": 9_007_199_254_740_991_i64}),
        &["9007199254740991"],
        &["9007199254740992", "9007199254740990"],
    );
    let bounds = json!({"type": "number", "minimum": 0.5, "exclusiveMaximum": 3});
    check(bounds, &["0.5", "2.999"], &["0.49", "3", "1e9", "-1"]);
    let text = json!({"type": "string", "minLength": 2, "maxLength": 3, "pattern": "^[a-zß]+$"});
    check(text, &["\"ab\"", "\"ßab\""], &["\"a\"", "\"abcd\"", "\"aB\"", "\"a\\u0062\\n\""]);
    let list = json!({"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2});
    check(list, &["[1]", "[1,2]"], &["[]", "[1,2,3]", "[\"1\"]"]);
    let object = json!({
        "type": "object", "required": ["to"], "additionalProperties": false,
        "properties": {"to": {"type": "string"}, "deep": {"type": "object", "additionalProperties": {"type": "boolean"}}},
    });
    let good = ["{\"to\":\"a\"}", "{\"to\":\"\",\"deep\":{\"x\":true}}", "{\"t\\u006f\":\"a\"}"];
    let bad = ["", "{}", "{\"to\":1}", "{\"to\":\"a\",\"cc\":\"b\"}", "{\"to\":\"a\",\"deep\":{\"x\":1}}"];
    check(object, &good, &bad);
    let either =
        json!({"anyOf": [{"type": "null"}, {"type": "string", "maxLength": 2}], "enum": ["ab", "abc", 1]});
    check(either, &["\"ab\""], &["\"abc\"", "1", "{}"]);
}

#[test]
fn faults_are_said_with_their_place_and_without_content() {
    let schema = json!({
        "type": "object", "required": ["id", "lines"], "additionalProperties": false,
        "properties": {
            "id": {"type": "string", "pattern": "^[a-z]+$"},
            "lines": {"type": "array", "maxItems": 2, "items": {
                "type": "object", "required": ["price"], "properties": {"price": {"type": "number", "minimum": 0}},
                "additionalProperties": {"type": "boolean"},
            }},
        },
    });
    let checked = CheckedSchema::new(&serde_json::from_value(schema).unwrap());
    let faults = |text: &str, most| {
        let said = |step: &FaultStep| match step {
            FaultStep::Item(at) => at.to_string(),
            FaultStep::Member { at, name } => name.clone().unwrap_or_else(|| format!("?{at}")),
        };
        let faults = checked.faults(&value(text), most).into_iter();
        faults
            .map(|fault| (fault.path.iter().map(said).collect::<Vec<_>>().join("/"), fault.kind))
            .collect::<Vec<_>>()
    };
    assert_eq!(faults(r#"{"id":"a","lines":[{"price":0.1,"paid":true}]}"#, 9), []);
    let at = |path: &str, kind| (path.to_owned(), kind);
    let wrong = r#"{"id":"A","my secret":1,"lines":[{"price":"1"},{"paid":3,"price":-1},{}]}"#;
    let all = [
        at("id", FaultKind::Value),
        at("?1", FaultKind::Extra),
        at("lines", FaultKind::Size),
        at("lines/0/price", FaultKind::Type),
        at("lines/1/?0", FaultKind::Type),
        at("lines/1/price", FaultKind::Value),
        at("lines/2", FaultKind::Missing("price".to_owned())),
    ];
    assert_eq!(faults(wrong, 99), all);
    assert_eq!(faults(wrong, 3), all[..3], "no more than asked for");
    assert_eq!(faults("[]", 9), [at("", FaultKind::Type)], "and nothing twice");
}

#[test]
fn a_schema_of_a_request_asks_for_no_more_than_it_says() {
    let lenient =
        |schema: serde_json::Value| CheckedSchema::new(&Schema::lenient(&value(&schema.to_string())));
    // What generators of classes write: references, optional members, wrapped references, words that are not known here.
    let order = json!({
        "$defs": {
            "Line": {"type": "object", "title": "Line", "required": ["sku"], "additionalProperties": false,
                "properties": {"sku": {"type": "string", "format": "uuid"}, "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    "next": {"$ref": "#/$defs/Line"}}},
            "Kind": {"enum": ["a", "b"]},
        },
        "type": "object", "required": ["lines"], "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": {"lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}}, "kind": {"allOf": [{"$ref": "#/$defs/Kind"}], "title": "K"}},
    });
    let order = lenient(order);
    for good in
        [r#"{"lines":[]}"#, r#"{"lines":[{"sku":"x","note":null,"next":{"sku":"y"}}],"kind":"b","more":1}"#]
    {
        assert!(order.matches_text(good), "{good}");
    }
    for bad in [
        "{}",
        r#"{"lines":[{}]}"#,
        r#"{"lines":[{"sku":"x","note":1}]}"#,
        r#"{"lines":[{"sku":"x","next":{"sku":1}}]}"#,
        r#"{"lines":[],"kind":"c"}"#,
        r#"{"lines":[{"sku":"x","other":1}]}"#,
    ] {
        assert!(!order.matches_text(bad), "{bad}");
    }
    // Where a keyword is not known, what another one would then mean is left open too.
    for (schema, good) in [
        (json!({"patternProperties": {"^x": {}}, "additionalProperties": false}), r#"{"xy":1}"#),
        (json!({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}), r#"["a",1]"#),
        (json!({"items": [{"type": "string"}]}), r#"["a",1]"#),
        (json!({"enum": ["a", null]}), "null"),
        (json!({"pattern": "(?=a)"}), r#""b""#),
        (json!({"type": "string", "nullable": true}), "null"),
        (json!({"type": "text"}), "1"),
        (json!({"$ref": "https://example.com/schema"}), "1"),
        (json!({"$ref": "#"}), "1"),
        (json!(7), "1"),
        (json!({"oneOf": [{"type": "integer"}, {"type": "number"}]}), "1"),
        (json!({"exclusiveMinimum": true, "minimum": 1}), "1"),
    ] {
        assert!(lenient(schema.clone()).matches_text(good), "{schema}");
    }
    // Hostile ones: references in a circle, more schemas than are read, nesting without end.
    let circle = json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]});
    assert!(lenient(circle).matches_text("1"));
    let wide: serde_json::Map<_, _> = (0..2_000).map(|at| (format!("p{at}"), json!({"$ref": "#"}))).collect();
    assert!(
        lenient(json!({"properties": wide, "additionalProperties": false})).matches_text(r#"{"p1999":1}"#)
    );
    let mut deep = json!({"type": "integer"});
    for _ in 0..100 {
        deep = json!({"type": "array", "items": deep});
    }
    assert!(lenient(deep).matches_text(&format!("{}1{}", "[".repeat(20), "]".repeat(20))));
}

/// The schemas of a schema with itself, and the bytes of the words that it keeps.
fn size(schema: &Schema) -> (usize, usize) {
    let additional = match &schema.additional_properties {
        Some(Additional::Of(of)) => Some(of.as_ref()),
        _ => None,
    };
    let texts = schema.choices.iter().flatten().chain(&schema.constant).map(|one| match one {
        Scalar::Text(text) => text.len(),
        _ => 8,
    });
    let names = schema.properties.keys().chain(&schema.required).chain(&schema.pattern).map(String::len);
    let types = schema.types.as_ref().map_or(0, |types| types.0.len());
    let own = (1, texts.chain(names).sum::<usize>() + types);
    let inner = schema.properties.values().chain(additional).chain(schema.items.as_deref());
    inner
        .chain(schema.any_of.iter().flatten())
        .map(size)
        .fold(own, |(schemas, bytes), (more, longer)| (schemas + more, bytes + longer))
}

#[test]
fn a_schema_of_a_request_costs_no_more_than_its_bounds() {
    let many = |one: &str| vec![one; 60_000].join(",");
    let members = |of: &str| (0..60_000).map(|at| format!(r#""m{at}":{of}"#)).collect::<Vec<_>>().join(",");
    let long = "x".repeat(300_000);
    let circle = r##"{"$ref":"#"}"##;
    for (what, schema) in [
        ("members", format!(r#"{{"properties":{{"p":{circle},"q":{circle},{}}}}}"#, members("1"))),
        ("members that refer", format!(r#"{{"properties":{{{}}}}}"#, members(circle))),
        (
            "members without a keyword",
            format!(r#"{{"items":{{"anyOf":[{circle},{circle}]}},{}}}"#, members("1")),
        ),
        ("alternatives", format!(r#"{{"anyOf":[{circle},{}]}}"#, many("{}"))),
        ("alternatives beside", format!(r#"{{"items":{circle},"oneOf":[{}]}}"#, many("1"))),
        (
            "lists",
            format!(
                r#"{{"anyOf":[{circle},{circle}],"required":[{}],"enum":[{}],"type":[{}]}}"#,
                many(r#""a""#),
                many(r#""b""#),
                many(r#""string""#)
            ),
        ),
        (
            "long words",
            format!(
                r#"{{"anyOf":[{circle},{circle}],"required":["{long}"],"enum":["{long}"],"const":"{long}","properties":{{"{long}":{{}}}}}}"#
            ),
        ),
        (
            "half as long words",
            format!(
                r#"{{"anyOf":[{circle},{circle}],"required":["{0}","{0}"],"enum":["{0}"],"properties":{{"{0}":{circle}}}}}"#,
                "x".repeat(60_000)
            ),
        ),
        (
            "a long pointer",
            format!(r##"{{"properties":{{"a":{{"$ref":"#/{long}"}},"b":{{"$ref":"#/properties/a"}}}}}}"##),
        ),
    ] {
        let value = value(&schema);
        let began = std::time::Instant::now();
        let schema = Schema::lenient(&value);
        let took = began.elapsed();
        let (schemas, bytes) = size(&schema);
        assert!(schemas <= 256, "{what}: {schemas} schemas");
        assert!(bytes <= 300_000, "{what}: {bytes} bytes");
        assert!(took < std::time::Duration::from_secs(5), "{what}: {took:?}");
        // It asks for no more than was written: an object with a member that was not read.
        if what.starts_with("members") {
            assert!(CheckedSchema::new(&schema).matches_text(r#"{"m59999":1}"#), "{what}");
        }
    }
    // What is not read is not forbidden.
    let closed = format!(r#"{{"properties":{{{}}},"additionalProperties":false}}"#, members("{}"));
    assert!(CheckedSchema::new(&Schema::lenient(&value(&closed))).matches_text(r#"{"m59999":1}"#));
    // A list within the bounds counts as before.
    let few = CheckedSchema::new(&Schema::lenient(&value(r#"{"enum":["a","b"],"type":["string","null"]}"#)));
    assert!(few.matches_text(r#""a""#) && !few.matches_text(r#""c""#));
}

#[test]
fn what_a_route_says_of_its_answers_makes_sense_or_is_refused() {
    let problems = |answers: serde_json::Value| {
        let spec = json!({"team": "t", "targets": [{"model": "m"}], "answers": answers});
        let resource = Resource { name: Name::parse("r").unwrap(), spec: Kind::Route.read(spec).unwrap() };
        resource.problems().into_iter().map(|problem| problem.path).collect::<Vec<_>>()
    };
    let schema = json!({"type": "object", "anyOf": [{"type": "object"}]});
    let all = json!({"format": "json", "schema": schema, "min_length": 2, "max_length": 900, "languages": ["de", "en"]});
    assert_eq!(problems(all), [""; 0]);
    assert_eq!(problems(json!({})), ["/spec/answers"]);
    assert_eq!(problems(json!({"min_length": 3, "max_length": 2})), ["/spec/answers/min_length"]);
    assert_eq!(problems(json!({"max_length": 0})), ["/spec/answers/max_length"]);
    assert_eq!(problems(json!({"stream": "window", "languages": ["de"], "max_length": 9})), [""; 0]);
    assert_eq!(problems(json!({"stream": "window"})), [""; 0]);
    for whole in [json!({"format": "json"}), json!({"schema": {"type": "object"}}), json!({"min_length": 1})]
    {
        let mut answers = whole.clone();
        answers["stream"] = json!("window");
        assert_eq!(problems(answers), ["/spec/answers/stream"], "{whole} is known at the end");
        assert_eq!(problems(whole), [""; 0]);
    }
    assert_eq!(problems(json!({"schema": {"type": []}})), ["/spec/answers/schema/type"]);
    assert_eq!(problems(json!({"schema": {"anyOf": []}})), ["/spec/answers/schema/anyOf"]);
    let spec = json!({"team": "t", "targets": [{"model": "m"}], "answers": {"languages": ["xx"]}});
    let error = Kind::Route.read(spec).unwrap_err().to_string();
    assert!(error.contains("`xx`") && error.contains("de"), "{error}");
}

#[test]
fn a_text_too_long_is_no_argument() {
    let any = CheckedSchema::new(&serde_json::from_value(json!({})).unwrap());
    assert!(!any.matches_text(&format!("\"{}\"", "a".repeat(1 << 20))));
    assert!(any.matches(&value("1")));
}

#[test]
fn keywords_that_nobody_would_follow_are_refused() {
    for keyword in ["allOf", "not", "$ref", "format", "minProperties", "uniqueItems", "multipleOf", "default"]
    {
        let spec = json!({"arguments": {"properties": {"a": {keyword: {}}}}});
        let error = Kind::Tool.read(spec).unwrap_err().to_string();
        assert!(error.contains(keyword), "{keyword}: {error}");
    }
    for wrong in [
        json!({"enum": [1.5]}),
        json!({"const": null}),
        json!({"type": "text"}),
        json!({"const": 9_007_199_254_740_992_i64}),
    ] {
        Kind::Tool.read(json!({"arguments": wrong})).unwrap_err();
    }
}

#[test]
fn what_makes_no_sense_is_said_with_its_path() {
    let of = |arguments: serde_json::Value| problems(json!({"arguments": arguments}));
    assert_eq!(
        of(json!({"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}})),
        [""; 0]
    );
    assert_eq!(of(json!({"type": "object", "minLength": 3})), ["/spec/arguments/minLength"]);
    assert_eq!(
        of(json!({"properties": {"a": {}}})),
        ["/spec/arguments/properties"],
        "anything but objects would do"
    );
    assert_eq!(of(json!({"type": "integer", "minimum": 3})), [""; 0], "an integer is a number");
    let closed = json!({"type": "object", "required": ["a"], "additionalProperties": false});
    assert_eq!(of(closed), ["/spec/arguments/required"]);
    let inner = |schema| of(json!({"type": "object", "properties": {"a": schema}}));
    let path = |keyword: &str| vec![format!("/spec/arguments/properties/a/{keyword}")];
    assert_eq!(inner(json!({"type": "string", "pattern": "(a"})), path("pattern"));
    assert_eq!(inner(json!({"type": "string", "pattern": "(?=a)"})), path("pattern"));
    assert_eq!(
        inner(json!({"type": "string", "pattern": "\\w{1000}{1000}"})),
        path("pattern"),
        "too much memory"
    );
    assert_eq!(inner(json!({"type": "string", "minLength": 4, "maxLength": 3})), path("minLength"));
    assert_eq!(inner(json!({"type": []})), path("type"));
    assert_eq!(inner(json!({"enum": []})), path("enum"));
    let mut deep = json!({});
    for _ in 0..16 {
        deep = json!({"type": "array", "items": deep});
    }
    assert_eq!(of(deep).len(), 1);
    let many: serde_json::Map<_, _> = (0..300).map(|at| (format!("p{at}"), json!({}))).collect();
    assert_eq!(of(json!({"type": "object", "properties": many})).len(), 1);
    let spec = json!({"description": "d".repeat(501), "max_taint": {"labels": vec!["pii"; 257]}});
    assert_eq!(problems(spec), ["/spec/description", "/spec/max_taint/labels"]);
}

#[test]
fn what_has_entered_is_too_much_or_not() {
    let category = |path: &str| Category::parse(path).unwrap();
    let clean = Taint::default();
    let read = Taint { untrusted: [Channel::ToolOutput].into(), ..Taint::default() };
    let private = Taint { labels: [category("pii/email"), category("private")].into(), ..Taint::default() };
    let cases = [
        (json!({}), [None, None, None]),
        (json!({"effects": {"acts_outside": true}}), [None, Some(Action::Block), None]),
        (
            json!({"effects": {"acts_outside": true}, "max_taint": {"content": "untrusted"}}),
            [None, None, None],
        ),
        (json!({"max_taint": {"content": "clean", "action": "hold"}}), [None, Some(Action::Hold), None]),
        (json!({"max_taint": {"labels": [], "action": "flag"}}), [None, None, Some(Action::Flag)]),
        (json!({"max_taint": {"labels": ["pii"]}}), [None, None, Some(Action::Block)]),
        (json!({"max_taint": {"labels": ["pii", "private"]}}), [None, None, None]),
    ];
    for (spec, expected) in cases {
        let spec = tool(spec);
        assert_eq!([&clean, &read, &private].map(|taint| spec.exceeded(taint)), expected, "{spec:?}");
    }
}

#[test]
fn callers_are_named_one_by_one_or_by_team() {
    let name = |text: &str| Name::parse(text).unwrap();
    let everybody = tool(json!({})).callers;
    assert!(everybody.include(&name("app"), &name("support")));
    let some = tool(json!({"callers": {"principals": ["app"], "teams": ["finance"]}})).callers;
    assert!(some.include(&name("app"), &name("support")) && some.include(&name("other"), &name("finance")));
    assert!(!some.include(&name("other"), &name("support")));
}
