//! Our text as Slack's mrkdwn: escaped, never cut inside a character, an entity or a link.

use workflow_engine::ports::chat::{Span, Text};

/// `text` as mrkdwn of at most `most` characters.
pub(super) fn mrkdwn(text: &Text, most: usize) -> String {
    let mut out = Budget::new(most);
    for span in &text.0 {
        match span {
            Span::Plain(words) => out.words(words, "", ""),
            Span::Bold(words) => out.words(words, "*", "*"),
            Span::Italic(words) => out.words(words, "_", "_"),
            Span::Code(words) => out.words(&words.replace('`', "'"), "`", "`"),
            Span::Link { text, url } => out.whole(&format!("<{}|{}>", address(url), label(text))),
            Span::Mention(user) => out.whole(&format!("<@{}>", user.replace(['<', '>', '|'], ""))),
        }
    }
    out.text
}

/// `words` as plain text of at most `most` characters; plain text needs no escape.
pub(super) fn plain(words: &str, most: usize) -> String {
    if words.chars().count() <= most {
        return words.to_owned();
    }
    let kept: String = words.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// The three characters that Slack gives a meaning. With them escaped, `<!channel>` is only words.
pub(super) fn escape(words: &str) -> String {
    words.chars().map(entity).collect()
}

fn entity(letter: char) -> String {
    match letter {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        other => other.to_string(),
    }
}

fn label(text: &str) -> String {
    escape(&text.replace(['|', '\n'], " "))
}

fn address(url: &str) -> String {
    url.replace('|', "%7C").replace('<', "%3C").replace('>', "%3E")
}

/// Text that grows up to a number of characters and then ends in `…`.
struct Budget {
    text: String,
    left: usize,
    full: bool,
}

impl Budget {
    fn new(most: usize) -> Self {
        Self {
            text: String::new(),
            left: most,
            full: false,
        }
    }

    /// Adds a piece that makes sense only as a whole.
    fn whole(&mut self, piece: &str) {
        let length = piece.chars().count();
        if self.full {
            return;
        }
        if length + 1 > self.left {
            self.end();
            return;
        }
        self.text.push_str(piece);
        self.left -= length;
    }

    /// Adds as many of `words` as fit, between `open` and `close`.
    fn words(&mut self, words: &str, open: &str, close: &str) {
        let around = open.len() + close.len();
        if self.full || words.is_empty() {
            return;
        }
        if self.left <= around + 1 {
            self.end();
            return;
        }
        // Slack sees emphasis only when it does not begin or end with a space.
        let (open, close) = if words.trim() == words {
            (open, close)
        } else {
            ("", "")
        };
        self.text.push_str(open);
        self.left -= around;
        for letter in words.chars() {
            let piece = entity(letter);
            let length = piece.chars().count();
            if length + 1 > self.left {
                self.end();
                break;
            }
            self.text.push_str(&piece);
            self.left -= length;
        }
        self.text.push_str(close);
    }

    fn end(&mut self) {
        self.full = true;
        self.text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_cannot_notify_a_channel_or_make_a_link() {
        let text = Text::from("<!channel> & <https://evil.example|click> @here");
        assert_eq!(
            mrkdwn(&text, 3000),
            "&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt; @here"
        );
    }

    #[test]
    fn a_cut_never_splits_a_character_or_an_entity() {
        for most in 0..40 {
            let cut = mrkdwn(&Text::from("żółw & żółw & <żółw>"), most);
            assert!(cut.chars().count() <= most.max(1), "{most}: {cut}");
            let entities = cut.matches('&').count();
            assert_eq!(cut.matches(';').count(), entities, "{most}: {cut}");
        }
    }

    #[test]
    fn a_link_is_there_whole_or_not_at_all() {
        let text = Text::from("see ").link("the page", "https://governor.example/changes/142");
        assert_eq!(
            mrkdwn(&text, 60),
            "see <https://governor.example/changes/142|the page>"
        );
        assert_eq!(mrkdwn(&text, 30), "see …");
    }

    #[test]
    fn plain_text_is_cut_on_characters() {
        assert_eq!(plain("Änderung", 5), "Ände…");
        assert_eq!(plain("kurz", 5), "kurz");
    }
}
