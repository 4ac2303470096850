//! The checks of rows, whichever protocol brought them.

use cordon_core::{
    Action, Form,
    json::{Limits, Value},
    resource::Signature,
};
use http::HeaderMap;
use proptest::prelude::*;

use super::{
    Address, Answer, Format, Request, check,
    fault::{self, Faults},
    mlflow, open_inference,
    table::Layout,
};
use crate::{
    Verdict,
    tree::testing::{ADDRESS, inspection, redacting, tree},
};

const FORMATS: [Format; 2] = [Format::OpenInference, Format::Mlflow];

fn signature(text: &str) -> Signature {
    serde_json::from_str(text).unwrap()
}

/// Two numbers and a text, as a table of any number of rows.
fn credit() -> Signature {
    signature(
        r#"{"inputs": [{"name": "age", "type": "int64", "min": 18, "max": 120},
            {"name": "income", "type": "fp64", "min": 0, "nullable": true},
            {"name": "purpose", "type": "string", "categories": ["car", "home"]}]}"#,
    )
}

/// One row of it that fits.
#[derive(Clone, Debug)]
struct Row {
    age: String,
    income: String,
    purpose: String,
}

fn good() -> impl Strategy<Value = Row> {
    let income = prop_oneof![
        Just("null".to_owned()),
        (0_u64..1 << 60).prop_map(|n| n.to_string()),
        Just("1.50e3".to_owned())
    ];
    ((18_u32..=120), income, prop::bool::ANY).prop_map(|(age, income, is_car)| Row {
        age: age.to_string(),
        income,
        purpose: if is_car { "\"car\"".to_owned() } else { "\"home\"".to_owned() },
    })
}

