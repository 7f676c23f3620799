//! A model as judge, where checks cannot decide: blinded, asked in both orders, believed only as far as people agree with it.

pub mod calibration;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    catalog::shadow::JudgeCard,
    ports::model::{Completion, ReplayInput},
    values::Hop,
};

/// Which answer somebody holds better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// Today's.
    Incumbent,
    /// The candidate's.
    Candidate,
    /// Neither.
    Tie,
}

impl Says {
    /// Candidate minus incumbent.
    #[must_use]
    pub fn score(self) -> f64 {
        match self {
            Self::Incumbent => -1.0,
            Self::Candidate => 1.0,
            Self::Tie => 0.0,
        }
    }

    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incumbent => "incumbent",
            Self::Candidate => "candidate",
            Self::Tie => "tie",
        }
    }
}

impl std::str::FromStr for Says {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Incumbent, Self::Candidate, Self::Tie]
            .into_iter()
            .find(|says| says.as_str() == text)
            .ok_or_else(|| format!("`{text}` is none of incumbent, candidate, tie"))
    }
}

/// In which order the answers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// Today's answer is A.
    IncumbentFirst,
    /// The candidate's is A.
    CandidateFirst,
}

impl Order {
    /// Both, as every pair is asked.
    pub const BOTH: [Self; 2] = [Self::IncumbentFirst, Self::CandidateFirst];

    /// What a letter stands for in this order.
    #[must_use]
    pub fn means(self, letter: Letter) -> Says {
        match (self, letter) {
            (_, Letter::Tie) => Says::Tie,
            (Self::IncumbentFirst, Letter::A) | (Self::CandidateFirst, Letter::B) => Says::Incumbent,
            (Self::IncumbentFirst, Letter::B) | (Self::CandidateFirst, Letter::A) => Says::Candidate,
        }
    }
}

/// What a judge writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letter {
    /// The answer shown first.
    A,
    /// The answer shown second.
    B,
    /// Neither.
    Tie,
}

/// What a judge said of one pair, asked in both orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Both {
    /// With today's answer first.
    pub forward: Says,
    /// With the candidate's first.
    pub swapped: Says,
}

impl Both {
    /// The verdict: what both orders agree on, or else a tie.
    #[must_use]
    pub fn verdict(self) -> Says {
        if self.forward == self.swapped {
            self.forward
        } else {
            Says::Tie
        }
    }

    /// Whether the order changed what it said.
    #[must_use]
    pub fn flipped(self) -> bool {
        self.forward != self.swapped
    }
}

/// The question to a judge: names of models appear nowhere in it.
#[must_use]
pub fn question(card: &JudgeCard, input: &ReplayInput, answers: [&str; 2], order: Order) -> ReplayInput {
    let [incumbent, candidate] = answers;
    let (a, b) = match order {
        Order::IncumbentFirst => (incumbent, candidate),
        Order::CandidateFirst => (candidate, incumbent),
    };
    let system = format!(
        "You compare two answers to the same conversation. What makes an answer good here: {}\n\
         Length, style and order alone make no answer better. \
         Reply with one word: A, B, or TIE where neither is better.",
        card.instructions
    );
    let user = format!(
        "<conversation>\n{}\n</conversation>\n<answer_a>\n{a}\n</answer_a>\n<answer_b>\n{b}\n</answer_b>",
        conversation(&input.messages)
    );
    ReplayInput {
        messages: json!([{"role": "system", "content": system}, {"role": "user", "content": user}]),
        tools: None,
        parameters: BTreeMap::from([("temperature".to_owned(), json!(0))]),
    }
}

/// The letter in a judge's reply; none where it keeps to neither word.
#[must_use]
pub fn letter(reply: &Completion) -> Option<Letter> {
    let text = reply.text.as_deref()?;
    let mut words = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    // Only a reply that begins or ends with its verdict is one.
    let first = words.next()?;
    let last = words.next_back().unwrap_or(first);
    [first, last].into_iter().find_map(|word| match word {
        "A" => Some(Letter::A),
        "B" => Some(Letter::B),
        "TIE" | "Tie" | "tie" => Some(Letter::Tie),
        _ => None,
    })
}

