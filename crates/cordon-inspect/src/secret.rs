//! Credentials: tokens with a provider's form, JWTs, connection strings, and values that are called a password or key.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use cordon_core::{Category, Score};

use crate::decode;
use crate::detector::{CONNECTION, Detector, GENERIC, JWT, TOKEN};
use crate::pii::before;
use crate::segment::{Candidate, Shape, Value};

/// What may follow a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alphabet {
    /// Letters and digits.
    Alnum,
    /// Capital letters and digits.
    Upper,
    /// Hexadecimal digits.
    Hex,
    /// Letters, digits, `-`, `_`.
    Dash,
    /// Letters, digits, `-`, `_`, `.`.
    Dot,
    /// Base64 of both alphabets.
    Base64,
}

impl Alphabet {
    const fn has(self, byte: u8) -> bool {
        match self {
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Dash => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            Self::Dot => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_'),
        }
    }
}

/// A provider's token: prefix, category, least and most characters after the prefix, and their alphabet. The forms
/// are those that the providers document or that their published tools print.
type Row = (&'static str, &'static str, usize, usize, Alphabet);

/// More than any fixed form: the token has no longest length.
const ANY: usize = usize::MAX;

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("AKIA", "secret/aws_key", 16, 16, Alphabet::Upper),
    ("ASIA", "secret/aws_key", 16, 16, Alphabet::Upper),
    ("ABIA", "secret/aws_key", 16, 16, Alphabet::Upper),
    ("ACCA", "secret/aws_key", 16, 16, Alphabet::Upper),
    ("ABSK", "secret/aws_key", 100, 300, Alphabet::Base64),
    ("bedrock-api-key-", "secret/aws_key", 40, ANY, Alphabet::Base64),
    ("AIza", "secret/gcp_key", 35, 35, Alphabet::Dash),
    ("GOCSPX-", "secret/gcp_key", 28, 28, Alphabet::Dash),
    ("ya29.", "secret/gcp_key", 20, ANY, Alphabet::Dot),
    ("ghp_", "secret/github_token", 36, 255, Alphabet::Alnum),
    ("gho_", "secret/github_token", 36, 255, Alphabet::Alnum),
    ("ghu_", "secret/github_token", 36, 255, Alphabet::Alnum),
    ("ghs_", "secret/github_token", 36, 255, Alphabet::Alnum),
    ("ghr_", "secret/github_token", 36, 255, Alphabet::Alnum),
    ("github_pat_", "secret/github_token", 60, 255, Alphabet::Dash),
    ("glpat-", "secret/gitlab_token", 20, 300, Alphabet::Dot),
    ("glptt-", "secret/gitlab_token", 20, 300, Alphabet::Dot),
    ("gldt-", "secret/gitlab_token", 20, 300, Alphabet::Dot),
    ("glrt-", "secret/gitlab_token", 20, 300, Alphabet::Dot),
    ("glcbt-", "secret/gitlab_token", 20, 300, Alphabet::Dot),
    ("glagent-", "secret/gitlab_token", 40, 300, Alphabet::Dot),
    ("gloas-", "secret/gitlab_token", 40, 300, Alphabet::Dot),
    ("glsoat-", "secret/gitlab_token", 20, 300, Alphabet::Dot),
    ("glffct-", "secret/gitlab_token", 20, 300, Alphabet::Dot),
    ("glimt-", "secret/gitlab_token", 20, 300, Alphabet::Dot),
    ("GR1348941", "secret/gitlab_token", 20, 40, Alphabet::Dash),
    ("xoxb-", "secret/slack_token", 18, 255, Alphabet::Dash),
    ("xoxp-", "secret/slack_token", 18, 255, Alphabet::Dash),
    ("xoxa-", "secret/slack_token", 18, 255, Alphabet::Dash),
    ("xoxr-", "secret/slack_token", 18, 255, Alphabet::Dash),
    ("xoxs-", "secret/slack_token", 18, 255, Alphabet::Dash),
    ("xoxo-", "secret/slack_token", 18, 255, Alphabet::Dash),
    ("xoxe-", "secret/slack_token", 40, ANY, Alphabet::Dash),
    ("xoxe.xoxp-", "secret/slack_token", 40, ANY, Alphabet::Dash),
    ("xoxe.xoxb-", "secret/slack_token", 40, ANY, Alphabet::Dash),
    ("xapp-", "secret/slack_token", 30, 255, Alphabet::Dash),
    ("hooks.slack.com/services/", "secret/slack_token", 30, 120, Alphabet::Base64),
    ("hooks.slack.com/workflows/", "secret/slack_token", 30, 120, Alphabet::Base64),
    ("sk_live_", "secret/stripe_key", 16, 255, Alphabet::Alnum),
    ("sk_test_", "secret/stripe_key", 16, 255, Alphabet::Alnum),
    ("rk_live_", "secret/stripe_key", 16, 255, Alphabet::Alnum),
    ("rk_test_", "secret/stripe_key", 16, 255, Alphabet::Alnum),
    ("whsec_", "secret/stripe_key", 24, 255, Alphabet::Base64),
    ("sk-", "secret/openai_key", 32, ANY, Alphabet::Alnum),
    ("sk-proj-", "secret/openai_key", 32, ANY, Alphabet::Dash),
    ("sk-svcacct-", "secret/openai_key", 32, ANY, Alphabet::Dash),
    ("sk-admin-", "secret/openai_key", 32, ANY, Alphabet::Dash),
    ("sk-None-", "secret/openai_key", 32, ANY, Alphabet::Dash),
    ("sk-or-v1-", "secret/provider_token", 64, 64, Alphabet::Hex),
    ("sk-ant-", "secret/anthropic_key", 32, ANY, Alphabet::Dash),
    ("npm_", "secret/package_token", 36, 36, Alphabet::Alnum),
    ("pypi-AgE", "secret/package_token", 50, ANY, Alphabet::Dash),
    ("pypi-AgEN", "secret/package_token", 50, ANY, Alphabet::Dash),
    ("rubygems_", "secret/package_token", 48, 48, Alphabet::Hex),
    ("dckr_pat_", "secret/package_token", 24, 64, Alphabet::Dash),
    ("dckr_oat_", "secret/package_token", 24, 64, Alphabet::Dash),
    ("cio", "secret/package_token", 32, 32, Alphabet::Alnum),
    ("oy2", "secret/package_token", 43, 43, Alphabet::Alnum),
    ("SG.", "secret/mail_key", 60, 80, Alphabet::Dot),
    ("xkeysib-", "secret/mail_key", 64, 90, Alphabet::Dash),
    ("xsmtpsib-", "secret/mail_key", 64, 90, Alphabet::Dash),
    ("key-", "secret/mail_key", 32, 32, Alphabet::Hex),
    ("pubkey-", "secret/mail_key", 32, 32, Alphabet::Hex),
    ("re_", "secret/mail_key", 30, 40, Alphabet::Dash),
    ("SK", "secret/twilio_key", 32, 32, Alphabet::Hex),
    ("hf_", "secret/huggingface_token", 30, 40, Alphabet::Alnum),
    ("api_org_", "secret/huggingface_token", 34, 34, Alphabet::Alnum),
    ("ck_", "secret/cordon_key", 40, 120, Alphabet::Dash),
    ("eyJrIjoi", "secret/provider_token", 60, ANY, Alphabet::Base64),
    ("glc_eyJ", "secret/provider_token", 40, ANY, Alphabet::Base64),
    ("glsa_", "secret/provider_token", 38, 50, Alphabet::Dash),
    ("dop_v1_", "secret/provider_token", 64, 64, Alphabet::Hex),
    ("doo_v1_", "secret/provider_token", 64, 64, Alphabet::Hex),
    ("dor_v1_", "secret/provider_token", 64, 64, Alphabet::Hex),
    ("hvs.", "secret/provider_token", 24, 300, Alphabet::Dash),
    ("hvb.", "secret/provider_token", 24, 300, Alphabet::Dash),
    ("hvr.", "secret/provider_token", 24, 300, Alphabet::Dash),
    ("shpat_", "secret/provider_token", 32, 32, Alphabet::Hex),
    ("shpca_", "secret/provider_token", 32, 32, Alphabet::Hex),
    ("shppa_", "secret/provider_token", 32, 32, Alphabet::Hex),
    ("shpss_", "secret/provider_token", 32, 32, Alphabet::Hex),
    ("sq0atp-", "secret/provider_token", 22, 22, Alphabet::Dash),
    ("sq0csp-", "secret/provider_token", 43, 43, Alphabet::Dash),
    ("EAAA", "secret/provider_token", 60, 60, Alphabet::Dash),
    ("EAAC", "secret/provider_token", 60, ANY, Alphabet::Alnum),
    ("EAAM", "secret/provider_token", 60, ANY, Alphabet::Alnum),
    ("EAAB", "secret/provider_token", 60, ANY, Alphabet::Alnum),
    ("access_token$production$", "secret/provider_token", 40, 60, Alphabet::Alnum),
    ("PMAK-", "secret/provider_token", 50, 70, Alphabet::Dash),
    ("lin_api_", "secret/provider_token", 40, 40, Alphabet::Alnum),
    ("lin_oauth_", "secret/provider_token", 32, 80, Alphabet::Alnum),
    ("ntn_", "secret/provider_token", 40, 60, Alphabet::Alnum),
    ("secret_", "secret/provider_token", 43, 43, Alphabet::Alnum),
    ("figd_", "secret/provider_token", 38, 50, Alphabet::Dash),
    ("figo_", "secret/provider_token", 38, 50, Alphabet::Dash),
    ("dapi", "secret/provider_token", 32, 34, Alphabet::Hex),
    ("doses", "secret/provider_token", 32, 34, Alphabet::Hex),
    ("NRAK-", "secret/provider_token", 27, 27, Alphabet::Alnum),
    ("NRII-", "secret/provider_token", 32, 32, Alphabet::Dash),
    ("NRJS-", "secret/provider_token", 19, 19, Alphabet::Hex),
    ("NRIQ-", "secret/provider_token", 32, 32, Alphabet::Dash),
    ("sntrys_", "secret/provider_token", 60, ANY, Alphabet::Base64),
    ("sntryu_", "secret/provider_token", 64, 64, Alphabet::Hex),
    ("sbp_", "secret/provider_token", 40, 40, Alphabet::Hex),
    ("sb_secret_", "secret/provider_token", 24, 60, Alphabet::Dash),
    ("pul-", "secret/provider_token", 40, 40, Alphabet::Hex),
    ("sgp_", "secret/provider_token", 40, 62, Alphabet::Dash),
    ("sgp_local_", "secret/provider_token", 40, 40, Alphabet::Hex),
    ("sqa_", "secret/provider_token", 40, 40, Alphabet::Alnum),
    ("sqp_", "secret/provider_token", 40, 40, Alphabet::Alnum),
    ("squ_", "secret/provider_token", 40, 40, Alphabet::Alnum),
    ("fo1_", "secret/provider_token", 43, 43, Alphabet::Dash),
    ("FlyV1", "secret/provider_token", 40, ANY, Alphabet::Base64),
    ("fm1r_", "secret/provider_token", 60, ANY, Alphabet::Base64),
    ("fm2_", "secret/provider_token", 60, ANY, Alphabet::Base64),
    ("tskey-", "secret/provider_token", 24, 90, Alphabet::Dash),
    ("dp.pt.", "secret/provider_token", 40, 44, Alphabet::Alnum),
    ("dp.st.", "secret/provider_token", 40, 80, Alphabet::Dot),
    ("dp.ct.", "secret/provider_token", 40, 44, Alphabet::Alnum),
    ("dt0c01.", "secret/provider_token", 80, 100, Alphabet::Dot),
    ("dt0s01.", "secret/provider_token", 60, 100, Alphabet::Dot),
    ("ops_eyJ", "secret/provider_token", 100, ANY, Alphabet::Base64),
    ("phx_", "secret/provider_token", 30, 60, Alphabet::Dash),
    ("phc_", "secret/provider_token", 40, 50, Alphabet::Alnum),
    ("gsk_", "secret/provider_token", 48, 60, Alphabet::Alnum),
    ("xai-", "secret/provider_token", 70, 90, Alphabet::Alnum),
    ("pplx-", "secret/provider_token", 40, 60, Alphabet::Alnum),
    ("r8_", "secret/provider_token", 37, 37, Alphabet::Alnum),
    ("fw_", "secret/provider_token", 22, 40, Alphabet::Alnum),
    ("tgp_v1_", "secret/provider_token", 40, 60, Alphabet::Dash),
    ("nvapi-", "secret/provider_token", 60, 80, Alphabet::Dash),
    ("jina_", "secret/provider_token", 50, 80, Alphabet::Dash),
    ("pcsk_", "secret/provider_token", 60, 80, Alphabet::Dash),
    ("lsv2_pt_", "secret/provider_token", 40, 60, Alphabet::Dash),
    ("lsv2_sk_", "secret/provider_token", 40, 60, Alphabet::Dash),
    ("ls__", "secret/provider_token", 32, 32, Alphabet::Hex),
    ("pk.eyJ", "secret/provider_token", 60, ANY, Alphabet::Dot),
    ("sk.eyJ", "secret/provider_token", 60, ANY, Alphabet::Dot),
    ("rnd_", "secret/provider_token", 28, 40, Alphabet::Alnum),
    ("rpa_", "secret/provider_token", 40, 60, Alphabet::Alnum),
    ("pscale_tkn_", "secret/provider_token", 32, 70, Alphabet::Dot),
    ("pscale_pw_", "secret/provider_token", 32, 70, Alphabet::Dot),
    ("pscale_oauth_", "secret/provider_token", 32, 70, Alphabet::Dot),
    ("ATATT3", "secret/provider_token", 150, 250, Alphabet::Base64),
    ("ATCTT3", "secret/provider_token", 150, 250, Alphabet::Base64),
    ("ATBB", "secret/provider_token", 32, 32, Alphabet::Alnum),
    ("bkua_", "secret/provider_token", 40, 40, Alphabet::Hex),
    ("CCIPAT_", "secret/provider_token", 50, 80, Alphabet::Dash),
    ("CCIPRJ_", "secret/provider_token", 50, 80, Alphabet::Dash),
    ("duffel_live_", "secret/provider_token", 43, 43, Alphabet::Dash),
    ("duffel_test_", "secret/provider_token", 43, 43, Alphabet::Dash),
    ("EZAK", "secret/provider_token", 54, 54, Alphabet::Alnum),
    ("EZTK", "secret/provider_token", 54, 54, Alphabet::Alnum),
    ("FLWSECK-", "secret/provider_token", 32, 50, Alphabet::Dash),
    ("FLWSECK_TEST-", "secret/provider_token", 12, 50, Alphabet::Dash),
    ("frame_io-fio-u-", "secret/provider_token", 60, 70, Alphabet::Dash),
    ("fio-u-", "secret/provider_token", 60, 70, Alphabet::Dash),
    ("live_", "secret/provider_token", 35, 35, Alphabet::Alnum),
    ("pat.", "secret/provider_token", 60, 80, Alphabet::Dot),
    ("patTU", "secret/provider_token", 60, 90, Alphabet::Dot),
    ("AGE-SECRET-KEY-1", "secret/private_key", 58, 58, Alphabet::Upper),
    ("A3-", "secret/provider_token", 30, 40, Alphabet::Dash),
    ("shippo_live_", "secret/provider_token", 40, 40, Alphabet::Hex),
    ("shippo_test_", "secret/provider_token", 40, 40, Alphabet::Hex),
    ("SCW", "secret/provider_token", 17, 17, Alphabet::Upper),
    ("waka_", "secret/provider_token", 36, 50, Alphabet::Dash),
    ("rdme_", "secret/provider_token", 70, 70, Alphabet::Alnum),
    ("tfp_", "secret/provider_token", 40, 80, Alphabet::Dash),
    ("v1.0-", "secret/provider_token", 160, 190, Alphabet::Dash),
    ("LTAI", "secret/provider_token", 17, 21, Alphabet::Alnum),
    ("AKID", "secret/provider_token", 32, 40, Alphabet::Alnum),
    ("AKCp", "secret/provider_token", 69, 73, Alphabet::Alnum),
    ("cmVmdGtu", "secret/provider_token", 56, 56, Alphabet::Alnum),
    ("t1.9eu", "secret/provider_token", 60, ANY, Alphabet::Dot),
    ("AQVN", "secret/provider_token", 35, 38, Alphabet::Dash),
    ("sl.", "secret/provider_token", 120, ANY, Alphabet::Dash),
    ("ubtr_", "secret/provider_token", 32, 60, Alphabet::Alnum),
    ("CFPAT-", "secret/provider_token", 43, 43, Alphabet::Dash),
    ("cfut_", "secret/provider_token", 40, 60, Alphabet::Dash),
    ("ddp_", "secret/provider_token", 36, 36, Alphabet::Alnum),
    ("pnu_", "secret/provider_token", 36, 36, Alphabet::Alnum),
    ("s-s4t2ud-", "secret/provider_token", 64, 64, Alphabet::Hex),
    ("s-s4t2af-", "secret/provider_token", 64, 64, Alphabet::Hex),
    ("4b1d", "secret/provider_token", 38, 38, Alphabet::Alnum),
    ("p8e-", "secret/provider_token", 32, 32, Alphabet::Alnum),
    ("r_pat_", "secret/provider_token", 30, 50, Alphabet::Dash),
    ("Q~", "secret/azure_key", 31, 34, Alphabet::Dot),
    ("discord.com/api/webhooks/", "secret/provider_token", 60, 120, Alphabet::Base64),
    ("discordapp.com/api/webhooks/", "secret/provider_token", 60, 120, Alphabet::Base64),
];

