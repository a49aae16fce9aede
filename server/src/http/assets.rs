//! The built assets: finding them, serving them with the caching they deserve, and telling pages of them.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use app::{
    card::Origin,
    shell::{Assets, Surroundings},
};
use axum::{
    Router,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, HOST},
    },
    middleware::map_response_with_state,
    response::Response,
};
use tower_http::services::ServeDir;

/// The site folder that `cargo leptos build` fills: the hashed files under `pkg`, the others beside it.
#[derive(Clone, Debug)]
pub struct Site {
    root: PathBuf,
    assets: Assets,
    watched: bool,
    https_only: bool,
    store: &'static str,
}

impl Site {
    /// Finds the assets in the folder. If it's `watched`, they change under the running server, and their
    /// names hold no hash: `make watch`. `https_only` says how the site is reached, and `store` what the page
    /// says of where the sessions are.
    ///
    /// # Errors
    /// If the folder holds no built site.
    pub fn open(root: &Path, watched: bool, https_only: bool, store: &'static str) -> anyhow::Result<Self> {
        let assets = find(root).with_context(|| {
            format!("LEPTOS_SITE_ROOT: no built site in {}; `make build` makes one", root.display())
        })?;
        Ok(Self { root: root.to_path_buf(), assets, watched, https_only, store })
    }

    /// What is around the page that answers a request of these headers.
    pub(crate) fn around(&self, headers: &HeaderMap) -> Surroundings {
        let fresh = if self.watched { find(&self.root).ok() } else { None };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        Surroundings {
            assets: fresh.unwrap_or_else(|| self.assets.clone()),
            origin: host.and_then(|host| Origin::new(self.https_only, host)),
            watched: self.watched,
        }
    }

    /// Where the sessions are, for the page.
    pub(crate) fn store(&self) -> &'static str {
        self.store
    }

    /// Serves `/pkg`: a name holds a hash of its content, so browsers may keep it for good.
    pub(crate) fn hashed(&self) -> Router {
        let folder = Router::new().fallback_service(self.folder("pkg"));
        self.kept(folder, "public, max-age=31536000, immutable")
    }

    /// Serves what lies beside `pkg`, such as the icon, under names that stay; `otherwise` answers where
    /// nothing lies.
    pub(crate) fn public(&self, otherwise: Router) -> Router {
        let folder = self.folder("").call_fallback_on_method_not_allowed(true).fallback(otherwise);
        self.kept(Router::new().fallback_service(folder), "public, max-age=86400")
    }

    fn kept(&self, files: Router, caching: &'static str) -> Router {
        let caching = if self.watched { "no-cache" } else { caching };
        files.layer(map_response_with_state(caching, keep))
    }

    fn folder(&self, name: &str) -> ServeDir {
        ServeDir::new(self.root.join(name))
            .append_index_html_on_directories(false)
            .precompressed_br()
            .precompressed_gzip()
    }
}

async fn keep(State(caching): State<&'static str>, mut response: Response) -> Response {
    if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(caching));
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
    Ok(Assets::new(&one("css")?, &one("js")?, &one("wasm")?))
}
