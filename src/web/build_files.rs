//! Files of this build, whose names change with their content: `cargo xtask build` writes them into the attributes of the
//! page's start script.

use super::dom;

/// The address of the file that this attribute of the start script names.
///
/// # Errors
///
/// A sentence, if there is no such attribute, or it names nothing.
pub(crate) fn address(attribute: &str) -> Result<String, String> {
    let address = read(attribute).filter(|address| !address.is_empty());
    address.ok_or_else(|| format!("this page does not name its {attribute}; reload it"))
}

/// True if the file of this attribute is still being built: `cargo xtask serve` serves the page before its GPU engine.
pub(crate) fn is_being_built(attribute: &str) -> bool {
    read(attribute).is_some_and(|address| address.is_empty())
}

/// True if the file of this attribute is being built according to another copy of this page, by its HTML.
pub(crate) fn is_being_built_in(html: &str, attribute: &str) -> bool {
    html.contains(&format!("{attribute}=\"\""))
}

fn read(attribute: &str) -> Option<String> {
    let script = dom::document().ok()?.query_selector("script[data-wasm]").ok()??;
    script.get_attribute(attribute)
}
