//! The filter: which tasks of a topic are wanted, and whether two filters can ever want the same one.

use std::collections::BTreeMap;

/// Which tasks of a topic are wanted: those to which all of these apply. The default is all of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Only instances with this business key.
    pub business_key: Option<String>,
    /// Only the process definition with this id, which is one version of a process.
    pub process_definition_id: Option<String>,
    /// Only process definitions with one of these ids.
    pub process_definition_id_in: Vec<String>,
    /// Only the process with this key, in all its versions.
    pub process_definition_key: Option<String>,
    /// Only processes with one of these keys.
    pub process_definition_key_in: Vec<String>,
    /// Only process definitions whose version tag is like this one, as SQL's LIKE has it.
    pub process_definition_version_tag: Option<String>,
    /// Only instances that have **one** of these variables with its value: the engine takes several as alternatives.
    pub process_variables: BTreeMap<String, Plain>,
    /// Only these tenants.
    pub tenant_id_in: Vec<String>,
    /// Only tasks without a tenant.
    pub without_tenant_id: bool,
}

/// A value by which the engine finds instances: it infers the type.
#[derive(Debug, Clone, PartialEq)]
pub enum Plain {
    /// No value: a variable of any type that is null.
    Null,
    /// A text.
    Text(String),
    /// A truth value.
    Truth(bool),
    /// A whole number: an Integer if it has at most 32 bits, else a Long.
    Whole(i64),
    /// A number with a fraction, which is finite: a Double.
    Fraction(f64),
}

impl Filter {
    /// Whether it is certain that no task is wanted by both filters, whatever tasks there are. Decided from the filters
    /// alone; where that is not certain the answer is no.
    ///
    /// A process variable proves nothing: an instance has many, and may have both. Neither does a definition's id
    /// against another's key, for an id need not begin with its key.
    pub fn excludes(&self, other: &Self) -> bool {
        self.tenants_exclude(other)
            || both(&self.business_key, &other.business_key, |mine, theirs| !alike(mine, theirs))
            || disjoint(self.definition_ids(), other.definition_ids())
            || disjoint(self.definition_keys(), other.definition_keys())
            || both(&self.process_definition_version_tag, &other.process_definition_version_tag, |mine, theirs| {
                is_literal(mine) && is_literal(theirs) && !alike(mine, theirs)
            })
    }

    fn tenants_exclude(&self, other: &Self) -> bool {
        let some_without = |one: &Self, another: &Self| one.without_tenant_id && !another.tenant_id_in.is_empty();
        some_without(self, other)
            || some_without(other, self)
            || disjoint(listed(&self.tenant_id_in), listed(&other.tenant_id_in))
    }

    fn definition_ids(&self) -> Option<Vec<&str>> {
        chosen(self.process_definition_id.as_ref(), &self.process_definition_id_in)
    }

    fn definition_keys(&self) -> Option<Vec<&str>> {
        chosen(self.process_definition_key.as_ref(), &self.process_definition_key_in)
    }
}

/// What is left to choose from; `None` if that is everything. Of one and a list both must hold, so the one is enough.
fn chosen<'a>(one: Option<&'a String>, list: &'a [String]) -> Option<Vec<&'a str>> {
    one.map_or_else(|| listed(list), |one| Some(vec![one]))
}

fn listed(list: &[String]) -> Option<Vec<&str>> {
    Some(list.iter().map(String::as_str).collect()).filter(|list: &Vec<&str>| !list.is_empty())
}

fn disjoint(mine: Option<Vec<&str>>, theirs: Option<Vec<&str>>) -> bool {
    both(&mine, &theirs, |mine, theirs| !mine.iter().any(|one| theirs.iter().any(|other| alike(one, other))))
}

fn both<T>(mine: &Option<T>, theirs: &Option<T>, differ: impl FnOnce(&T, &T) -> bool) -> bool {
    mine.as_ref().zip(theirs.as_ref()).is_some_and(|(mine, theirs)| differ(mine, theirs))
}

/// Whether a database may take two texts for equal: some compare without regard to capitals or to spaces at the end.
fn alike(mine: &str, theirs: &str) -> bool {
    let folded = |text: &str| -> String { text.trim_end().to_lowercase() };
    mine == theirs || folded(mine) == folded(theirs)
}

/// Whether LIKE takes a text as it is. `%` and `_` are patterns everywhere, brackets in one database, and the backslash
/// escapes in some.
fn is_literal(tag: &str) -> bool {
    !tag.contains(['%', '_', '[', '\\'])
}

#[cfg(test)]
mod tests;
