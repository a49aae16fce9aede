//! The built assets: finding them, and serving them with the caching they deserve.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use app::shell::Assets;
use axum::{
    Router,
    http::{HeaderValue, StatusCode, header::CACHE_CONTROL},
    middleware::map_response,
    response::Response,
};
use tower_http::services::ServeDir;

/// The site folder that `cargo leptos build` fills: the hashed files under `pkg`, the others beside it.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    root: PathBuf,
    assets: Arc<Assets>,
}

impl Site {
    /// Finds the assets in the folder.
    pub(crate) fn open(root: &Path) -> anyhow::Result<Self> {
        let assets = find(root).with_context(|| {
            format!("LEPTOS_SITE_ROOT: no built site in {}; `make build` makes one", root.display())
        })?;
        Ok(Self { root: root.to_path_buf(), assets: Arc::new(assets) })
    }

    /// The paths of the assets. `cargo leptos watch` builds them anew under a running server, so a debug
    /// build looks each time.
    pub(crate) fn assets(&self) -> Assets {
        let fresh = if cfg!(debug_assertions) { find(&self.root).ok() } else { None };
        fresh.unwrap_or_else(|| (*self.assets).clone())
    }

    /// Serves `/pkg`: a name holds a hash of its content, so browsers may keep it for good.
    pub(crate) fn hashed(&self) -> Router {
        Router::new().fallback_service(self.folder("pkg")).layer(map_response(immutable))
    }

    /// Serves what lies beside `pkg`, such as the icon; `otherwise` answers where nothing lies.
    pub(crate) fn public(&self, otherwise: Router) -> Router {
        Router::new().fallback_service(self.folder("").fallback(otherwise))
    }

    fn folder(&self, name: &str) -> ServeDir {
        ServeDir::new(self.root.join(name))
            .append_index_html_on_directories(false)
            .precompressed_br()
            .precompressed_gzip()
    }
}

async fn immutable(mut response: Response) -> Response {
    if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
        let for_good = HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(CACHE_CONTROL, for_good);
    }
    response
}

fn find(root: &Path) -> anyhow::Result<Assets> {
    let folder = root.join("pkg");
    let files = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let names: Vec<_> = files.filter_map(|file| file.ok()?.file_name().into_string().ok()).collect();
    let one = |extension: &str| {
        let mut of_kind = names.iter().filter(|name| Path::new(name).extension() == Some(OsStr::new(extension)));
        match (of_kind.next(), of_kind.next()) {
            (Some(name), None) => Ok(format!("/pkg/{name}")),
            (None, _) => bail!("there is no .{extension} file in {}", folder.display()),
            (Some(_), Some(_)) => bail!("there is more than one .{extension} file in {}", folder.display()),
        }
    };
    Ok(Assets { css: one("css")?, js: one("js")?, wasm: one("wasm")? })
}
