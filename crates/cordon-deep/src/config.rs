//! `config.json`: which model it is, as the `transformers` library writes it.
//!
//! INVARIANT: a key that changes what the model says is either understood or refused. Those that only matter in training, or
//! to the library itself, are listed by name; whatever else has a value is refused.

mod own;

use serde_json::{Map, Value};

use crate::error::Cause;

/// What a model is made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    pub(crate) family: Family,
    pub(crate) vocabulary: usize,
    pub(crate) hidden: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) inner: usize,
    /// The most tokens that it was made for.
    pub(crate) positions: usize,
    /// Rows of its table of token types; none where it has no such table.
    pub(crate) types: usize,
    /// The width of its table of words, before it is brought to that of the layers.
    pub(crate) embedding: usize,
    pub(crate) absolute: bool,
    pub(crate) epsilon: f32,
    pub(crate) activation: Activation,
    /// What stands between the layers and the labels; none where they are read from the first piece as the layers leave it.
    pub(crate) pooler: Option<Activation>,
    /// The class of its own that it was read as.
    pub(crate) own: Option<&'static str>,
    pub(crate) labels: Vec<String>,
    pub(crate) outcome: Outcome,
}

/// Which of the families it is of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Family {
    Bert,
    /// Version 2 of the code, which version 3 of the models has too.
    Deberta(Disentangled),
}

/// How words see where the others stand.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Disentangled {
    pub(crate) content_to_position: bool,
    pub(crate) position_to_content: bool,
    pub(crate) relative: Option<Relative>,
}

/// The table of relative positions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Relative {
    /// Half of its rows.
    pub(crate) span: usize,
    /// Positions far away share a row, where there are buckets.
    pub(crate) buckets: Option<usize>,
    /// The farthest position that is told apart.
    pub(crate) farthest: usize,
    /// Whether it is read by the layers' own projections of words.
    pub(crate) shared: bool,
    pub(crate) normed: bool,
}

/// What lies between two linear maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    Gelu,
    GeluTanh,
    Relu,
    Tanh,
}

/// How its labels stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// One of them holds: their probabilities sum up to one.
    One,
    /// Each holds or not by itself.
    Each,
}

/// Keys that change nothing of what a trained model says.
const INERT: &[&str] = &[
    "_name_or_path",
    "attention_probs_dropout_prob",
    "bos_token_id",
    "chunk_size_feed_forward",
    "classifier_dropout",
    "cls_dropout",
    "cls_token_id",
    "directionality",
    "dtype",
    "eos_token_id",
    "finetuning_task",
    "gradient_checkpointing",
    "hidden_dropout_prob",
    "initializer_range",
    "label2id",
    "language",
    "legacy",
    "mask_token_id",
    "output_attentions",
    "output_hidden_states",
    "output_past",
    "pad_token_id",
    "pooler_dropout",
    "pooler_fc_size",
    "pooler_num_attention_heads",
    "pooler_num_fc_layers",
    "pooler_size_per_head",
    "pooler_type",
    "return_dict",
    "return_dict_in_generate",
    "sep_token_id",
    "task_specific_params",
    "tie_word_embeddings",
    "tokenizer_class",
    "torch_dtype",
    "torchscript",
    "transformers_version",
    "unk_token_id",
    "use_bfloat16",
    "use_cache",
];

/// The most labels.
const MAX_LABELS: usize = 256;
/// The longest label, in bytes.
const MAX_LABEL: usize = 128;