/// Prefixes that ordinary words share: what follows must have letters and digits.
const WEAK: [&str; 22] = [
    "4b1d", "live_", "pat.", "dapi", "doses", "v1.0-", "EAAA", "SK", "sk-", "key-", "pubkey-", "re_", "cio",
    "oy2", "r8_", "fw_", "sl.", "SG.", "ck_", "A3-", "Q~", "SCW",
];

/// The prefixes as one automaton.
#[derive(Debug)]
pub(crate) struct Tokens {
    prefixes: Option<AhoCorasick>,
}

impl Tokens {
    pub(crate) fn builtin() -> Self {
        let prefixes = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(ROWS.iter().map(|row| row.0));
        // The table is fixed and small: a test builds it, so there is no error to meet at run time.
        Self { prefixes: prefixes.ok() }
    }

    /// The table as text, for the rules' digest.
    pub(crate) fn describe() -> String {
        ROWS.iter().map(|row| format!("{row:?}\n")).collect()
    }
}

/// Adds what a candidate holds.
pub(crate) fn find(candidate: &Candidate<'_>, shape: Shape, tokens: &Tokens, out: &mut Vec<Value>) {
    let from = out.len();
    if shape.len >= 16 && (shape.digits > 0 || shape.other > 0) {
        provider_tokens(candidate, tokens, out);
        jwts(candidate, out);
    }
    if shape.colons > 0 && shape.at {
        connection_strings(candidate, out);
    }
    if out.len() == from {
        generic(candidate, out);
    }
}

