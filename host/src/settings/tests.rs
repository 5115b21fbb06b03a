//! The rules of loading.

mod absent;
mod engine_rules;
mod hidden;
mod messages;
mod retry;

use std::ffi::OsString;

use figment::value::Value;

use super::*;
use crate::{
    cases::RecordWhat,
    secret::{Secret, SecretCommand, SecretSource},
};

/// A directory with a settings file.
struct Fixture {
    dir: tempfile::TempDir,
    flags: Flags,
    variables: Vec<(OsString, OsString)>,
}

impl Fixture {
    fn new(file: &str) -> Self {
        let fixture =
            Self { dir: tempfile::tempdir().expect("a directory"), flags: Flags::default(), variables: vec![] };
        fs::write(fixture.file(), file).expect("a file");
        fixture
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join(DEFAULT_FILE)
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    fn flags(mut self, flags: Flags) -> Self {
        self.flags = flags;
        self
    }

    fn load(&self) -> Result<Loaded, Problems> {
        load_from(&self.flags, &self.file(), self.variables.clone())
    }

    fn settings(&self) -> Settings {
        self.load().map(|loaded| loaded.settings).expect("settings")
    }

    /// What the user reads, without the directory of the test.
    fn complaint(&self) -> String {
        let problems = self.load().map(|_| ()).expect_err("a problem").to_string();
        problems.replace(&format!("{}/", self.dir.path().display()), "")
    }
}

#[test]
fn everything_has_a_default_but_the_address() {
    let settings = Fixture::new("").settings();
    assert_eq!(settings, Settings::default());
    assert_eq!(settings.cache_dir(), Path::new(".fetchlock/cache"));
    insta::assert_snapshot!(settings.engine.address().expect_err("no address"), @"no engine address: expected the root of its REST interface, such as http://localhost:8080/engine-rest, as `engine.url` in fetchlock.toml, in FETCHLOCK_ENGINE__URL or after --engine-url; `fetchlock run` never starts without one");
}

#[test]
fn the_default_file_may_be_absent_but_a_named_one_must_exist() {
    let fixture = Fixture::new("");
    fs::remove_file(fixture.file()).expect("removed");
    assert!(fixture.load().expect("defaults").file.is_none());
    let config = Some(PathBuf::from("nowhere/settings.toml"));
    insta::assert_snapshot!(fixture.flags(Flags { config, ..Flags::default() }).complaint(), @"--config: cannot read the settings file nowhere/settings.toml: No such file or directory (os error 2)");
}

#[test]
fn variables_override_the_file_and_flags_override_both() {
    let file = "[worker]\nmax-concurrent = 2\nmax-batch = 20\npoll = \"20s\"";
    let fixture = Fixture::new(file)
        .variable("FETCHLOCK_WORKER__MAX_CONCURRENT", "3")
        .variable("FETCHLOCK_WORKER__MAX_BATCH", "30")
        .flags(Flags { max_concurrent: Some(4), ..Flags::default() });
    let WorkerSettings { max_concurrent, max_batch, poll, .. } = fixture.settings().worker;
    assert_eq!((max_concurrent.get(), max_batch.get(), poll), (4, 30, Duration::from_secs(20)));
}

#[test]
fn every_setting_can_be_written() {
    let file = r#"
        state-dir = "state"
        cache-dir = "/var/cache/fetchlock"
        [engine]
        url = "https://engine.example/engine-rest"
        username = "demo"
        password = "hush"
        headers = { X-Tenant = "a", X-Ticket = { command = ["ticket", "--new"], cache = "1m" } }
        proxy = "http://proxy.example:3128"
        proxy-username = "me"
        proxy-password = { env = "PROXY_PASSWORD" }
        connect-timeout = "1s"
        response-timeout = "5s"
        request-timeout = "PT10S"
        use-priority = true
        name = "main"
        tls = { ca-file = "ca.pem", client-certificate = "client.pem", client-key = "client.key" }
        [plugins]
        dir = "handlers"
        debounce = "10ms"
        stable = "20ms"
        rescan = "5s"
        max-size = "10 MiB"
        compile-timeout = "2m"
        [worker]
        max-concurrent = 8
        max-deliveries = 4
        poll = "10s"
        lock-duration = "30s"
        timeout = "1h 30m"
        retry = { retries = 3, initial = "10s", factor = 2, max = "1m" }
        fetch-ahead = "0s"
        max-batch = 10
        fetch-order = "oldest-first"
        id-prefix = "acme"
        backoff = { initial = "1s", factor = 3, max = "10s", overload-max = "2s", jitter = 0.25 }
        shutdown-timeout = "0s"
        [limits]
        cpu-time = "1s"
        memory = "1 GiB"
        table-elements = 1
        handles = 2
        host-calls = 3
        payload = 4096
        log-lines = 0
        log-bytes = "5 B"
        [grants.charge]
        start-process = ["invoice"]
        correlate-message = ["Paid", "Refused"]
        [log]
        level = "fetchlock=debug,warn"
        format = "json"
    "#;
    let fixture = Fixture::new(file);
    let loaded = fixture.load().expect("settings");
    assert_eq!(loaded.settings.plugins.dir, fixture.dir.path().join("handlers"));
    let shown = loaded.to_string().replace(&format!("{}/", fixture.dir.path().display()), "");
    // How wide the columns are depends on the directory's name.
    let shown = shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let shown = shown.collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(shown, @r#"
    engine.url = "https://engine.example/engine-rest" # fetchlock.toml:5
    engine.username = "demo" # fetchlock.toml:6
    engine.password = "(hidden)" # fetchlock.toml:7
    # engine.bearer is not set
    engine.headers.x-tenant = "(hidden)" # fetchlock.toml:8
    engine.headers.x-ticket.command = ["ticket","--new"] # fetchlock.toml:8
    engine.headers.x-ticket.cache = "1m" # fetchlock.toml:8
    engine.proxy = "http://proxy.example:3128/" # fetchlock.toml:9
    engine.proxy-username = "me" # fetchlock.toml:10
    engine.proxy-password.env = "PROXY_PASSWORD" # fetchlock.toml:11
    engine.connect-timeout = "1s" # fetchlock.toml:12
    engine.response-timeout = "5s" # fetchlock.toml:13
    engine.request-timeout = "10s" # fetchlock.toml:14
    engine.use-priority = true # fetchlock.toml:15
    engine.name = "main" # fetchlock.toml:16
    # engine.oauth2.token-url is not set
    # engine.oauth2.client-id is not set
    # engine.oauth2.client-secret is not set
    # engine.oauth2.client-auth is not set: `"basic"`, if there is a secret
    # engine.oauth2.private-key is not set
    # engine.oauth2.algorithm is not set: `"RS256"`, if there is a key
    # engine.oauth2.key-id is not set
    # engine.oauth2.certificate is not set
    # engine.oauth2.assertion-audience is not set: the value of `token-url`, if there is a key
    # engine.oauth2.scope is not set
    # engine.oauth2.audience is not set
    engine.oauth2.parameters = {} # default
    engine.tls.ca-file = "ca.pem" # fetchlock.toml:17
    engine.tls.client-certificate = "client.pem" # fetchlock.toml:17
    engine.tls.client-key = "client.key" # fetchlock.toml:17
    engines = {} # default
    plugins.dir = "handlers" # fetchlock.toml:19
    plugins.debounce = "10ms" # fetchlock.toml:20
    plugins.stable = "20ms" # fetchlock.toml:21
    plugins.rescan = "5s" # fetchlock.toml:22
    plugins.max-size = "10 MiB" # fetchlock.toml:23
    plugins.compile-timeout = "2m" # fetchlock.toml:24
    plugins.run-cases = true # default
    plugins.cases-timeout = "1m" # default
    state-dir = "state" # fetchlock.toml:2
    cache-dir = "/var/cache/fetchlock" # fetchlock.toml:3
    worker.max-concurrent = 8 # fetchlock.toml:26
    worker.max-deliveries = 4 # fetchlock.toml:27
    worker.poll = "10s" # fetchlock.toml:28
    worker.lock-duration = "30s" # fetchlock.toml:29
    worker.timeout = "1h 30m" # fetchlock.toml:30
    worker.retry = "PT10S,PT20S,PT40S" # fetchlock.toml:31
    worker.fetch-ahead = "0s" # fetchlock.toml:32
    worker.max-batch = 10 # fetchlock.toml:33
    worker.fetch-order = "oldest-first" # fetchlock.toml:34
    worker.id-prefix = "acme" # fetchlock.toml:35
    worker.backoff.initial = "1s" # fetchlock.toml:36
    worker.backoff.factor = 3.0 # fetchlock.toml:36
    worker.backoff.max = "10s" # fetchlock.toml:36
    worker.backoff.overload-max = "2s" # fetchlock.toml:36
    worker.backoff.jitter = 0.25 # fetchlock.toml:36
    worker.shutdown-timeout = "0s" # fetchlock.toml:37
    limits.cpu-time = "1s" # fetchlock.toml:39
    limits.memory = "1 GiB" # fetchlock.toml:40
    limits.table-elements = 1 # fetchlock.toml:41
    limits.handles = 2 # fetchlock.toml:42
    limits.host-calls = 3 # fetchlock.toml:43
    limits.payload = "4 KiB" # fetchlock.toml:44
    limits.http-requests = 100 # default
    limits.http-body = "8 MiB" # default
    limits.http-timeout = "10s" # default
    limits.log-lines = 0 # fetchlock.toml:45
    limits.log-bytes = "5 B" # fetchlock.toml:46
    # http.ca-file is not set: only the system's authorities are trusted
    http.max-concurrent = 128 # default
    grants.charge.http = [] # default
    grants.charge.secrets = {} # default
    grants.charge.start-process = ["invoice"] # fetchlock.toml:48
    grants.charge.correlate-message = ["Paid","Refused"] # fetchlock.toml:49
    # record.dir is not set: `recordings` in `state-dir`
    # record.what is not set: `"all"` if `record.dir` is set, else `"requested"`
    record.max-files = 1000 # default
    record.max-size = "4 MiB" # default
    log.level = "fetchlock=debug,warn" # fetchlock.toml:51
    log.format = "json" # fetchlock.toml:52
    "#);
}

#[test]
fn the_effective_settings_tell_their_places_and_can_be_read_again() {
    let fixture = Fixture::new("[worker]\npoll = \"20s\"")
        .variable("FETCHLOCK_ENGINE__HEADERS__X_TENANT", "a")
        .flags(Flags { engine_url: Some("http://localhost:8080/engine-rest".into()), ..Flags::default() });
    let loaded = fixture.load().expect("settings");
    let shown = loaded.to_string();
    for line in ["fetchlock.toml:2", "# FETCHLOCK_ENGINE__HEADERS__X_TENANT", "# --engine-url", "# default"] {
        assert!(shown.contains(line), "{line} is missing in\n{shown}");
    }
    let mut again = Fixture::new(&shown).settings();
    again.engine.headers = loaded.settings.engine.headers.clone();
    again.state_dir = loaded.settings.state_dir.clone();
    again.cache_dir = None;
    again.plugins.dir = loaded.settings.plugins.dir.clone();
    assert_eq!(again, loaded.settings);
}

/// The effective settings, with the path of the fixture left out.
fn shown(fixture: &Fixture) -> String {
    let dir = format!("{}/", fixture.dir.path().display());
    fixture.load().expect("settings").to_string().replace(&dir, "")
}

/// The line of a setting among the effective ones, its columns one space apart.
fn effective(fixture: &Fixture, key: &str) -> String {
    let shown = shown(fixture);
    let line = shown.lines().find(|line| line.trim_start_matches("# ").split(' ').next() == Some(key));
    line.unwrap_or_else(|| panic!("{key} is missing in\n{shown}")).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_setting_is_among_the_effective_ones_even_if_nobody_gave_it() {
    let fixture = Fixture::new("");
    for key in crate::reference::settings_keys() {
        effective(&fixture, &key.path);
    }
    assert_eq!(effective(&fixture, "engine.url"), "# engine.url is not set");
    assert_eq!(effective(&fixture, "engine.headers"), "engine.headers = {} # default");
}

#[test]
fn a_default_that_follows_another_setting_says_so() {
    let fixture = Fixture::new("state-dir = \"state\"");
    assert_eq!(effective(&fixture, "cache-dir"), "cache-dir = \"state/cache\" # default, in state-dir");
}

#[test]
fn a_value_in_parts_tells_the_places_of_all() {
    let file = "[worker.retry]\nretries = 2\ninitial = \"1s\"\nfactor = 1\nmax = \"1m\"";
    let fixture = Fixture::new(file).variable("FETCHLOCK_WORKER__RETRY__FACTOR", "2");
    let expected = "worker.retry = \"PT1S,PT2S\" # fetchlock.toml:2, FETCHLOCK_WORKER__RETRY__FACTOR";
    assert_eq!(effective(&fixture, "worker.retry"), expected);
}

#[cfg(unix)]
#[test]
fn a_path_that_is_no_utf_8_is_shown_nevertheless() {
    use std::os::unix::ffi::OsStringExt;

    let dir = tempfile::tempdir().expect("a directory");
    let odd = dir.path().join(OsString::from_vec(b"odd-\xff".to_vec()));
    fs::create_dir(&odd).expect("a directory of that name");
    fs::write(odd.join(DEFAULT_FILE), "state-dir = \"state\"\ncache-dir = \"cache\"").expect("a file");
    let loaded = load_from(&Flags::default(), &odd.join(DEFAULT_FILE), []).expect("settings");
    assert!(loaded.to_string().contains("odd-\u{fffd}/state"), "{loaded}");
}

#[test]
fn paths_are_relative_to_where_they_are_written() {
    let fixture = Fixture::new("state-dir = \"state\"\ncache-dir = \"/cache\"\n[plugins]\ndir = \"a\"");
    assert_eq!(fixture.settings().state_dir, fixture.dir.path().join("state"));
    assert_eq!(fixture.settings().cache_dir(), Path::new("/cache"));
    let fixture = fixture.variable("FETCHLOCK_STATE_DIR", "b").variable("FETCHLOCK_PLUGINS__DIR", "c");
    assert_eq!((fixture.settings().state_dir, fixture.settings().plugins.dir), ("b".into(), "c".into()));
    let flags = Flags { plugins: Some("d".into()), state_dir: Some("e".into()), ..Flags::default() };
    let fixture = fixture.flags(flags);
    assert_eq!((fixture.settings().state_dir, fixture.settings().plugins.dir), ("e".into(), "d".into()));
}

#[test]
fn a_variable_loses_nothing_of_a_text() {
    let fixture = Fixture::new("").variable("FETCHLOCK_STATE_DIR", "2026").variable("FETCHLOCK_PLUGINS__DIR", "true");
    assert_eq!((fixture.settings().state_dir, fixture.settings().plugins.dir), ("2026".into(), "true".into()));
    for password in ["007", "12345", "true", "1e5", "1.50", "[a]", "\"quoted\"", " spaced ", ""] {
        let fixture = Fixture::new("")
            .variable("FETCHLOCK_ENGINE__USERNAME", "demo")
            .variable("FETCHLOCK_ENGINE__PASSWORD", password);
        assert_eq!(fixture.settings().engine.password, Some(Secret::new(password).into()));
    }
}

#[test]
fn a_variable_is_a_number_or_a_truth_value_where_one_is_expected() {
    let fixture = Fixture::new("[worker]\nretry = { retries = 3, initial = \"1s\", factor = 1, max = \"1m\" }")
        .variable("FETCHLOCK_ENGINE__USE_PRIORITY", "true")
        .variable("FETCHLOCK_LIMITS__HANDLES", "7")
        .variable("FETCHLOCK_WORKER__RETRY__FACTOR", "1.5");
    let settings = fixture.settings();
    assert!(settings.engine.use_priority);
    assert_eq!((settings.limits.handles, settings.worker.retry.to_string().as_str()), (7, "PT1S,PT1.5S,PT2.25S"));
    // A flag over it stays over it.
    let fixture = Fixture::new("")
        .variable("FETCHLOCK_WORKER__MAX_CONCURRENT", "many")
        .flags(Flags { max_concurrent: Some(3), ..Flags::default() });
    assert_eq!(fixture.settings().worker.max_concurrent.get(), 3);
}

#[test]
fn grants_can_be_given_in_a_file_and_in_variables() {
    let fixture =
        Fixture::new("[grants.charge-card]\nstart-process = [\"a\"]\n[grants.\"a.b\"]\nstart-process = \"*\"")
            .variable("FETCHLOCK_GRANTS__CHARGE_CARD__CORRELATE_MESSAGE", "Paid, Refused");
    let grants = fixture.settings().grants;
    assert_eq!(grants["charge-card"].start_process, ["a"].into_iter().collect());
    assert_eq!(grants["charge-card"].correlate_message, ["Paid", "Refused"].into_iter().collect());
    assert!(grants["a.b"].start_process.cover("anything"));
}

#[test]
fn a_grant_for_what_cannot_be_a_plugins_name_is_told() {
    let fixture = Fixture::new("[grants.\"charge.wasm\"]\nstart-process = []\n[grants.a]\nstart-proces = []");
    insta::assert_snapshot!(fixture.complaint(), @r#"
    fetchlock.toml:1: `grants."charge.wasm"`: "charge.wasm" is no plugin: expected the name of its file without `.wasm`
    fetchlock.toml:4: unknown key `grants.a.start-proces`: did you mean `start-process`?
    "#);
    let fixture = Fixture::new("[grants.\"charge.wasm\"]\nstart-process = []");
    insta::assert_snapshot!(fixture.complaint(), @r#"fetchlock.toml:1: `grants."charge.wasm"`: "charge.wasm" is no plugin: expected the name of its file without `.wasm`"#);
}

#[test]
fn secrets_are_shown_nowhere() {
    let file = "[engine]\nusername = \"demo\"\npassword = \"hush\"\nheaders = { x-ticket = \"hush\" }";
    let loaded = Fixture::new(file).load().expect("settings");
    let shown = format!("{:?} {loaded}", loaded.settings);
    assert!(!shown.contains("hush"), "{shown}");
}

#[test]
fn flags_are_settings() {
    let flags = Flags {
        config: None,
        engine_url: Some("http://a/".into()),
        plugins: Some("b".into()),
        state_dir: Some("c".into()),
        max_concurrent: Some(1),
        record: Some("d".into()),
        log_level: Some("debug".into()),
        log_format: Some(LogFormat::Json),
    };
    let given: Vec<_> = flags.given().map(|(_, path, value)| (path.join("."), value)).collect();
    assert_eq!(given.len(), 7);
    assert!(given.contains(&("log.format".into(), Value::from("json"))));
    let settings = Fixture::new("").flags(flags).settings();
    assert_eq!(settings.record.options(&settings.state_dir).what, RecordWhat::All, "where it is said, all is meant");
    assert_eq!(settings.log, LogSettings { level: "debug".parse().expect("a level"), format: LogFormat::Json });
}

#[test]
fn a_secret_may_come_from_elsewhere_and_its_place_is_shown() {
    let file = r#"
        [engine]
        bearer = { file = "token" }
        headers = { x-ticket = { env = "TICKET" } }
    "#;
    let fixture = Fixture::new(file);
    let path = fixture.dir.path().join("token");
    assert_eq!(fixture.settings().engine.bearer, Some(SecretSource::File(path)), "relative to the settings");
    assert_eq!(effective(&fixture, "engine.bearer.file"), "engine.bearer.file = \"token\" # fetchlock.toml:3");
    assert_eq!(
        effective(&fixture, "engine.headers.x-ticket.env"),
        "engine.headers.x-ticket.env = \"TICKET\" # fetchlock.toml:4"
    );
    let fixture = Fixture::new("").variable("FETCHLOCK_ENGINE__BEARER__FILE", "token");
    assert_eq!(fixture.settings().engine.bearer, Some(SecretSource::File("token".into())));
    let command = Fixture::new("engine.bearer.command = [\"a\", \"b\"]").settings().engine.bearer;
    let (program, arguments, cache) = ("a".into(), vec!["b".into()], Duration::from_secs(300));
    assert_eq!(command, Some(SecretSource::Command(SecretCommand { program, arguments, cache })));
}

#[test]
fn every_setting_of_oauth2_can_be_written() {
    let file = r#"
        [engine.oauth2]
        token-url = "https://login.example/token?policy=x"
        client-id = "fetchlock"
        private-key = { file = "key.pem" }
        algorithm = "PS256"
        key-id = "key-1"
        certificate = "certificate.pem"
        assertion-audience = "https://login.example"
        scope = "api://engine/.default"
        audience = "https://engine.example"
        parameters = { resource = "engine" }
    "#;
    let fixture = Fixture::new(file);
    let shown =
        fixture.load().expect("settings").to_string().replace(&format!("{}/", fixture.dir.path().display()), "");
    let shown = shown.lines().filter(|line| line.starts_with("engine.oauth2"));
    let shown = shown.filter_map(|line| Some(line.split_once('#')?.0.trim_end().to_owned())).collect::<Vec<_>>();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    engine.oauth2.token-url = "https://login.example/token?policy=x"
    engine.oauth2.client-id = "fetchlock"
    engine.oauth2.private-key.file = "key.pem"
    engine.oauth2.algorithm = "PS256"
    engine.oauth2.key-id = "key-1"
    engine.oauth2.certificate = "certificate.pem"
    engine.oauth2.assertion-audience = "https://login.example"
    engine.oauth2.scope = "api://engine/.default"
    engine.oauth2.audience = "https://engine.example"
    engine.oauth2.parameters.resource = "engine"
    "#);
    let direct = Fixture::new("engine.proxy = \"none\"").settings().engine.proxy;
    assert_eq!(direct, Some(ProxySetting::Direct));
}

#[test]
fn further_engines_have_the_keys_of_the_first_and_the_names_of_their_tables() {
    let file = "[engine]\nurl = \"http://a/engine-rest\"\n[engines.orders]\nurl = \"http://b/engine-rest\"\nuse-priority = true\n[engines.orders.tls]\nca-file = \"ca.pem\"";
    let fixture = Fixture::new(file).variable("FETCHLOCK_ENGINES__ORDERS__BEARER", "hush");
    let settings = fixture.settings();
    let names: Vec<_> =
        settings.engines().map(|engine| (engine.table.to_string(), engine.settings.name.to_string())).collect();
    assert_eq!(names, [("engine".into(), "default".into()), ("engines.orders".into(), "orders".into())]);
    let orders = settings.engine_named(Some(&EngineName::new("orders"))).expect("an engine").settings;
    assert!(orders.use_priority && orders.bearer.is_some() && orders.tls.ca_file.is_some());
    let unknown = settings.engine_named(Some(&EngineName::new("order"))).expect_err("no such engine");
    insta::assert_snapshot!(unknown, @r#"no engine "order" is in the settings: expected "default" or "orders""#);
    let shown = shown(&fixture);
    let shown: Vec<_> =
        shown.lines().filter(|line| line.starts_with("engines.") && !line.ends_with("# default")).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    engines.orders.url = "http://b/engine-rest"      # fetchlock.toml:4
    engines.orders.bearer = "(hidden)"               # FETCHLOCK_ENGINES__ORDERS__BEARER
    engines.orders.use-priority = true               # fetchlock.toml:5
    engines.orders.tls.ca-file = "ca.pem" # fetchlock.toml:7
    "#);
    assert!(!shown.iter().any(|line| line.starts_with("engines.orders.name")));
}

#[test]
fn a_further_engine_is_checked_as_the_first_is_and_beside_it() {
    let told = |file: &str| Fixture::new(file).complaint();
    insta::assert_snapshot!(told("[engines.orders]\nuse-priority = true"), @"fetchlock.toml:1: `engines.orders`: it has no `url`: add it");
    insta::assert_snapshot!(told("[engines.orders]\nurl = \"http://b\"\nname = \"other\""), @"fetchlock.toml:3: `engines.orders.name`: the name of its table is the engine's: leave this out");
    insta::assert_snapshot!(told("[engine]\nname = \"orders\"\n[engines.orders]\nurl = \"http://b\""), @"fetchlock.toml:3: `engines.orders`: this is the name of `[engine]` too (`engine.name`), and logs, manifests and the journal tell engines by their names: rename one of them");
    insta::assert_snapshot!(told("[engines.orders]\nurl = \"http://b\"\npassword = \"hush\""), @"fetchlock.toml:3: `engines.orders.password`: there is no `username` to go with it: add that or leave this out");
    insta::assert_snapshot!(told("[engines.\" \"]\nurl = \"http://b\""), @r#"fetchlock.toml:1: `engines." "`: expected a name of 1 to 255 characters without control characters"#);
    insta::assert_snapshot!(told("[engines.orders]\nurll = \"http://b\""), @"fetchlock.toml:2: unknown key `engines.orders.urll`: did you mean `url`?");
    insta::assert_snapshot!(told("[engines]\nurl = \"http://b\""), @"fetchlock.toml:2: `engines.url` is a text: expected a table");
}
