//! E-mail addresses, phone numbers, IBANs and card numbers in a text.

use std::{collections::BTreeSet, ops::Range, sync::LazyLock};

use regex::Regex;

/// A kind of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// An international bank account number; its check digits hold (ISO 13616, mod 97).
    Iban,
    /// A payment card number; its check digit holds (Luhn).
    Card,
    /// A phone number.
    Phone,
}

/// One find.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Find {
    /// What it is.
    pub kind: Kind,
    /// The same for every way of writing it: lower case, digits without gaps.
    pub value: String,
}

struct Pattern {
    kind: Kind,
    regex: Regex,
}

/// In the order in which they are looked for: what one has found is not looked at again.
static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    [
        (
            Kind::Email,
            r"(?i)[a-z0-9][a-z0-9._%+-]*@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}",
        ),
        (
            Kind::Iban,
            r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
        ),
        (Kind::Card, r"\b[0-9](?:[ -]?[0-9]){12,18}\b"),
        (
            Kind::Phone,
            r"\+[1-9][0-9 ().-]{6,18}[0-9]|\(?\b[2-9][0-9]{2}\)?[ .-][0-9]{3}[ .-][0-9]{4}\b",
        ),
    ]
    .into_iter()
    .filter_map(|(kind, pattern)| {
        let regex = Regex::new(pattern).ok()?;
        Some(Pattern { kind, regex })
    })
    .collect()
});

/// Every find in `text`, with its place.
#[must_use]
pub fn find(text: &str) -> Vec<(Range<usize>, Find)> {
    let mut found: Vec<(Range<usize>, Find)> = Vec::new();
    for pattern in PATTERNS.iter() {
        for hit in pattern.regex.find_iter(text) {
            let free = found
                .iter()
                .all(|(taken, _)| hit.end() <= taken.start || hit.start() >= taken.end);
            if let Some(value) = holds(pattern.kind, hit.as_str()).filter(|_| free) {
                let kind = pattern.kind;
                found.push((hit.range(), Find { kind, value }));
            }
        }
    }
    found.sort_by_key(|(place, _)| place.start);
    found
}

/// What `answer` says that `input` did not.
#[must_use]
pub fn new_in(answer: &str, input: &str) -> BTreeSet<Find> {
    let said: BTreeSet<Find> = find(answer).into_iter().map(|(_, find)| find).collect();
    if said.is_empty() {
        return said;
    }
    let known: BTreeSet<Find> = find(input).into_iter().map(|(_, find)| find).collect();
    // A number may stand in the input in another form: as part of a longer one, or without its country code.
    let digits: String = input.chars().filter(char::is_ascii_digit).collect();
    said.into_iter()
        .filter(|find| !known.contains(find))
        .filter(|find| find.kind == Kind::Email || !digits.contains(tail(&find.value)))
        .collect()
}

/// The last ten digits of a number.
fn tail(value: &str) -> &str {
    value.get(value.len().saturating_sub(10)..).unwrap_or(value)
}

/// The one form of a match, if its check digits hold and it is not reserved for examples.
fn holds(kind: Kind, text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match kind {
        Kind::Email => {
            let address = text.to_lowercase();
            (!is_example(&address)).then_some(address)
        }
        Kind::Iban => {
            let account: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            ((15..=34).contains(&account.len()) && iban_holds(&account)).then_some(account)
        }
        Kind::Card => luhn_holds(&digits).then_some(digits),
        // 555-0100 to 555-0199 are kept free for examples in North America.
        Kind::Phone => {
            let example = tail(&digits).get(3..8).is_some_and(|part| part == "55501");
            ((8..=15).contains(&digits.len()) && !example).then_some(digits)
        }
    }
}

/// RFC 2606 and RFC 6761 keep these names free for examples.
fn is_example(address: &str) -> bool {
    let host = address.rsplit('@').next().unwrap_or_default();
    let ends = |name: &str| host == name || host.ends_with(&format!(".{name}"));
    [
        "example",
        "test",
        "invalid",
        "example.com",
        "example.org",
        "example.net",
    ]
    .into_iter()
    .any(ends)
}

/// ISO 7064 mod 97-10: the first four characters moved to the end, letters as 10 to 35, the whole ≡ 1.
fn iban_holds(account: &str) -> bool {
    let (head, tail) = account.split_at(4);
    let rest = tail.chars().chain(head.chars()).try_fold(0_u32, |rest, c| {
        let digit = c.to_digit(36)?;
        Some(if digit < 10 {
            (rest * 10 + digit) % 97
        } else {
            (rest * 100 + digit) % 97
        })
    });
    rest == Some(1)
}

/// ISO/IEC 7812: every second digit from the right doubled, the sum of all digits ≡ 0 mod 10; not one digit throughout.
fn luhn_holds(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            match (place % 2, digit) {
                (0, digit) => digit,
                (_, digit) if digit > 4 => digit * 2 - 9,
                (_, digit) => digit * 2,
            }
        })
        .sum();
    let first = digits.as_bytes().first();
    (13..=19).contains(&digits.len())
        && sum.is_multiple_of(10)
        && digits.bytes().any(|digit| Some(&digit) != first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        find(text).into_iter().map(|(_, find)| find.kind).collect()
    }

    #[test]
    fn published_examples_are_found() {
        // ECBS's and Wikipedia's example accounts, the networks' test cards.
        assert_eq!(
            kinds("GB82 WEST 1234 5698 7654 32, DE89370400440532013000"),
            [Kind::Iban, Kind::Iban]
        );
        assert_eq!(
            kinds("4111 1111 1111 1111 and 378282246310005"),
            [Kind::Card, Kind::Card]
        );
        assert_eq!(
            kinds("jo.doe@insurer.co.uk, +49 30 901820, (212) 736-5000"),
            [Kind::Email, Kind::Phone, Kind::Phone]
        );
    }

    #[test]
    fn wrong_check_digits_order_numbers_and_names_kept_for_examples_are_not() {
        for harmless in [
            "GB83 WEST 1234 5698 7654 32",
            "4111 1111 1111 1112",
            "0000 0000 0000 0000",
            "order 10482233, 3.14159265358979, 2026-11-24",
            "help@example.com",
            "(212) 555-0123",
        ] {
            assert_eq!(kinds(harmless), [], "{harmless}");
        }
    }

    #[test]
    fn only_what_the_input_did_not_hold_is_new() {
        let input = "Call me: 0049 30 901820, Jo.Doe@insurer.co.uk";
        assert!(
            new_in(
                "We will call +49 30 901820 or write to jo.doe@insurer.co.uk",
                input
            )
            .is_empty()
        );
        let new = new_in("Write to amy@insurer.co.uk", input);
        assert_eq!(
            new.first().map(|find| find.value.as_str()),
            Some("amy@insurer.co.uk")
        );
    }
}