fn value(start: usize, end: usize, detector: Detector, category: &'static str, percent: u32) -> Value {
    Value { start, end, detector, category: Category::known(category), score: Score::percent(percent) }
}

fn provider_tokens(candidate: &Candidate<'_>, tokens: &Tokens, out: &mut Vec<Value>) {
    let Some(prefixes) = &tokens.prefixes else { return };
    let text = candidate.text;
    let mut end_of_last = 0;
    for found in prefixes.find_overlapping_iter(text) {
        let Some((prefix, category, least, most, alphabet)) = ROWS.get(found.pattern().as_usize()).copied()
        else {
            continue;
        };
        let (start, after) = (found.start(), found.end());
        // Azure's secrets hold their mark in the middle: three characters, a digit, `Q~`.
        let start = if prefix == "Q~" { start.saturating_sub(4) } else { start };
        let bounded = before(candidate, start)
            .is_none_or(|b| !b.is_ascii_alphanumeric() && b != b'_' || prefix == "Q~");
        if start < end_of_last || !bounded {
            continue;
        }
        let rest = text.get(after..).unwrap_or_default();
        let length = rest.iter().take_while(|b| alphabet.has(**b) || prefix == "Q~" && **b == b'~').count();
        // A token of one length may end with a dash; where the length varies, the dash belongs to the sentence.
        let length = if length == most { length } else { trim(rest, length) };
        let body = rest.get(..length).unwrap_or_default();
        if length < least || length > most {
            continue;
        }
        if is_example(text.get(start..after + length).unwrap_or_default()) {
            end_of_last = after + length;
            continue;
        }
        let weak = WEAK.contains(&prefix);
        if weak && (!body.iter().any(u8::is_ascii_digit) || !body.iter().any(u8::is_ascii_alphabetic)) {
            continue;
        }
        let floor = if weak { 3.0 } else { 2.5 };
        if entropy(body) < floor {
            continue;
        }
        out.push(value(start, after + length, TOKEN, category, if weak { 85 } else { 97 }));
        end_of_last = after + length;
    }
}

