//! An approved route in LiteLLM's own words: deployments, a patch of `config.yaml`, admin calls, steps for a person.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use workflow_engine::{
    ports::gateway::{AdminCall, ApprovedRoute, Artifact, GatewayError},
    values::Hop,
};

use super::{
    Upstream,
    wire::{Deployment, Info, Params, SAMPLING, provider_prefix},
};

/// The deployments of a route: the first hop under the alias, each fallback under a name of its own.
pub(super) fn deployments(
    gateway: &str,
    approved: &ApprovedRoute,
    upstreams: &BTreeMap<String, Upstream>,
) -> Result<Vec<Deployment>, GatewayError> {
    let id = format!("governor-{}-g{}", approved.workflow, approved.generation);
    approved
        .route
        .hops()
        .enumerate()
        .map(|(index, hop)| {
            let (name, id) = match index {
                0 => (approved.alias.clone(), id.clone()),
                _ => (
                    format!("{}.fallback-{index}", approved.alias),
                    format!("{id}-f{index}"),
                ),
            };
            deployment(gateway, name, id, (hop, upstreams.get(&hop.provider)))
        })
        .collect()
}

fn deployment(
    gateway: &str,
    model_name: String,
    id: String,
    (hop, upstream): (&Hop, Option<&Upstream>),
) -> Result<Deployment, GatewayError> {
    let mut rest = Map::new();
    if let Some(upstream) = upstream {
        let own = [
            ("api_key", &upstream.api_key),
            ("litellm_credential_name", &upstream.credential),
            ("api_base", &upstream.api_base),
        ];
        rest.extend(
            own.into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), json!(value.as_ref()?)))),
        );
    }
    for (name, text) in &hop.parameters {
        if !SAMPLING.contains(&name.as_str()) {
            return Err(GatewayError::Unsupported {
                gateway: gateway.to_owned(),
                why: format!(
                    "parameter `{name}` of {} is none that LiteLLM passes on; take it out of the route",
                    hop.model
                ),
            });
        }
        let value = serde_json::from_str(text)
            .ok()
            .filter(|value: &Value| !value.is_string());
        rest.insert(name.clone(), value.unwrap_or_else(|| json!(text)));
    }
    let prefix = provider_prefix(&hop.provider);
    let asked = hop.deployment.as_ref().unwrap_or(&hop.model);
    Ok(Deployment {
        model_name,
        litellm_params: Params {
            model: format!("{prefix}/{asked}"),
            region_name: hop.region.clone(),
            rest,
        },
        model_info: Info {
            id: Some(id),
            base_model: hop.deployment.as_ref().map(|_| hop.model.clone()),
            ..Info::default()
        },
    })
}

/// Everything that a person or a pull request needs.
pub(super) fn artifact(
    gateway: &str,
    approved: &ApprovedRoute,
    upstreams: &BTreeMap<String, Upstream>,
) -> Result<Artifact, GatewayError> {
    let wanted = deployments(gateway, approved, upstreams)?;
    let fallbacks: Vec<&str> = wanted.iter().skip(1).map(|own| own.model_name.as_str()).collect();
    let mut calls: Vec<AdminCall> = wanted
        .iter()
        .rev()
        .map(|own| call("POST", "/model/new", json!(own)))
        .collect();
    if !fallbacks.is_empty() {
        let body = json!({"model": approved.alias, "fallback_models": fallbacks, "fallback_type": "general"});
        calls.push(call("POST", "/fallback", body));
    }
    Ok(Artifact {
        patch: patch(approved, &wanted, &fallbacks),
        format: "yaml".to_owned(),
        calls,
        instructions: instructions(gateway, approved),
    })
}

fn call(method: &str, path: &str, body: Value) -> AdminCall {
    AdminCall {
        method: method.to_owned(),
        path: path.to_owned(),
        body,
    }
}

/// YAML by hand: a scalar in JSON form is a scalar in YAML.
fn patch(approved: &ApprovedRoute, wanted: &[Deployment], fallbacks: &[&str]) -> String {
    let mut text = format!(
        "# Change {}: {} on {}, generation {}.\n# Replaces every entry of model_list with model_name {}.\nmodel_list:\n",
        approved.change, approved.workflow, approved.route.id, approved.generation, approved.alias
    );
    for own in wanted {
        let params = json!(own.litellm_params);
        let info = json!(own.model_info);
        let _ = write!(
            text,
            "  - model_name: {}\n    litellm_params:\n",
            json!(own.model_name)
        );
        lines(&mut text, &params);
        text.push_str("    model_info:\n");
        lines(&mut text, &info);
    }
    if !fallbacks.is_empty() {
        let entry = json!({approved.alias.clone(): fallbacks});
        let _ = write!(
            text,
            "router_settings:\n  fallbacks: [{entry}]  # keep the entries of other aliases\n"
        );
    }
    text
}

