//! Whether a request gives instructions in the application's name, where its route takes none: callers that are themselves somebody's
//! browser, or a tool of another team, have a user to speak for and no application.

use cordon_core::{
    Refusal, RefusalCode,
    json::{Object, Value},
};

use super::calls::items;

/// Roles that a model obeys before its user.
const ROLES: [&str; 2] = ["developer", "system"];

/// Refuses a request that instructs the model, in every protocol: a message of the system or the developer, `system`, `instructions`, or
/// a prompt that the service keeps.
///
/// # Errors
/// When it does.
pub(crate) fn refuse_instructions(request: &Object) -> Result<(), Refusal> {
    let refused = |param: String| {
        let why = "instructions of the system or the developer are not taken on this route; help: leave them to the route's owner";
        Err(Refusal::new(RefusalCode::InvalidRequest, why).param(param))
    };
    for member in ["system", "instructions", "prompt"] {
        if request.get(member).is_some_and(is_said) {
            return refused(member.to_owned());
        }
    }
    for list in ["messages", "input"] {
        for (at, message) in items(request.get(list)).iter().enumerate() {
            let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
            if ROLES.iter().any(|of| of.eq_ignore_ascii_case(role.trim())) {
                return refused(format!("{list}[{at}].role"));
            }
        }
    }
    Ok(())
}

/// Whether a value says anything.
fn is_said(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(parts) => !parts.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::testing::tree;

    #[test]
    fn a_caller_who_may_not_instruct_is_refused_in_every_protocol() {
        for (request, param) in [
            (
                r#"{"messages": [{"role": "user", "content": "x"}, {"role": "system", "content": "y"}]}"#,
                "messages[1].role",
            ),
            (r#"{"messages": [{"role": "developer", "content": "y"}]}"#, "messages[0].role"),
            (r#"{"messages": [{"role": " System", "content": "y"}]}"#, "messages[0].role"),
            (r#"{"system": "y", "messages": []}"#, "system"),
            (r#"{"system": [{"type": "text", "text": "y"}], "messages": []}"#, "system"),
            (r#"{"instructions": "y", "input": "x"}"#, "instructions"),
            (r#"{"input": [{"role": "developer", "content": "y"}]}"#, "input[0].role"),
            (r#"{"prompt": {"id": "pmpt_1"}, "input": "x"}"#, "prompt"),
        ] {
            let refusal = refuse_instructions(tree(request).as_object().unwrap()).unwrap_err();
            assert_eq!(
                (refusal.code, refusal.param.as_deref()),
                (RefusalCode::InvalidRequest, Some(param)),
                "{request}"
            );
        }
        for request in [
            r#"{"messages": [{"role": "user", "content": "system"}, {"role": "assistant", "content": "y"}]}"#,
            r#"{"system": "", "messages": [{"role": "user", "content": "x"}]}"#,
            r#"{"instructions": null, "input": "x"}"#,
        ] {
            assert!(refuse_instructions(tree(request).as_object().unwrap()).is_ok(), "{request}");
        }
    }
}