/// The texts of an answer that can be compared; none where checks decide (tools) or nothing was said.
#[must_use]
pub fn comparable(answer: &Completion) -> Option<&str> {
    let text = answer.text.as_deref().map(str::trim)?;
    (answer.tool_calls.is_empty() && !text.is_empty()).then_some(text)
}

/// The family a model is of, whoever serves it: a judge favours its own.
#[must_use]
pub fn family(hop: &Hop) -> &str {
    const FAMILIES: [(&str, &[&str]); 6] = [
        ("openai", &["gpt", "o1", "o3", "o4", "chatgpt"]),
        ("anthropic", &["claude"]),
        ("google", &["gemini", "gemma"]),
        ("meta", &["llama"]),
        ("mistral", &["mistral", "mixtral", "codestral"]),
        ("qwen", &["qwen", "qwq"]),
    ];
    let model = hop.model.rsplit(['/', '.']).next().unwrap_or(&hop.model);
    let known = FAMILIES
        .iter()
        .find(|(_, marks)| marks.iter().any(|mark| model.starts_with(mark) || hop.model.starts_with(mark)));
    known.map_or(hop.provider.as_str(), |(family, _)| family)
}

fn conversation(messages: &Value) -> String {
    let turns = messages.as_array().into_iter().flatten().map(|message| {
        let role = message["role"].as_str().unwrap_or("user");
        let content = match &message["content"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        format!("[{role}] {content}")
    });
    turns.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str) -> Option<Letter> {
        letter(&Completion {
            text: Some(text.to_owned()),
            ..Completion::default()
        })
    }

    #[test]
    fn a_reply_is_a_verdict_only_where_it_begins_or_ends_with_one() {
        assert_eq!(says("A"), Some(Letter::A));
        assert_eq!(says(" **B**."), Some(Letter::B));
        assert_eq!(says("Both are fine: TIE"), Some(Letter::Tie));
        assert_eq!(says("Answer A is longer than answer B is good"), None);
        assert_eq!(says(""), None);
    }

    #[test]
    fn the_question_names_no_model_and_swaps_the_answers() {
        let card = JudgeCard {
            provider: "anthropic".to_owned(),
            model: "claude-judge".to_owned(),
            instructions: "It is right and polite.".to_owned(),
        };
        let input = ReplayInput {
            messages: json!([{"role": "user", "content": "Where is it?"}]),
            tools: None,
            parameters: BTreeMap::new(),
        };
        let asked = |order| {
            question(&card, &input, ["Here.", "There."], order).messages[1]["content"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        insta::assert_snapshot!(asked(Order::CandidateFirst), @r"
        <conversation>
        [user] Where is it?
        </conversation>
        <answer_a>
        There.
        </answer_a>
        <answer_b>
        Here.
        </answer_b>
        ");
        assert_eq!(Order::IncumbentFirst.means(Letter::A), Says::Incumbent);
        assert_eq!(Order::CandidateFirst.means(Letter::A), Says::Candidate);
    }

    #[test]
    fn a_judge_that_always_says_first_gives_only_ties() {
        let both = Both {
            forward: Order::IncumbentFirst.means(Letter::A),
            swapped: Order::CandidateFirst.means(Letter::A),
        };
        assert!(both.flipped());
        assert_eq!(both.verdict(), Says::Tie);
    }

    #[test]
    fn a_family_is_that_of_the_model_whoever_serves_it() {
        let hop = |provider: &str, model: &str| -> Hop {
            serde_json::from_value(json!({"provider": provider, "model": model})).unwrap()
        };
        assert_eq!(family(&hop("azure.ai.openai", "gpt-4o-2024-08-06")), "openai");
        assert_eq!(family(&hop("aws.bedrock", "anthropic.claude-3-haiku")), "anthropic");
        assert_eq!(family(&hop("own", "in-house-7b")), "own");
    }
}
