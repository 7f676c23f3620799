//! A person in the console without script: signs in, opens the change page, sends its form as it stands there.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use reqwest::{Client, Response, header, redirect::Policy};
use workflow_engine::values::ChangeNumber;

/// `person` opens the change page and approves what it shows.
///
/// # Errors
/// When the console does not let them, with what it said.
pub(super) async fn approve(base: &str, person: &str, number: ChangeNumber) -> anyhow::Result<()> {
    let mut browser = Browser {
        client: Client::builder().redirect(Policy::none()).build()?,
        base: base.to_owned(),
        cookies: BTreeMap::new(),
    };
    let page = browser.open("/auth/login").await?;
    let mut fields = hidden_fields(&page, "/auth/login")?;
    fields.push(("person".to_owned(), person.to_owned()));
    browser.send("/auth/login", &fields).await?;
    let page = browser.open(&format!("/changes/{}", number.0)).await?;
    let action = format!("/changes/{}/votes", number.0);
    let mut fields = hidden_fields(&page, &action)?;
    fields.push(("grade".to_owned(), "approve".to_owned()));
    browser.send(&action, &fields).await
}

struct Browser {
    client: Client,
    base: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    async fn open(&mut self, path: &str) -> anyhow::Result<String> {
        let request = self.client.get(format!("{}{path}", self.base));
        let response = request.header(header::COOKIE, self.jar()).send().await?;
        self.keep(&response);
        let status = response.status();
        let page = response.text().await?;
        ensure!(status.is_success(), "{path} answered {status}");
        Ok(page)
    }

    async fn send(&mut self, path: &str, fields: &[(String, String)]) -> anyhow::Result<()> {
        let response = self
            .client
            .post(format!("{}{path}", self.base))
            .header(header::COOKIE, self.jar())
            .header(header::ORIGIN, &self.base)
            .form(fields)
            .send()
            .await?;
        self.keep(&response);
        let status = response.status();
        ensure!(status.is_redirection(), "{path} answered {status}");
        Ok(())
    }

    fn jar(&self) -> String {
        let pairs: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    fn keep(&mut self, response: &Response) {
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let pair = cookie
                .to_str()
                .unwrap_or_default()
                .split(';')
                .next()
                .unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// Names and values of the hidden inputs of the form that sends to `action`.
fn hidden_fields(page: &str, action: &str) -> anyhow::Result<Vec<(String, String)>> {
    let form = page
        .split("<form")
        .skip(1)
        .find(|form| attribute(form, "action").as_deref() == Some(action))
        .with_context(|| format!("the page has no form for {action}"))?;
    let form = form.split("</form>").next().unwrap_or(form);
    Ok(form
        .split("<input")
        .skip(1)
        .filter(|input| attribute(input, "type").as_deref() == Some("hidden"))
        .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)))
        .collect())
}

/// The value of `name="…"` in the first tag of `text`.
fn attribute(text: &str, name: &str) -> Option<String> {
    let tag = text.split('>').next()?;
    let value = tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?;
    Some(
        value
            .replace("&amp;", "&")
            .replace("&quot;", "\"")
            .replace("&#x27;", "'"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_found_by_where_it_sends() {
        let page = r#"<form method="post" action="/a"><input type="hidden" name="x" value="1"></form>
            <form action="/b"><input type="hidden" name="csrf" value="a&amp;b"><input name="y" value="2"></form>"#;
        assert_eq!(
            hidden_fields(page, "/b").unwrap(),
            [("csrf".to_owned(), "a&b".to_owned())]
        );
        assert!(hidden_fields(page, "/c").is_err());
    }
}
