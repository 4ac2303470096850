//! Fields that callers may not set: what would choose a host, a credential, another model or another account.
//!
//! The upstream may be a gateway itself, or become one; what such a gateway would obey must not come from a caller.
//! Which field is refused is said to the caller, because an honest one has to remove it.

use cordon_core::{Refusal, RefusalCode, json::Object};

/// Where a field is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    /// At the top level only: elsewhere it is an ordinary word.
    Top,
    /// In objects beside the messages too, such as `metadata`, where other gateways read it.
    Beside,
}

use Where::{Beside, Top};

const HOST: &str = "it would choose a host";
const CREDENTIAL: &str = "it would choose a credential";
const MODEL: &str = "it would choose another model or provider";
const ACCOUNT: &str = "it would choose an account";
const RAW: &str = "it would add to the request what was not inspected";
const SINK: &str = "it would send content elsewhere";
const GUARD: &str = "it would switch protection or recording off, or fake an answer";

/// Name (lower case, `_` for `-` and `.`), where, and why.
const FIELDS: &[(&str, Where, &str)] = &[
    ("api_base", Beside, HOST),
    ("api_base_url", Beside, HOST),
    ("apibase", Beside, HOST),
    ("azure_endpoint", Beside, HOST),
    ("base_url", Beside, HOST),
    ("baseurl", Beside, HOST),
    ("client", Top, HOST),
    ("endpoint", Top, HOST),
    ("host", Top, HOST),
    ("http_client", Beside, HOST),
    ("proxy", Top, HOST),
    ("region_name", Beside, HOST),
    ("ssl_verify", Beside, HOST),
    ("api_key", Beside, CREDENTIAL),
    ("api_keys", Beside, CREDENTIAL),
    ("apikey", Beside, CREDENTIAL),
    ("auth", Top, CREDENTIAL),
    ("authorization", Beside, CREDENTIAL),
    ("cookie", Beside, CREDENTIAL),
    ("user_api_key", Beside, CREDENTIAL),
    ("virtual_key", Beside, CREDENTIAL),
    ("allowed_model_region", Beside, MODEL),
    ("api_type", Beside, MODEL),
    ("api_version", Beside, MODEL),
    ("base_model", Beside, MODEL),
    ("config", Top, MODEL),
    ("content_policy_fallbacks", Beside, MODEL),
    ("context_window_fallbacks", Beside, MODEL),
    ("custom_llm_provider", Beside, MODEL),
    ("default_fallbacks", Beside, MODEL),
    ("deployment_id", Beside, MODEL),
    ("engine", Top, MODEL),
    ("fallback", Top, MODEL),
    ("fallbacks", Beside, MODEL),
    ("model_config", Top, MODEL),
    ("model_group", Beside, MODEL),
    ("model_info", Beside, MODEL),
    ("model_list", Beside, MODEL),
    ("models", Top, MODEL),
    ("plugins", Top, MODEL),
    ("preset", Top, MODEL),
    ("provider", Top, MODEL),
    ("provider_options", Top, MODEL),
    ("provideroptions", Top, MODEL),
    ("providers", Top, MODEL),
    ("route", Top, MODEL),
    ("router", Top, MODEL),
    ("router_settings", Beside, MODEL),
    ("specific_deployment", Beside, MODEL),
    ("strategy", Top, MODEL),
    ("target", Top, MODEL),
    ("targets", Top, MODEL),
    ("user_config", Beside, MODEL),
    ("organization", Top, ACCOUNT),
    ("openai_organization", Beside, ACCOUNT),
    ("openai_project", Beside, ACCOUNT),
    ("project", Top, ACCOUNT),
    ("default_headers", Beside, RAW),
    ("default_query", Beside, RAW),
    ("extra_body", Beside, RAW),
    ("extra_headers", Beside, RAW),
    ("extra_query", Beside, RAW),
    ("headers", Top, RAW),
    ("prompt_id", Top, RAW),
    ("callback_url", Beside, SINK),
    ("callbacks", Beside, SINK),
    ("failure_callback", Beside, SINK),
    ("input_callback", Beside, SINK),
    ("logger_fn", Beside, SINK),
    ("success_callback", Beside, SINK),
    ("webhook", Top, SINK),
    ("webhook_url", Beside, SINK),
    ("disable_guardrails", Beside, GUARD),
    ("disable_global_guardrails", Beside, GUARD),
    ("guardrails", Top, GUARD),
    ("mock_response", Beside, GUARD),
    ("mock_timeout", Beside, GUARD),
    ("mock_tool_calls", Beside, GUARD),
    ("no_log", Beside, GUARD),
];

/// Beginnings of names that belong to other gateways' settings and to clouds' credentials.
const PREFIXES: &[(&str, &str)] = &[
    ("aws_", CREDENTIAL),
    ("azure_", CREDENTIAL),
    ("gcp_", CREDENTIAL),
    ("google_application_", CREDENTIAL),
    ("helicone_", RAW),
    ("litellm_", RAW),
    ("portkey_", RAW),
    ("vertex_", CREDENTIAL),
    ("watsonx_", CREDENTIAL),
    ("x_portkey_", RAW),
];