/// Without the punctuation of a sentence at the end.
fn trim(bytes: &[u8], mut length: usize) -> usize {
    while length > 0 && matches!(bytes.get(length - 1), Some(b'.' | b'-' | b'/')) {
        length -= 1;
    }
    length
}

fn jwts(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
    let text = candidate.text;
    let (mut from, mut run_end) = (0, 0);
    while let Some(at) =
        text.get(from..).and_then(|rest| rest.windows(3).position(|w| w == b"eyJ" || w == b"ewo"))
    {
        let start = from + at;
        from = start + 3;
        if before(candidate, start).is_some_and(|b| b.is_ascii_alphanumeric()) {
            continue;
        }
        let rest = text.get(start..).unwrap_or_default();
        // Starts within one run share its end: it is looked for once.
        if start >= run_end {
            run_end = start + rest.iter().take_while(|b| Alphabet::Dot.has(**b) || **b == b'=').count();
        }
        let length = trim(rest, run_end - start);
        let run = rest.get(..length).unwrap_or_default();
        let parts: Vec<&[u8]> = run.split(|b| *b == b'.').take(6).collect();
        let Some(header) = parts.first().and_then(|part| decode::base64(part)) else { continue };
        let is_header = [&b"\"alg\""[..], b"\"typ\"", b"\"enc\"", b"\"kid\""]
            .iter()
            .any(|key| header.windows(key.len()).any(|window| window == *key));
        let shaped = (3..=5).contains(&parts.len()) && parts.get(1).is_some_and(|p| p.len() >= 4);
        if is_header && shaped && !is_example(run) {
            out.push(value(start, start + length, JWT, "secret/jwt", 97));
            from = start + length;
            run_end = from;
        }
    }
}

