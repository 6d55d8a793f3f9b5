//! Which stages the words after `cargo xtask test` ask for.

use crate::stages::{Request, STAGES, Stage, Takes};
use crate::test_files;
use crate::workspace::{Result, Workspace};

/// A stage to run, and how it was asked for.
pub type Selected = (&'static Stage, Request);

/// The stages in the order in which they run; all of them if no word is given.
///
/// A word that is no stage and no group belongs to the stage named before it, as a test file or a filter.
pub fn select(words: &[String]) -> Result<Vec<Selected>> {
    let mut requests: [Option<Request>; STAGES.len()] =
        std::array::from_fn(|_| words.is_empty().then(Request::default));
    let mut last = None;
    for word in words {
        if let Some(index) = STAGES.iter().position(|stage| stage.name == word) {
            requests[index].get_or_insert_default().is_named = true;
            last = Some(index);
        } else if STAGES.iter().any(|stage| stage.group == word) {
            for (_, request) in STAGES.iter().zip(&mut requests).filter(|(stage, _)| stage.group == word) {
                request.get_or_insert_default();
            }
            // Words after a group would not say which of its stages they are for.
            last = None;
        } else {
            let index = last.filter(|index: &usize| STAGES[*index].takes != Takes::Nothing);
            let index = index.ok_or_else(|| unknown_stage(word))?;
            requests[index].get_or_insert_default().words.push(word.clone());
        }
    }
    Ok(STAGES.iter().zip(requests).filter_map(|(stage, request)| Some((stage, request?))).collect())
}

fn unknown_stage(word: &str) -> String {
    let known: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
    format!(
        "there is no stage `{word}`: the stages are {}, and their groups native, browser and e2e. Test files follow \
         `playwright` or `wasm-pack`, a filter follows `unit`.",
        known.join(", ")
    )
}

/// Fails if a selected stage has no test file of a given name, so that a typing error is found before the first stage.
pub fn check_files(workspace: &Workspace, selected: &[Selected]) -> Result {
    for (stage, request) in selected.iter().filter(|(_, request)| !request.words.is_empty()) {
        let known = match stage.takes {
            Takes::PageTests => test_files::page_tests(workspace)?,
            Takes::IntegrationTests => test_files::integration_tests(workspace)?,
            Takes::Filters | Takes::Nothing => continue,
        };
        test_files::find_all(&request.words, &known).map_err(|error| format!("{}: {error}", stage.name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(words: &str) -> Result<Vec<Selected>> {
        select(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    fn names(words: &str) -> Vec<&'static str> {
        selected(words).unwrap().iter().map(|(stage, _)| stage.name).collect()
    }

    #[test]
    fn stages_run_in_their_own_order() {
        assert_eq!(names("").len(), STAGES.len());
        assert_eq!(names("e2e fmt"), ["fmt", "dist", "playwright"]);
        assert_eq!(names("browser"), ["wasm-clippy", "wasm-pack"]);
        assert_eq!(names("playwright clippy playwright"), ["clippy", "playwright"]);
    }

    #[test]
    fn words_go_to_the_stage_before_them() {
        let requests = |words: &str| {
            let request = |(stage, request): Selected| (stage.name, request.is_named, request.words.join(" "));
            selected(words).unwrap().into_iter().map(request).collect::<Vec<_>>()
        };
        let expected = [("unit", true, "mel".to_owned()), ("playwright", true, "first long".to_owned())];
        assert_eq!(requests("playwright first unit mel playwright long"), expected);
        assert_eq!(requests("wasm-pack dom"), [("wasm-pack", true, "dom".to_owned())]);
        let expected = [("dist", false, String::new()), ("playwright", true, "first".to_owned())];
        assert_eq!(requests("e2e playwright first"), expected);
        assert_eq!(requests("deny unit")[0], ("deny", true, String::new()));
        assert!(requests("native").iter().all(|(_, is_named, words)| !is_named && words.is_empty()));
    }

    #[test]
    fn a_word_without_a_stage_before_it_is_an_error() {
        for (words, wrong) in [("units", "units"), ("fmt x", "x"), ("unit browser dom", "dom"), ("first unit", "first")]
        {
            let error = selected(words).err().unwrap();
            assert!(error.contains(&format!("`{wrong}`")) && error.contains("wasm-clippy"), "{error}");
        }
    }

    #[test]
    fn unknown_files_are_found_before_any_stage_runs() {
        let workspace = Workspace::find().unwrap();
        let check = |words: &str| check_files(&workspace, &selected(words).unwrap());
        assert_eq!(check("playwright first tests/e2e/long.test.mjs wasm-pack tests/web/dom.rs worker unit x"), Ok(()));
        let error = check("playwright frist").unwrap_err();
        assert!(error.starts_with("playwright: `frist`") && error.contains("first, "), "{error}");
        assert!(check("wasm-pack first").unwrap_err().contains("webgpu"));
    }
}
