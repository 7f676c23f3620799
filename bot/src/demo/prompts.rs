//! Prompts of the demo: our own words for two help desks, one for each recorded prompt, with the calls that would be right.

use serde_json::{Value, json};
use workflow_engine::ports::model::ToolCall;

/// Which desk asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Desk {
    /// A shop's customers: orders, returns, vouchers.
    Support,
    /// An insurer's customers: claims.
    Claims,
}

/// A request as an application would send it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// System and user message.
    pub messages: Value,
    /// Tool definitions in OpenAI's shape.
    pub tools: Value,
    /// The calls that would be right; none where no tool applies.
    pub reference: Vec<ToolCall>,
}

struct Tool {
    name: &'static str,
    description: &'static str,
    /// What its number means: first, required argument.
    number: (&'static str, &'static str),
    /// Its second argument and the values it takes.
    choice: (&'static str, [&'static str; 4]),
    /// How a customer asks for it; `{n}` the number, `{c}` the choice.
    ask: &'static str,
}

const SUPPORT: [Tool; 4] = [
    Tool {
        name: "start_return",
        description: "Opens a return for an order and sends the customer a label.",
        number: ("order_id", "The order's number."),
        choice: ("reason", ["damaged", "wrong_item", "too_late", "not_needed"]),
        ask: "send back order {n}, reason {c}",
    },
    Tool {
        name: "order_status",
        description: "Says where an order is.",
        number: ("order_id", "The order's number."),
        choice: ("detail", ["parcel", "payment", "invoice", "carrier"]),
        ask: "tell me the {c} status of order {n}",
    },
    Tool {
        name: "change_delivery",
        description: "Moves a delivery to another day.",
        number: ("order_id", "The order's number."),
        choice: ("day", ["monday", "tuesday", "thursday", "friday"]),
        ask: "deliver order {n} on {c}",
    },
    Tool {
        name: "add_gift_wrap",
        description: "Adds gift wrap to an order that has not left yet.",
        number: ("order_id", "The order's number."),
        choice: ("paper", ["red", "green", "plain", "stars"]),
        ask: "wrap order {n} in {c} paper",
    },
];

const CLAIMS: [Tool; 4] = [
    Tool {
        name: "claim_status",
        description: "Says how far a claim is.",
        number: ("claim_id", "The claim's number."),
        choice: ("part", ["payment", "survey", "documents", "decision"]),
        ask: "tell me how far the {c} of claim {n} is",
    },
    Tool {
        name: "request_document",
        description: "Asks the customer for a document.",
        number: ("claim_id", "The claim's number."),
        choice: ("document", ["police_report", "invoice", "photos", "repair_quote"]),
        ask: "ask for the {c} of claim {n}",
    },
    Tool {
        name: "book_survey",
        description: "Books a surveyor's visit.",
        number: ("claim_id", "The claim's number."),
        choice: ("day", ["monday", "tuesday", "thursday", "friday"]),
        ask: "book a surveyor for claim {n} on {c}",
    },
    Tool {
        name: "route_claim",
        description: "Hands a claim to a team.",
        number: ("claim_id", "The claim's number."),
        choice: ("team", ["motor", "home", "travel", "legal"]),
        ask: "hand claim {n} to the {c} team",
    },
];

/// Questions that none of the tools answers.
const ASIDE: [&str; 4] = [
    "What are your opening hours on public holidays?",
    "Which of your two plans suits a family of four?",
    "How do I write a complaint to your management?",
    "Can you explain what the small print means by a reasonable time?",
];

/// The prompt number `index` of `category` at `desk`, of which `expected_calls` calls are right.
///
/// No two of one desk are the same text: a number that occurs in no other stands in each.
#[must_use]
pub fn request(desk: Desk, category: &str, index: usize, expected_calls: usize) -> Request {
    let tools = match desk {
        Desk::Support => &SUPPORT,
        Desk::Claims => &CLAIMS,
    };
    let turn = index % tools.len();
    let offered: Vec<&Tool> = match category {
        "simple" | "parallel_function" => vec![&tools[turn]],
        _ => tools.iter().cycle().skip(turn).take(3).collect(),
    };
    let base = 10_000
        * (1 + super::figures::CATEGORIES
            .iter()
            .position(|name| *name == category)
            .unwrap_or(7))
        + index * 8;
    if category == "relevance" {
        let known_by = match desk {
            Desk::Support => "customer",
            Desk::Claims => "policy",
        };
        let question = format!("{} My {known_by} number is {base}.", ASIDE[turn]);
        return assemble(desk, &question, &offered, vec![]);
    }
    let (asks, calls): (Vec<String>, Vec<ToolCall>) = (0..expected_calls)
        .map(|step| {
            let tool = if category == "parallel_multiple_function" {
                offered[step % offered.len()]
            } else {
                offered[0]
            };
            let choice = tool.choice.1[(index + step) % 4];
            let number = base + step;
            let ask = tool
                .ask
                .replace("{n}", &number.to_string())
                .replace("{c}", &choice.replace('_', " "));
            (ask, call(tool, number, choice))
        })
        .unzip();
    assemble(desk, &format!("Please {}.", asks.join(", and ")), &offered, calls)
}

fn call(tool: &Tool, number: usize, choice: &str) -> ToolCall {
    ToolCall {
        name: tool.name.to_owned(),
        arguments: json!({tool.number.0: number, tool.choice.0: choice}).to_string(),
    }
}

fn assemble(desk: Desk, question: &str, offered: &[&Tool], reference: Vec<ToolCall>) -> Request {
    let system = match desk {
        Desk::Support => {
            "You help the customers of a shop. Call a tool where one applies; otherwise answer in a sentence."
        }
        Desk::Claims => {
            "You sort an insurer's mail. Call a tool where one applies; otherwise answer in a sentence."
        }
    };
    let tools = offered.iter().map(|tool| definition(tool)).collect();
    Request {
        messages: json!([{"role": "system", "content": system}, {"role": "user", "content": question}]),
        tools: Value::Array(tools),
        reference,
    }
}

fn definition(tool: &Tool) -> Value {
    json!({"type": "function", "function": {
        "name": tool.name,
        "description": tool.description,
        "parameters": {
            "type": "object",
            "properties": {
                tool.number.0: {"type": "integer", "description": tool.number.1},
                tool.choice.0: {"type": "string", "enum": tool.choice.1},
            },
            "required": [tool.number.0, tool.choice.0],
        },
    }})
}