/// Fields of a tool's definition by which a provider would call a server for the caller.
const TOOL_FIELDS: &[(&str, &str)] = &[
    ("authorization", CREDENTIAL),
    ("connector_id", HOST),
    ("headers", CREDENTIAL),
    ("server_url", HOST),
    ("url", HOST),
];

/// Members of a request that hold content.
const CONTENT: [&str; 8] =
    ["functions", "input", "logit_bias", "messages", "prediction", "response_format", "text", "tools"];

/// Refuses a request whose top level, or an object beside the messages, has such a field.
pub(crate) fn check(request: &Object) -> Result<(), Refusal> {
    for (key, value) in request.iter() {
        refuse(&normal(key), Top, key)?;
        // What these hold is content, in which such words are ordinary.
        if CONTENT.contains(&key) {
            continue;
        }
        beside(value, key)?;
    }
    tools(request, "tools")
}

/// Refuses tools, those of the member `tools` of an object, by which a provider would call a server for the caller. `param` is
/// how an error names the list.
pub(crate) fn tools(holder: &Object, param: &str) -> Result<(), Refusal> {
    let tools = holder.get("tools").and_then(|tools| tools.as_array()).unwrap_or_default();
    for (at, tool) in tools.iter().enumerate() {
        for (key, value) in tool.as_object().into_iter().flat_map(Object::iter) {
            let name = normal(key);
            let reason = TOOL_FIELDS.iter().find(|(field, _)| *field == name);
            if let Some((field, reason)) = reason {
                return Err(refusal(field, &format!("{param}[{at}].{field}"), reason));
            }
            if key == "mcp" {
                beside(value, "tools")?;
            }
        }
    }
    Ok(())
}

/// Looks through a value beside the messages. The tree's depth is bounded by its reader.
fn beside(value: &cordon_core::json::Value, top: &str) -> Result<(), Refusal> {
    if let Some(items) = value.as_array() {
        return items.iter().try_for_each(|item| beside(item, top));
    }
    for (key, value) in value.as_object().into_iter().flat_map(Object::iter) {
        refuse(&normal(key), Beside, top)?;
        beside(value, top)?;
    }
    Ok(())
}

/// One name for the ways in which a field is written.
fn normal(key: &str) -> String {
    key.trim()
        .chars()
        .map(|c| if matches!(c, '-' | '.' | ' ') { '_' } else { c.to_ascii_lowercase() })
        .collect()
}

fn refuse(name: &str, place: Where, top: &str) -> Result<(), Refusal> {
    let listed = FIELDS.iter().find(|(field, at, _)| *field == name && (place == Top || *at == Beside));
    let prefixed = PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix));
    let (field, reason) = match (listed, prefixed) {
        (Some((field, _, reason)), _) => (*field, *reason),
        (None, Some((prefix, reason))) => (*prefix, *reason),
        (None, None) => return Ok(()),
    };
    // The caller's own spelling is the caller's text; a field of the table is ours.
    let param = match place {
        Top => field.to_owned(),
        Beside if matches!(top, "metadata" | "stream_options" | "web_search_options") => {
            format!("{top}.{field}")
        }
        Beside => field.to_owned(),
    };
    Err(refusal(field, &param, reason))
}

fn refusal(field: &str, param: &str, reason: &str) -> Refusal {
    Refusal::new(RefusalCode::ForbiddenField, format!("field {field}: {reason}")).param(param)
}

#[cfg(test)]
mod tests {
    use cordon_core::json::{Limits, Value};

    use super::*;

    fn check_text(text: &str) -> Option<String> {
        let value = Value::parse(text.as_bytes(), Limits::default()).unwrap();
        check(value.as_object().unwrap()).err().map(|refusal| {
            assert_eq!(refusal.code, RefusalCode::ForbiddenField);
            refusal.param.unwrap()
        })
    }

    #[test]
    fn every_listed_field_is_refused_in_every_spelling() {
        for (field, place, _) in FIELDS {
            assert_eq!(check_text(&format!(r#"{{"{field}":1}}"#)).as_deref(), Some(*field));
            let spelled = field.to_ascii_uppercase().replace('_', "-");
            assert_eq!(check_text(&format!(r#"{{"{spelled}":null}}"#)).as_deref(), Some(*field));
            let nested = check_text(&format!(r#"{{"metadata":{{"a":[{{"{field}":1}}]}}}}"#));
            assert_eq!(nested.is_some(), *place == Beside, "{field}");
            assert_eq!(check_text(&format!(r#"{{"unknown":{{"{field}":1}}}}"#)).is_some(), *place == Beside);
        }
        for (prefix, _) in PREFIXES {
            assert!(check_text(&format!(r#"{{"{prefix}anything":1}}"#)).is_some());
        }
        for (field, _) in TOOL_FIELDS {
            assert_eq!(
                check_text(&format!(r#"{{"tools":[{{"{field}":1}}]}}"#)),
                Some(format!("tools[0].{field}"))
            );
        }
    }

    #[test]
    fn content_may_speak_of_such_fields() {
        let text = r#"{"model":"m","metadata":{"project":"x","host":"y"},"messages":[{"role":"user","content":"api_base"}],
            "tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"base_url":{"type":"string"}}}}}],
            "response_format":{"json_schema":{"schema":{"properties":{"api_key":{}}}}},"temperature":1}"#;
        assert_eq!(check_text(text), None);
    }
}
