//! Files of this build, whose names change with their content: `cargo xtask build` writes them into the attributes of the
//! page's start script.

use super::dom;

/// The address of the file that this attribute of the start script names.
///
/// # Errors
///
/// A sentence, if there is no such attribute.
pub(crate) fn address(attribute: &str) -> Result<String, String> {
    let script = dom::document().ok().and_then(|document| document.query_selector("script[data-wasm]").ok().flatten());
    let address = script.and_then(|script| script.get_attribute(attribute));
    address.ok_or_else(|| format!("this page does not name its {attribute}; reload it"))
}
