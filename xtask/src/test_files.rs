//! The test files that can be named on the command line: those of Playwright and the integration tests of Cargo.

use crate::workspace::{Result, Workspace, output};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// The end of the names of Playwright's test files.
const PAGE_TEST: &str = ".test.mjs";

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TestFile {
    /// The shortest name: `first` of `first.test.mjs`, or the target of an integration test.
    pub name: String,
    pub path: PathBuf,
}

/// The files of `tests/e2e` that test the built page, in alphabetical order.
pub fn page_tests(workspace: &Workspace) -> Result<Vec<TestFile>> {
    let folder = workspace.root.join("tests/e2e");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<TestFile> = entries.flatten().filter_map(|entry| page_test(entry.path())).collect();
    files.sort();
    if files.is_empty() { Err(format!("{} contains no tests", folder.display())) } else { Ok(files) }
}

fn page_test(path: PathBuf) -> Option<TestFile> {
    let name = path.file_name()?.to_str()?.strip_suffix(PAGE_TEST)?.to_owned();
    Some(TestFile { name, path })
}

/// The integration tests of the package `genrelens`, in alphabetical order.
pub fn integration_tests(workspace: &Workspace) -> Result<Vec<TestFile>> {
    let mut cargo = workspace.command("cargo");
    let printed = output(cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]));
    let metadata: Value =
        serde_json::from_str(&printed.ok_or("cargo metadata failed")?).map_err(|error| error.to_string())?;
    let mut files = test_targets(&metadata, "genrelens");
    files.sort();
    if files.is_empty() { Err("cargo metadata lists no integration tests".into()) } else { Ok(files) }
}

fn test_targets(metadata: &Value, package: &str) -> Vec<TestFile> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let targets = packages.filter(|found| found["name"] == package).filter_map(|found| found["targets"].as_array());
    let tests = targets.flatten().filter(|target| target["kind"][0] == "test");
    let file = |target: &Value| {
        let (name, path) = (target["name"].as_str()?.to_owned(), target["src_path"].as_str()?.into());
        Some(TestFile { name, path })
    };
    tests.filter_map(file).collect()
}

/// The files that the words name, in the order of the words.
pub fn find_all<'a>(words: &[String], files: &'a [TestFile]) -> Result<Vec<&'a TestFile>> {
    words.iter().map(|word| find(word, files)).collect()
}

/// The file of that name, or of a path that ends like its own.
fn find<'a>(word: &str, files: &'a [TestFile]) -> Result<&'a TestFile> {
    let path = Path::new(word.strip_prefix("./").unwrap_or(word));
    let by_name = files.iter().find(|file| file.name == word);
    let mut by_path = files.iter().filter(|file| file.path.ends_with(path));
    // A path such as `main.rs` may be the end of several.
    let only = by_path.next().filter(|_| by_path.next().is_none());
    by_name.or(only).ok_or_else(|| {
        let known: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        format!("`{word}` is neither a stage nor one of the test files {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn files(paths: &[(&str, &str)]) -> Vec<TestFile> {
        paths.iter().map(|(name, path)| TestFile { name: (*name).into(), path: path.into() }).collect()
    }

    #[test]
    fn a_file_has_a_name_and_paths() {
        let known = files(&[("first", "/r/tests/e2e/first.test.mjs"), ("long", "/r/tests/e2e/long.test.mjs")]);
        for word in ["first", "first.test.mjs", "tests/e2e/first.test.mjs", "./tests/e2e/first.test.mjs"] {
            assert_eq!(find(word, &known), Ok(&known[0]), "{word}");
        }
        assert_eq!(find("/r/tests/e2e/long.test.mjs", &known), Ok(&known[1]));
        for wrong in ["firs", "test.mjs", "first.mjs", "e2e", "", "tests/web/first.test.mjs"] {
            let error = find(wrong, &known).unwrap_err();
            assert!(error.contains(&format!("`{wrong}`")) && error.ends_with("first, long"), "{error}");
        }
        let words = ["long".to_owned(), "first".to_owned()];
        assert_eq!(find_all(&words, &known), Ok(vec![&known[1], &known[0]]));
    }

    #[test]
    fn a_path_that_fits_several_files_names_none() {
        let known = files(&[("audio", "/r/tests/audio/main.rs"), ("model", "/r/tests/model/main.rs")]);
        assert!(find("main.rs", &known).is_err());
        assert_eq!(find("model/main.rs", &known), Ok(&known[1]));
        assert_eq!(find("audio", &known), Ok(&known[0]));
    }

    #[test]
    fn integration_tests_are_the_test_targets_of_one_package() {
        let target =
            |kind: &str, name: &str| json!({ "kind": [kind], "name": name, "src_path": format!("/r/{name}.rs") });
        let metadata = json!({ "packages": [
            { "name": "xtask", "targets": [target("test", "other")] },
            { "name": "genrelens", "targets": [target("lib", "genrelens"), target("test", "dom")] },
        ] });
        assert_eq!(test_targets(&metadata, "genrelens"), files(&[("dom", "/r/dom.rs")]));
        assert!(test_targets(&json!({}), "genrelens").is_empty());
    }

    #[test]
    fn the_projects_own_tests_are_found() {
        let workspace = Workspace::find().unwrap();
        let names = |files: Vec<TestFile>| files.into_iter().map(|file| file.name).collect::<Vec<_>>();
        assert!(names(page_tests(&workspace).unwrap()).contains(&"first".to_owned()));
        let integration = names(integration_tests(&workspace).unwrap());
        for name in ["dom", "worker", "webgpu"] {
            assert!(integration.contains(&name.to_owned()), "{name}");
        }
    }
}
