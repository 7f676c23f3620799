//! The stand-in as the client meets it: faults are outcomes with names, and what is refused is refused as the vendor does.

use secrecy::SecretString;
use serde_json::json;
use workflow_engine::{
    ports::model::{Defect, ModelClient, ModelError, ReplayInput},
    values::Hop,
};

use super::*;
use crate::{
    http::{Http, Options},
    models::{
        anthropic::{self, Messages},
        bedrock::{self, Access, Converse, Keys},
        client::Client,
        gemini::{self, Door, Generate},
        openai_compatible::{Chat, House},
        openai_responses::{self, Responses},
    },
};

const MODEL: &str = "gpt-4o-2024-08-06";

async fn vendor() -> FakeVendor {
    FakeVendor::start(setup()).await.unwrap()
}

fn setup() -> Setup {
    Setup {
        api_key: "key".to_owned(),
        models: vec![MODEL.to_owned()],
        context_tokens: 1_000,
        answers: Arc::new(|asked| {
            (asked.prompt() == "where is my parcel").then(|| Scripted {
                tool_calls: vec![ToolCall {
                    name: "track".to_owned(),
                    arguments: "{}".to_owned(),
                }],
                input_tokens: 117,
                output_tokens: 19,
                latency: Duration::from_micros(613_800),
                ..Scripted::default()
            })
        }),
        latency_scale: 0.0,
    }
}

fn impatient() -> Http {
    Http::new(Options {
        timeout: Duration::from_millis(400),
        attempts: 3,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(20),
        ..Options::default()
    })
    .unwrap()
}

fn client(vendor: &FakeVendor, key: &str) -> Client<Chat> {
    let chat = Chat {
        base_url: vendor.base_url().to_owned(),
        api_key: SecretString::from(key),
        house: House::OpenAi,
    };
    Client::new(impatient(), "openai".to_owned(), chat)
}

fn hop(model: &str) -> Hop {
    Hop {
        provider: "openai".to_owned(),
        model: model.to_owned(),
        region: None,
        deployment: None,
        parameters: BTreeMap::new(),
    }
}

fn question(text: &str) -> ReplayInput {
    ReplayInput {
        messages: json!([{"role": "user", "content": text}]),
        tools: None,
        parameters: BTreeMap::new(),
    }
}

#[tokio::test]
async fn an_answer_comes_back_with_its_calls_tokens_and_times() {
    let vendor = vendor().await;
    let answer = client(&vendor, "key")
        .complete(&hop(MODEL), &question("where is my parcel"))
        .await
        .unwrap();
    assert_eq!(answer.tool_calls[0].name, "track");
    assert_eq!(answer.finish_reason.as_deref(), Some("tool_calls"));
    let usage = answer.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens), (117, 19));
    assert_eq!(answer.processing, Some(Duration::from_micros(613_800)));
    assert_eq!((answer.defects.len(), answer.attempts), (0, 1));
}

#[tokio::test]
async fn a_short_storm_is_sat_out_and_a_long_one_is_handed_back() {
    let vendor = vendor().await;
    let client = client(&vendor, "key");
    vendor.fail_next(1, Fault::RateLimited { retry_after_ms: 5 });
    vendor.fail_next(1, Fault::Status(503));
    let answer = client.complete(&hop(MODEL), &question("hi")).await.unwrap();
    assert_eq!(answer.attempts, 3);

    vendor.fail_next(
        1,
        Fault::RateLimited {
            retry_after_ms: 9_000,
        },
    );
    let error = client.complete(&hop(MODEL), &question("hi")).await.unwrap_err();
    assert!(
        matches!(error, ModelError::Retry { after: Some(wait), .. } if wait == Duration::from_secs(9)),
        "a wait longer than ours is the caller's: {error:?}"
    );
    assert_eq!(vendor.prompts_received(MODEL), 4);
}

