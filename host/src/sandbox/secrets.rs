//! The secrets of a plugin: what its handler reads with `config.get` and nobody else sees.

use std::{collections::BTreeMap, sync::Arc};

use super::conceal::Revealed;
use crate::{
    grant::{Denied, Grant, Grants},
    secret::{Secret, SecretError, SecretStore},
};

/// The secrets that an invocation may read. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Option<Granted>);

#[derive(Debug, Clone)]
struct Granted {
    grants: Arc<Grants>,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Fixed(Arc<BTreeMap<String, Option<Secret>>>),
    Store(Arc<SecretStore>),
}

/// What there is under a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A secret.
    Secret(Secret),
    /// None that the plugin requests.
    Nothing,
    /// One that is kept for the plugin, which does not request it.
    Unrequested(Denied),
}

/// The error by which the sandbox ends an invocation that asks for a secret which its plugin requests and cannot have:
/// an empty text instead would be taken for one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretMissing {
    /// It is not granted.
    #[error("a secret is missing: {0}")]
    Denied(#[from] Denied),
    /// A handler that runs without a host is not given it.
    #[error(
        "a secret is missing: the manifest requests {0:?}, which is not given here; a case gives it in its [config], \
         `fetchlock call` with --set"
    )]
    NotGiven(String),
    /// Its source does not give it.
    #[error("a secret is missing: {0}; the handler cannot do without it, since its manifest requests it")]
    Unavailable(#[from] SecretError),
}

impl Secrets {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// What a case gives for each secret, within the plugin's grants. To read one that is not given ends the invocation,
    /// as one does in a host that cannot be had.
    pub fn fixed(grants: Arc<Grants>, texts: BTreeMap<String, Option<Secret>>) -> Self {
        Self(Some(Granted { grants, source: Source::Fixed(Arc::new(texts)) }))
    }

    /// What the operator gives a plugin, within its grants.
    pub fn new(grants: Arc<Grants>, store: Arc<SecretStore>) -> Self {
        Self(Some(Granted { grants, source: Source::Store(store) }))
    }

