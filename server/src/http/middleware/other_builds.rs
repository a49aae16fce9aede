//! Assets of another build, which a page asks for while two builds run behind one address.
//!
//! During a rolling deploy without session affinity, a page of one build may load its style and script from a server of
//! the other one, which doesn't have them. The names hold hashes, so that server can see that another build is meant,
//! and sends the browser to the same address once more: the load balancer chooses a server each time. So a page gets
//! exactly the files that it was made for, and each server needs its own files only.

use std::{fs, io, path::Path, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{
        HeaderValue, StatusCode, Uri,
        header::{CACHE_CONTROL, CONNECTION},
    },
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};

/// How often a browser is sent to another server. Browsers follow 20 redirects; with half of the servers of each build,
/// one file in 30,000 is not found.
const MAX_RETRIES: u32 = 15;

/// The names of this build's assets, to recognise those of other builds by.
#[derive(Clone)]
pub struct OtherBuilds {
    own: Arc<[AssetName]>,
}

/// `NAME.HASH.EXTENSION`
#[derive(Clone, Debug, PartialEq, Eq)]
struct AssetName {
    name: String,
    hash: String,
    extension: String,
}

impl OtherBuilds {
    /// From the names in `pkg` below the site's folder. Without hashes in them, as under `cargo leptos watch`, no
    /// other build is recognised.
    ///
    /// # Errors
    /// If the folder can't be read.
    pub fn open(site_root: &Path) -> io::Result<Self> {
        let mut own = Vec::new();
        for file in fs::read_dir(site_root.join("pkg"))? {
            own.extend(file?.file_name().to_str().and_then(AssetName::parse));
        }
        Ok(Self { own: own.into() })
    }

    /// Returns this build's file in place of the one of another build; `None` if that is not what the name is.
    fn counterpart(&self, file: &str) -> Option<&AssetName> {
        let other = AssetName::parse(file)?;
        if self.own.contains(&other) {
            return None;
        }
        self.own.iter().find(|own| own.name == other.name && own.extension == other.extension)
    }
}

impl AssetName {
    fn parse(file: &str) -> Option<Self> {
        let mut parts = file.rsplitn(3, '.');
        let (extension, hash, name) = (parts.next()?, parts.next()?, parts.next()?);
        let is_hash = !hash.is_empty() && hash.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        let is_asset = ["css", "js", "wasm"].contains(&extension) && is_hash && !name.is_empty() && !name.contains('/');
        is_asset.then(|| Self { name: name.to_owned(), hash: hash.to_owned(), extension: extension.to_owned() })
    }

    fn file(&self) -> String {
        format!("{}.{}.{}", self.name, self.hash, self.extension)
    }
}

/// Sends requests for assets of other builds to another server. If none has a style sheet, this build's is better than
/// none; a script of another build than the page would fail in ways of its own, and the page works without.
pub(crate) async fn retry_elsewhere(State(builds): State<OtherBuilds>, mut request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let file = uri.path().trim_start_matches('/');
    let Some(counterpart) = builds.counterpart(file) else { return next.run(request).await };
    let retries = retries(&uri);
    let mut response = match (retries < MAX_RETRIES, counterpart.extension.as_str()) {
        (true, _) => {
            let mut again = Redirect::temporary(&format!("/pkg/{file}?retry={}", retries + 1)).into_response();
            // Some load balancers choose a server for each connection only.
            again.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            again
        }
        (false, "css") => match Uri::try_from(format!("/{}", counterpart.file())) {
            Ok(own) => {
                *request.uri_mut() = own;
                next.run(request).await
            }
            Err(_not_a_path) => StatusCode::NOT_FOUND.into_response(),
        },
        (false, _) => StatusCode::NOT_FOUND.into_response(),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// How many servers did not have the file. A number that can't be read ends it.
fn retries(uri: &Uri) -> u32 {
    match uri.query().map(|query| query.strip_prefix("retry=")) {
        None => 0,
        Some(number) => number.and_then(|number| number.parse().ok()).unwrap_or(MAX_RETRIES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_build_has_the_same_names_with_other_hashes() {
        let own = ["hello-x.c0ffee.js", "hello-x.c0ffee.css", "a.b.c0-ff_ee.wasm"].map(AssetName::parse);
        let builds = OtherBuilds { own: own.into_iter().flatten().collect() };
        for (file, counterpart) in [
            ("hello-x.decaf.js", Some("hello-x.c0ffee.js")),
            ("hello-x.decaf.css", Some("hello-x.c0ffee.css")),
            ("a.b.decaf.wasm", Some("a.b.c0-ff_ee.wasm")),
            ("hello-x.c0ffee.js", None),
            ("hello-x.decaf.wasm", None),
            ("hello-x.js", None),
            ("hello-x..js", None),
            ("other.decaf.js", None),
            ("hello-x.de/af.js", None),
            ("../hello-x.decaf.js", None),
            ("hello-x.decaf.js.br", None),
            (".decaf.js", None),
            ("", None),
        ] {
            assert_eq!(builds.counterpart(file).map(AssetName::file).as_deref(), counterpart, "{file}");
        }
    }

    #[test]
    fn retries_are_counted_in_the_query() {
        for (uri, expected) in [
            ("/a", 0),
            ("/a?retry=3", 3),
            ("/a?retry=", MAX_RETRIES),
            ("/a?retry=-1", MAX_RETRIES),
            ("/a?retry=99999999999", MAX_RETRIES),
            ("/a?x", MAX_RETRIES),
        ] {
            assert_eq!(retries(&Uri::from_static(uri)), expected, "{uri}");
        }
    }
}