/// `scheme://user:password@host`: any scheme, because the password is what counts.
fn connection_strings(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
    let text = candidate.text;
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.windows(3).position(|w| w == b"://")) {
        let colon = from + at;
        from = colon + 3;
        let mut start = colon;
        while start > 0
            && colon - start < 32
            && text
                .get(start - 1)
                .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        {
            start -= 1;
        }
        let rest = text.get(from..).unwrap_or_default();
        let authority_end =
            rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#' | b' ')).unwrap_or(rest.len());
        // An unescaped `/` or `#` in a password is common: an `@` shortly after it still ends the user part.
        let window = rest.get(..rest.len().min(256)).unwrap_or_default();
        let at_sign = match rest
            .get(..authority_end)
            .and_then(|authority| authority.iter().rposition(|b| *b == b'@'))
        {
            Some(at) => at,
            None => match window.iter().position(|b| matches!(b, b'@' | b' ' | b'?')) {
                Some(at)
                    if window.get(at) == Some(&b'@')
                        && window.get(..at).is_some_and(|w| w.contains(&b':') && !w.contains(&b'.')) =>
                {
                    at
                }
                _ => continue,
            },
        };
        let Some(user) = rest.get(..at_sign) else { continue };
        let Some(split) = user.iter().position(|b| *b == b':') else { continue };
        let password = user.get(split + 1..).unwrap_or_default();
        if start == colon || password.is_empty() || is_placeholder(password) {
            continue;
        }
        let host = rest.get(at_sign..).unwrap_or_default();
        let end = from + at_sign + host.iter().position(|b| *b == b' ').unwrap_or(host.len());
        if password == b"PASSWORD" || password == b"PASS" {
            continue;
        }
        let weak = matches!(password, b"password" | b"pass" | b"postgres" | b"root" | b"secret" | b"guest");
        out.push(value(start, end, CONNECTION, "secret/connection_string", if weak { 70 } else { 95 }));
        from = end;
    }
}

