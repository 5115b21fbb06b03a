//! The files of a project that its component may be made of: all but what builds, package managers and editors leave.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use sha2::{Digest, Sha256};

use super::{
    Language,
    detect::language_of,
    unchanged::{Recipe, WORKSHOP},
};

/// Folders of which nothing is an input, wherever they are. Those that may have a source's name are known otherwise.
const PASSED_OVER: [&str; 10] = [
    WORKSHOP,
    ".fetchlock",
    ".git",
    ".hg",
    ".idea",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    "__pycache__",
];

/// Files that tools leave in folders which are theirs alone, whatever the folders are called: cargo and others in caches,
/// Python in environments, npm, pnpm and Yarn in what they have fetched.
const MARKS: [&str; 5] = ["CACHEDIR.TAG", "pyvenv.cfg", ".package-lock.json", ".modules.yaml", ".yarn-integrity"];

/// How many files are looked at. A project with more has something in it that is no source.
const MAX_FILES: usize = 20_000;

/// How much of a file is read, in bytes: what is larger is data, and known by its size and time. So are components.
const MAX_READ: u64 = 16 << 20;

/// The state of a project's files.
#[derive(Debug, Clone, Default)]
pub(super) struct Inputs {
    /// Whether components are among them.
    has_components: bool,
    /// The folders at the root that the language has for what its tools make and fetch. Deeper ones of the same names are
    /// sources.
    products: &'static [&'static str],
    /// Each file relative to the project.
    files: BTreeMap<PathBuf, Input>,
    /// The folders that were looked into.
    folders: Vec<PathBuf>,
    /// Their devices and inodes: links may lead in circles.
    seen: BTreeSet<(u64, u64)>,
}

/// The state of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Input {
    digest: [u8; 32],
    /// None where the file system does not know.
    written: Option<SystemTime>,
}

impl Inputs {
    /// Looks at a folder.
    ///
    /// # Errors
    /// It cannot be read, or there are too many files in it.
    pub(super) fn of(dir: &Path) -> io::Result<Self> {
        Self::default().collected(dir)
    }

    /// Looks at a folder in which components are no products.
    ///
    /// # Errors
    /// It cannot be read, or there are too many files in it.
    pub(super) fn with_components(dir: &Path) -> io::Result<Self> {
        Self { has_components: true, ..Self::default() }.collected(dir)
    }

    fn collected(mut self, dir: &Path) -> io::Result<Self> {
        self.products = language_of(dir).map(Language::products).unwrap_or_default();
        self.collect(dir, Path::new(""), &fs::metadata(dir)?)?;
        Ok(self)
    }

    fn collect(&mut self, root: &Path, relative: &Path, folder: &Metadata) -> io::Result<()> {
        if !self.seen.insert((folder.dev(), folder.ino())) {
            return Ok(());
        }
        let folder = root.join(relative);
        let entries = match fs::read_dir(&folder) {
            // It has vanished meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound && relative != Path::new("") => return Ok(()),
            entries => entries?,
        };
        let mut names = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
        // Of several ways to a folder the first is taken, always the same.
        names.sort();
        self.folders.push(folder);
        for name in names {
            let path = relative.join(&name);
            // Follows links, as compilers do. What has vanished meanwhile is not there.
            let Ok(metadata) = fs::metadata(root.join(&path)) else { continue };
            let text = name.to_string_lossy();
            if metadata.is_dir() {
                if !self.passes_over(root, &path, &text) {
                    self.collect(root, &path, &metadata)?;
                }
            } else if metadata.is_file()
                && !is_left_by_an_editor(&text)
                && (self.has_components || !is_component(&text))
            {
                if self.files.len() == MAX_FILES {
                    let why =
                        format!("there are more than {MAX_FILES} files in it; what are no sources belongs elsewhere");
                    return Err(io::Error::other(why));
                }
                let written = metadata.modified().ok();
                let input = digest(&root.join(&path), &metadata).map(|digest| Input { digest, written });
                self.files.extend(input.map(|input| (path, input)));
            }
        }
        Ok(())
    }

    /// Whether nothing in a folder is an input.
    fn passes_over(&self, root: &Path, folder: &Path, name: &str) -> bool {
        PASSED_OVER.contains(&name)
            || self.products.iter().any(|product| folder == Path::new(product))
            || MARKS.iter().any(|mark| root.join(folder).join(mark).exists())
    }

    /// Whether the files are, but for times, as they were at another look.
    pub(super) fn are_as(&self, other: &Self) -> bool {
        self.contents().eq(other.contents())
    }

    /// Whether nothing was written since an earlier look. A file that is as it was again has been written: whoever read
    /// it in between may have read something else.
    pub(super) fn are_untouched_since(&self, other: &Self) -> bool {
        self.files == other.files
    }

    /// Each file with its digest.
    fn contents(&self) -> impl Iterator<Item = (&Path, [u8; 32])> {
        self.files.iter().map(|(path, input)| (path.as_path(), input.digest))
    }

