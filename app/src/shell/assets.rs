//! Where the browser gets the built assets from.

use std::sync::Arc;

use super::boot;

/// The paths of the assets. Their names hold a hash of what is in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assets {
    pub(super) css: Arc<str>,
    pub(super) js: Arc<str>,
    pub(super) wasm: Arc<str>,
    /// The script that brings the islands to life.
    pub(super) boot: Arc<str>,
}

impl Assets {
    /// The paths of the style sheet, of the JavaScript that loads the WASM, and of the WASM.
    #[must_use]
    pub fn new(css: &str, js: &str, wasm: &str) -> Self {
        Self { css: css.into(), js: js.into(), wasm: wasm.into(), boot: boot::script(js, wasm).into() }
    }
}
