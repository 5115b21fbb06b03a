//! Which files beside a plugin are its cases: `NAME.case.toml` and `NAME.ANYTHING.case.toml`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::scan::is_plugin;

/// How the names of case files end.
pub const CASE_ENDING: &str = ".case.toml";

/// How the names of files end that are meant as cases, in formats that cases do not have.
const OTHER_ENDINGS: [&str; 3] = [".case.yaml", ".case.yml", ".case.json"];

/// The case files of a directory, sorted, each with the plugin that it belongs to; none if there is no such plugin. Files
/// beside their plugin that are meant as cases are among them, so that they fail and are not passed over.
///
/// # Errors
/// When the directory cannot be listed.
pub fn case_files(dir: &Path) -> io::Result<Vec<(PathBuf, Option<String>)>> {
    let (mut plugins, mut files) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
        if is_plugin(&path) {
            plugins.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
        } else if is_meant_as_case(&name) {
            files.push((path, name));
        }
    }
    files.sort();
    // The manifest of a plugin that is called `a.case` looks like a case of `a`.
    files.retain(|(_, name)| name.strip_suffix(".toml").is_none_or(|stem| !plugins.iter().any(|it| it == stem)));
    let mut owned = Vec::new();
    for (path, name) in files {
        let owner = owner(&name, &plugins).map(str::to_owned);
        // Without a plugin a file of another format may be anything.
        if owner.is_some() || is_case(&name) {
            owned.push((path, owner));
        }
    }
    Ok(owned)
}

/// The case files of one plugin.
///
/// # Errors
/// When the directory cannot be listed.
pub fn cases_of(component: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(plugin) = component.file_stem().and_then(|stem| stem.to_str()) else { return Ok(Vec::new()) };
    let all = case_files(parent(component))?;
    Ok(all.into_iter().filter(|(_, owner)| owner.as_deref() == Some(plugin)).map(|(path, _)| path).collect())
}

/// The directory of a file, which may be the working one.
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether a file has the name of a case, and not one that editors and copying tools use while they write.
pub fn is_case(name: &str) -> bool {
    name.ends_with(CASE_ENDING) && is_meant_as_case(name)
}

/// Whether a file is meant as a case and cannot be one.
pub(super) fn is_of_another_format(name: &str) -> bool {
    is_meant_as_case(name) && !is_case(name)
}

fn is_meant_as_case(name: &str) -> bool {
    stem(name).is_some_and(|stem| !stem.is_empty()) && !name.starts_with(['.', '~', '#'])
}

/// The name of what is meant as a case without its ending.
fn stem(name: &str) -> Option<&str> {
    [CASE_ENDING].iter().chain(&OTHER_ENDINGS).find_map(|ending| name.strip_suffix(ending))
}

/// The plugin that a case belongs to: of `a` and `a.b` the longer.
fn owner<'a>(case: &str, plugins: &'a [String]) -> Option<&'a str> {
    let stem = stem(case)?;
    let is_owner = |plugin: &&String| {
        stem.strip_prefix(plugin.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    plugins.iter().filter(is_owner).max_by_key(|plugin| plugin.len()).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_belongs_to_the_plugin_with_the_longest_name_that_it_begins_with() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in [
            "a.wasm",
            "a.b.wasm",
            "x.case.wasm",
            "a.toml",
            "a.case.toml",
            "a.one.case.toml",
            "a.two.case.yaml",
            "ab.case.yml",
            "a.case.yaml~",
            "a.b.case.toml",
            "a.b.two.case.toml",
            "ab.case.toml",
            "x.case.toml",
            ".a.case.toml",
            "a.case.toml~",
            ".case.toml",
        ] {
            fs::write(dir.path().join(name), b"x").expect("written");
        }
        let found = case_files(dir.path()).expect("listed");
        let told: Vec<String> = found
            .iter()
            .map(|(path, owner)| {
                format!(
                    "{} of {}",
                    path.file_name().expect("a name").to_string_lossy(),
                    owner.as_deref().unwrap_or("nobody")
                )
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        a.b.case.toml of a.b
        a.b.two.case.toml of a.b
        a.case.toml of a
        a.one.case.toml of a
        a.two.case.yaml of a
        ab.case.toml of nobody
        ");
        assert_eq!(cases_of(&dir.path().join("a.wasm")).expect("listed").len(), 3);
    }
}