fn lines(text: &mut String, object: &Value) {
    for (key, value) in object.as_object().into_iter().flatten() {
        let _ = writeln!(text, "      {key}: {value}");
    }
}

fn instructions(gateway: &str, approved: &ApprovedRoute) -> String {
    format!(
        "1. In the config.yaml of {gateway}, replace the model_list entries of {alias} by those of the patch.\n\
         2. Set the fallbacks of {alias} as the patch says; leave those of other aliases as they are.\n\
         3. Restart the proxy, or send the admin calls in order if it keeps its models in a database, and delete the old deployments of {alias}.\n\
         4. Press \"Applied\" on change {change}. The governor reads the route back and waits for calls on it.",
        alias = approved.alias,
        change = approved.change,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use workflow_engine::values::{ChangeNumber, WorkflowId};

    fn approved() -> ApprovedRoute {
        ApprovedRoute {
            workflow: WorkflowId::from("support-answer"),
            alias: "support-chat".to_owned(),
            route: serde_json::from_value(json!({
                "id": "gpt-4o-0806-eu", "provider": "openai", "model": "gpt-4o-2024-08-06", "region": "eu",
                "parameters": {"temperature": "0.2"},
                "fallbacks": [{"provider": "azure.ai.openai", "model": "gpt-4o-2024-08-06", "deployment": "gpt4o-west"}],
            }))
            .unwrap(),
            generation: 7,
            change: ChangeNumber(142),
        }
    }

    fn upstreams() -> BTreeMap<String, Upstream> {
        BTreeMap::from([(
            "openai".to_owned(),
            Upstream {
                api_key: Some("os.environ/OPENAI_API_KEY".to_owned()),
                ..Upstream::default()
            },
        )])
    }

    #[test]
    fn the_patch_is_what_a_platform_engineer_would_write() {
        let artifact = artifact("litellm-main", &approved(), &upstreams()).unwrap();
        insta::assert_snapshot!(artifact.patch, @r#"
        # Change #142: support-answer on gpt-4o-0806-eu, generation 7.
        # Replaces every entry of model_list with model_name support-chat.
        model_list:
          - model_name: "support-chat"
            litellm_params:
              model: "openai/gpt-4o-2024-08-06"
              region_name: "eu"
              api_key: "os.environ/OPENAI_API_KEY"
              temperature: 0.2
            model_info:
              id: "governor-support-answer-g7"
          - model_name: "support-chat.fallback-1"
            litellm_params:
              model: "azure/gpt4o-west"
            model_info:
              id: "governor-support-answer-g7-f1"
              base_model: "gpt-4o-2024-08-06"
        router_settings:
          fallbacks: [{"support-chat":["support-chat.fallback-1"]}]  # keep the entries of other aliases
        "#);
        insta::assert_snapshot!(artifact.instructions, @r#"
        1. In the config.yaml of litellm-main, replace the model_list entries of support-chat by those of the patch.
        2. Set the fallbacks of support-chat as the patch says; leave those of other aliases as they are.
        3. Restart the proxy, or send the admin calls in order if it keeps its models in a database, and delete the old deployments of support-chat.
        4. Press "Applied" on change #142. The governor reads the route back and waits for calls on it.
        "#);
        assert_eq!(
            artifact
                .calls
                .iter()
                .map(|call| call.path.as_str())
                .collect::<Vec<_>>(),
            ["/model/new", "/model/new", "/fallback"]
        );
    }

    #[test]
    fn what_is_written_is_read_back_as_the_same_hop() {
        let approved = approved();
        let written = deployments("litellm-main", &approved, &upstreams()).unwrap();
        let hops: Vec<Hop> = written.iter().map(Deployment::hop).collect();
        assert_eq!(hops, approved.route.hops().cloned().collect::<Vec<_>>());
    }

    #[test]
    fn a_parameter_that_would_be_lost_is_named() {
        let mut approved = approved();
        approved
            .route
            .primary
            .parameters
            .insert("mirostat".to_owned(), "2".to_owned());
        let error = artifact("litellm-main", &approved, &upstreams()).unwrap_err();
        insta::assert_snapshot!(error, @"litellm-main cannot serve this route: parameter `mirostat` of gpt-4o-2024-08-06 is none that LiteLLM passes on; take it out of the route");
    }
}
