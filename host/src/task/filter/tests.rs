//! Filters that exclude each other never want the same task, shown with every task that could tell them apart.

use super::*;

/// What a filter can see of a task; of variables there are any, and so they decide nothing here.
#[derive(Debug, Clone)]
struct Seen {
    business_key: Option<&'static str>,
    definition_id: &'static str,
    definition_key: &'static str,
    version_tag: Option<&'static str>,
    tenant: Option<&'static str>,
}

const NAMES: [&str; 4] = ["a", "A", "b", "c"];

fn maybe<T: Clone>(values: impl IntoIterator<Item = T>) -> Vec<Option<T>> {
    std::iter::once(None).chain(values.into_iter().map(Some)).collect()
}

/// Every task that differs in what filters look at, as far as `NAMES` go.
fn tasks() -> Vec<Seen> {
    let mut tasks = Vec::new();
    for business_key in maybe(NAMES) {
        for definition in NAMES {
            for version_tag in maybe(["v1", "v2", "V1", "vx", "v%"]) {
                for tenant in maybe(NAMES) {
                    tasks.push(Seen {
                        business_key,
                        definition_id: definition,
                        definition_key: definition,
                        version_tag,
                        tenant,
                    });
                }
            }
        }
    }
    tasks
}

/// What the engine does, on a database that compares capitals as it likes.
fn wants(filter: &Filter, task: &Seen, ignore_case: bool) -> bool {
    let equal = |wanted: &str, found: &str| wanted == found || ignore_case && wanted.eq_ignore_ascii_case(found);
    let is = |wanted: &Option<String>, found: Option<&str>| {
        wanted.as_ref().is_none_or(|wanted| found.is_some_and(|found| equal(wanted, found)))
    };
    let is_in = |wanted: &[String], found: Option<&str>| {
        wanted.is_empty() || found.is_some_and(|found| wanted.iter().any(|wanted| equal(wanted, found)))
    };
    let is_like = |wanted: &Option<String>, found: Option<&str>| {
        wanted
            .as_ref()
            .is_none_or(|pattern| found.is_some_and(|found| like(pattern.as_bytes(), found.as_bytes(), &equal)))
    };
    is(&filter.business_key, task.business_key)
        && is(&filter.process_definition_id, Some(task.definition_id))
        && is_in(&filter.process_definition_id_in, Some(task.definition_id))
        && is(&filter.process_definition_key, Some(task.definition_key))
        && is_in(&filter.process_definition_key_in, Some(task.definition_key))
        && is_like(&filter.process_definition_version_tag, task.version_tag)
        && is_in(&filter.tenant_id_in, task.tenant)
        && !(filter.without_tenant_id && task.tenant.is_some())
}

fn like(pattern: &[u8], text: &[u8], equal: &impl Fn(&str, &str) -> bool) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        ([b'%', rest @ ..], text) => (0..=text.len()).any(|start| like(rest, &text[start..], equal)),
        ([b'_', rest @ ..], [_, text @ ..]) => like(rest, text, equal),
        ([one, rest @ ..], [other, text @ ..]) => {
            equal(&(*one as char).to_string(), &(*other as char).to_string()) && like(rest, text, equal)
        }
        (_, []) => false,
    }
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

/// Filters of every kind, alone and a few together.
fn filters() -> Vec<Filter> {
    let none = Filter::default;
    let mut filters = vec![none(), Filter { without_tenant_id: true, ..none() }];
    for name in NAMES {
        let name = || Some(name.to_owned());
        filters.push(Filter { business_key: name(), ..none() });
        filters.push(Filter { process_definition_id: name(), ..none() });
        filters.push(Filter { process_definition_key: name(), ..none() });
        let variables = BTreeMap::from([("n".to_owned(), Plain::Text(name().unwrap_or_default()))]);
        filters.push(Filter { process_variables: variables, ..none() });
        filters.push(Filter { business_key: name(), without_tenant_id: true, ..none() });
    }
    for list in [texts(["a", "b"]), texts(["b", "c"]), texts(["c"])] {
        filters.push(Filter { process_definition_id_in: list.clone(), ..none() });
        filters.push(Filter { process_definition_key_in: list.clone(), ..none() });
        filters.push(Filter { tenant_id_in: list.clone(), ..none() });
        let one = list.first().cloned();
        filters.push(Filter { process_definition_key: one.clone(), process_definition_key_in: list, ..none() });
    }
    for tag in ["v1", "v2", "V1", "v_", "v%", "%", "v[12]", "v\\1"] {
        filters.push(Filter { process_definition_version_tag: Some(tag.to_owned()), ..none() });
    }
    filters
}