impl Config {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Cause> {
        let mut keys = Keys(serde_json::from_slice(bytes).map_err(Cause::form)?);
        let own = own::Class::of(&mut keys)?;
        let family = keys.text("model_type")?.unwrap_or_default();
        let (class, bert) = match (family.as_str(), own) {
            ("bert", None) => ("BertForSequenceClassification", true),
            ("deberta-v2", None) => ("DebertaV2ForSequenceClassification", false),
            ("deberta-v2" | "piguard", Some(own::Class::PiGuard)) => (own::PIGUARD, false),
            _ => return Err(Cause::value("model_type", "`bert` or `deberta-v2`")),
        };
        keys.only("architectures", &serde_json::json!([class]))?;
        for key in ["is_decoder", "add_cross_attention", "is_encoder_decoder"] {
            keys.only(key, &Value::Bool(false))?;
        }
        keys.only("pruned_heads", &Value::Object(Map::new()))?;
        let hidden = keys.size("hidden_size", 1..=8192, None)?;
        let heads = keys.size("num_attention_heads", 1..=256, None)?;
        if !hidden.is_multiple_of(heads) {
            return Err(Cause::value("num_attention_heads", "a divisor of `hidden_size`"));
        }
        keys.only("attention_head_size", &Value::from(hidden / heads))?;
        let positions = keys.size("max_position_embeddings", 8..=65_536, Some(512))?;
        let layers = keys.size("num_hidden_layers", 1..=128, None)?;
        let inner = keys.size("intermediate_size", 1..=65_536, None)?;
        let vocabulary = keys.size("vocab_size", 1..=4_000_000, None)?;
        let types = keys.size("type_vocab_size", 0..=64, Some(if bert { 2 } else { 0 }))?;
        let epsilon = keys.epsilon(if bert { 1e-12 } else { 1e-7 })?;
        let activation = keys.activation("hidden_act", Activation::Gelu)?;
        let (labels, outcome) = keys.labels()?;
        let (family, embedding, absolute, pooler) = if bert {
            keys.only("position_embedding_type", &Value::from("absolute"))?;
            if types == 0 {
                return Err(Cause::value("type_vocab_size", "1 or more"));
            }
            (Family::Bert, hidden, true, Some(Activation::Tanh))
        } else {
            keys.only("conv_kernel_size", &Value::from(0))?;
            keys.only("pooler_hidden_size", &Value::from(hidden))?;
            for key in ["conv_act", "conv_groups"] {
                keys.0.remove(key);
            }
            let absolute = keys.flag("position_biased_input", true)?;
            let embedding = keys.size("embedding_size", 1..=8192, Some(hidden))?;
            let pooler = keys.activation("pooler_hidden_act", Activation::Gelu)?;
            let pooler = own.is_none().then_some(pooler);
            (Family::Deberta(keys.disentangled(positions)?), embedding, absolute, pooler)
        };
        keys.nothing_else()?;
        Ok(Self {
            family,
            vocabulary,
            hidden,
            layers,
            heads,
            inner,
            positions,
            types,
            embedding,
            absolute,
            epsilon,
            activation,
            pooler,
            own: own.map(own::Class::name),
            labels,
            outcome,
        })
    }
}

/// The keys that nobody has asked for yet.
struct Keys(Map<String, Value>);

