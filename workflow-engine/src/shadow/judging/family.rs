//! Which family a model is of, whoever serves it: a judge favours its own.

use crate::values::Hop;

/// Families with the beginnings of their models' names.
const FAMILIES: [(&str, &[&str]); 11] = [
    (
        "openai",
        &["gpt", "o1", "o3", "o4", "chatgpt", "davinci", "babbage"],
    ),
    ("anthropic", &["claude"]),
    ("google", &["gemini", "gemma", "palm"]),
    ("meta", &["llama", "meta-llama"]),
    (
        "mistral",
        &["mistral", "mixtral", "codestral", "ministral", "magistral"],
    ),
    ("qwen", &["qwen", "qwq"]),
    ("deepseek", &["deepseek"]),
    ("cohere", &["command", "c4ai"]),
    ("amazon", &["nova", "titan"]),
    ("x_ai", &["grok"]),
    ("microsoft", &["phi-", "phi3", "phi4"]),
];

/// Vendors that serve their own models under a name of their own.
const VENDORS: [(&str, &str); 5] = [
    ("azure.ai.openai", "openai"),
    ("gcp.gemini", "google"),
    ("gcp.vertex_ai", "google"),
    ("mistral_ai", "mistral"),
    ("x_ai", "x_ai"),
];

/// The family of a model: by its name, else that of its vendor.
#[must_use]
pub fn family(hop: &Hop) -> &str {
    let name = hop.model.to_lowercase();
    // `us.anthropic.claude-3-5-sonnet-20241022-v2:0`, `ft:gpt-4o-mini:acme`, `meta-llama/Llama-3.3-70B`.
    let by_name = FAMILIES.iter().find(|(_, beginnings)| {
        name.split(['/', '.', ':'])
            .any(|part| beginnings.iter().any(|beginning| part.starts_with(beginning)))
    });
    let by_vendor = || VENDORS.iter().find(|(vendor, _)| *vendor == hop.provider);
    by_name
        .map(|(family, _)| *family)
        .or_else(|| by_vendor().map(|(_, family)| *family))
        .unwrap_or(&hop.provider)
}

/// Why `judge` may not compare answers of these two; none where it may.
#[must_use]
pub fn kinship(judge: &Hop, arms: [&Hop; 2]) -> Option<String> {
    let arm = arms.into_iter().find(|arm| family(arm) == family(judge))?;
    Some(format!(
        "The judge {} is of the same family as {} ({}), and judges favour their own. Name a judge of another vendor under [workflows.shadow.judge] and file the change again.",
        judge.model,
        arm.model,
        family(arm)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(provider: &str, model: &str) -> Hop {
        serde_json::from_value(serde_json::json!({"provider": provider, "model": model})).unwrap()
    }

    #[test]
    fn a_family_is_that_of_the_model_whoever_serves_it() {
        for (provider, model, expected) in [
            ("azure.ai.openai", "gpt-4o-2024-08-06", "openai"),
            ("azure.ai.openai", "our-deployment", "openai"),
            (
                "aws.bedrock",
                "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
                "anthropic",
            ),
            ("groq", "meta-llama/Llama-3.3-70B-Instruct", "meta"),
            ("openai", "ft:gpt-4o-mini-2024-07-18:acme", "openai"),
            ("own", "in-house-7b", "own"),
        ] {
            assert_eq!(family(&hop(provider, model)), expected, "{provider}/{model}");
        }
    }

    #[test]
    fn a_judge_of_the_family_of_either_route_is_refused_with_the_way_out() {
        let (today, proposed) = (hop("openai", "gpt-4o"), hop("mistral_ai", "mistral-large"));
        let kin = kinship(&hop("azure.ai.openai", "gpt-4.1"), [&today, &proposed]);
        insta::assert_snapshot!(kin.unwrap(), @"The judge gpt-4.1 is of the same family as gpt-4o (openai), and judges favour their own. Name a judge of another vendor under [workflows.shadow.judge] and file the change again.");
        assert!(
            kinship(
                &hop("aws.bedrock", "mistral.mistral-large-2407-v1:0"),
                [&today, &proposed]
            )
            .is_some()
        );
        assert_eq!(
            kinship(&hop("anthropic", "claude-sonnet-4"), [&today, &proposed]),
            None
        );
    }
}
