//! Which files beside a plugin are its cases: `NAME.case.toml` and `NAME.ANYTHING.case.toml`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::scan::is_plugin;

/// How the names of case files end.
pub const CASE_ENDING: &str = ".case.toml";

/// The case files of a directory, sorted, each with the plugin that it belongs to; none if there is no such plugin.
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
        } else if is_case(&name) {
            files.push((path, name));
        }
    }
    files.sort();
    // The manifest of a plugin that is called `a.case` looks like a case of `a`.
    files.retain(|(_, name)| name.strip_suffix(".toml").is_none_or(|stem| !plugins.iter().any(|it| it == stem)));
    Ok(files.into_iter().map(|(path, name)| (path, owner(&name, &plugins).map(str::to_owned))).collect())
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
    name.strip_suffix(CASE_ENDING).is_some_and(|stem| !stem.is_empty()) && !name.starts_with(['.', '~', '#'])
}

/// The plugin that a case belongs to: of `a` and `a.b` the longer.
fn owner<'a>(case: &str, plugins: &'a [String]) -> Option<&'a str> {
    let stem = case.strip_suffix(CASE_ENDING)?;
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
        ab.case.toml of nobody
        ");
        assert_eq!(cases_of(&dir.path().join("a.wasm")).expect("listed").len(), 2);
    }
}