#[test]
fn filters_that_exclude_each_other_never_want_the_same_task() {
    let (filters, tasks) = (filters(), tasks());
    for one in &filters {
        for other in &filters {
            assert_eq!(one.excludes(other), other.excludes(one), "{one:?} and {other:?}");
            if one.excludes(other) {
                for (task, ignore_case) in tasks.iter().flat_map(|task| [(task, false), (task, true)]) {
                    let both = wants(one, task, ignore_case) && wants(other, task, ignore_case);
                    assert!(!both, "{one:?} and {other:?} both want {task:?}");
                }
            }
        }
    }
}

#[test]
fn no_filter_excludes_itself_or_the_one_that_takes_all() {
    for filter in filters() {
        assert!(!filter.excludes(&filter), "{filter:?}");
        assert!(!filter.excludes(&Filter::default()), "{filter:?}");
    }
}

/// Whether these two parts of a filter exclude each other.
fn apart(one: impl FnOnce(&mut Filter), other: impl FnOnce(&mut Filter)) -> bool {
    let (mut mine, mut theirs) = (Filter::default(), Filter::default());
    one(&mut mine);
    other(&mut theirs);
    mine.excludes(&theirs)
}

#[test]
fn business_keys_exclude_each_other_if_every_database_tells_them_apart() {
    let keys = |one: &str, other: &str| {
        apart(|it| it.business_key = Some(one.to_owned()), |it| it.business_key = Some(other.to_owned()))
    };
    assert!(keys("a", "b"));
    assert!(!keys("a", "a") && !keys("a", "A") && !keys("a", "a  "));
}

#[test]
fn definitions_exclude_each_other_if_their_sets_are_disjoint() {
    let keys = |one: &[&str], other: &[&str]| {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        apart(|it| it.process_definition_key_in = list(one), |it| it.process_definition_key_in = list(other))
    };
    assert!(keys(&["a", "b"], &["c"]));
    assert!(!keys(&["a", "b"], &["b", "c"]));
    let (id, key) = (Some("a:1:x".to_owned()), Some("b".to_owned()));
    assert!(apart(|it| it.process_definition_key = key.clone(), |it| it.process_definition_key_in = texts(["a"])));
    assert!(apart(|it| it.process_definition_id = id.clone(), |it| it.process_definition_id_in = texts(["a:2:y"])));
    // The id looks as if it were of another key, but that is a custom and no promise.
    assert!(!apart(|it| it.process_definition_id = id, |it| it.process_definition_key = key));
}

#[test]
fn tenants_exclude_each_other_and_having_none() {
    assert!(apart(|it| it.tenant_id_in = texts(["a"]), |it| it.tenant_id_in = texts(["b"])));
    assert!(!apart(|it| it.tenant_id_in = texts(["a", "b"]), |it| it.tenant_id_in = texts(["b"])));
    assert!(apart(|it| it.tenant_id_in = texts(["a"]), |it| it.without_tenant_id = true));
    assert!(!apart(|it| it.without_tenant_id = true, |it| it.without_tenant_id = true));
}

#[test]
fn version_tags_exclude_each_other_unless_one_of_them_may_be_a_pattern() {
    let tags = |one: &str, other: &str| {
        let tag = |text: &str| Some(text.to_owned());
        apart(|it| it.process_definition_version_tag = tag(one), |it| it.process_definition_version_tag = tag(other))
    };
    assert!(tags("1.0", "2.0"));
    for pattern in ["1%", "_.0", "[12].0", "1\\.0"] {
        assert!(!tags(pattern, "2.0") && !tags("2.0", pattern), "{pattern}");
    }
}

#[test]
fn a_process_variable_proves_nothing() {
    let variable = |value: &str| BTreeMap::from([("region".to_owned(), Plain::Text(value.to_owned()))]);
    assert!(!apart(|it| it.process_variables = variable("eu"), |it| it.process_variables = variable("us")));
}
