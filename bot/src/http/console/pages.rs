//! Templates and files of the console, built into the program.

use std::borrow::Cow;

use anyhow::Context as _;
use axum::{
    extract::Path,
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use handlebars::{Handlebars, HelperDef, RenderContext, RenderError, ScopedJson};
use serde::Serialize;
use workflow_engine::values::Digest;

use crate::{
    http::problem::{Code, Problem},
    plots::svg::escaped,
};

#[derive(rust_embed::RustEmbed)]
#[folder = "templates/console"]
struct Templates;

#[derive(rust_embed::RustEmbed)]
#[folder = "assets"]
struct Assets;

/// The console's templates, ready to render, and the addresses of its files.
pub struct Pages {
    templates: Handlebars<'static>,
    /// Address of the style sheet; changes with its content, so it may be kept for ever.
    pub css: String,
    /// Address of the script.
    pub js: String,
    /// Address of the icon.
    pub icon: String,
}

impl Pages {
    /// The pages that are built in.
    ///
    /// # Errors
    /// When a template cannot be read.
    pub fn built_in() -> anyhow::Result<Self> {
        let mut templates = Handlebars::new();
        templates.set_strict_mode(true);
        templates.register_escape_fn(escaped);
        templates.register_helper("shape", Box::new(Shape));
        for name in Templates::iter() {
            let file = Templates::get(&name).with_context(|| format!("template {name} is gone"))?;
            let text = std::str::from_utf8(&file.data).with_context(|| format!("template {name}"))?;
            let name = name.trim_end_matches(".hbs");
            templates
                .register_template_string(name, text)
                .with_context(|| format!("template {name}"))?;
        }
        Ok(Self {
            templates,
            css: address("governor.css"),
            js: address("governor.js"),
            icon: address("mark.svg"),
        })
    }

    /// The style sheet without its dark theme, for a page that stands alone and is printed.
    #[must_use]
    pub fn light_style(&self) -> String {
        let file = Assets::get("governor.css")
            .map(|file| file.data)
            .unwrap_or_default();
        let style = String::from_utf8_lossy(&file).into_owned();
        let dark = style.find("@media (prefers-color-scheme: dark)");
        let end = dark.and_then(|start| Some(start + style[start..].find("\n}\n")? + 3));
        match dark.zip(end) {
            Some((start, end)) => format!("{}{}", &style[..start], &style[end..]),
            None => style,
        }
    }

    /// The page `name` with `model`.
    ///
    /// # Errors
    /// A problem without details when the template and the model do not fit: a bug.
    pub fn render(&self, name: &str, model: &impl Serialize) -> Result<Html<String>, Problem> {
        let text = self.templates.render(name, model);
        text.map(Html).map_err(|error| Problem::internal(&error))
    }
}

/// `/assets/NAME?v=DIGEST`.
fn address(name: &str) -> String {
    let content: Cow<'_, [u8]> = Assets::get(name).map(|file| file.data).unwrap_or_default();
    let digest = Digest::of(&content).to_string();
    format!("/assets/{name}?v={}", &digest[..12])
}

/// `GET /assets/{name}`.
pub(in crate::http) async fn asset(Path(name): Path<String>) -> Result<Response, Problem> {
    let file = Assets::get(&name).ok_or_else(|| Problem::new(Code::NotFound, "There is no such file."))?;
    let kind = HeaderValue::from_str(file.metadata.mimetype())
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let keep = HeaderValue::from_static("public, max-age=31536000, immutable");
    Ok((
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, keep)],
        file.data.into_owned(),
    )
        .into_response())
}

/// `{{shape mark tone}}`: a small mark that is told apart by its form, coloured by its tone.
struct Shape;

impl HelperDef for Shape {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &handlebars::Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc handlebars::Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn handlebars::Output,
    ) -> Result<(), RenderError> {
        let text = |index: usize| {
            helper
                .param(index)
                .and_then(|it| it.value().as_str())
                .unwrap_or_default()
        };
        let (class, inside) = match text(0) {
            "disc" => ("disc", r#"<circle cx="5" cy="5" r="4"/>"#),
            "half" => (
                "half",
                r#"<circle cx="5" cy="5" r="4"/><path d="M5 1a4 4 0 0 1 0 8z"/>"#,
            ),
            "diamond" => ("diamond", r#"<path d="M5 0 10 5 5 10 0 5Z"/>"#),
            "bar" => ("bar", r#"<path d="M1 5h8"/>"#),
            _ => ("ring", r#"<circle cx="5" cy="5" r="4"/>"#),
        };
        let tone = match text(1) {
            "" => String::new(),
            tone => format!(" tone-{tone}"),
        };
        out.write(&format!(
            r#"<svg class="shape {class}{tone}" viewBox="0 0 10 10" aria-hidden="true">{inside}</svg>"#
        ))?;
        Ok(())
    }

    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        _: &handlebars::Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc handlebars::Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        Err(handlebars::RenderErrorReason::Unimplemented.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_can_be_read() {
        Pages::built_in().unwrap();
    }

    #[test]
    fn style_and_script_are_small_and_nothing_comes_from_elsewhere() {
        let size = |name| Assets::get(name).unwrap().data.len();
        assert!(size("governor.js") < 10_000, "{}", size("governor.js"));
        assert!(size("governor.css") + size("governor.js") < 50_000);
        for name in Templates::iter() {
            let text = String::from_utf8(Templates::get(&name).unwrap().data.into_owned()).unwrap();
            for foreign in [
                "http://",
                "https://",
                "style=",
                "<style",
                "onclick",
                "javascript:",
            ] {
                assert!(
                    !text.contains(foreign),
                    "{name} has {foreign}, which the content policy forbids"
                );
            }
        }
    }
}
