//! Keys and tokens in a text, by the forms their issuers publish.

use std::sync::LazyLock;

use regex::RegexSet;

/// OpenAI and Anthropic, AWS, GitHub, Slack, Google, Stripe, JSON Web Tokens, PEM.
static FORMS: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    RegexSet::new([
        r"\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{20,}",
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        r"\bgh[pousr]_[A-Za-z0-9]{36,}",
        r"\bgithub_pat_[A-Za-z0-9_]{50,}",
        r"\bxox[abeprs]-[A-Za-z0-9-]{10,}",
        r"\bAIza[0-9A-Za-z_-]{35}",
        r"\b[rs]k_live_[0-9A-Za-z]{16,}",
        r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
        r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
    ])
    .ok()
});

/// Whether `text` holds something that looks like a live key or token.
#[must_use]
pub fn holds_secret(text: &str) -> bool {
    FORMS.as_ref().is_some_and(|forms| forms.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_known_issuers_are_seen_and_words_are_not() {
        // Put together here, so that no scanner takes this file for a leak.
        let secrets = [
            ["AKIA", "IOSFODNN7EXAMPLE"].concat(),
            ["sk-", &"a1".repeat(20)].concat(),
            ["ghp_", &"x".repeat(36)].concat(),
            ["-----BEGIN RSA ", "PRIVATE KEY-----"].concat(),
        ];
        for secret in secrets {
            assert!(holds_secret(&format!("use {secret} please")), "{secret}");
        }
        for word in [
            "api_key",
            "risk-free-offer-for-all-of-us",
            "a sk-1 size",
            "eyJust.eyJoking.eh",
        ] {
            assert!(!holds_secret(word), "{word}");
        }
    }
}
