//! A rolling deploy without session affinity: two builds behind one address.

use std::fs;

use reqwest::{Client, redirect::Policy};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

use crate::support::{Instance, SITE, TestApp, hash_file};

/// A server whose assets have another hash, and another content.
async fn start_other_build(app: &TestApp, hash: &str) -> Instance {
    let pkg = app.path(&format!("site-{hash}/pkg"));
    fs::create_dir_all(&pkg).expect("a folder");
    for (path, content) in SITE.into_iter().filter(|(path, _)| path.starts_with("pkg/")) {
        let name = path.trim_start_matches("pkg/").replace("c0ffee", hash);
        fs::write(pkg.join(name), format!("{content}{hash}")).expect("a file");
    }
    let (path, hashes) = hash_file(hash);
    fs::write(app.path(&format!("site-{hash}")).join(path), hashes).expect("a file");
    let mut command = app.command();
    command.env("LEPTOS_SITE_ROOT", app.path(&format!("site-{hash}")));
    Instance::start(command).await
}

/// A load balancer that gives each connection to the next server in turn. Returns its address.
async fn balance(servers: &[&Instance]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let servers: Vec<_> = servers.iter().map(|server| server.address().to_owned()).collect();
    tokio::spawn(async move {
        for server in servers.iter().cycle() {
            let (mut client, _) = listener.accept().await.expect("a connection");
            let mut server = TcpStream::connect(server).await.expect("a server");
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    address
}

/// As browsers do: each redirect is followed, up to 20 of them.
fn browser() -> Client {
    Client::builder().redirect(Policy::limited(20)).no_proxy().build().expect("a client")
}

fn assets(page: &str) -> Vec<String> {
    let mut assets: Vec<_> =
        page.split(['"', '\'']).filter(|part| part.starts_with("/pkg/")).map(str::to_owned).collect();
    assets.sort();
    assets.dedup();
    assets
}

#[tokio::test]
async fn a_page_gets_the_assets_of_its_own_build() {
    let app = TestApp::on_sqlite();
    let (one, other) = (start_other_build(&app, "0ne").await, start_other_build(&app, "0ther").await);
    let balancer = balance(&[&one, &other]).await;
    let mut builds = [0, 0];
    for _ in 0..20 {
        let client = browser();
        let page = client.get(format!("http://{balancer}/")).send().await.expect("a page").text().await.expect("text");
        let hash = if page.contains(".0ne.") { "0ne" } else { "0ther" };
        builds[usize::from(hash == "0ther")] += 1;
        let assets = assets(&page);
        assert_eq!(assets.len(), 3, "style, script and WASM: {assets:?}");
        for asset in assets {
            let response = client.get(format!("http://{balancer}{asset}")).send().await.expect("an asset");
            let (status, headers) = (response.status(), response.headers().clone());
            let content = response.text().await.expect("text");
            assert!(status == 200 && content.ends_with(hash), "{asset}: {status} {content}");
            assert!(headers["cache-control"].to_str().expect("text").contains("immutable"), "{asset}");
        }
    }
    assert!(builds.iter().all(|pages| *pages > 0), "both builds made pages: {builds:?}");
}

#[tokio::test]
async fn a_page_of_a_build_that_is_gone_still_has_a_style() {
    let app = TestApp::on_sqlite();
    let server = app.start().await;
    let get = async |path: &str| {
        let response = browser().get(server.url(path)).send().await.expect("a response");
        let caching = response.headers().get("cache-control").map(|value| value.to_str().expect("text").to_owned());
        (response.status().as_u16(), caching, response.text().await.expect("text"))
    };
    let (status, caching, style) = get("/pkg/hello.0ld.css").await;
    assert_eq!((status, caching.as_deref()), (200, Some("no-store")), "{style}");
    assert_eq!(style, "main { color: teal }");
    for script in ["/pkg/hello.0ld.js", "/pkg/hello.0ld.wasm", "/pkg/hello.0ld.js?retry=x"] {
        let (status, caching, _) = get(script).await;
        assert_eq!((status, caching.as_deref()), (404, Some("no-store")), "{script}: never of another build");
    }
    let (status, _, script) = get("/pkg/hello.c0ffee.js?retry=3").await;
    assert_eq!((status, script.as_str()), (200, "export default 1;"));
    assert_eq!(get("/pkg/other.0ld.css").await.0, 404);
}