    /// The names of those that may be read.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = |granted: &Granted| granted.grants.secrets().iter().map(str::to_owned).collect();
        self.0.as_ref().map(names).unwrap_or_default()
    }

    /// The secret of a name, as it is now.
    pub(super) async fn get(&self, name: &str) -> Result<Found, SecretMissing> {
        let Some(Granted { grants, source }) = &self.0 else { return Ok(Found::Nothing) };
        match grants.check(Grant::Secrets, name) {
            Err(denied) if grants.requests_secret(name) => return Err(denied.into()),
            Err(denied) if grants.allows_secret(name) => return Ok(Found::Unrequested(denied)),
            Err(_) => return Ok(Found::Nothing),
            Ok(()) => {}
        }
        match source {
            Source::Fixed(texts) => match texts.get(name) {
                Some(Some(secret)) => Ok(Found::Secret(secret.clone())),
                Some(None) | None => Err(SecretMissing::NotGiven(name.to_owned())),
            },
            Source::Store(store) => match store.get(name).await {
                Some(secret) => Ok(Found::Secret(secret?)),
                None => Ok(Found::Nothing),
            },
        }
    }

    /// All that can be had at this moment, to blot them out of what is kept of an invocation.
    pub async fn revealed(&self) -> Revealed {
        let mut revealed = Revealed::default();
        for name in self.names() {
            if let Ok(Found::Secret(secret)) = self.get(&name).await {
                revealed.add(&secret);
            }
        }
        revealed
    }

    /// Why those that may be read cannot be had at this moment, for whoever has to tell the operator in time.
    pub(crate) async fn missing(&self) -> Vec<SecretError> {
        let mut missing = Vec::new();
        if let Some(Granted { source: Source::Store(store), .. }) = &self.0 {
            for name in self.names() {
                missing.extend(store.get(&name).await.and_then(Result::err));
            }
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::{
        grant::{AllowedGrants, RequestedGrants},
        secret::{SecretSource, SecretSources},
        setting_key::SettingKey,
    };

    /// Secrets of a plugin that requests these, and is given `here` and `gone`.
    fn secrets(requested: &[&str]) -> Secrets {
        let requested = RequestedGrants { secrets: requested.iter().copied().collect(), ..RequestedGrants::default() };
        let sources: SecretSources = [
            ("here".to_owned(), SecretSource::Text(Secret::new("hush"))),
            ("gone".to_owned(), SecretSource::Env("FETCHLOCK-IS-NOT-SET".into())),
        ]
        .into_iter()
        .collect();
        let store = SecretStore::new(&SettingKey::new(["grants", "charge", "secrets"]), &sources);
        let allowed = AllowedGrants { secrets: sources, ..AllowedGrants::default() };
        Secrets::new(Arc::new(Grants::new("charge", requested, allowed)), Arc::new(store))
    }

    /// The grants of a plugin that may read these.
    fn all_granted(names: &[&str]) -> Arc<Grants> {
        let requested = RequestedGrants { secrets: names.iter().copied().collect(), ..RequestedGrants::default() };
        Arc::new(Grants::new("charge", requested, AllowedGrants::default()).all_allowed())
    }

    #[tokio::test]
    async fn a_secret_is_had_only_if_it_is_requested_and_given() {
        let secrets = secrets(&["here", "elsewhere"]);
        assert_eq!(secrets.get("here").await, Ok(Found::Secret(Secret::new("hush"))));
        assert_eq!(secrets.get("unheard-of").await, Ok(Found::Nothing));
        assert!(matches!(secrets.get("gone").await, Ok(Found::Unrequested(_))), "it is given and not requested");
        assert_eq!(secrets.names(), ["here"]);
        assert_eq!(Secrets::none().get("here").await, Ok(Found::Nothing));
    }

    #[tokio::test]
    async fn a_secret_that_a_case_does_not_give_is_told_by_its_name() {
        let texts = BTreeMap::from([("here".to_owned(), Some(Secret::new("hush"))), ("gone".to_owned(), None)]);
        let secrets = Secrets::fixed(all_granted(&["here", "gone"]), texts);
        assert_eq!(secrets.get("here").await, Ok(Found::Secret(Secret::new("hush"))));
        assert_eq!(secrets.get("unheard-of").await, Ok(Found::Nothing));
        assert_snapshot!(secrets.get("gone").await.expect_err("missing"), @r#"a secret is missing: the manifest requests "gone", which is not given here; a case gives it in its [config], `fetchlock call` with --set"#);
    }

    #[tokio::test]
    async fn a_secret_that_is_requested_and_cannot_be_had_is_never_an_empty_text() {
        let secrets = secrets(&["gone", "elsewhere"]);
        assert_snapshot!(secrets.get("gone").await.expect_err("not there"), @"a secret is missing: grants.charge.secrets.gone: the environment variable FETCHLOCK-IS-NOT-SET is not set; set it before the start, or name another one; the handler cannot do without it, since its manifest requests it");
        assert_snapshot!(secrets.get("elsewhere").await.expect_err("not allowed"), @r#"a secret is missing: secrets of "elsewhere" is not granted: the operator does not allow it; add `secrets.elsewhere = { file = "…" }` to [grants.charge] of fetchlock.toml"#);
        assert_eq!(secrets.missing().await.len(), 1);
    }

    #[tokio::test]
    async fn what_is_kept_of_an_invocation_can_be_rid_of_all_secrets_that_it_may_read() {
        let texts = BTreeMap::from([("here".to_owned(), Some(Secret::new("hush-hush")))]);
        let revealed = Secrets::fixed(all_granted(&["here"]), texts).revealed().await;
        assert_eq!(revealed.conceal("authorization: hush-hush"), "authorization: (hidden)");
    }
}
