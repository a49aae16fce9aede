//! The built assets: their names, and how they are served with the caching they deserve.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::bail;
use app::shell::Assets;
use axum::{
    Router,
    extract::State,
    http::{HeaderValue, StatusCode, header::CACHE_CONTROL},
    middleware::map_response_with_state,
    response::Response,
};
use tower_http::services::ServeDir;

/// The file in which cargo-leptos writes the hashes that are in the names. It puts it beside the server's program, and
/// `make build` a copy into the site's folder, so that the folder can be moved by itself.
const HASH_FILE: &str = "hash.txt";

/// The site folder that `cargo leptos build` fills: the hashed files under `pkg`, the others beside it.
#[derive(Clone, Debug)]
pub struct Site {
    root: PathBuf,
    pages: Arc<app::shell::Site>,
}

impl Site {
    /// Looks up the assets' names. If the folder is `watched`, the files change under the running server, and their
    /// names hold no hash: `make watch`. `https_only` says how the site is reached, and `store` what the pages say of
    /// where the sessions are.
    ///
    /// # Errors
    /// If the folder holds no built site.
    pub fn open(root: &Path, watched: bool, https_only: bool, store: &'static str) -> anyhow::Result<Self> {
        let program = env::current_exe().ok();
        let beside_program = program.as_deref().and_then(Path::parent);
        let hash_files = [Some(root), beside_program].into_iter().flatten().map(|folder| folder.join(HASH_FILE));
        let hashes = hash_files.filter_map(|file| fs::read_to_string(file).ok());
        // Hashes of an earlier build may lie around, so only names of files that are there count.
        let names: Vec<_> = hashes.chain([String::new()]).map(|hashes| Names::new(&output_name(), &hashes)).collect();
        let Some(Names { css, js, wasm }) = names.iter().find(|names| names.missing_in(root).is_none()) else {
            let missing = names.first().and_then(|names| names.missing_in(root)).unwrap_or_default();
            let root = root.display();
            bail!("LEPTOS_SITE_ROOT: no built site in {root}, {missing} is missing; `make build` makes one");
        };
        let assets = Assets::new(css, js, wasm);
        Ok(Self { root: root.to_path_buf(), pages: Arc::new(app::shell::Site { assets, https_only, watched, store }) })
    }

    /// What the pages know of the site.
    pub(crate) fn pages(&self) -> Arc<app::shell::Site> {
        Arc::clone(&self.pages)
    }

    /// Serves `/pkg`: a name holds a hash of its content, so browsers may keep it for good.
    pub(crate) fn hashed(&self) -> Router {
        let folder = Router::new().fallback_service(self.folder("pkg"));
        self.cached(folder, "public, max-age=31536000, immutable")
    }

    /// Serves what lies beside `pkg`, such as the icon, under names that stay; `otherwise` responds where nothing lies.
    pub(crate) fn public(&self, otherwise: Router) -> Router {
        let folder = self.folder("").call_fallback_on_method_not_allowed(true).fallback(otherwise);
        self.cached(Router::new().fallback_service(folder), "public, max-age=86400")
    }

    fn cached(&self, files: Router, caching: &'static str) -> Router {
        let caching = if self.pages.watched { "no-cache" } else { caching };
        files.layer(map_response_with_state(caching, set_cache_control))
    }

    fn folder(&self, name: &str) -> ServeDir {
        ServeDir::new(self.root.join(name))
            .append_index_html_on_directories(false)
            .precompressed_br()
            .precompressed_gzip()
    }
}

async fn set_cache_control(State(caching): State<&'static str>, mut response: Response) -> Response {
    if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    }
    response
}

/// What cargo-leptos calls the files, before their hash. It sets the variable when it builds and runs the server.
fn output_name() -> String {
    let built_with = option_env!("LEPTOS_OUTPUT_NAME").unwrap_or("hello-sessions");
    env::var("LEPTOS_OUTPUT_NAME").unwrap_or_else(|_unset| built_with.to_owned())
}

/// The paths of the assets.
struct Names {
    css: String,
    js: String,
    wasm: String,
}

impl Names {
    /// With the hashes as cargo-leptos writes them, each in a line: `js: c0ffee`.
    fn new(name: &str, hashes: &str) -> Self {
        let hash = |kind| hashes.lines().filter_map(|line| line.split_once(':')).find(|(of, _)| of.trim() == kind);
        let path = |kind| match hash(kind) {
            Some((_, hash)) => format!("/pkg/{name}.{}.{kind}", hash.trim()),
            None => format!("/pkg/{name}.{kind}"),
        };
        Self { css: path("css"), js: path("js"), wasm: path("wasm") }
    }

    /// The first of the files that is not there.
    fn missing_in(&self, root: &Path) -> Option<&str> {
        let paths = [&self.css, &self.js, &self.wasm].map(|path| path.trim_start_matches('/'));
        paths.into_iter().find(|path| !root.join(path).is_file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_hold_the_hashes_if_there_are_any() {
        let Names { css, js, wasm } = Names::new("hello", "js: c0ffee\nwasm: 1\ncss: a-b_c\nmanifest: 2\n");
        assert_eq!([css, js, wasm], ["/pkg/hello.a-b_c.css", "/pkg/hello.c0ffee.js", "/pkg/hello.1.wasm"]);
        let Names { css, js, wasm } = Names::new("hello", "");
        assert_eq!([css, js, wasm], ["/pkg/hello.css", "/pkg/hello.js", "/pkg/hello.wasm"]);
    }
}
