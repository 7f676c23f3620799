//! Recorded figures of real runs (`bot/assets/demo/README.md`): verdicts, numbers of calls, tokens, latencies.

use std::{collections::BTreeMap, io::Read, str::FromStr, time::Duration};

use anyhow::{Context, anyhow};
use flate2::read::GzDecoder;

/// The run whose answers were recorded before the change.
pub const JULY: &str = "2024-07-25";
/// The run that replays are answered from.
pub const AUGUST: &str = "2024-08-11";

/// The five categories, in the order of the file.
pub const CATEGORIES: [&str; 5] = [
    "multiple_function",
    "parallel_function",
    "parallel_multiple_function",
    "relevance",
    "simple",
];

const FILE: &[u8] = include_bytes!("../../assets/demo/bfcl_figures.csv.gz");

/// All recorded figures.
#[derive(Debug)]
pub struct Figures {
    runs: BTreeMap<(String, String), BTreeMap<(String, usize), Figure>>,
}

/// One recorded answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// How many calls are right.
    pub expected_calls: usize,
    /// Whether it was right.
    pub ok: bool,
    /// How many calls it made.
    pub calls: usize,
    /// How a wrong one was wrong.
    pub flaw: Option<Flaw>,
    /// Billed input tokens.
    pub input_tokens: u64,
    /// Billed output tokens.
    pub output_tokens: u64,
    /// From request to answer.
    pub latency: Duration,
}

/// How a wrong answer was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Text where a call was due.
    Text,
    /// Arguments that are no JSON.
    NoJson,
    /// Calls with other names, values or number.
    Calls,
}

impl Figures {
    /// Unpacks the file that is built in.
    ///
    /// # Errors
    /// When the file was damaged before the build; the text names its line.
    pub fn load() -> anyhow::Result<Self> {
        let mut text = String::new();
        GzDecoder::new(FILE)
            .read_to_string(&mut text)
            .context("unpacking bfcl_figures.csv.gz")?;
        let mut runs: BTreeMap<(String, String), BTreeMap<(String, usize), Figure>> = BTreeMap::new();
        for (number, line) in text.lines().enumerate().skip(1) {
            let (run, key, figure) =
                row(line).with_context(|| format!("bfcl_figures.csv line {}", number + 1))?;
            runs.entry(run).or_default().insert(key, figure);
        }
        Ok(Self { runs })
    }

    /// Every answer of `model` in `run`, by category and index.
    ///
    /// # Errors
    /// When the file has no such run.
    pub fn run(&self, run: &str, model: &str) -> anyhow::Result<&BTreeMap<(String, usize), Figure>> {
        self.runs
            .get(&(run.to_owned(), model.to_owned()))
            .with_context(|| format!("no figures of {model} in the run of {run}"))
    }

    /// The models of `run`.
    pub fn models<'a>(&'a self, run: &'a str) -> impl Iterator<Item = &'a str> {
        self.runs
            .keys()
            .filter(move |key| key.0 == run)
            .map(|key| key.1.as_str())
    }
}

type Row = ((String, String), (String, usize), Figure);

fn row(line: &str) -> anyhow::Result<Row> {
    let fields: Vec<&str> = line.split(',').collect();
    let [
        run,
        model,
        category,
        index,
        expected,
        ok,
        calls,
        flaw,
        input,
        output,
        latency,
    ] = fields[..]
    else {
        return Err(anyhow!("{} fields, 11 expected", fields.len()));
    };
    let figure = Figure {
        expected_calls: number(expected)?,
        ok: ok == "1",
        calls: number(calls)?,
        flaw: match flaw {
            "t" => Some(Flaw::Text),
            "j" => Some(Flaw::NoJson),
            "v" => Some(Flaw::Calls),
            _ => None,
        },
        input_tokens: number(input)?,
        output_tokens: number(output)?,
        latency: Duration::try_from_secs_f64(number::<f64>(latency)? / 1000.0)?,
    };
    Ok((
        (run.to_owned(), model.to_owned()),
        (category.to_owned(), number(index)?),
        figure,
    ))
}

fn number<T: FromStr>(text: &str) -> anyhow::Result<T> {
    text.parse().map_err(|_| anyhow!("`{text}` is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn discordant(figures: &Figures, incumbent: (&str, &str), candidate: (&str, &str)) -> [usize; 4] {
        let (a, b) = (
            figures.run(incumbent.0, incumbent.1).unwrap(),
            figures.run(candidate.0, candidate.1).unwrap(),
        );
        let mut counts = [0; 4];
        for (key, before) in a {
            let cell = match (before.ok, b[key].ok) {
                (true, true) => 0,
                (true, false) => 1,
                (false, true) => 2,
                (false, false) => 3,
            };
            counts[cell] += 1;
        }
        counts
    }

    #[test]
    fn seven_runs_of_1240_prompts_are_there() {
        let figures = Figures::load().unwrap();
        assert_eq!(figures.runs.len(), 7);
        assert!(figures.runs.values().all(|run| run.len() == 1_240));
        assert_eq!(
            figures.models(JULY).collect::<Vec<_>>(),
            ["gpt-4-turbo-2024-04-09", "gpt-4o-2024-05-13"]
        );
    }

    #[test]
    fn the_published_comparisons_come_out() {
        let figures = Figures::load().unwrap();
        let rerun = discordant(
            &figures,
            (JULY, "gpt-4o-2024-05-13"),
            (AUGUST, "gpt-4o-2024-05-13"),
        );
        assert_eq!(rerun, [1_036, 37, 30, 137]);
    }
}
