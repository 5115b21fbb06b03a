//! The rules between the settings of one engine.

use std::collections::BTreeMap;

use super::{EngineSettings, ProxySetting};
use crate::{
    header,
    secret::SecretSource,
    settings::strict::{Layers, Problems},
};

/// The header that every login sets, in lower case as headers are kept.
const AUTHORIZATION: &str = "authorization";

impl EngineSettings {
    /// What does not fit together, each with the place of its key. `table` is where these settings stand.
    pub(in crate::settings) fn misfits(&self, table: &[&str], layers: &Layers) -> Problems {
        let keys: Vec<_> = [self.logins(), self.lonely_parts(), self.oauth2_parts()].into_iter().flatten().collect();
        let problems = keys.into_iter().fold(Problems::default(), |problems, Misfit { key, why }| {
            let path: Vec<&str> = table.iter().copied().chain(key.iter().copied()).collect();
            problems.and(layers.misfit(&path, why))
        });
        let within = |key: &[&str]| table.iter().chain(key).map(|part| (*part).to_owned()).collect::<Vec<_>>();
        let problems = self
            .unsendable()
            .into_iter()
            .fold(problems, |problems, (key, why)| problems.and(layers.misuse(&within(&key), why)));
        problems.and(twins(&within(&["headers"]), layers))
    }

    /// What no header of a request can be, as far as it is written in the settings themselves.
    fn unsendable(&self) -> Vec<(Vec<&str>, &'static str)> {
        let is_unfit =
            |source: &SecretSource| matches!(source, SecretSource::Text(text) if !header::carries(text.reveal()));
        let headers = self.headers.iter().filter_map(|(name, source)| {
            let why =
                if header::is_own(name) { Some(header::IS_OWN) } else { is_unfit(source).then_some(header::IS_UNFIT) };
            Some((vec!["headers", name], why?))
        });
        let bearer = self.bearer.as_ref().filter(|token| is_unfit(token));
        headers.chain(bearer.map(|_| (vec!["bearer"], header::IS_UNFIT))).collect()
    }

    /// Two logins contradict each other: the second and any further one is told, with the first.
    fn logins(&self) -> Vec<Misfit> {
        let all: [(&'static [&'static str], bool); 4] = [
            (&["username"], self.username.is_some()),
            (&["bearer"], self.bearer.is_some()),
            (&["oauth2"], self.oauth2.is_given()),
            (&["headers", AUTHORIZATION], self.headers.contains_key(AUTHORIZATION)),
        ];
        let mut given = all.into_iter().filter_map(|(key, given)| given.then_some(key));
        let Some(first) = given.next() else { return Vec::new() };
        let why =
            |_| format!("there is `{}` too, and a request carries one login: leave one of them out", first.join("."));
        given.map(|key| Misfit { key, why: why(key) }).collect()
    }

    /// Keys that mean nothing without another one.
    fn lonely_parts(&self) -> Vec<Misfit> {
        let without = |key: &'static [&'static str], given: bool, other: &str, other_given: bool| {
            let why = format!("there is no `{other}` to go with it: add that or leave this out");
            (given && !other_given).then_some(Misfit { key, why })
        };
        let through = matches!(self.proxy, Some(ProxySetting::Through(_)));
        let (certificate, key) = (self.tls.client_certificate.is_some(), self.tls.client_key.is_some());
        let told = [
            without(&["password"], self.password.is_some(), "username", self.username.is_some()),
            without(&["proxy-username"], self.proxy_username.is_some(), "proxy", through),
            without(
                &["proxy-password"],
                self.proxy_password.is_some(),
                "proxy-username",
                self.proxy_username.is_some(),
            ),
            without(&["tls", "client-certificate"], certificate, "client-key", key),
            without(&["tls", "client-key"], key, "client-certificate", certificate),
        ];
        told.into_iter().flatten().collect()
    }

    fn oauth2_parts(&self) -> Vec<Misfit> {
        let oauth2 = &self.oauth2;
        if !oauth2.is_given() {
            return Vec::new();
        }
        let (has_secret, has_key) = (oauth2.client_secret.is_some(), oauth2.private_key.is_some());
        let proof = match (has_secret, has_key) {
            (true, true) => Some("has both `client-secret` and `private-key`: leave one of them out"),
            (false, false) => Some("has neither `client-secret` nor `private-key`: add one of them"),
            _ => None,
        };
        let told = [
            oauth2.token_url.is_none().then_some("has no `token-url`: add it"),
            oauth2.client_id.is_none().then_some("has no `client-id`: add it"),
            proof,
        ];
        let told = told.into_iter().flatten().map(|why| Misfit { key: &["oauth2"], why: why.into() });
        let of_key: [(&'static [&'static str], bool); 4] = [
            (&["oauth2", "algorithm"], oauth2.algorithm.is_some()),
            (&["oauth2", "key-id"], oauth2.key_id.is_some()),
            (&["oauth2", "certificate"], oauth2.certificate.is_some()),
            (&["oauth2", "assertion-audience"], oauth2.assertion_audience.is_some()),
        ];
        let of_key = of_key.into_iter().filter(|(_, given)| *given && !has_key);
        let lonely = of_key.map(|(key, _)| Misfit { key, why: "it is for a `private-key` only".into() });
        let of_secret = (oauth2.client_auth.is_some() && !has_secret)
            .then(|| Misfit { key: &["oauth2", "client-auth"], why: "it is for a `client-secret` only".into() });
        told.chain(lonely).chain(of_secret).collect()
    }
}

/// Headers that stand in the file twice, with letters of another case. (A variable over the file is no second one.)
fn twins(headers: &[String], layers: &Layers) -> Problems {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    layers.keys_in_file(headers).into_iter().fold(Problems::default(), |problems, key| {
        match seen.insert(key.to_ascii_lowercase(), key.clone()) {
            None => problems,
            Some(first) => {
                let why = format!("`{first}` is there too and is the same header: leave one of them out");
                problems.and(layers.misuse(&[headers, &[key]].concat(), why))
            }
        }
    })
}

/// A key, within the engine's table, that does not fit the others.
struct Misfit {
    key: &'static [&'static str],
    why: String,
}
