//! What the real engine needs of the machine: a JDK and Maven.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// The oldest Java that the engine runs on.
const MIN_JAVA: u32 = 17;

/// What of Java and Maven is missing, each entry with how to install it; empty if all is there.
pub fn missing() -> Vec<String> {
    let mut missing = Vec::new();
    // The engine is compiled too, so the runtime alone is not enough.
    for (program, package) in [("java", "openjdk-17-jre-headless"), ("javac", "openjdk-17-jdk-headless")] {
        let how = format!(
            "install a JDK {MIN_JAVA} or newer: `apt install {package}` on Debian and Ubuntu, `brew install openjdk@{MIN_JAVA}` on macOS; or set JAVA_HOME"
        );
        match version_line(&tool(program), "-version") {
            None => missing.push(format!("{program} was not found: {how}")),
            Some(line) => match major(&line) {
                Some(found) if found >= MIN_JAVA => {}
                _ => missing.push(format!("{program} is too old, found `{line}`: {how}")),
            },
        }
    }
    if version_line(&PathBuf::from("mvn"), "--version").is_none() {
        missing.push(
            "mvn was not found, or does not run: install Maven 3.8 or newer: `apt install maven` on Debian and Ubuntu, `brew install maven` on macOS"
                .to_owned(),
        );
    }
    missing
}

/// A program of the JDK: that of `JAVA_HOME` if it is set, as Maven does it, or else the one of `PATH`.
pub fn tool(program: &str) -> PathBuf {
    match env::var_os("JAVA_HOME").filter(|home| !home.is_empty()) {
        Some(home) => PathBuf::from(home).join("bin").join(program),
        None => PathBuf::from(program),
    }
}

/// The first line that a program says about its version; none if it cannot be run.
fn version_line(program: &PathBuf, flag: &str) -> Option<String> {
    let output = Command::new(program).arg(flag).output().ok().filter(|output| output.status.success())?;
    // java writes its version to stderr, and a line on JAVA_TOOL_OPTIONS before it.
    let text = format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("Picked up")).map(str::to_owned).next()
}

/// The major version in `openjdk version "17.0.15" 2025-04-15`, `javac 21.0.2` or `java version "1.8.0_292"`.
fn major(line: &str) -> Option<u32> {
    let number = line.split([' ', '"']).find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()))?;
    let mut parts = number.split(['.', '_', '-', '+']).map(|part| part.parse().ok());
    match parts.next()?? {
        // Before Java 9 it was the second number.
        1 => parts.next()?,
        major => Some(major),
    }
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_read_from_every_spelling() {
        let cases = [
            ("openjdk version \"17.0.15\" 2025-04-15", Some(17)),
            ("openjdk version \"21\" 2023-09-19", Some(21)),
            ("openjdk version \"25-ea\" 2025-09-16", Some(25)),
            ("java version \"1.8.0_292\"", Some(8)),
            ("javac 17.0.15", Some(17)),
            ("no version at all", None),
        ];
        for (line, expected) in cases {
            assert_eq!(major(line), expected, "{line}");
        }
    }
}
