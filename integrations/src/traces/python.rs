//! Reads what Python's `repr` writes: LiteLLM puts such texts where JSON belongs.

use serde_json::{Map, Value};

/// The value that `text` shows; none if it is no list, dict or literal. What a name or a call like
/// `datetime.datetime(2026, 1, 1)` stands for cannot be known: null.
#[must_use]
pub fn value(text: &str) -> Option<Value> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    let value = reader.value()?;
    reader.space();
    (reader.at == text.len()).then_some(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self) -> Option<Value> {
        self.space();
        if self.depth > 64 {
            return None;
        }
        self.depth += 1;
        let value = match self.peek()? {
            b'{' => self.dict(),
            b'[' => self.list(b'[', b']'),
            b'(' => self.list(b'(', b')'),
            b'\'' | b'"' => self.string().map(Value::String),
            _ => Some(self.word()),
        };
        self.depth -= 1;
        value
    }

    fn dict(&mut self) -> Option<Value> {
        self.eat(b'{');
        let mut out = Map::new();
        while !self.eat(b'}') {
            let key = match self.value()? {
                Value::String(key) => key,
                other => other.to_string(),
            };
            if !self.eat(b':') {
                return None;
            }
            out.insert(key, self.value()?);
            if !self.eat(b',') {
                return self.eat(b'}').then_some(Value::Object(out));
            }
        }
        Some(Value::Object(out))
    }

    fn list(&mut self, open: u8, close: u8) -> Option<Value> {
        self.eat(open);
        let mut out = Vec::new();
        while !self.eat(close) {
            out.push(self.value()?);
            if !self.eat(b',') {
                return self.eat(close).then_some(Value::Array(out));
            }
        }
        Some(Value::Array(out))
    }

    fn string(&mut self) -> Option<String> {
        let quote = self.peek()? as char;
        let mut out = String::new();
        let rest = &self.text[self.at + 1..];
        let mut chars = rest.char_indices();
        while let Some((offset, found)) = chars.next() {
            match found {
                '\\' => escape(&mut chars, &mut out)?,
                _ if found == quote => {
                    self.at += 1 + offset + 1;
                    return Some(out);
                }
                _ => out.push(found),
            }
        }
        None
    }

    /// `None`, `True`, a number, or something that only Python knows.
    fn word(&mut self) -> Value {
        let rest = &self.text[self.at..];
        let mut open = 0_usize;
        let end = rest
            .find(|c: char| match c {
                '(' | '<' => {
                    open += 1;
                    false
                }
                ')' | '>' if open > 0 => {
                    open -= 1;
                    false
                }
                ',' | ':' | ']' | '}' | ')' => open == 0,
                _ => false,
            })
            .unwrap_or(rest.len());
        self.at += end;
        match rest[..end].trim() {
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            word => serde_json::from_str(word).unwrap_or(Value::Null),
        }
    }
}

fn escape(chars: &mut std::str::CharIndices<'_>, out: &mut String) -> Option<()> {
    let (_, escaped) = chars.next()?;
    let mut code = |digits: usize| {
        let mut value = 0;
        for _ in 0..digits {
            value = value * 16 + chars.next()?.1.to_digit(16)?;
        }
        Some(char::from_u32(value).unwrap_or('\u{fffd}'))
    };
    out.push(match escaped {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'x' => code(2)?,
        'u' => code(4)?,
        'U' => code(8)?,
        other => other,
    });
    Some(())
}

#[cfg(test)]
mod tests {
    use super::value;
    use serde_json::json;

    #[test]
    fn reprs_are_read_as_the_values_they_show() {
        let text = r#"{'tags': ['workflow:a', "it's"], 'n': None, 'ok': True, 'x': 1.5, 't': (1, 2), 'e': {}, 'u': '\u00e9\n'}"#;
        assert_eq!(
            value(text),
            Some(
                json!({"tags": ["workflow:a", "it's"], "n": null, "ok": true, "x": 1.5, "t": [1, 2], "e": {}, "u": "é\n"})
            )
        );
    }

    #[test]
    fn what_only_python_knows_is_null_and_leaves_the_rest_readable() {
        let text = "{'at': datetime.datetime(2026, 1, 1, tzinfo=<UTC>), 'o': <object at 0x7f>, 'k': 'v'}";
        assert_eq!(value(text), Some(json!({"at": null, "o": null, "k": "v"})));
    }

    #[test]
    fn a_text_that_breaks_off_is_no_value() {
        for text in ["{'a': 'b", "{'a'", "[1, 2", "{'a': 1} x", ""] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
