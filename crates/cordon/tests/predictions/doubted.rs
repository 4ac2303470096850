//! Predictions that nobody should rely on do not go out, whatever becomes of the models that are asked instead.

use cordon_testkit::{FakeUpstream, Script, closed_port};
use serde_json::json;

use super::{INPUTS, OUTPUTS, categories, infer, model, probability, refused, route, row, rows, world};

/// A model that must be sure, and another one that is asked where it is not.
fn sure() -> String {
    format!(
        "{INPUTS}, {OUTPUTS}, confidence: {{output: probability, below: 0.7, two_sided: true, action: fallback}}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_doubted_is_held_when_nobody_else_answers() {
    let first = FakeUpstream::start((0..8).map(|_| probability(&json!([0.4])))).await;
    let second = FakeUpstream::start([
        Script::json(500, &json!({"error": "broken"})),
        Script::json(422, &json!({"error": "what is that"})),
        Script::garbage(),
        Script::json(500, &json!({})),
    ])
    .await;
    let spec = "targets: [{model: m0}], fallback: [m1], retry: {attempts: 2, backoff: 1ms}";
    let world = world("openinference", &[(&first, &sure()), (&second, INPUTS)], spec).await;
    let mut calls = Vec::new();
    let mut held = async |what: &str| {
        let reply = infer(&world, &row()).await;
        assert_eq!(refused(&reply), (403, "held_no_reviewer".to_owned(), vec![]), "{what}");
        calls.push(reply.call());
    };
    held("it fails").await;
    held("it says that the rows are wrong, which another model took").await;
    held("it gives no prediction").await;
    assert_eq!(second.count().requests, 3);
    let away = format!("http://{}", closed_port().await);
    world.apply(&model("m1", "openinference", &away, INPUTS)).await;
    held("it cannot be reached").await;
    world.apply(&model("m1", "mlflow", &second.base_url(), INPUTS)).await;
    held("it speaks another protocol").await;
    let none = "{apiVersion: cordon/v1, kind: Limit, name: none, spec: {applies_to: {model: m1}, requests: {count: 1, window: 1d}}}";
    world.apply(&format!("{}---\n{none}", model("m1", "openinference", &second.base_url(), INPUTS))).await;
    held("it fails again").await;
    let asked = second.count().requests;
    held("its limit is full").await;
    assert_eq!(second.count().requests, asked);
    let frames = world.frames().await;
    for call in calls {
        let found = categories(&frames.closed_of(call).output.findings);
        assert!(found.contains(&("prediction/confidence", "row[0].probability")), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_models_do_not_agree_on_is_blocked_when_another_one_fails() {
    let voters = [
        FakeUpstream::start([probability(&json!([0.1])), probability(&json!([0.1]))]).await,
        FakeUpstream::start([Script::json(500, &json!({})), Script::json(400, &json!({"error": "no"}))])
            .await,
    ];
    let signature = format!("{INPUTS}, {OUTPUTS}");
    let models: Vec<_> = voters.iter().map(|voter| (voter, signature.as_str())).collect();
    let spec = "targets: [{model: m0, weight: 1000000}, {model: m1, weight: 1}], sticky: principal,
      retry: {attempts: 2, backoff: 1ms}, agreement: {at_least: 2, otherwise: block}";
    let world = world("openinference", &models, spec).await;
    for _ in 0..2 {
        assert_eq!(refused(&infer(&world, &row()).await).1, "prediction_refused");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_of_the_simpler_path_must_agree_too() {
    let simpler = [
        FakeUpstream::start([probability(&json!([0.1])), probability(&json!([0.5]))]).await,
        FakeUpstream::start([probability(&json!([0.9])), probability(&json!([0.5]))]).await,
    ];
    let other = FakeUpstream::start([]).await;
    let signature = format!("{INPUTS}, {OUTPUTS}");
    let models: Vec<_> = simpler
        .iter()
        .chain([&other, &other, &other])
        .map(|upstream| (upstream, signature.as_str()))
        .collect();
    let spec = |otherwise: &str| {
        format!(
            "targets: [{{model: m2}}, {{model: m3}}], fallback: [m4], mode: degraded, degraded: [{{model: m0}}, {{model: m1}}],
             agreement: {{at_least: 2, otherwise: {otherwise}}}"
        )
    };
    let world = world("openinference", &models, &spec("fallback")).await;
    assert_eq!(refused(&infer(&world, &row()).await).1, "held_no_reviewer", "they do not agree");
    world.apply(&route(&spec("hold"))).await;
    assert_eq!(infer(&world, &row()).await.status, 200, "they do");
    assert_eq!(other.count().requests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probability_that_is_none_is_not_sure() {
    let answers = [json!([1.7]), json!([-5]), json!([1.0]), json!([0])].map(|values| probability(&values));
    let upstream = FakeUpstream::start(answers).await;
    let signature = format!(
        "{INPUTS}, outputs: [{{name: probability, type: fp64}}],
         confidence: {{output: probability, below: 0.7, two_sided: true, action: hold}}"
    );
    let world = world("openinference", &[(&upstream, &signature)], "targets: [{model: m0}]").await;
    for code in ["held_no_reviewer", "held_no_reviewer", "", ""] {
        assert_eq!(refused(&infer(&world, &row()).await).1, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_found_however_its_number_is_written() {
    let upstream = FakeUpstream::start([Script::json(
        200,
        &json!({"outputs": [{"name": "n", "datatype": "FP64", "shape": [1], "data": [4.111_111_111_111_111e15]}]}),
    )])
    .await;
    let world = world("openinference", &[(&upstream, INPUTS)], "targets: [{model: m0}]").await;
    let mut calls = Vec::new();
    for number in [
        "-4111111111111111",
        "4111111111111111.0",
        "4111111111111111e0",
        "4.111111111111111e15",
        "-41111111111111110E-1",
    ] {
        let body = rows(&json!([41]), &json!(["NUMBER"]), &json!(["car"])).to_string();
        let body = body.replace("\"NUMBER\"", number);
        let reply = world.send(world.post("/v2/models/bot/infer", body)).await;
        assert_ne!(reply.status, 200, "{number}");
        calls.push(reply.call());
    }
    assert_eq!(upstream.count().requests, 0);
    let answered = infer(&world, &row()).await;
    assert_ne!(answered.status, 200);
    let answered = answered.call();
    let frames = world.frames().await;
    let card = |found: &[(&str, &str)], part: &str| found.contains(&("pii/card", part));
    for call in calls {
        let opened = frames.opened.iter().find(|opened| opened.call == call).unwrap();
        assert!(card(&categories(&opened.input.findings), "inputs/1/data/0"), "{:?}", opened.input.findings);
    }
    let found = &frames.closed_of(answered).output.findings;
    assert!(card(&categories(found), "outputs/0/data/0"), "{found:?}");
}
