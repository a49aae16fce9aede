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
    extract::State,
    http::{HeaderValue, StatusCode, header::CACHE_CONTROL},
    middleware::map_response_with_state,
    response::Response,
};
use tower_http::services::ServeDir;

/// The site folder that `cargo leptos build` fills: the hashed files under `pkg`, the others beside it.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    root: PathBuf,
    assets: Arc<Assets>,
    watched: bool,
    store: &'static str,
}

impl Site {
    /// Finds the assets in the folder. If it's `watched`, they change under the running server, and their
    /// names hold no hash: `make watch`. `store` is what the page says of where the sessions are.
    pub(crate) fn open(root: &Path, watched: bool, store: &'static str) -> anyhow::Result<Self> {
        let assets = find(root).with_context(|| {
            format!("LEPTOS_SITE_ROOT: no built site in {}; `make build` makes one", root.display())
        })?;
        Ok(Self { root: root.to_path_buf(), assets: Arc::new(assets), watched, store })
    }

    /// The paths of the assets.
    pub(crate) fn assets(&self) -> Assets {
        let fresh = if self.watched { find(&self.root).ok() } else { None };
        fresh.unwrap_or_else(|| (*self.assets).clone())
    }

    /// Where the sessions are, for the page.
    pub(crate) fn store(&self) -> &'static str {
        self.store
    }

    /// Serves `/pkg`: a name holds a hash of its content, so browsers may keep it for good.
    pub(crate) fn hashed(&self) -> Router {
        let kept = if self.watched { "no-cache" } else { "public, max-age=31536000, immutable" };
        Router::new().fallback_service(self.folder("pkg")).layer(map_response_with_state(kept, keep))
    }

    /// Serves what lies beside `pkg`, such as the icon; `otherwise` answers where nothing lies.
    pub(crate) fn public(&self, otherwise: Router) -> Router {
        Router::new().fallback_service(self.folder("").call_fallback_on_method_not_allowed(true).fallback(otherwise))
    }

    fn folder(&self, name: &str) -> ServeDir {
        ServeDir::new(self.root.join(name))
            .append_index_html_on_directories(false)
            .precompressed_br()
            .precompressed_gzip()
    }
}

async fn keep(State(kept): State<&'static str>, mut response: Response) -> Response {
    if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(kept));
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