// ---- values that are called a secret ----

/// How much the name of a value says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Password,
    Secret,
    Token,
}

/// A part of every name in the tables of [`key`], looked for in one pass: most names have none.
fn may_be_key(name: &[u8]) -> bool {
    let starts = |at: usize, word: &str| {
        name.get(at..at + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    };
    name.iter().enumerate().any(|(i, byte)| match byte.to_ascii_lowercase() {
        b'a' => starts(i, "auth"),
        b'b' => starts(i, "bearer"),
        b'c' => starts(i, "cred") || starts(i, "contrasena"),
        b'k' => starts(i, "key"),
        b'm' => starts(i, "mot"),
        b'p' => starts(i, "pass") || starts(i, "pwd") || starts(i, "pat"),
        b's' => starts(i, "secret") || starts(i, "sign"),
        b't' => starts(i, "token"),
        _ => false,
    })
}

/// What a value is called, from the name before `=` or `:`.
fn key(name: &[u8]) -> Option<Key> {
    const PASSWORDS: [&str; 9] = [
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "passwort",
        "contrasena",
        "motdepasse",
        "userpass",
        "dbpass",
    ];
    const SECRETS: [&str; 24] = [
        "secret",
        "apikey",
        "accesskey",
        "secretkey",
        "privatekey",
        "clientsecret",
        "accountkey",
        "sharedkey",
        "signingkey",
        "encryptionkey",
        "masterkey",
        "authkey",
        "credential",
        "accesstoken",
        "authtoken",
        "apitoken",
        "bearer",
        "sessiontoken",
        "refreshtoken",
        "bottoken",
        "appkey",
        "sharedaccesssignature",
        "licensekey",
        "sastoken",
    ];
    const TOKENS: [&str; 6] = ["token", "auth", "authorization", "key", "pass", "pat"];
    if !may_be_key(name) {
        return None;
    }
    let mut normal = Vec::with_capacity(name.len());
    normal.extend(name.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase));
    let ends = |words: &[&str]| words.iter().any(|word| normal.ends_with(word.as_bytes()));
    let has = |words: &[&str]| {
        words.iter().any(|word| normal.windows(word.len()).any(|window| window == word.as_bytes()))
    };
    // `key_name`, `token_url`, `secret_id` name something else; `public_key` is public.
    let other = [
        "id",
        "url",
        "uri",
        "name",
        "type",
        "file",
        "path",
        "hash",
        "count",
        "length",
        "size",
        "field",
        "label",
        "expires",
        "publickey",
        "limit",
        "tokens",
        "policy",
        "ids",
        "primarykey",
        "foreignkey",
        "uniquekey",
        "sortkey",
        "partitionkey",
        "hotkey",
        "reset",
        "location",
        "source",
        "changedat",
        "createdat",
        "updatedat",
        "provider",
        "hint",
    ];
    let shown = ["csrf", "xsrf", "public", "anchor", "keyboard", "keyword"];
    if ends(&other) || has(&shown) || normal == b"key" || normal.ends_with(b"xkey") {
        None
    } else if ends(&PASSWORDS) || has(&PASSWORDS) && normal.len() < 24 {
        Some(Key::Password)
    } else if has(&SECRETS) {
        Some(Key::Secret)
    } else if ends(&TOKENS) {
        Some(Key::Token)
    } else {
        None
    }
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// The name at the end of some bytes, and the rest before it.
fn last_name(bytes: &[u8]) -> &[u8] {
    let length = bytes.iter().rev().take(48).take_while(|b| is_name(**b)).count();
    bytes.get(bytes.len() - length..).unwrap_or_default()
}

/// How a value was given its name before it: `key = `, `"key": "`, `key is `, `--key `, `Bearer `.
fn key_before(left: &[u8]) -> Option<Key> {
    let mut rest = left;
    let mut quotes = 0;
    while let [before @ .., b' ' | b'"' | b'\'' | b'`' | b'\\' | b'[' | b'\t'] = rest {
        quotes += 1;
        if quotes > 6 {
            return None;
        }
        rest = before;
    }
    let spaced = rest.len() < left.len();
    let assigned = match rest {
        // `set("api_key", "value")`
        [before @ .., b'"' | b'\'', b',']
        | [before @ .., b'=']
        | [before @ .., b':']
        | [before @ .., b'=', b'>']
        | [before @ .., b'-', b'>'] => Some(before),
        [before @ .., b' ', b'i', b's'] | [before @ .., b' ', b'I', b'S'] if spaced => Some(before),
        _ => None,
    };
    match assigned {
        Some(mut name) => {
            while let [before @ .., b' ' | b'"' | b'\'' | b'`' | b'\\' | b']' | b'=' | b':' | b'?' | b'|'] =
                name
            {
                name = before;
            }
            let name = last_name(name);
            if name.len() < 3 { None } else { key(name) }
        }
        None if spaced => {
            let name = last_name(rest);
            let scheme = |word: &[u8]| name.eq_ignore_ascii_case(word);
            let header =
                || rest.windows(14).rev().take(32).any(|w| w.eq_ignore_ascii_case(b"authorization:"));
            if scheme(b"bearer")
                || (scheme(b"basic") || scheme(b"token") || scheme(b"apikey") || scheme(b"api-token"))
                    && header()
            {
                Some(Key::Secret)
            } else if name.starts_with(b"--") {
                key(name)
            } else {
                None
            }
        }
        None => None,
    }
}

/// Whether some bytes end with the name of a secret and its `=`, `:` or the like.
pub(crate) fn follows_key(left: &[u8]) -> bool {
    match left.last() {
        Some(b' ' | b'"' | b'\'' | b'`' | b'=' | b':' | b'>') => key_before(left).is_some(),
        _ => false,
    }
}

/// `-u user:password`, as curl takes it.
fn user_option(left: &[u8]) -> bool {
    let mut rest = left;
    while let [before @ .., b'"' | b'\'' | b' '] = rest {
        rest = before;
    }
    rest.len() < left.len()
        && (rest.ends_with(b" -u") || rest.ends_with(b" --user"))
        && contains(rest, b"curl")
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn generic(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
    let text = candidate.text;
    if text.contains(&b':') && user_option(candidate.left) {
        let length = value_length(text);
        let (user, password) =
            text.split_at_checked(text.iter().position(|b| *b == b':').unwrap_or(0)).unwrap_or_default();
        if password.len() >= 6 && !is_placeholder(password) && !is_reference(user) && !is_reference(password)
        {
            out.push(value(0, length, GENERIC, "secret/generic", 85));
            return;
        }
    }
    if let Some(key) = key_before(candidate.left) {
        // In quotation marks all of it is the value, if it is not a sentence.
        let quoted = matches!(candidate.left.last(), Some(b'"' | b'\'' | b'`'));
        let sentence = text.iter().filter(|b| **b == b' ').count() > 1;
        let length = if quoted && !sentence { text.len() } else { value_length(text) };
        if let Some(percent) = judge(key, text.get(..length).unwrap_or_default()) {
            out.push(value(0, length, GENERIC, "secret/generic", percent));
            return;
        }
    }
    let mut from = 0;
    for _ in 0..8 {
        let Some(at) = text.get(from..).and_then(|rest| rest.iter().position(|b| matches!(b, b'=' | b':')))
        else {
            return;
        };
        let at = from + at;
        let name = last_name(text.get(from..at).unwrap_or_default());
        let mut start = at + 1;
        while matches!(text.get(start), Some(b'=' | b':' | b' ')) {
            start += 1;
        }
        if let Some(key) = Some(name).filter(|name| name.len() >= 3).and_then(key) {
            let rest = text.get(start..).unwrap_or_default();
            let length = value_length(rest);
            if let Some(percent) = judge(key, rest.get(..length).unwrap_or_default()) {
                out.push(value(start, start + length, GENERIC, "secret/generic", percent));
                from = start + length;
                continue;
            }
        }
        from = start;
    }
}

/// How far a value goes: to a space, the next URL parameter, or the punctuation that ends it.
fn value_length(text: &[u8]) -> usize {
    let mut length = text.iter().position(|b| matches!(b, b' ' | b'&' | b']')).unwrap_or(text.len());
    while length > 0 && matches!(text.get(length - 1), Some(b'.' | b')' | b'?' | b':' | b']')) {
        length -= 1;
    }
    length
}

/// How sure one can be that what is called a secret is one, in hundredths.
fn judge(key: Key, text: &[u8]) -> Option<u32> {
    if is_placeholder(text) || is_example(text) || is_reference(text) {
        return None;
    }
    let digits = text.iter().filter(|b| b.is_ascii_digit()).count();
    let upper = text.iter().any(u8::is_ascii_uppercase);
    let lower = text.iter().any(u8::is_ascii_lowercase);
    let symbols = text.iter().any(|b| !b.is_ascii_alphanumeric());
    let bits = entropy(text);
    let kinds = [digits > 0, upper, lower, symbols].iter().filter(|kind| **kind).count();
    match key {
        Key::Password if text.len() >= 6 && kinds >= 3 => Some(90),
        Key::Password if text.len() >= 6 && kinds == 2 && digits > 0 => Some(85),
        Key::Password if text.len() >= 8 && kinds == 2 && bits >= 2.5 => Some(60),
        Key::Password if text.len() >= 10 && bits >= 3.0 => Some(45),
        Key::Secret if text.len() >= 16 && bits >= 3.0 && digits > 0 => Some(90),
        Key::Secret if text.len() >= 10 && bits >= 2.8 && digits > 0 => Some(80),
        Key::Secret if text.len() >= 20 && bits >= 3.5 && kinds >= 2 => Some(70),
        Key::Token if text.len() >= 20 && bits >= 3.2 && digits >= 2 => Some(85),
        Key::Token if text.len() >= 16 && bits >= 3.0 && digits > 0 && kinds >= 2 => Some(70),
        _ => None,
    }
}

/// Variables, calls, paths and field accesses: the name of a secret, not the secret.
fn is_reference(text: &[u8]) -> bool {
    let starts = matches!(text.first(), Some(b'$' | b'%' | b'*' | b'(' | b'[' | b'/' | b'-' | b'#'))
        || text.starts_with(b"@{")
        || text.starts_with(b"./")
        || text.starts_with(b"~/");
    let holds = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    let dotted = text.contains(&b'.')
        && text.split(|b| *b == b'.').all(|part| {
            part.first().is_some_and(u8::is_ascii_alphabetic)
                && part.len() < 24
                && part.iter().filter(|b| b.is_ascii_digit()).count() < 3
                && part.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
        });
    // Words joined by dashes are a description, not a value.
    let words = text.split(|b| matches!(b, b'-' | b'_')).filter(|part| part.len() >= 2);
    let described = words.clone().count() >= 4
        && words.clone().filter(|w| w.iter().all(u8::is_ascii_lowercase)).count() * 5 >= words.count() * 4;
    starts
        || described
        || holds(b"::")
        || holds(b"://")
        || holds(b"(")
        || holds(b"${")
        || holds(b"{{")
        || dotted
}

const fn placeholder_words() -> [&'static str; 22] {
    [
        "example",
        "changeme",
        "change_me",
        "placeholder",
        "your-",
        "your_",
        "yourpass",
        "xxxx",
        "redacted",
        "dummy",
        "insert",
        "replace",
        "undefined",
        "null",
        "none",
        "required",
        "optional",
        "hidden",
        "********",
        "....",
        "process.env",
        "environ",
    ]
}

/// Words that stand where a secret would.
fn is_placeholder(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    placeholder_words().iter().any(|word| lower.windows(word.len()).any(|window| window == word.as_bytes()))
        || text.first().is_some_and(|first| text.iter().all(|b| b == first))
        || matches!(lower.first(), Some(b'<' | b'$' | b'{'))
}

/// Values that documentation prints, so that everybody knows them.
fn is_example(text: &[u8]) -> bool {
    const PUBLISHED: [&[u8]; 4] = [
        b"AKIAIOSFODNN7EXAMPLE",
        b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        b"SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
        b"4eC39HqLyjWDarjtT1zdp7dc",
    ];
    let lower = text.to_ascii_lowercase();
    PUBLISHED.iter().any(|known| text.windows(known.len()).any(|window| window == *known))
        || ["example", "xxxxxx", "aaaaaaaa", "00000000000", "placeholder"]
            .iter()
            .any(|word| lower.windows(word.len()).any(|window| window == word.as_bytes()))
}

/// Shannon entropy in bits per byte.
pub(crate) fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let length = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX)).max(1.0);
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|p| -p * p.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_secret_is_overlooked_by_the_first_look() {
        for name in [
            "password",
            "DB_PASSWD",
            "pwd",
            "passphrase",
            "contrasena",
            "mot-de-passe",
            "client_secret",
            "apiKey",
            "AccountKey",
            "credential",
            "auth_token",
            "Bearer",
            "SharedAccessSignature",
            "x-auth",
            "pat",
            "userpass",
        ] {
            assert!(key(name.as_bytes()).is_some(), "{name}");
        }
        for name in ["id", "name", "public_key", "token_url", "csrf-token", "keyboard", "price"] {
            assert!(key(name.as_bytes()).is_none(), "{name}");
        }
    }

    #[test]
    fn the_table_builds_and_names_known_categories() {
        assert!(Tokens::builtin().prefixes.is_some());
        for row in ROWS {
            assert!(TOKEN.categories.contains(&row.1) || row.1 == "secret/private_key", "{row:?}");
        }
    }
}
