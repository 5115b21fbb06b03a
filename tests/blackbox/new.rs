//! `fetchlock new` makes a whole project or nothing.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::workplace::{Workplace, ended};

const LANGUAGES: [&str; 5] = ["rust", "go", "js", "ts", "python"];

/// The files below a folder, relative to it.
fn files(dir: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("listed") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            files.extend(self::files(&path).into_iter().map(|file| format!("{name}/{file}")));
        } else {
            files.push(name);
        }
    }
    files.sort();
    files
}

#[test]
fn a_project_has_a_handler_a_manifest_cases_the_library_and_the_contract() {
    let workplace = Workplace::new();
    for (language, handler) in
        LANGUAGES.into_iter().zip(["src/lib.rs", "handler.go", "src/handler.js", "src/handler.ts", "handler.py"])
    {
        let name = format!("check-{language}");
        workplace.fetchlock(["new", &name, "--lang", language]).well();
        let found = files(&workplace.path().join(&name));
        let own = [handler, "README.md", ".gitignore", "fetchlock/wit/handler.wit", "fetchlock/wit/deps/http.wit"];
        let plugin = [".toml", ".approved.case.toml", ".too-much.case.toml"].map(|end| format!("plugin/{name}{end}"));
        for file in own.into_iter().chain(plugin.iter().map(String::as_str)) {
            assert!(found.iter().any(|it| it == file), "{language}: {file} is missing: {found:#?}");
        }
        for file in &found {
            assert!(!file.ends_with(".template") && !file.contains("{{"), "{language}: {file}");
            let text = fs::read(workplace.path().join(&name).join(file)).expect("read");
            let text = String::from_utf8_lossy(&text);
            for place in ["{{name}}", "{{topic}}", "{{ident}}"] {
                assert!(!text.contains(place), "{language}: {file} has {place} in it");
            }
        }
    }
}

#[test]
fn what_it_prints_are_the_next_steps() {
    let workplace = Workplace::new();
    let told = workplace.fetchlock(["new", "check-iban", "--lang", "ts"]).well();
    insta::assert_snapshot!(told.stdout, @"
    check-iban/ is there: a handler in TypeScript for topic check-iban. Next:

        cd check-iban
        npm ci                    # installs the toolchain into the project
        fetchlock test            # makes the component, plugin/check-iban.wasm, and runs its cases
        fetchlock dev plugin      # serves it on an engine of its own
        fetchlock build --to DIR  # puts it into the plugin directory of a host
    ");
    let commands = told.stdout.lines().filter_map(|line| line.trim().strip_prefix("fetchlock "));
    for command in commands {
        let command = command.split_whitespace().take_while(|word| !word.starts_with(['-', '#']) && *word != "plugin");
        workplace.fetchlock(command.chain(["--help"])).well();
    }
}

#[test]
fn a_topic_of_any_form_is_given_beside_the_name() {
    let workplace = Workplace::new();
    let topic = r#"Größe "x" \ y/z"#;
    workplace.fetchlock(["new", "size", "--lang", "rust", "--topic", topic]).well();
    let manifest = fs::read_to_string(workplace.path().join("size/plugin/size.toml")).expect("a manifest");
    assert!(manifest.contains(r#"topic = "Größe \"x\" \\ y/z""#), "{manifest}");
}

#[test]
fn what_is_no_name_no_topic_and_no_language_is_refused_with_the_rule() {
    let workplace = Workplace::new();
    let refused = |arguments: &[&str]| {
        let ended = workplace.fetchlock(arguments);
        assert_eq!(ended.code, Some(2), "{}", ended.stdout);
        ended.stderr
    };
    insta::assert_snapshot!(refused(&["new", "9 lives", "--lang", "go"]), @"
    error: invalid value '9 lives' for '<NAME>': a project's name is a letter, then letters, digits, `-` and `_`, all of them ASCII, at most 64 characters: `lives`, for example; a topic of another form is given with --topic

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&["new", "../x", "--lang", "go"]), @"
    error: invalid value '../x' for '<NAME>': a project's name is a letter, then letters, digits, `-` and `_`, all of them ASCII, at most 64 characters: `x`, for example; a topic of another form is given with --topic

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&["new", "Con", "--lang", "python"]), @"
    error: invalid value 'Con' for '<NAME>': Windows knows it as a device, and Go builds no module of this name: choose another, and give this one as --topic

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&["new", "x", "--lang", "go", "--topic", ""]), @r#"
    error: invalid value '' for '--topic <TOPIC>': invalid value: string "", expected a name of 1 to 255 characters without control characters

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(refused(&["new", "x", "--lang", "cobol"]), @"
    error: invalid value 'cobol' for '--lang <LANGUAGE>'
      [possible values: rust, go, js, ts, python]

    For more information, try '--help'.
    ");
    assert_eq!(files(workplace.path()), [""; 0]);
}

#[test]
fn a_folder_with_something_in_it_is_never_touched() {
    let workplace = Workplace::new();
    workplace.write("full/mine.txt", "mine");
    workplace.write("file", "mine");
    for name in ["full", "file"] {
        let ended = workplace.fetchlock(["new", name, "--lang", "go"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""));
        assert_eq!(
            ended.stderr,
            format!(
                "fetchlock: {name} is there already, and nothing is ever overwritten: take another name, or move it away; an empty folder would do\n"
            )
        );
    }
    assert_eq!(files(workplace.path()), ["file", "full/mine.txt"]);
}

#[test]
fn an_empty_folder_is_filled() {
    let workplace = Workplace::new();
    fs::create_dir(workplace.path().join("empty")).expect("made");
    workplace.fetchlock(["new", "empty", "--lang", "go"]).well();
    assert!(workplace.path().join("empty/go.mod").is_file());
}

#[test]
fn a_place_that_cannot_be_written_to_is_told_and_nothing_is_left_behind() {
    let workplace = Workplace::new();
    let mut command = workplace.command(["new", "x", "--lang", "go"]);
    let ended = ended(command.current_dir("/proc"));
    assert_eq!(ended.code, Some(78), "{}", ended.stdout);
    insta::assert_snapshot!(ended.stderr, @"fetchlock: x cannot be made: entity not found");
}

#[test]
fn a_projects_files_are_their_owners_and_others_may_read_them() {
    let workplace = Workplace::new();
    workplace.fetchlock(["new", "x", "--lang", "go"]).well();
    let mode = |name: &str| fs::metadata(workplace.path().join(name)).expect("there").permissions().mode() & 0o777;
    // Whatever the umask of these tests is, it is the same for both.
    fs::create_dir(workplace.path().join("plain")).expect("made");
    workplace.write("plain/file", "");
    assert_eq!((mode("x"), mode("x/go.mod")), (mode("plain"), mode("plain/file")));
}