impl Keys {
    /// The value of a key; null is as good as none.
    fn take(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key).filter(|value| !value.is_null())
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, Cause> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Cause::value(key, "a text")),
        }
    }

    /// Refuses every value but one.
    fn only(&mut self, key: &str, value: &Value) -> Result<(), Cause> {
        match self.take(key) {
            Some(other) if other != *value => Err(Cause::value(key, value.to_string())),
            _ => Ok(()),
        }
    }

    fn flag(&mut self, key: &str, absent: bool) -> Result<bool, Cause> {
        match self.take(key) {
            None => Ok(absent),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(Cause::value(key, "true or false")),
        }
    }

    fn size(
        &mut self,
        key: &str,
        range: std::ops::RangeInclusive<usize>,
        absent: Option<usize>,
    ) -> Result<usize, Cause> {
        let value = self.take(key);
        let size = match &value {
            None => absent,
            Some(value) => value.as_u64().and_then(|size| usize::try_from(size).ok()),
        };
        size.filter(|size| range.contains(size))
            .ok_or_else(|| Cause::value(key, format!("a number from {} to {}", range.start(), range.end())))
    }

    /// A size, or none where it is not above zero.
    fn size_or_none(&mut self, key: &str, most: usize) -> Result<Option<usize>, Cause> {
        match self.take(key) {
            None => Ok(None),
            Some(value) => match value.as_i64() {
                Some(size) if size < 1 => Ok(None),
                Some(size) if usize::try_from(size).is_ok_and(|size| size <= most) => {
                    Ok(usize::try_from(size).ok())
                }
                _ => Err(Cause::value(key, format!("a number up to {most}"))),
            },
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "single precision is what the model computes with")]
    fn epsilon(&mut self, absent: f32) -> Result<f32, Cause> {
        match self.take("layer_norm_eps") {
            None => Ok(absent),
            Some(value) => value
                .as_f64()
                .filter(|epsilon| (1e-20..=1.0).contains(epsilon))
                .map(|epsilon| epsilon as f32)
                .ok_or_else(|| Cause::value("layer_norm_eps", "a small number above zero")),
        }
    }

    fn activation(&mut self, key: &str, absent: Activation) -> Result<Activation, Cause> {
        match self.text(key)?.as_deref() {
            None => Ok(absent),
            Some("gelu") => Ok(Activation::Gelu),
            Some("gelu_new" | "gelu_pytorch_tanh") => Ok(Activation::GeluTanh),
            Some("relu") => Ok(Activation::Relu),
            Some("tanh") => Ok(Activation::Tanh),
            Some(_) => Err(Cause::value(key, "`gelu`, `gelu_new`, `relu` or `tanh`")),
        }
    }

    fn labels(&mut self) -> Result<(Vec<String>, Outcome), Cause> {
        let (given, mut outcome) = match self.text("problem_type")?.as_deref() {
            None => (false, Outcome::One),
            Some("single_label_classification") => (true, Outcome::One),
            Some("multi_label_classification") => (true, Outcome::Each),
            Some(_) => return Err(Cause::value("problem_type", "a classification")),
        };
        let count = self.size_or_none("num_labels", MAX_LABELS)?;
        let labels = match self.take("id2label") {
            None => (0..count.unwrap_or(2)).map(|label| format!("LABEL_{label}")).collect(),
            Some(Value::Object(labels)) => (0..labels.len())
                .map(|label| labels.get(&label.to_string())?.as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| Cause::value("id2label", "a word for each number from 0 on"))?,
            Some(_) => return Err(Cause::value("id2label", "a word for each number from 0 on")),
        };
        if count.is_some_and(|count| count != labels.len()) {
            return Err(Cause::value("num_labels", "as many as there are in `id2label`"));
        }
        // One label alone holds or not by itself, as the library's pipeline has it; that of a regression is refused above.
        if labels.len() == 1 && !given {
            outcome = Outcome::Each;
        }
        let least = if outcome == Outcome::Each { 1 } else { 2 };
        if !(least..=MAX_LABELS).contains(&labels.len()) {
            return Err(Cause::value("id2label", format!("{least} to {MAX_LABELS} labels")));
        }
        let twice = labels.iter().enumerate().any(|(at, label)| labels.iter().take(at).any(|l| l == label));
        if twice || labels.iter().any(|label| label.is_empty() || label.len() > MAX_LABEL) {
            return Err(Cause::value("id2label", format!("different words of 1 to {MAX_LABEL} bytes")));
        }
        Ok((labels, outcome))
    }

    fn disentangled(&mut self, positions: usize) -> Result<Disentangled, Cause> {
        const MOST: usize = 65_536;
        let kinds: Vec<String> = match self.take("pos_att_type") {
            None => Vec::new(),
            Some(Value::String(kinds)) => kinds.split('|').map(|kind| kind.trim().to_owned()).collect(),
            Some(Value::Array(kinds)) => kinds
                .iter()
                .map(|kind| kind.as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| Cause::value("pos_att_type", "`c2p` and `p2c`"))?,
            Some(_) => return Err(Cause::value("pos_att_type", "`c2p` and `p2c`")),
        };
        if !kinds.iter().all(|kind| matches!(kind.as_str(), "c2p" | "p2c" | "")) {
            return Err(Cause::value("pos_att_type", "`c2p` and `p2c`"));
        }
        let has = |wanted: &str| kinds.iter().any(|kind| kind == wanted);
        let (content_to_position, position_to_content) = (has("c2p"), has("p2c"));
        let farthest = self.size_or_none("max_relative_positions", MOST)?.unwrap_or(positions);
        let buckets = self.size_or_none("position_buckets", MOST)?;
        let shared = self.flag("share_att_key", false)?;
        let normed = match self.text("norm_rel_ebd")?.as_deref() {
            None | Some("none") => false,
            Some("layer_norm") => true,
            Some(_) => return Err(Cause::value("norm_rel_ebd", "`layer_norm` or `none`")),
        };
        let relative = self.flag("relative_attention", false)?;
        if let Some(buckets) = buckets
            && (buckets < 4 || farthest <= buckets / 2 + 1)
        {
            return Err(Cause::value(
                "position_buckets",
                "4 or more, and less than twice `max_relative_positions`",
            ));
        }
        let span = buckets.unwrap_or(farthest);
        let relative = relative.then_some(Relative { span, buckets, farthest, shared, normed });
        Ok(Disentangled { content_to_position, position_to_content, relative })
    }

    fn nothing_else(self) -> Result<(), Cause> {
        // Heads that sum a sequence up are of other classes.
        let inert = |key: &str| INERT.contains(&key) || key.starts_with("summary_");
        let unknown = |(key, value): &(String, Value)| !value.is_null() && !inert(key);
        match self.0.into_iter().find(unknown) {
            Some((key, _)) => Err(Cause::Key(key.chars().take(64).collect())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BERT: &str = include_str!("../tests/golden/bert/config.json");
    const DEBERTA: &str = include_str!("../tests/golden/deberta/config.json");

    fn taken(config: &Value) -> Result<Config, String> {
        Config::read(&serde_json::to_vec(config).unwrap()).map_err(|error| error.to_string())
    }

    /// `config.json` with these members of the models that are published, in the order of `DeBERTa`'s.
    fn published(members: &Value) -> Value {
        let mut config = json!({
            "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": 768,
            "initializer_range": 0.02, "intermediate_size": 3072, "layer_norm_eps": 1e-7, "legacy": true,
            "max_position_embeddings": 512, "max_relative_positions": -1, "norm_rel_ebd": "layer_norm", "num_attention_heads": 12,
            "num_hidden_layers": 12, "pad_token_id": 0, "pooler_dropout": 0, "pooler_hidden_act": "gelu", "pooler_hidden_size": 768,
            "pos_att_type": ["p2c", "c2p"], "position_biased_input": false, "position_buckets": 256, "relative_attention": true,
            "share_att_key": true, "torch_dtype": "float32", "transformers_version": "4.44.0", "type_vocab_size": 0,
            "vocab_size": 128_100, "architectures": ["DebertaV2ForSequenceClassification"], "model_type": "deberta-v2",
        });
        config.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        config
    }

    fn piguard() -> Value {
        published(&json!({
            "architectures": ["PIGuard"], "model_type": "piguard",
            "auto_map": {"AutoConfig": "modeling_piguard.PIGuardConfig", "AutoModelForSequenceClassification": "modeling_piguard.PIGuard"},
            "id2label": {"0": "benign", "1": "injection"}, "label2id": {"benign": 0, "injection": 1},
        }))
    }

    #[test]
    fn what_is_published_is_taken() {
        let protectai = published(&json!({
            "_name_or_path": "microsoft/deberta-v3-base", "id2label": {"0": "SAFE", "1": "INJECTION"},
            "label2id": {"SAFE": 0, "INJECTION": 1}, "problem_type": "single_label_classification",
        }));
        let large = published(&json!({
            "id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "vocab_size": 251_000,
        }));
        let small = published(&json!({
            "hidden_size": 384, "pooler_hidden_size": 384, "intermediate_size": 1536, "num_attention_heads": 6, "vocab_size": 128_100,
        }));
        for (config, labels) in
            [(protectai, "SAFE INJECTION"), (large, "LABEL_0 LABEL_1"), (small, "LABEL_0 LABEL_1")]
        {
            let config = taken(&config).unwrap();
            assert_eq!((config.labels.join(" ").as_str(), config.pooler), (labels, Some(Activation::Gelu)));
        }
        let config = taken(&piguard()).unwrap();
        assert_eq!((config.labels.join(" ").as_str(), config.pooler), ("benign injection", None));
        let told = "leolee99/PIGuard--modeling_piguard.PIGuard";
        let mut config = piguard();
        config["auto_map"]["AutoModelForSequenceClassification"] = json!(told);
        assert_eq!(taken(&config).unwrap().pooler, None);
    }

    /// A class that is not known may do anything with tensors that look like others'.
    #[test]
    fn code_of_its_own_is_refused_where_it_is_not_known() {
        let classes =
            json!({"AutoModelForSequenceClassification": "modeling_own.OwnForSequenceClassification"});
        for (key, value) in [
            ("auto_map", classes.clone()),
            ("auto_map", json!({"AutoModelForSequenceClassification": "modeling_piguard.PIGuard2"})),
            ("auto_map", json!({"AutoModelForSequenceClassification": "other.PIGuard"})),
            ("auto_map", json!({"AutoModel": "modeling_piguard.PIGuard"})),
            ("auto_map", json!({})),
            ("auto_map", json!("modeling_piguard.PIGuard")),
            ("auto_map", Value::Null),
            ("architectures", json!(["DebertaV2ForSequenceClassification"])),
            ("architectures", json!(["PIGuard", "PIGuard"])),
            ("model_type", json!("bert")),
        ] {
            let mut config = piguard();
            config[key] = value.clone();
            let said = taken(&config).unwrap_err();
            assert!(said.contains("help: "), "{key}: {value}: {said}");
        }
        // Nor does a plain class with code beside it pass for plain.
        let mut plain = published(&json!({}));
        plain["auto_map"] = classes;
        assert!(taken(&plain).unwrap_err().contains("`auto_map`"));
    }

    fn refused(config: &str, key: &str, value: Value) -> String {
        let mut changed: Map<String, Value> = serde_json::from_str(config).unwrap();
        changed.insert(key.to_owned(), value);
        match Config::read(&serde_json::to_vec(&changed).unwrap()) {
            Ok(_) => "taken".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_would_change_the_result_is_refused_by_name() {
        for (config, key, value) in [
            (BERT, "model_type", json!("roberta")),
            (BERT, "architectures", json!(["BertForMaskedLM"])),
            (BERT, "position_embedding_type", json!("relative_key")),
            (BERT, "is_decoder", json!(true)),
            (BERT, "hidden_act", json!("mish")),
            (BERT, "num_attention_heads", json!(5)),
            (BERT, "num_attention_heads", json!(0)),
            (BERT, "hidden_size", json!(-1)),
            (BERT, "hidden_size", json!(1_u64 << 40)),
            (BERT, "layer_norm_eps", json!(0)),
            (BERT, "id2label", json!({"0": "A", "2": "B"})),
            (BERT, "id2label", json!({"0": "A", "1": "A"})),
            (BERT, "id2label", json!({})),
            (BERT, "num_labels", json!(2)),
            (BERT, "problem_type", json!("regression")),
            (BERT, "auto_map", json!({"AutoModel": "own.Model"})),
            (BERT, "quantization_config", json!({"bits": 4})),
            (DEBERTA, "conv_kernel_size", json!(3)),
            (DEBERTA, "pos_att_type", json!(["p2p"])),
            (DEBERTA, "norm_rel_ebd", json!("batch_norm")),
            (DEBERTA, "pooler_hidden_size", json!(16)),
            (DEBERTA, "position_buckets", json!(3)),
            (DEBERTA, "position_buckets", json!(200)),
            (DEBERTA, "attention_head_size", json!(16)),
        ] {
            let said = refused(config, key, value.clone());
            assert!(said.contains(&format!("`{key}`")), "{key} = {value}: {said}");
            assert!(said.contains("help: "), "{said}");
        }
    }

    #[test]
    fn what_changes_nothing_is_not() {
        for (key, value) in [
            ("classifier_dropout", json!(0.3)),
            ("torch_dtype", json!("float32")),
            ("quantization_config", Value::Null),
            ("conv_act", json!("gelu")),
            ("label2id", json!({"SAFE": 0})),
            ("language", json!("en")),
            ("summary_type", json!("first")),
        ] {
            assert_eq!(refused(DEBERTA, key, value), "taken", "{key}");
        }
        let one = |problem: Value| {
            let mut changed: Map<String, Value> = serde_json::from_str(DEBERTA).unwrap();
            changed.insert("id2label".to_owned(), json!({"0": "INJECTION"}));
            changed.insert("problem_type".to_owned(), problem);
            Config::read(&serde_json::to_vec(&changed).unwrap()).map(|config| config.outcome).ok()
        };
        assert_eq!(one(Value::Null), Some(Outcome::Each));
        assert_eq!(one(json!("multi_label_classification")), Some(Outcome::Each));
        assert_eq!(one(json!("single_label_classification")), None);
        assert_eq!(one(json!("regression")), None);
        let config = Config::read(DEBERTA.as_bytes()).unwrap();
        assert_eq!((config.labels.join(" "), config.outcome), ("SAFE INJECTION".to_owned(), Outcome::One));
    }
}