/// The rows in every form that a caller may send them in.
fn forms(rows: &[Row]) -> Vec<(Format, String)> {
    let n = rows.len();
    let join = |values: Vec<String>| values.join(",");
    let column = |of: fn(&Row) -> &String| join(rows.iter().map(|row| of(row).clone()).collect());
    let (ages, incomes, purposes) =
        (column(|row| &row.age), column(|row| &row.income), column(|row| &row.purpose));
    let tensor = |name: &str, datatype: &str, data: &str| {
        format!(r#"{{"name":"{name}","datatype":"{datatype}","shape":[{n}],"data":[{data}]}}"#)
    };
    let lists =
        join(rows.iter().map(|row| format!("[{},{},{}]", row.age, row.income, row.purpose)).collect());
    let objects = join(
        rows.iter()
            .map(|row| format!(r#"{{"age":{},"income":{},"purpose":{}}}"#, row.age, row.income, row.purpose))
            .collect(),
    );
    vec![
        (
            Format::OpenInference,
            format!(
                r#"{{"inputs":[{},{},{}]}}"#,
                tensor("age", "INT64", &ages),
                tensor("income", "FP64", &incomes),
                tensor("purpose", "BYTES", &purposes)
            ),
        ),
        (
            Format::Mlflow,
            format!(r#"{{"dataframe_split":{{"columns":["age","income","purpose"],"data":[{lists}]}}}}"#),
        ),
        (Format::Mlflow, format!(r#"{{"dataframe_records":[{objects}]}}"#)),
        (Format::Mlflow, format!(r#"{{"instances":[{lists}]}}"#)),
        (
            Format::Mlflow,
            format!(r#"{{"inputs":{{"age":[{ages}],"income":[{incomes}],"purpose":[{purposes}]}}}}"#),
        ),
    ]
}

/// The places that a check of inputs names.
fn places(format: Format, body: &str, signature: &Signature) -> Vec<String> {
    let Value::Object(tree) = tree(body) else { panic!("{body} is no object") };
    let layout = Layout::of_inputs(signature);
    let table = match format {
        Format::OpenInference => {
            open_inference::check(&tree).unwrap();
            open_inference::table(tree.get("inputs").and_then(Value::as_array).unwrap(), layout).unwrap()
        }
        Format::Mlflow => {
            mlflow::check(&tree).unwrap();
            mlflow::table(&tree, layout).unwrap()
        }
    };
    let mut faults = Faults::default();
    check::inputs(&table, signature, &mut faults);
    fault::places(faults.kept().iter().collect()).into_iter().map(String::from).collect()
}

fn read(format: Format, body: &[u8]) -> Option<Request> {
    let address = Address { format, route: "r", version: None };
    let tree = Value::parse(body, Limits::default()).ok()?;
    Request::read(tree, &HeaderMap::new(), address).ok()
}

#[test]
fn rows_of_one_tensor_and_rows_with_a_shape_are_checked_by_their_place() {
    let iris = signature(
        r#"{"tensor": "input-0", "inputs": [{"name": "length", "type": "fp32", "min": 0}, {"name": "width", "type": "fp32", "max": 10}]}"#,
    );
    let tensor = |shape: &str, data: &str| {
        format!(r#"{{"inputs":[{{"name":"input-0","datatype":"FP32","shape":{shape},"data":{data}}}]}}"#)
    };
    let at = |format, body: &str| places(format, body, &iris);
    assert!(at(Format::OpenInference, &tensor("[2,2]", "[1,2,3,4]")).is_empty());
    assert_eq!(
        at(Format::OpenInference, &tensor("[2,2]", "[1,2,-3,11]")),
        ["row[1].length: out of range", "row[1].width: out of range"]
    );
    assert_eq!(
        at(Format::OpenInference, &tensor("[2,2]", "[[1,2],[3,1e39]]")),
        ["row[1].width: not of its type"]
    );
    assert_eq!(at(Format::OpenInference, &tensor("[1,3]", "[1,2,3]")), ["#2: not an input of the model"]);
    assert_eq!(at(Format::OpenInference, &tensor("[2,1]", "[1,2]")), ["width: not there"]);
    assert_eq!(at(Format::Mlflow, r#"{"instances":[[1,2],[-1,2]]}"#), ["row[1].length: out of range"]);
    assert!(at(Format::OpenInference, &tensor("[1,2]", "[[1,2]]")).is_empty());
    assert_eq!(
        at(Format::OpenInference, &tensor("[2,3]", "[[1,2,99],[3,4,99]]")),
        ["#2: not an input of the model"]
    );
    // Where another tensor stands before it, its columns are still its own.
    let two = r#"{"inputs":[{"name":"length","datatype":"FP32","shape":[1],"data":[1]},
        {"name":"input-0","datatype":"FP32","shape":[1,2],"data":[-1,2]}]}"#;
    assert!(at(Format::OpenInference, two).contains(&"row[0].length: out of range".to_owned()));

    let image = signature(r#"{"inputs": [{"name": "image", "type": "uint8", "shape": [2, 2]}]}"#);
    let at = |format, body: &str| places(format, body, &image);
    let tensor = |shape: &str, data: &str| {
        format!(r#"{{"inputs":[{{"name":"image","datatype":"UINT8","shape":{shape},"data":{data}}}]}}"#)
    };
    assert!(at(Format::OpenInference, &tensor("[1,2,2]", "[1,2,3,255]")).is_empty());
    assert!(at(Format::OpenInference, &tensor("[1,2,2]", "[[[1,2],[3,4]]]")).is_empty());
    assert_eq!(
        at(Format::OpenInference, &tensor("[1,2,2]", "[1,2,3,256]")),
        ["row[0].image: not of its type"]
    );
    assert_eq!(at(Format::OpenInference, &tensor("[1,4]", "[1,2,3,4]")), ["image: not of its shape"]);
    assert!(at(Format::Mlflow, r#"{"instances":[[[1,2],[3,4]]]}"#).is_empty());
    assert_eq!(
        at(Format::Mlflow, r#"{"instances":[[[1,2],[3,4]],[[1,2]]]}"#),
        ["row[1].image: not of its shape"]
    );
}

#[test]
fn rows_that_are_only_told_are_none() {
    let body =
        |shape: &str| format!(r#"{{"inputs":[{{"name":"a","datatype":"FP32","shape":{shape},"data":[]}}]}}"#);
    assert!(read(Format::OpenInference, body("[1000000000000,0]").as_bytes()).is_none());
    assert!(read(Format::OpenInference, body("[0,3]").as_bytes()).is_some());
    let twice = r#"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,1],"data":[1]},
        {"name":"x","datatype":"FP32","shape":[1,1],"data":[2]}]}"#;
    let Value::Object(twice) = tree(twice) else { panic!("an object") };
    let one = signature(r#"{"tensor": "x", "inputs": [{"name": "a", "type": "fp32"}]}"#);
    let tensors = twice.get("inputs").and_then(Value::as_array).unwrap();
    assert_eq!(open_inference::table(tensors, Layout::of_inputs(&one)).err(), Some(1));
}

#[test]
fn a_shape_is_looked_at_wherever_it_stands() {
    let body = format!(
        r#"{{"inputs":[{{"name":"a","datatype":"FP32","shape":[1],"data":[1]}}],"outputs":[{{"name":"b","shape":"mail {ADDRESS}"}}]}}"#
    );
    let request = read(Format::OpenInference, body.as_bytes()).unwrap();
    let mut verdict = Verdict::default();
    let sent = request.inspect(&redacting(Form::Mask), &mut verdict).map(|request| format!("{request:?}"));
    assert!(verdict.action() >= Action::Redact, "{:?}", verdict.action());
    assert!(!sent.unwrap_or_default().contains(ADDRESS));
}

#[test]
fn every_width_of_integer_ends_where_it_ends() {
    for (kind, least, most) in [
        ("int8", "-128", "127"),
        ("uint8", "0", "255"),
        ("int16", "-32768", "32767"),
        ("uint16", "0", "65535"),
        ("int32", "-2147483648", "2147483647"),
        ("uint32", "0", "4294967295"),
        ("int64", "-9223372036854775808", "9223372036854775807"),
        ("uint64", "0", "18446744073709551615"),
    ] {
        let signature = signature(&format!(r#"{{"inputs": [{{"name": "n", "type": "{kind}"}}]}}"#));
        let wrong = |value: &str| {
            !places(Format::Mlflow, &format!(r#"{{"inputs":{{"n":[{value}]}}}}"#), &signature).is_empty()
        };
        assert!(!wrong(least) && !wrong(most), "{kind}");
        let beyond = |text: &str, by: i128| (text.parse::<i128>().unwrap() + by).to_string();
        // What is beyond 64 bits is refused when the body is read.
        if kind != "int64" && kind != "uint64" {
            assert!(wrong(&beyond(least, -1)) && wrong(&beyond(most, 1)), "{kind}");
        }
        assert!(wrong("1.0") && wrong("1e0") && wrong("\"1\"") && wrong("true") && wrong("null"), "{kind}");
    }
}

#[test]
fn a_sparse_column_costs_no_more_than_what_it_holds() {
    // Every row has a name of its own: no row is as wide as the table.
    let rows: Vec<String> = (0..20_000).map(|at| format!(r#"{{"c{at}":1}}"#)).collect();
    let body = format!(r#"{{"dataframe_records":[{}]}}"#, rows.join(","));
    let found = places(Format::Mlflow, &body, &credit());
    assert_eq!(found.len(), 20);
    assert!(
        found
            .iter()
            .all(|place| place.ends_with("not an input of the model") || place.ends_with("not there"))
    );
}

proptest! {
    #[test]
    fn rows_that_fit_are_named_in_no_form(rows in prop::collection::vec(good(), 1..20)) {
        for (format, body) in forms(&rows) {
            prop_assert_eq!(places(format, &body, &credit()), Vec::<String>::new(), "{}", body);
        }
    }

    /// A row that breaks one rule is named exactly, in every form.
    #[test]
    fn a_row_that_breaks_one_rule_is_named_exactly(
        rows in prop::collection::vec(good(), 1..20),
        at: prop::sample::Index,
        rule in 0_usize..8,
    ) {
        let at = at.index(rows.len());
        let mut rows = rows;
        let row = &mut rows[at];
        let place = match rule {
            0 => { row.age = "17".to_owned(); "age: out of range" }
            1 => { row.age = "121".to_owned(); "age: out of range" }
            2 => { row.age = "18.5".to_owned(); "age: not of its type" }
            3 => { row.age = "null".to_owned(); "age: missing" }
            4 => { row.income = "-1e-9".to_owned(); "income: out of range" }
            5 => { row.income = "\"much\"".to_owned(); "income: not of its type" }
            6 => { row.purpose = "\"boat\"".to_owned(); "purpose: not one of its categories" }
            _ => { row.purpose = "7".to_owned(); "purpose: not of its type" }
        };
        for (format, body) in forms(&rows) {
            prop_assert_eq!(places(format, &body, &credit()), vec![format!("row[{at}].{place}")], "{}", body);
        }
    }

    /// What is sent on is what came, to the last digit.
    #[test]
    fn numbers_keep_their_digits(digits in "-?(0|[1-9][0-9]{0,16})(\\.[0-9]{1,20})?(e-?[0-9]{1,2})?") {
        for (format, body) in [
            (Format::Mlflow, format!(r#"{{"instances":[[{digits}]]}}"#)),
            (Format::OpenInference, format!(r#"{{"inputs":[{{"name":"a","datatype":"FP64","shape":[1],"data":[{digits}]}}]}}"#)),
        ] {
            let request = read(format, body.as_bytes()).unwrap();
            let none = inspection(&[("nothing", Action::Block, Form::Mask)]);
            let mut inspected = request.inspect(&none, &mut Verdict::default()).unwrap();
            prop_assert_eq!(String::from_utf8(inspected.body()).unwrap(), body);
        }
    }

    /// Whatever comes is read, checked and inspected, or refused.
    #[test]
    fn any_body_is_read_or_refused(
        picks in prop::collection::vec((0_usize..24, 0_usize..24), 1..12),
        raw in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        const PIECES: [&str; 24] = [
            "null", "1", "[]", "{}", "\"a\"", "[1,2]", "[[1],[2]]", "{\"age\":1}", "[{\"age\":1}]", "-1", "1e9", "true",
            "[null]", "\"BYTES\"", "[18446744073709551615]", "[0]", "[1]", "[[[1]]]", "\"FP64\"", "[\"a\",\"b\"]",
            "{\"columns\":[\"a\"],\"data\":[[1]]}", "[{\"name\":\"a\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[1]}]", "[{}]", "[[]]",
        ];
        const KEYS: [&str; 24] = [
            "inputs", "outputs", "instances", "dataframe_split", "dataframe_records", "predictions", "params", "parameters",
            "id", "signature_name", "name", "shape", "datatype", "data", "columns", "index", "model_name", "model_version",
            "binary_data", "x", "", "age", "income", "purpose",
        ];
        let mut seen = std::collections::BTreeSet::new();
        let members: Vec<String> = picks
            .iter()
            .filter(|(key, _)| seen.insert(*key))
            .map(|(key, value)| format!("\"{}\":{}", KEYS[*key], PIECES[*value]))
            .collect();
        let object = format!("{{{}}}", members.join(","));
        let tensor = format!("{{\"inputs\":[{object}],\"outputs\":[{object}]}}");
        for body in [object.as_bytes(), tensor.as_bytes(), &raw] {
            for format in FORMATS {
                if let Some(request) = read(format, body) {
                    let _ = request.inspect(&redacting(Form::Mask), &mut Verdict::default());
                }
                if let Ok(tree) = Value::parse(body, Limits::default())
                    && let Ok(answer) = Answer::read(tree, format)
                {
                    let _ = answer.inspect(&redacting(Form::Mask), &crate::Tokens::default(), "r", &mut Verdict::default());
                }
            }
        }
    }
}