#[tokio::test]
async fn what_a_person_must_mend_ends_the_run_and_what_concerns_one_prompt_does_not() {
    let vendor = vendor().await;
    let permanent = |error: ModelError| matches!(error, ModelError::Permanent { .. });
    let wrong_key = client(&vendor, "stolen")
        .complete(&hop(MODEL), &question("hi"))
        .await;
    assert!(permanent(wrong_key.unwrap_err()));
    assert_eq!(vendor.prompts_received(MODEL), 0);

    let client = client(&vendor, "key");
    assert!(permanent(
        client.complete(&hop("gpt-9"), &question("hi")).await.unwrap_err()
    ));
    vendor.fail_next(3, Fault::OutOfQuota);
    assert!(permanent(
        client.complete(&hop(MODEL), &question("hi")).await.unwrap_err()
    ));

    let long = client
        .complete(&hop(MODEL), &question(&"word ".repeat(2_000)))
        .await
        .unwrap_err();
    insta::assert_snapshot!(long, @"refused: openai answered 400 to gpt-4o-2024-08-06: This model's maximum context length is 1000 tokens");
}

#[tokio::test]
async fn damaged_answers_are_outcomes_with_names() {
    let vendor = vendor().await;
    let client = client(&vendor, "key");
    for (fault, defect) in [
        (Fault::NoUsage, Defect::NoUsage),
        (Fault::NegativeUsage, Defect::BadUsage),
        (Fault::OtherModel, Defect::OtherModel),
        (Fault::TwoChoices, Defect::ManyChoices),
        (Fault::BrokenArguments, Defect::BrokenArguments),
    ] {
        vendor.fail_next(1, fault);
        let answer = client.complete(&hop(MODEL), &question("hi")).await.unwrap();
        assert_eq!(answer.defects, [defect]);
    }
    for fault in [Fault::WebPage, Fault::CutShort] {
        vendor.fail_next(1, fault);
        let error = client.complete(&hop(MODEL), &question("hi")).await.unwrap_err();
        assert!(matches!(error, ModelError::Unreadable(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_silent_vendor_costs_the_time_out_and_no_more() {
    let vendor = vendor().await;
    vendor.fail_next(3, Fault::Silence);
    let error = client(&vendor, "key")
        .complete(&hop(MODEL), &question("hi"))
        .await
        .unwrap_err();
    insta::assert_snapshot!(error, @"openai gave no answer within 400 ms");
}

/// Each vendor's stand-in with its client, which holds `key`.
async fn vendors(key: &str) -> Vec<(&'static str, FakeVendor, Box<dyn ModelClient>)> {
    let dialects: [(&str, Arc<dyn Dialect>); 7] = [
        ("azure", Arc::new(ChatCompletions)),
        ("responses", Arc::new(openai_responses::fake::CreateResponse)),
        ("anthropic", Arc::new(anthropic::fake::CreateMessage)),
        ("gemini", Arc::new(gemini::fake::GenerateContent)),
        ("vertex", Arc::new(gemini::fake::GenerateContent)),
        ("bedrock", Arc::new(bedrock::fake::ConverseApi)),
        ("bedrock signed", Arc::new(bedrock::fake::ConverseApi)),
    ];
    let mut all = Vec::new();
    for (name, dialect) in dialects {
        let setup = Setup {
            models: vec!["anthropic.claude-v2:1".to_owned()],
            ..setup()
        };
        let vendor = FakeVendor::speaking(dialect, setup).await.unwrap();
        let base_url = vendor.base_url().to_owned();
        let client = client_of(name, base_url, key);
        all.push((name, vendor, client));
    }
    all
}

/// The client that a stand-in of that name is asked by.
fn client_of(name: &str, base_url: String, key: &str) -> Box<dyn ModelClient> {
    let secret = || SecretString::from(key);
    let keys = Keys {
        id: key.to_owned(),
        secret: SecretString::from("hush"),
        session: None,
        region: "us-east-1".to_owned(),
    };
    match name {
        "azure" => {
            let base_url = base_url.trim_end_matches("/v1").to_owned();
            boxed(
                name,
                Chat {
                    base_url,
                    api_key: secret(),
                    house: House::Azure,
                },
            )
        }
        "responses" => boxed(
            name,
            Responses {
                base_url,
                api_key: secret(),
            },
        ),
        "anthropic" => boxed(
            name,
            Messages {
                base_url,
                api_key: secret(),
            },
        ),
        "gemini" => boxed(
            name,
            Generate {
                base_url,
                api_key: secret(),
                door: Door::Gemini,
            },
        ),
        "vertex" => boxed(
            name,
            Generate {
                base_url,
                api_key: secret(),
                door: Door::Vertex,
            },
        ),
        "bedrock" => boxed(
            name,
            Converse {
                base_url,
                access: Access::ApiKey(secret()),
            },
        ),
        _ => boxed(
            name,
            Converse {
                base_url,
                access: Access::Signed(keys),
            },
        ),
    }
}

fn boxed(name: &str, protocol: impl super::super::client::Protocol + 'static) -> Box<dyn ModelClient> {
    Box::new(Client::new(impatient(), name.to_owned(), protocol))
}

#[tokio::test]
async fn every_vendor_answers_with_calls_and_tokens_whole_and_streamed() {
    for (name, _vendor, client) in vendors("key").await {
        for streamed in [false, true] {
            let mut asked = question("where is my parcel");
            asked.parameters.insert("stream".to_owned(), json!(streamed));
            let answer = client.complete(&hop("anthropic.claude-v2:1"), &asked).await;
            let answer = answer.unwrap_or_else(|error| panic!("{name}: {error}"));
            let calls: Vec<(&str, &str)> = answer
                .tool_calls
                .iter()
                .map(|call| (call.name.as_str(), call.arguments.as_str()))
                .collect();
            assert_eq!((name, calls), (name, vec![("track", "{}")]));
            let usage = answer.usage.unwrap();
            assert_eq!((name, usage.input_tokens, usage.output_tokens), (name, 117, 19));
            assert_eq!(
                (name, answer.finish_reason.as_deref()),
                (name, Some("tool_calls"))
            );
            assert_eq!((name, answer.defects), (name, vec![]));
            // AWS streams in a frame of its own, which is not asked for.
            assert_eq!(
                (name, answer.ttft.is_some()),
                (name, streamed && !name.starts_with("bedrock"))
            );
        }
    }
}

#[tokio::test]
async fn every_vendor_names_what_is_wrong() {
    for (name, vendor, client) in vendors("key").await {
        for (fault, defect) in [
            (Fault::NoUsage, Defect::NoUsage),
            (Fault::NegativeUsage, Defect::BadUsage),
            (Fault::BrokenArguments, Defect::BrokenArguments),
        ] {
            vendor.fail_next(1, fault);
            let answer = client
                .complete(&hop("anthropic.claude-v2:1"), &question("hi"))
                .await;
            assert_eq!((name, answer.unwrap().defects), (name, vec![defect]));
        }
        for fault in [Fault::WebPage, Fault::CutShort] {
            vendor.fail_next(1, fault);
            let error = client
                .complete(&hop("anthropic.claude-v2:1"), &question("hi"))
                .await
                .unwrap_err();
            assert!(matches!(error, ModelError::Unreadable(_)), "{name}: {error:?}");
        }
        vendor.fail_next(1, Fault::RateLimited { retry_after_ms: 5 });
        let answer = client
            .complete(&hop("anthropic.claude-v2:1"), &question("hi"))
            .await
            .unwrap();
        assert_eq!((name, answer.attempts), (name, 2));
        vendor.fail_next(3, Fault::Status(503));
        let error = client
            .complete(&hop("anthropic.claude-v2:1"), &question("hi"))
            .await
            .unwrap_err();
        assert!(matches!(error, ModelError::Retry { .. }), "{name}: {error:?}");
        let unknown = client.complete(&hop("gpt-9"), &question("hi")).await.unwrap_err();
        assert!(
            matches!(unknown, ModelError::Permanent { .. }),
            "{name}: {unknown:?}"
        );
    }
    for (name, vendor, client) in vendors("stolen").await {
        let refused = client
            .complete(&hop("anthropic.claude-v2:1"), &question("hi"))
            .await
            .unwrap_err();
        assert!(
            matches!(refused, ModelError::Permanent { .. }),
            "{name}: {refused:?}"
        );
        assert_eq!(vendor.prompts_received("anthropic.claude-v2:1"), 0);
    }
}
