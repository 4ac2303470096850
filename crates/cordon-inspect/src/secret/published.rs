//! Credentials that their makers' own documentation prints, so that everybody knows them and nobody hides them.
//!
//! Each as it stands behind the prefix of its format, with the place that prints it. What others print (test data of tools, blog posts)
//! is not here: it may have been somebody's.

/// The values. Those with `EXAMPLE` in them, as Amazon's, need no line: [`super::example::is_example`] knows the word.
const PUBLISHED: [&str; 27] = [
    // GitHub, "Authorizing OAuth apps" and "Generating a user access token for a GitHub App": behind `ghp_`, `gho_`, `ghu_`.
    "16C7e42F292c6912E7710c838347Ae178B4a",
    // The same pages, before tokens had prefixes.
    "e72e16c7e42f292c6912e7710c838347ae178b4a",
    // GitHub, "Refreshing user access tokens": behind `ghr_`, and behind `r1.` before.
    "1B4a2e77838347a7E420ce178F2E7c6912E169246c34E1ccbF66C46812d16D5B1A9Dc86A1498",
    "c1b4a2e77838347a7e420ce178f2e7c6912e1692",
    "c1b4a2e77838347a7e420ce178f2e7c6912e169246c34e1ccbf66c46812d16d5b1a9dc86a1498",
    // Amazon, "AWS account root user": the secret of `AKIAIOSFODNN7EXAMPLE`.
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    // Stripe, "API reference: authentication", and the keys of its older pages and of its samples: behind `sk_test_`.
    "4eC39HqLyjWDarjtT1zdp7dc",
    "BQokikJOvBiI2HlWgH4olfQ2",
    "26PHem9AhJZvU623DfE1x4sd",
    // Microsoft, "Use the Azurite emulator": the key of the account `devstoreaccount1`, the same everywhere.
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    // Microsoft, "Azure Cosmos DB emulator": its key, the same everywhere.
    "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==",
    // Mailgun, "API reference": behind `key-`.
    "3ax6xnjp29jd6fds4gc373sgvjxteol0",
    // jwt.io, the signatures of its three default tokens.
    "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
    "TJVA95OrM7E2cBab30RMHrHDcEfxjoYZgeFONFh7HgQ",
    "KMUFsIDTnFmyG3nMiGM6H9FNFUROf3wh7SmqJp-QV30",
    // RFC 7515, appendix A.1 (and RFC 7519, section 3.1): the signature of its token, and the key it was made with.
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    // Supabase, "Local development": the signatures of the tokens `anon` and `service_role`, the same everywhere.
    "CRXP1A7WOeoJeXxjNni43kdQwgnWNReilDMblYTn_I0",
    "EGIM96RAZx35lJzdJsyH-qQwv8Hdp7fsn3W0YpN81IU",
    // Google Authenticator, "Key URI format": the two keys of its addresses.
    "JBSWY3DPEHPK3PXP",
    "HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ",
    // RFC 6749, sections 2.3.1, 4.1.2 and 5.1.
    "czZCaGRSa3F0MzpnWDFmQmF0M2JW",
    "SplxlOBeZQQYbYS6WxSbIA",
    "2YotnFZFEjr1zCsicMWpAA",
    "tGzv3JOkF0XG5Qx2TlKWIA",
    // RFC 7617, section 2.
    "QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
    // RFC 6750, section 2.1.
    "mF_9.B5f-4.1JqM",
];

/// Whether a published value stands in a text by itself: no letter or digit before it or behind it, so that nothing longer passes for it.
pub(super) fn holds(text: &[u8]) -> bool {
    PUBLISHED.iter().any(|known| {
        text.windows(known.len()).enumerate().any(|(at, window)| {
            let before = at.checked_sub(1).and_then(|at| text.get(at));
            let behind = text.get(at + known.len());
            window == known.as_bytes()
                && ![before, behind].into_iter().flatten().any(u8::is_ascii_alphanumeric)
        })
    })
}

#[cfg(test)]
mod tests {
    use cordon_core::Channel;

