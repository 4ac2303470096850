use proptest::prelude::*;

use super::*;

fn diagnostics(text: &str) -> Vec<String> {
    let sources = [Source { name: "a.yaml".to_owned(), bytes: text.as_bytes().to_vec() }];
    read(&sources).diagnostics.iter().map(ToString::to_string).collect()
}

/// Every line of `expected` begins a diagnostic, in this order, and there are no others.
fn check(text: &str, expected: &[&str]) {
    let found = diagnostics(text);
    assert_eq!(found.len(), expected.len(), "{text}\n{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}

const HEAD: &str = "apiVersion: cordon/v1\n";

#[test]
fn all_kinds_of_the_first_example_are_read() {
    let text = include_str!("../../tests/data/example.yaml");
    check(text, &[]);
    let reading = read(&[Source { name: "-".to_owned(), bytes: text.into() }]);
    let kinds: Vec<Kind> =
        reading.declaration.documents.iter().map(|document| document.resource.spec.kind()).collect();
    assert_eq!(kinds.len(), 8);
    // What came as YAML comes back the same as JSON.
    let again = read_json("request", reading.declaration.to_json());
    assert_eq!(again.diagnostics, []);
    assert_eq!(again.declaration.resources(), reading.declaration.resources());
}

#[test]
fn syntax() {
    check("a: [1, 2\n", &["a.yaml:2:1: not YAML:"]);
    check("kind: &x Team\n", &["a.yaml:1:7: anchors and aliases are not read"]);
    check("kind: *x\n", &["a.yaml:1:"]);
    check("kind: !!str Team\n", &["a.yaml:1:7: tags are not read"]);
    check("? [a]\n: b\n", &["a.yaml:1:3: a key must be text"]);
    check("- 1\n- 2\n", &["a.yaml:1:1: a document with `apiVersion`"]);
    check("---\n---\n", &[]);
    check("", &[]);
    check(
        &format!("{HEAD}kind: Team\nname: a\nname: b\nspec: {{}}\n"),
        &["a.yaml:4:1: the key `name` stands twice"],
    );
    let found = read(&[Source { name: "b".to_owned(), bytes: b"a: b\nc: \xff".to_vec() }]).diagnostics;
    assert_eq!(found[0].to_string(), "b:2:4: not UTF-8; help: save the file as UTF-8");
}

#[test]
fn nesting_and_laughter_are_bounded() {
    check(&"[".repeat(200_000), &["a.yaml:1:256: not YAML: recursion limit"]);
    check(&"- ".repeat(100_000), &["a.yaml:1:97: nested deeper than allowed"]);
    check(&"{a: ".repeat(40), &["a.yaml:2:1: not YAML:"]);
    check("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", &["a.yaml:1:4: anchors and aliases"]);
}

#[test]
fn a_flood_of_unknown_fields_is_told_in_part() {
    let flood: String = (0..100_000).map(|at| format!("  k{at}: 1\n")).collect();
    let found = diagnostics(&format!("{HEAD}kind: Team\nname: a\nspec:\n{flood}"));
    assert_eq!(found.len(), 51, "{found:?}");
    assert!(found[50].ends_with("99950 more unknown fields"), "{}", found[50]);
}

#[test]
fn heads() {
    check(
        "kind: Team\nname: a\nspec: {}\n",
        &["a.yaml:1:1 /apiVersion: `apiVersion` is missing; help: write `cordon/v1`"],
    );
    check(
        "apiVersion: v1\nkind: Team\nname: a\nspec: {}\n",
        &["a.yaml:1:13 /apiVersion: unknown apiVersion `v1`; help: write `cordon/v1`"],
    );
    check(
        &format!("{HEAD}kind: Rout\nname: a\nspec: {{}}\n"),
        &["a.yaml:2:7 /kind: unknown kind `Rout`; help: did you mean `Route`?"],
    );
    check(
        &format!("{HEAD}name: a\n"),
        &["a.yaml:1:1 /kind: `kind` is missing or not text; help: one of Detector, Guard,"],
    );
    check(&format!("{HEAD}kind: Team\nspec: {{}}\n"), &["a.yaml:1:1: `name` is missing"]);
    check(
        &format!("{HEAD}kind: Team\nname: 12\nspec: {{}}\n"),
        &["a.yaml:3:7 /name: text is expected, not a number; help: put it in quotes"],
    );
    check(&format!("{HEAD}kind: Team\nname: A b\nspec: {{}}\n"), &["a.yaml:3:7 /name: `A b` is not a name"]);
}

#[test]
fn fields() {
    let route = |rest: &str| format!("{HEAD}kind: Route\nname: a\nspec:\n  team: t\n{rest}");
    check(
        &route("  target: []\n  targets: [{model: m}]\n"),
        &["a.yaml:6:3 /spec/target: unknown field `target`; help: did you mean `targets`?"],
    );
    check(&route(""), &["a.yaml:5:3 /spec: `targets` is missing; help: the models behind it"]);
    check(
        &route("  targets: [{model: m, weight: heavy}]\n"),
        &["a.yaml:6:32 /spec/targets/0/weight: a whole number is expected, not text"],
    );
    check(
        &route("  targets: [{model: m}]\n  audit: best_effort\n"),
        &["a.yaml:7:10 /spec/audit: `best_effort` is not known here; help: did you mean `best-effort`?"],
    );
    check(
        &route("  targets: [{model: m}]\n  max_snapshot_age: 1 week\n"),
        &["a.yaml:7:21 /spec/max_snapshot_age: `1 week` is not a duration; help:"],
    );
    check(
        &route("  targets: [{model: m}]\n  guards: nonne\n"),
        &["a.yaml:7:11 /spec/guards: `nonne` is not known here; help: did you mean `none`?"],
    );
    check(
        &route("  targets: [{model: m}]\n  guards: [ok, Not Ok]\n"),
        &["a.yaml:7:16 /spec/guards/1: `Not Ok` is not a name"],
    );
    check(&route("  targets: [{model: m, weight: 0}]\n"), &["a.yaml:6:12 /spec/targets: every weight is 0"]);
}

#[test]
fn guards() {
    let guard = |rest: &str| format!("{HEAD}kind: Guard\nname: a\nspec:\n{rest}");
    check(
        &guard("  scope: {taem: t}\n  rules: []\n"),
        &[
            "a.yaml:5:10 /spec/scope: one of `organisation`, `route`, `team: NAME`, `system: NAME` is expected",
        ],
    );
    check(
        &guard("  scope: {team: T T}\n  rules: []\n"),
        &["a.yaml:5:17 /spec/scope/team: `T T` is not a name"],
    );
    check(
        &guard("  rules:\n    - {category: pii, action: blok}\n    - {category: PII, action: block}\n"),
        &[
            "a.yaml:6:31 /spec/rules/0/action: `blok` is not known here; help: did you mean `block`?",
            "a.yaml:7:18 /spec/rules/1/category: `PII` is not a category path",
        ]
        .map(|line| line.trim_end_matches(" path")),
    );
    check(
        &guard("  rules:\n    - {category: pii, action: block, at: 80}\n"),
        &["a.yaml:6:42 /spec/rules/0/at: must be 1 or less"],
    );
    // A time has a format that only the type knows.
    check(
        &guard(concat!(
            "  rules: []\n  exceptions:\n    - category: pii\n      scope: {route: r}\n      reason: x\n",
            "      approver: y\n      until: tomorrow\n"
        )),
        &["a.yaml:11:14 /spec/exceptions/0/until: `tomorrow` is not a time; help:"],
    );
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    let found = diagnostics(&format!(
        "{HEAD}kind: Service\nname: a\nspec: {{protocol: openai, base_url: 'https://x.example', secret: sk-very-secret}}\n"
    ));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("a.yaml:4:65 /spec/secret: not a reference to a secret; help:"),
        "{}",
        found[0]
    );
    assert!(!found[0].contains("very-secret"));
}

#[test]
fn problems_of_all_documents_come_at_once() {
    check(
        &format!(
            "{HEAD}kind: Team\nname: a\nspec: {{ownr: me}}\n---\n{HEAD}kind: Model\nname: b\nspec: {{}}\n---\n{HEAD}kind: Team\nname: a\nspec: {{}}\n"
        ),
        &[
            "a.yaml:4:8 /spec/ownr: unknown field `ownr`; help: did you mean `owner`?",
            "a.yaml:9:7 /spec: `service` is missing",
            "a.yaml:9:7 /spec: `upstream_name` is missing",
            "a.yaml:13:7 /name: Team `a` stands twice; it was declared at a.yaml:3:7",
        ],
    );
}

#[test]
fn a_problem_of_the_plan_is_brought_back_to_its_line() {
    let text = format!("{HEAD}kind: Model\nname: m\nspec:\n  service: nowhere\n  upstream_name: x\n");
    let reading = read(&[Source { name: "a.yaml".to_owned(), bytes: text.into() }]);
    let rejection = cordon_core::command::plan(
        &cordon_core::State::new(),
        &reading.declaration.resources(),
        &cordon_core::command::Vault::new(),
    );
    let Err(cordon_core::command::Rejection::Invalid(problems)) = rejection else { panic!("{rejection:?}") };
    let found = reading.declaration.locate(&problems[0]).to_string();
    assert!(found.starts_with("a.yaml:5:12 /spec/service: Service `nowhere` does not exist"), "{found}");
}

#[test]
fn plain_scalars_follow_the_core_schema() {
    for (text, json) in [
        ("no", "\"no\""),
        ("on", "\"on\""),
        ("True", "true"),
        ("~", "null"),
        ("0x1F", "31"),
        ("0o17", "15"),
        ("017", "17"),
        ("1e3", "1000.0"),
        ("-5", "-5"),
        (".5", "0.5"),
        ("1.2.3", "\"1.2.3\""),
        ("18446744073709551615", "18446744073709551615"),
        ("'1'", "\"1\""),
        (".inf", "\".inf\""),
        ("1_000", "\"1_000\""),
    ] {
        let (nodes, faults) = tree::parse(format!("- {text}\n").as_bytes(), &mut tree::Budget::default());
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(nodes[0].pointer("/0").unwrap().to_json().to_string(), json, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_end_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read(&[Source { name: "-".to_owned(), bytes }]);
    }

    #[test]
    fn anything_like_yaml_ends_without_a_panic(text in "[ \\n\\t:,\\[\\]{}?!&*#|>'\"%@`~<=a-c0-9.\\-]{0,200}") {
        read(&[Source { name: "-".to_owned(), bytes: text.into_bytes() }]);
    }

    /// A document whose one value is replaced by anything: every diagnostic has a line inside the text.
    #[test]
    fn diagnostics_have_lines(at in 0usize..40, word in "[ -~]{0,20}") {
        let text = include_str!("../../tests/data/example.yaml");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = at % lines.len();
        if let Some((key, _)) = lines[at].split_once(": ") {
            lines[at] = format!("{key}: {word}");
        }
        let count = lines.len();
        let reading = read(&[Source { name: "x".to_owned(), bytes: lines.join("\n").into_bytes() }]);
        for diagnostic in reading.diagnostics {
            let position = diagnostic.at.unwrap();
            prop_assert!(position.line >= 1 && position.line <= count + 1, "{diagnostic}");
        }
    }
}
