//! How an engine is reached, from its table in the settings.

use crate::{
    engine::rest::{
        self, ClientCredentials, ClientProof, IdentityFiles, LoginOptions, ProxyOptions, RestOptions, SigningKey,
        TlsFiles,
    },
    secret::{Secret, SecretAtStart, SecretSource},
    setting_key::SettingKey,
    settings::{
        ClientAuth, EngineSettings, NoEngineAddress, OAuth2Settings, ProxySetting, SigningAlgorithm, TlsSettings,
    },
};

/// The options of the engine that the table of this name describes.
///
/// # Errors
/// The engine has no address.
pub(crate) fn rest_options(table: &SettingKey, settings: &EngineSettings) -> Result<RestOptions, NoEngineAddress> {
    let headers = settings.headers.iter().map(|(name, source)| (name.clone(), source.clone()));
    Ok(RestOptions {
        table: table.clone(),
        login: login(settings),
        headers: headers.collect(),
        proxy: proxy(settings),
        tls: tls(&settings.tls),
        connect_timeout: settings.connect_timeout,
        response_timeout: settings.response_timeout,
        request_timeout: settings.request_timeout,
        ..RestOptions::new(settings.address()?.clone())
    })
}

/// The one login that is given; that there is no other was checked when the settings were read.
fn login(settings: &EngineSettings) -> LoginOptions {
    let EngineSettings { username, password, bearer, oauth2, .. } = settings;
    if let Some(username) = username {
        return LoginOptions::Basic { username: username.clone(), password: or_empty(password.as_ref()) };
    }
    if let Some(token) = bearer {
        return LoginOptions::Bearer(token.clone());
    }
    client_credentials(oauth2).map_or(LoginOptions::None, LoginOptions::OAuth2)
}

fn client_credentials(settings: &OAuth2Settings) -> Option<ClientCredentials> {
    let (token_url, client_id) = (settings.token_url.clone()?, settings.client_id.clone()?);
    let proof = match (&settings.client_secret, &settings.private_key) {
        (Some(secret), _) => match settings.client_auth.unwrap_or_default() {
            ClientAuth::Basic => ClientProof::SecretInHeader(secret.clone()),
            ClientAuth::Body => ClientProof::SecretInBody(secret.clone()),
        },
        (None, Some(key)) => ClientProof::PrivateKey(SigningKey {
            key: key.clone(),
            algorithm: algorithm(settings.algorithm.unwrap_or_default()),
            key_id: settings.key_id.clone(),
            certificate: settings.certificate.clone(),
            audience: settings.assertion_audience.clone(),
        }),
        (None, None) => return None,
    };
    let named = |name: &str, value: &Option<String>| value.clone().map(|value| (name.to_owned(), value));
    let known = [named("scope", &settings.scope), named("audience", &settings.audience)].into_iter().flatten();
    let parameters = known.chain(settings.parameters.clone()).collect();
    Some(ClientCredentials { token_url, client_id, proof, parameters })
}

fn algorithm(algorithm: SigningAlgorithm) -> rest::SigningAlgorithm {
    match algorithm {
        SigningAlgorithm::RS256 => rest::SigningAlgorithm::RS256,
        SigningAlgorithm::RS384 => rest::SigningAlgorithm::RS384,
        SigningAlgorithm::RS512 => rest::SigningAlgorithm::RS512,
        SigningAlgorithm::PS256 => rest::SigningAlgorithm::PS256,
        SigningAlgorithm::PS384 => rest::SigningAlgorithm::PS384,
        SigningAlgorithm::PS512 => rest::SigningAlgorithm::PS512,
        SigningAlgorithm::ES256 => rest::SigningAlgorithm::ES256,
        SigningAlgorithm::ES384 => rest::SigningAlgorithm::ES384,
        SigningAlgorithm::EdDsa => rest::SigningAlgorithm::EdDSA,
    }
}

fn proxy(settings: &EngineSettings) -> ProxyOptions {
    match &settings.proxy {
        None => ProxyOptions::Environment,
        Some(ProxySetting::Direct) => ProxyOptions::Direct,
        Some(ProxySetting::Through(url)) => {
            let login = settings.proxy_username.clone();
            let login = login.map(|username| {
                let empty = || SecretAtStart::Text(Secret::new(""));
                (username, settings.proxy_password.clone().unwrap_or_else(empty))
            });
            ProxyOptions::Through { url: url.clone(), login }
        }
    }
}

fn tls(settings: &TlsSettings) -> TlsFiles {
    let TlsSettings { ca_file, client_certificate, client_key } = settings;
    let identity = client_certificate.clone().zip(client_key.clone());
    TlsFiles {
        authorities: ca_file.clone(),
        identity: identity.map(|(certificate, key)| IdentityFiles { certificate, key }),
    }
}

/// A user may have no password.
fn or_empty(password: Option<&SecretSource>) -> SecretSource {
    password.cloned().unwrap_or_else(|| Secret::new("").into())
}
