//! A page of the reference as Markdown that reads well in a terminal too: a section for each key.

use super::keys::{Choice, Key, Table, unwrapped};

/// A page: its head, then a chapter for each table. `further` gives the lines about a key that only this page has.
pub(super) fn write(head: &str, tables: &[Table], further: impl Fn(&Key) -> Vec<String>) -> String {
    let mut page = head.to_owned();
    for Table { path, doc, keys } in tables {
        let chapter = match path.as_str() {
            "" => "## Outside of all tables".to_owned(),
            path => format!("## `[{path}]`\n\n{doc}"),
        };
        page.push_str(&format!("\n{chapter}\n"));
        keys.iter().for_each(|key| section(&mut page, key, &further(key)));
    }
    page
}

fn section(page: &mut String, key: &Key, further: &[String]) {
    let Key { path, doc, choices, default, parts, .. } = key;
    let choices = choices.iter().map(|Choice { value, doc }| format!("  - `{value}`: {}", unwrapped(doc)));
    let parts = parts.iter().map(|part| {
        let expected = part.expected.as_deref().unwrap_or_default();
        format!("  - `{}`: {expected}. {}", part.path, unwrapped(&part.doc))
    });
    let value = format!("- Value: {}", key.expected.as_deref().unwrap_or("one of these"));
    let default = default.iter().map(|default| format!("- Default: {default}"));
    let lines = [value].into_iter().chain(choices).chain(parts).chain(default).chain(further.iter().cloned());
    let lines = lines.collect::<Vec<_>>().join("\n");
    page.push_str(&format!("\n### `{path}`\n\n{doc}\n\n{lines}\n"));
}