    use super::*;
    use crate::Engine;

    fn secrets(text: &str) -> Vec<(String, f64)> {
        let found = Engine::builtin().inspect(Channel::User, text);
        let secret = found.iter().filter(|finding| finding.category.as_str().starts_with("secret/"));
        secret.map(|finding| (finding.category.to_string(), finding.score.as_f64())).collect()
    }

    #[test]
    fn a_value_stands_by_itself() {
        for known in PUBLISHED {
            assert!(holds(known.as_bytes()) && holds(format!("key_{known}.").as_bytes()), "{known}");
            for other in [format!("a{known}"), format!("{known}0"), known.split_at(1).1.to_owned()] {
                assert!(!holds(other.as_bytes()), "{other}");
            }
        }
    }

    /// What documentation prints is no secret, wherever it is pasted.
    #[test]
    fn published_values_are_not_found() {
        for text in [
            "token ghp_16C7e42F292c6912E7710c838347Ae178B4a here",
            "GITHUB_TOKEN=ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "{\"access_token\": \"ghu_16C7e42F292c6912E7710c838347Ae178B4a\"}",
            "curl -H 'Authorization: Bearer gho_16C7e42F292c6912E7710c838347Ae178B4a'",
            "ghr_1B4a2e77838347a7E420ce178F2E7c6912E169246c34E1ccbF66C46812d16D5B1A9Dc86A1498",
            "stripe.api_key = \"sk_test_26PHem9AhJZvU623DfE1x4sd\"",
            "curl https://api.stripe.com/v1/charges -u sk_test_BQokikJOvBiI2HlWgH4olfQ2:",
            "AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;",
            "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiYWRtaW4iOnRydWUsImlhdCI6MTUxNjIzOTAyMn0.KMUFsIDTnFmyG3nMiGM6H9FNFUROf3wh7SmqJp-QV30",
            "MAILGUN_API_KEY=key-3ax6xnjp29jd6fds4gc373sgvjxteol0",
            "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            "otpauth://totp/Example:alice?secret=JBSWY3DPEHPK3PXP",
        ] {
            assert_eq!(secrets(text), [], "{text}");
        }
    }

    /// The attack beside: one sign more or less, and it is somebody's own.
    #[test]
    fn their_neighbours_are_found() {
        for text in [
            "GITHUB_TOKEN=ghp_16C7e42F292c6912E7710c838347Ae178B4b",
            "curl https://api.stripe.com/v1/charges -u sk_live_BQokikJOvBiI2HlWgH4olfQ3:",
            "AccountName=shop;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGx==;",
            "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiYWRtaW4iOnRydWUsImlhdCI6MTUxNjIzOTAyMn0.KMUFsIDTnFmyG3nMiGM6H9FNFUROf3wh7SmqJp-QV31",
            "MAILGUN_API_KEY=key-3ax6xnjp29jd6fds4gc373sgvjxteol1",
            // What is published stands beside it.
            "not ghp_16C7e42F292c6912E7710c838347Ae178B4a but 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",
        ] {
            assert!(secrets(text).iter().any(|(_, score)| *score >= 0.5), "{text}: {:?}", secrets(text));
        }
    }

    /// A check sum that is wrong says that nobody was ever given the token; what it is called says more.
    #[test]
    fn a_wrong_check_sum_is_a_doubt() {
        let right = "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";
        for prefix in ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "npm_"] {
            let token = right.replace("ghp_", prefix);
            let sure = |text: &str| secrets(text).iter().map(|(_, score)| *score).fold(0.0, f64::max);
            assert!(sure(&format!("It is {token}, he wrote.")) > 0.9, "{token}");
            let wrong = token.replace("mLq17", "mLq18");
            let doubt = sure(&format!("It is {wrong}, he wrote."));
            assert!((0.3..0.5).contains(&doubt), "{wrong} {doubt}");
            assert!(sure(&format!("password: {wrong}")) >= 0.5, "{wrong}");
            assert_eq!(secrets(&format!("password: {wrong}")).len(), 1, "it is said once");
        }
    }
}
