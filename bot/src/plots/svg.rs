//! A small writer of SVG: shapes carry classes only, because the pages forbid inline styles.

use std::fmt::Write as _;

use super::Width;

/// Where a text is anchored at its point.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture being drawn.
pub(super) struct Svg {
    body: String,
    width: Width,
}

impl Svg {
    pub(super) fn new(width: Width) -> Self {
        Self {
            body: String::new(),
            width,
        }
    }

    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.push(format_args!(
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        ));
    }

    /// A line through all of `points`.
    pub(super) fn path(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut d = String::new();
        for (index, (x, y)) in points.iter().enumerate() {
            // Writing to a String cannot fail.
            let _ = write!(d, "{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' });
        }
        self.push(format_args!(r#"<path class="{class}" d="{d}"/>"#));
    }

    pub(super) fn zone(&mut self, class: &str, (x1, x2): (f64, f64), (y1, y2): (f64, f64)) {
        let width = (x2 - x1).max(0.0);
        let height = (y2 - y1).max(0.0);
        self.push(format_args!(
            r#"<rect class="{class}" x="{x1:.1}" y="{y1:.1}" width="{width:.1}" height="{height:.1}"/>"#
        ));
    }

    pub(super) fn point(&mut self, class: &str, (x, y): (f64, f64)) {
        self.push(format_args!(
            r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="4.5"/>"#
        ));
    }

    /// A square standing on its corner: the mark of a value that is not fine, told apart without colour.
    pub(super) fn diamond(&mut self, class: &str, (x, y): (f64, f64)) {
        self.push(format_args!(
            r#"<path class="{class}" d="M{:.1} {y:.1}L{x:.1} {:.1}L{:.1} {y:.1}L{x:.1} {:.1}Z"/>"#,
            x - 6.0,
            y - 6.0,
            x + 6.0,
            y + 6.0
        ));
    }

    /// A small triangle whose tip is at the point and that looks to the right (or to the left).
    pub(super) fn tip(&mut self, class: &str, (x, y): (f64, f64), right: bool) {
        let back = if right { x - 8.0 } else { x + 8.0 };
        self.push(format_args!(
            r#"<path class="{class}" d="M{x:.1} {y:.1}L{back:.1} {:.1}L{back:.1} {:.1}Z"/>"#,
            y - 4.5,
            y + 4.5
        ));
    }

    pub(super) fn text(&mut self, class: &str, anchor: Anchor, (x, y): (f64, f64), text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.push(format_args!(
            r#"<text class="{class}" text-anchor="{anchor}" x="{x:.1}" y="{y:.1}">{}</text>"#,
            escaped(text)
        ));
    }

    /// Draws `inside` as one group that names itself when pointed at.
    pub(super) fn group(&mut self, title: &str, inside: impl FnOnce(&mut Self)) {
        self.push(format_args!("<g><title>{}</title>", escaped(title)));
        inside(self);
        self.body.push_str("</g>");
    }

    /// The finished picture, `height` units high, with what it shows in words for those who cannot see it.
    pub(super) fn finish(self, height: f64, label: &str) -> String {
        let units = self.width.units();
        format!(
            r#"<svg class="{}" viewBox="0 0 {units:.0} {height:.0}" width="{units:.0}" height="{height:.0}" role="img" aria-label="{}">{}</svg>"#,
            self.width.class(),
            escaped(label),
            self.body
        )
    }

    fn push(&mut self, shape: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.body.write_fmt(shape);
    }
}

/// `text` with the five characters of XML's own grammar replaced.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_become_markup() {
        assert_eq!(escaped(r#"<b a="1">&'"#), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;");
    }
}
