//! Who is calling: a program with a token, or a person with a session; and what they may do.

pub mod csrf;
pub mod session;
pub mod sign_in;
pub mod tokens;

use axum::{extract::FromRequestParts, http::request::Parts};
use workflow_engine::{
    store::tokens::{ApiToken, TokenRole},
    values::{Actor, PersonId},
};

use super::{
    problem::{Code, Problem},
    state::AppState,
};

/// What a path asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Deliver calls.
    Ingest,
    /// Ask for decisions on requests.
    Hook,
    /// Read changes, workflows and calls.
    Read,
    /// File, vote, comment.
    Act,
    /// Read the audit stream.
    Audit,
    /// Read statements and budgets.
    Finance,
    /// Requeue jobs and look after the service.
    Admin,
}

impl Permission {
    /// The least role that has it, for the sentence of a refusal.
    fn least_role(self) -> TokenRole {
        match self {
            Self::Ingest => TokenRole::Ingest,
            Self::Hook => TokenRole::Hook,
            Self::Read => TokenRole::Reader,
            Self::Act => TokenRole::Member,
            Self::Audit => TokenRole::Auditor,
            Self::Finance => TokenRole::Finance,
            Self::Admin => TokenRole::Admin,
        }
    }
}

/// Whether `role` may do what needs `permission`.
#[must_use]
pub fn permits(role: TokenRole, permission: Permission) -> bool {
    match role {
        TokenRole::Admin => true,
        TokenRole::Ingest => permission == Permission::Ingest,
        TokenRole::Hook => permission == Permission::Hook,
        TokenRole::Reader => permission == Permission::Read,
        TokenRole::Member => matches!(permission, Permission::Read | Permission::Act),
        TokenRole::Auditor => matches!(permission, Permission::Read | Permission::Audit),
        TokenRole::Finance => matches!(permission, Permission::Read | Permission::Finance),
    }
}

/// Who calls the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// A stable name of the caller, for keys and logs: the token's id, or the person's.
    pub id: String,
    /// What it was made for.
    pub name: String,
    /// What it may do.
    pub role: TokenRole,
    /// The source whose calls it delivers: the token's source, else its name.
    pub source: String,
    /// Whom it stands for.
    pub person: Option<PersonId>,
}

impl Caller {
    /// Lets it pass if its role reaches.
    ///
    /// # Errors
    /// 403 that names the role which does.
    pub fn require(&self, permission: Permission) -> Result<(), Problem> {
        if permits(self.role, permission) {
            return Ok(());
        }
        let detail = format!(
            "The token \"{}\" has the role {}, which does not reach here. A token with the role {} does.",
            self.name,
            self.role,
            permission.least_role()
        );
        Err(Problem::new(Code::Forbidden, detail))
    }

    /// Who acts when it sends a command: the person it stands for, or itself.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match &self.person {
            Some(person) => Actor::Person(person.clone()),
            None => Actor::Service(format!("token:{}", self.name)),
        }
    }
}

impl From<ApiToken> for Caller {
    fn from(token: ApiToken) -> Self {
        Self {
            source: token.source.unwrap_or_else(|| token.name.clone()),
            id: token.id,
            name: token.name,
            role: token.role,
            person: token.person,
        }
    }
}

/// A token goes before a session; a session may only read here, because its writes go through the pages' forms.
impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        if let Some(token) = tokens::presented(&parts.headers) {
            return state.tokens.find(state, &token).await.map(Self::from);
        }
        match session::current(state, &parts.headers).await? {
            Some(session) if parts.method.is_safe() => Ok(Self {
                id: session.person.0.clone(),
                name: session.person.0.clone(),
                role: TokenRole::Reader,
                source: String::new(),
                person: Some(session.person),
            }),
            Some(_) => Err(Problem::new(
                Code::Csrf,
                "A browser session may only read here. Use the page's form, or a token.",
            )),
            None => Err(Problem::new(
                Code::Unauthenticated,
                "Send a token as `Authorization: Bearer gov_…` or `x-api-key`. \
                 Make one with `governor token create`.",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_reaches_what_it_is_for_and_nothing_else() {
        let permissions = [
            Permission::Ingest,
            Permission::Hook,
            Permission::Read,
            Permission::Act,
            Permission::Audit,
            Permission::Finance,
            Permission::Admin,
        ];
        let table: Vec<_> = TokenRole::ALL
            .into_iter()
            .map(|role| {
                let marks: String = permissions
                    .map(|it| if permits(role, it) { 'x' } else { '.' })
                    .iter()
                    .collect();
                format!("{marks} {role}")
            })
            .collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        x...... ingest
        .x..... hook
        ..x.... reader
        ..xx... member
        ..x.x.. auditor
        ..x..x. finance
        xxxxxxx admin
        ");
    }

    #[test]
    fn a_refusal_names_the_role_that_would_do() {
        let caller = Caller {
            id: "t".into(),
            name: "dash".into(),
            role: TokenRole::Reader,
            source: "dash".into(),
            person: None,
        };
        let problem = caller.require(Permission::Act).unwrap_err();
        assert_eq!(
            problem.detail,
            "The token \"dash\" has the role reader, which does not reach here. A token with the role member does."
        );
    }
}
