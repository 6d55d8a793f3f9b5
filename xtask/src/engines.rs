//! Which engines a built site has.
//!
//! The GPU engine takes most of the time of a first build, so that `cargo xtask serve` first builds the site without it.

use crate::workspace::Result;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engines {
    /// The whole site.
    All,
    /// Without the GPU engine and the service worker: it is served while the GPU engine is being built, and never published.
    OnlyCpu,
}

impl Engines {
    /// The environment variable by which the hook that Trunk runs is told; absent for the whole site.
    pub const VARIABLE: &str = "GENRELENS_ENGINES";
    pub const ONLY_CPU: &str = "cpu";

    /// What the environment variable says.
    ///
    /// # Errors
    ///
    /// A sentence, if it has another value.
    pub fn from_environment(value: Option<&str>) -> Result<Self> {
        match value {
            None | Some("") => Ok(Self::All),
            Some(Self::ONLY_CPU) => Ok(Self::OnlyCpu),
            Some(other) => Err(format!("{} is `{other}`: expected `{}` or nothing", Self::VARIABLE, Self::ONLY_CPU)),
        }
    }
}

/// The source of the page without the link by which Trunk builds the GPU engine.
///
/// # Errors
///
/// A sentence, if it has no such link.
pub fn page_without_gpu(html: &str) -> Result<String> {
    let missing = || "index.html has no <link data-trunk> of gpu_worker".to_owned();
    let name = html.find("data-bin=\"gpu_worker\"").ok_or_else(missing)?;
    let (before, after) = html.split_at_checked(name).ok_or_else(missing)?;
    let (before, _) = before.rsplit_once("<link ").ok_or_else(missing)?;
    let (_, after) = after.split_once('>').ok_or_else(missing)?;
    Ok(format!("{before}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../index.html");

    #[test]
    fn the_page_without_the_gpu_engine_has_all_its_other_links() {
        let page = page_without_gpu(PAGE).unwrap();
        let binaries = |html: &str| html.matches("data-trunk rel=\"rust\"").count();
        assert_eq!((binaries(PAGE), binaries(&page)), (3, 2));
        assert!(
            !page.contains("gpu_worker")
                && page.contains("data-bin=\"cpu_worker\"")
                && page.contains("data-bin=\"app\"")
        );
        let links = |html: &str| html.matches("<link ").count();
        assert_eq!(links(&page), links(PAGE) - 1);
        assert_eq!(page.split_once("<body>").unwrap().1, PAGE.split_once("<body>").unwrap().1);
        assert!(page_without_gpu(&page).is_err());
    }

    #[test]
    fn the_environment_names_the_engines() {
        assert_eq!(Engines::from_environment(None), Ok(Engines::All));
        assert_eq!(Engines::from_environment(Some("")), Ok(Engines::All));
        assert_eq!(Engines::from_environment(Some("cpu")), Ok(Engines::OnlyCpu));
        assert!(Engines::from_environment(Some("gpu")).is_err());
    }
}
