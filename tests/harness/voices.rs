//! Two routes that answer in words, and a judge of another family: vendors' stand-ins over real HTTP.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::NaiveDate;
use integrations::{
    http::{Http, Options},
    models::{
        anthropic::{Messages, fake::CreateMessage},
        client::{Client, Protocol},
        fake::{Answers, Asked, FakeVendor, Scripted, Setup},
        openai_compatible::{Chat, House, fake::ChatCompletions},
    },
};
use secrecy::SecretString;
use workflow_engine::{
    catalog::{Catalog, Fact, Vendor, shadow::JudgeCard},
    ports::model::ModelClient,
};

use crate::lab::Models;

/// The judge's model.
pub const JUDGE: &str = "claude-3-haiku-20240307";

/// How a judge picks: from the answers in the order shown, to what it writes of their names.
pub type Rule = fn([&str; 2], [&str; 2]) -> String;

/// The stand-ins.
pub struct Voices {
    /// Answers for both routes.
    pub openai: FakeVendor,
    /// Judges.
    pub anthropic: FakeVendor,
}

/// Routes whose answers are told apart by one word (poor, good, excellent), and a judge that follows `rule`.
pub async fn voices(rule: Rule) -> Voices {
    let openai: Answers = Arc::new(|asked| Some(said(answer(asked), 200)));
    let anthropic: Answers = Arc::new(move |asked| Some(said(verdict(asked, rule), 400)));
    let setup = |models: &[&str], answers: Answers| Setup {
        api_key: "vendor-key".to_owned(),
        models: models.iter().map(|model| (*model).to_owned()).collect(),
        context_tokens: 10_000,
        answers,
        latency_scale: 0.0,
    };
    let arms = [Models::CLEAN.incumbent, Models::CLEAN.candidate];
    let openai = FakeVendor::speaking(Arc::new(ChatCompletions), setup(&arms, openai)).await;
    let anthropic = FakeVendor::speaking(Arc::new(CreateMessage), setup(&[JUDGE], anthropic)).await;
    Voices {
        openai: openai.expect("a port is free"),
        anthropic: anthropic.expect("a port is free"),
    }
}

fn said(text: String, input_tokens: u64) -> Scripted {
    Scripted {
        text: Some(text),
        input_tokens,
        output_tokens: 8,
        latency: Duration::from_millis(300),
        ..Scripted::default()
    }
}

/// Today's answers are good; of four of the candidate's two are poor, one is excellent and one is the same text.
fn answer(asked: &Asked<'_>) -> String {
    let number: u64 = asked.messages.to_string().bytes().map(u64::from).sum();
    match (asked.model == Models::CLEAN.candidate, number % 4) {
        (true, 0 | 1) => format!("A poor answer, number {number}."),
        (true, 2) => format!("An excellent answer, number {number}."),
        _ => format!("A good answer, number {number}."),
    }
}

/// Splits a question into its answers and their names.
fn verdict(asked: &Asked<'_>, rule: Rule) -> String {
    let text = asked.prompt();
    let mut parts = text.split("<answer ").skip(1).filter_map(|part| {
        let (name, rest) = part.split_once(">\n")?;
        Some((name, rest.split("\n</answer").next()?))
    });
    let (first, second) = (parts.next().expect("an answer"), parts.next().expect("another"));
    rule([first.1, second.1], [first.0, second.0])
}

/// Whether the first of two answers is the better one, as everybody can see; none where neither is.
#[must_use]
pub fn first_is_better(first: &str, second: &str) -> Option<bool> {
    let worth = |text: &str| {
        ["poor", "good", "excellent"]
            .iter()
            .position(|word| text.contains(word))
    };
    let (first, second) = (worth(first), worth(second));
    (first != second).then_some(first > second)
}

/// A judge that sees what everybody sees.
#[must_use]
pub fn fair([first, second]: [&str; 2], names: [&str; 2]) -> String {
    match first_is_better(first, second) {
        Some(true) => names[0].to_owned(),
        Some(false) => names[1].to_owned(),
        None => "TIE".to_owned(),
    }
}

impl Voices {
    /// Clients of both, by provider.
    #[must_use]
    pub fn models(&self) -> BTreeMap<String, Arc<dyn ModelClient>> {
        let key = || SecretString::from("vendor-key");
        let chat = Chat {
            base_url: self.openai.base_url().to_owned(),
            api_key: key(),
            house: House::OpenAi,
        };
        let messages = Messages {
            base_url: self.anthropic.base_url().to_owned(),
            api_key: key(),
        };
        BTreeMap::from([
            ("openai".to_owned(), client("openai", chat)),
            ("anthropic".to_owned(), client("anthropic", messages)),
        ])
    }
}

fn client(name: &str, protocol: impl Protocol + 'static) -> Arc<dyn ModelClient> {
    let http = Http::new(Options {
        timeout: Duration::from_secs(4),
        attempts: 1,
        ..Options::default()
    });
    Arc::new(Client::new(http.expect("a client"), name.to_owned(), protocol))
}

/// The judge's card.
#[must_use]
pub fn card() -> JudgeCard {
    JudgeCard {
        provider: "anthropic".to_owned(),
        model: JUDGE.to_owned(),
        region: Some("us".to_owned()),
        deployment: None,
        parameters: BTreeMap::from([("temperature".to_owned(), "0".to_owned())]),
        instructions: "It answers what the customer asked, and is polite.".to_owned(),
    }
}

/// A company that has a contract with the judge's vendor, and names the judge for `support-answer`.
pub fn name_judge(catalog: &mut Catalog) {
    let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
    let fact = |name: &str, value: &str| Fact {
        name: name.to_owned(),
        value: value.to_owned(),
        source: "contract 2026-17".to_owned(),
        as_of: day("2026-01-01"),
        expires: day("2029-12-31"),
    };
    catalog.vendors.push(Vendor {
        provider: "anthropic".to_owned(),
        name: "Anthropic".to_owned(),
        facts: vec![
            fact("training_use", "never"),
            fact("retention_days", "0"),
            fact("zero_data_retention", "true"),
            fact("residency", "us,eu"),
            fact("contract", "signed"),
        ],
    });
    let mut model = catalog.models[0].clone();
    JUDGE.clone_into(&mut model.id);
    "anthropic".clone_into(&mut model.provider);
    catalog.models.push(model);
    let own = catalog
        .workflows
        .iter_mut()
        .find(|own| own.id.as_str() == "support-answer");
    own.expect("the workflow").shadow.judge = Some(card());
}