    /// The folders in which a new file would be an input.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(PathBuf::as_path)
    }

    /// All of them as ingredients, but for the plugin's own files, which are not compiled.
    pub(super) fn add_to(&self, recipe: Recipe) -> Recipe {
        let compiled = self.contents().filter(|(path, _)| !path.starts_with("plugin"));
        compiled.fold(recipe, |recipe, (path, digest)| recipe.with(&path.to_string_lossy(), digest))
    }
}

fn is_left_by_an_editor(name: &str) -> bool {
    name.ends_with('~') || name.ends_with(".swp") || name.ends_with(".tmp")
}

/// Whether a file's name is that of what a build makes.
fn is_component(name: &str) -> bool {
    name.ends_with(".wasm")
}

/// What tells one state of a file from another; none if it is gone.
pub(super) fn digest(path: &Path, metadata: &Metadata) -> Option<[u8; 32]> {
    if metadata.len() > MAX_READ || path.extension().is_some_and(|ending| ending == "wasm") {
        let state = format!("{} {:?}", metadata.len(), metadata.modified().ok());
        return Some(Sha256::digest(state).into());
    }
    fs::read(path).ok().map(|bytes| Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn write(dir: &Path, name: &str, text: &str) {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, text).expect("written");
    }

    #[test]
    fn what_is_made_is_no_input_and_what_is_written_is() {
        let dir = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| write(dir.path(), name, text);
        write("Cargo.toml", "1");
        write("src/a.rs", "1");
        let before = Inputs::of(dir.path()).expect("read");
        for made in [
            "target/a",
            "tools/__pycache__/a.pyc",
            ".build/core",
            "plugin/a.wasm",
            "src/a.rs~",
            "src/.a.rs.swp",
            ".git/index",
        ] {
            write(made, "1");
        }
        assert!(Inputs::of(dir.path()).expect("read").are_untouched_since(&before));
        for (name, text) in [
            ("src/a.rs", "2"),
            ("src/b/c.rs", "1"),
            ("src/target/d.rs", "1"),
            ("lib/e.rs", "1"),
            ("plugin/a.toml", "1"),
            (".cargo/config.toml", "1"),
        ] {
            let before = Inputs::of(dir.path()).expect("read");
            write(name, text);
            assert!(!Inputs::of(dir.path()).expect("read").are_untouched_since(&before), "{name}");
        }
    }

    #[test]
    fn what_was_written_as_it_is_was_touched_and_makes_the_same() {
        let dir = tempfile::tempdir().expect("a folder");
        write(dir.path(), "src/a.rs", "1");
        let before = Inputs::of(dir.path()).expect("read");
        let file = fs::File::options().write(true).open(dir.path().join("src/a.rs")).expect("opened");
        // Said, because the clocks of file systems are slow.
        file.set_modified(SystemTime::now() + Duration::from_secs(1)).expect("touched");
        let after = Inputs::of(dir.path()).expect("read");
        assert!(!after.are_untouched_since(&before));
        let ingredients = |inputs: &Inputs| inputs.add_to(Recipe::new("python")).ingredients();
        assert_eq!(ingredients(&after), ingredients(&before));
    }

    /// The folders with inputs in a project that is known by this file.
    fn folders_of(sign: &str) -> String {
        let dir = tempfile::tempdir().expect("a folder");
        write(dir.path(), sign, "");
        for folder in ["dist", "node_modules", "target", "venv", "src/dist", "src/target"] {
            write(dir.path(), &format!("{folder}/x"), "");
        }
        let inputs = Inputs::of(dir.path()).expect("read");
        let folders =
            inputs.files.keys().filter_map(|file| file.parent()?.to_str()).filter(|folder| !folder.is_empty());
        folders.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_a_language_makes_and_fetches_is_passed_over_at_the_root_and_elsewhere_it_is_a_source() {
        insta::assert_snapshot!(folders_of("Cargo.toml"), @"dist node_modules src/dist src/target venv");
        insta::assert_snapshot!(folders_of("package.json"), @"src/dist src/target target venv");
        insta::assert_snapshot!(folders_of("handler.py"), @"dist node_modules src/dist src/target target venv");
        insta::assert_snapshot!(folders_of("go.mod"), @"dist node_modules src/dist src/target target venv");
    }

    #[test]
    fn a_folder_that_is_a_tools_alone_is_known_by_what_is_in_it() {
        for mark in MARKS {
            let dir = tempfile::tempdir().expect("a folder");
            write(dir.path(), "handler.py", "");
            let before = Inputs::of(dir.path()).expect("read");
            write(dir.path(), &format!("a/venv/{mark}"), "");
            write(dir.path(), "a/venv/lib/x.py", "");
            assert!(Inputs::of(dir.path()).expect("read").are_untouched_since(&before), "{mark}");
        }
    }

    #[test]
    fn links_in_a_circle_are_followed_once() {
        let dir = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink(".", dir.path().join("again")).expect("linked");
        fs::write(dir.path().join("a"), "1").expect("written");
        assert_eq!(Inputs::of(dir.path()).expect("read").files.len(), 1);
    }
}
