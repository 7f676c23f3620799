//! Pseudonyms: the same person is the same made-up name in every prompt of a run, and nobody else's in another run.
//!
//! HMAC-SHA256 under a key of the run gives the digits of each pseudonym, so all arms get the same prompt, answers can
//! still be compared, and without the key nobody finds the way back. A pseudonym has the form of what it stands for.

use hmac::{Hmac, KeyInit, Mac};
use regex::Regex;
use serde_json::Value;
use sha2::Sha256;

use super::personal::{Kind, find};
use crate::shadow::recorded::RecordedCall;

/// Replaces personal data by pseudonyms.
#[derive(Debug)]
pub struct Redactor {
    key: [u8; 32],
    names: Vec<Regex>,
}

impl Redactor {
    /// With the run's key and the workflow's patterns of names.
    ///
    /// # Errors
    /// What is wrong with a pattern.
    pub fn new(key: [u8; 32], names: &[String]) -> Result<Self, regex::Error> {
        let names = names
            .iter()
            .map(|pattern| Regex::new(pattern))
            .collect::<Result<_, _>>()?;
        Ok(Self { key, names })
    }

    /// The call with pseudonyms in what is asked, what was answered and what should be answered, so that they still fit.
    #[must_use]
    pub fn call(&self, mut call: RecordedCall) -> RecordedCall {
        self.value(&mut call.input.messages);
        if let Some(tools) = &mut call.input.tools {
            self.value(tools);
        }
        call.input
            .parameters
            .values_mut()
            .for_each(|value| self.value(value));
        call.answer.text = call.answer.text.map(|text| self.text(&text));
        for tool in &mut call.answer.tool_calls {
            tool.arguments = self.json_or_text(&tool.arguments);
        }
        if let Some(reference) = &mut call.reference {
            reference.text = reference.text.take().map(|text| self.text(&text));
            for tool in reference.tool_calls.iter_mut().flatten() {
                tool.arguments = self.json_or_text(&tool.arguments);
            }
        }
        call
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.json_or_text(text),
            Value::Number(number) => {
                let digits = number.to_string();
                let redacted = self.text(&digits);
                if redacted != digits {
                    *value = Value::String(redacted);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => fields.values_mut().for_each(|item| self.value(item)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Arguments of tools are JSON in a text: a number in them must not become half a word.
    fn json_or_text(&self, text: &str) -> String {
        let redacted = self.text(text);
        if redacted == text {
            return redacted;
        }
        match serde_json::from_str::<Value>(text) {
            Ok(mut object @ Value::Object(_)) => {
                self.value(&mut object);
                object.to_string()
            }
            _ => redacted,
        }
    }

    /// `text` with pseudonyms.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for (place, found) in find(text) {
            out.push_str(&text[from..place.start]);
            out.push_str(&self.pseudonym(found.kind, &found.value));
            from = place.end;
        }
        out.push_str(&text[from..]);
        for names in &self.names {
            let named = names.replace_all(&out, |hit: &regex::Captures<'_>| {
                format!("Person-{}", hex::encode(&self.mac(&hit[0])[..4]))
            });
            out = named.into_owned();
        }
        out
    }

    fn pseudonym(&self, kind: Kind, value: &str) -> String {
        let mac = self.mac(value);
        let digits = |count: usize| -> String {
            mac.iter()
                .cycle()
                .take(count)
                .map(|byte| char::from(b'0' + byte % 10))
                .collect()
        };
        match kind {
            Kind::Email => format!("person-{}@redacted.example", hex::encode(&mac[..6])),
            Kind::Phone => format!("+999 {}", digits(9)),
            // No country has these codes, and their check digits need not hold.
            Kind::Iban => format!("ZZ00 {} {} {}", digits(4), hex4(&mac), digits(6)),
            Kind::Card => format!("card-{}", hex::encode(&mac[..6])),
        }
    }

    fn mac(&self, value: &str) -> [u8; 32] {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            return [0; 32];
        };
        mac.update(value.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

fn hex4(mac: &[u8; 32]) -> String {
    hex::encode(&mac[8..10]).to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_person_is_the_same_pseudonym_within_a_run_and_another_in_the_next() {
        let redactor = Redactor::new([7; 32], &["Dr\\. [A-Z][a-z]+".to_owned()]).unwrap();
        let first = redactor.text("Dr. Weber, jo@insurer.co.uk, DE89 3704 0044 0532 0130 00");
        let again = redactor.text("Write to JO@insurer.co.uk, account DE89370400440532013000.");
        insta::assert_snapshot!(format!("{first}\n{again}"), @r"
        Person-7723b7a7, person-39ae71996e29@redacted.example, ZZ00 6464 D3DA 646491
        Write to person-39ae71996e29@redacted.example, account ZZ00 6464 D3DA 646491.
        ");
        let other = Redactor::new([8; 32], &[]).unwrap();
        assert_ne!(other.text("jo@insurer.co.uk"), redactor.text("jo@insurer.co.uk"));
    }

    #[test]
    fn arguments_of_tools_stay_json() {
        let redactor = Redactor::new([7; 32], &[]).unwrap();
        let mut message = serde_json::json!({"arguments": "{\"card\": 4111111111111111, \"n\": 5}"});
        redactor.value(&mut message);
        let arguments: Value = serde_json::from_str(message["arguments"].as_str().unwrap()).unwrap();
        assert_eq!(arguments["n"], 5);
        assert!(arguments["card"].as_str().unwrap().starts_with("card-"));
    }

    #[test]
    fn what_is_redacted_is_not_found_again() {
        let redactor = Redactor::new([7; 32], &[]).unwrap();
        let text = "jo@insurer.co.uk 4111 1111 1111 1111 +49 30 901820 GB82 WEST 1234 5698 7654 32";
        let once = redactor.text(text);
        for (_, left) in find(&once) {
            assert_eq!(left.kind, Kind::Phone, "{once}");
        }
        assert!(!once.contains("jo@insurer") && !once.contains("4111") && !once.contains("WEST"));
    }
}
