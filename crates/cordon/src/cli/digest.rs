//! `digest`: a value that a guard lets pass, as an entry of its list in which the value itself does not stand.

use std::io::{self, Read as _};

use clap::Args;
use cordon_core::{Category, Digest, resource::AllowedValue};

use super::{Failure, Outcome, say};
use crate::api::Problem;

pub(super) const EXAMPLES: &str = "\
Examples:
  printf %s \"$TOKEN\" | cordon digest secret/github
  cordon digest pii/card < card.txt

Prints an entry for `allow.values` of a Guard, to be put into its file. The value is read from the standard input, so that it stands in
no list of processes and no history. A digest of a key hides it; one of a short number does not, since all numbers can be tried.";

/// The longest value, as guards take it.
const MAX: u64 = 1_024;

#[derive(Args)]
pub(super) struct DigestArgs {
    /// What the value is found as, as `cordon inspect` says it: `pii/card`, `secret/github`, `custom/employee_id`.
    category: String,
}

pub(super) fn run(args: &DigestArgs) -> Outcome {
    let wrong =
        |detail: String| Failure::from(Problem::new(400, "no_digest", "there is no digest of this", detail));
    let category = Category::parse(&args.category).map_err(|error| wrong(error.to_string()))?;
    let mut value = String::new();
    let read = io::stdin().lock().take(MAX + 1).read_to_string(&mut value);
    read.map_err(|error| wrong(format!("the standard input is not readable as text: {error}")))?;
    if value.len() as u64 > MAX {
        return Err(wrong(
            "the value is longer than 1,024 bytes; help: a guard lets no longer one pass".to_owned(),
        ));
    }
    let form = AllowedValue::form(&category, &value).ok_or_else(|| {
        wrong(format!(
            "`{category}` is no kind of value; help: `secret`, `custom`, what is below them, or a kind of personal data such as `pii/card`"
        ))
    })?;
    if !form.chars().any(char::is_alphanumeric) {
        return Err(wrong(
            "there is no value on the standard input; help: printf %s VALUE | cordon digest …".to_owned(),
        ));
    }
    say(&format!("- {{ category: {category}, sha256: {} }}\n", Digest::sha256(form.as_bytes())))
}
