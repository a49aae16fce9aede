//! What strangers try: requests from other sites, too much of everything, and a look for secrets.

use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Browser, Instance as Server, TestApp};

on_both_stores!(requests_from_other_sites_are_refused, an_id_is_in_the_cookie_and_nowhere_else);

const CHANGES: [&str; 3] = ["/api/refresh", "/api/greeting", "/api/forget"];

async fn requests_from_other_sites_are_refused(app: TestApp) {
    let server = app.start().await;
    let own = server.url("");
    let mut browser = Browser::new();
    browser.view(&server).await;
    let before = app.store.session(browser.id()).await;
    for headers in [
        &[("Sec-Fetch-Site", "cross-site")][..],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", &own)],
        &[("Sec-Fetch-Site", "nonsense")],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
        &[("Origin", "http://127.0.0.1:1")],
    ] {
        for path in CHANGES {
            let form = browser.form(&server, path, "greeting=Hola+Mundo");
            let form = headers.iter().fold(form, |form, (name, value)| form.header(*name, *value));
            let response = browser.send(form).await;
            assert_eq!((response.status, response.cookies().len()), (403, 0), "{path} {headers:?}");
        }
    }
    assert_eq!(app.store.session(browser.id()).await, before);
    for headers in [[("Sec-Fetch-Site", "same-origin")], [("Sec-Fetch-Site", "none")], [("Origin", own.as_str())]] {
        let form = browser.form(&server, "/api/refresh", "");
        let form = headers.iter().fold(form, |form, (name, value)| form.header(*name, *value));
        assert_eq!(browser.send(form).await.status, 200, "{headers:?}");
    }
    assert_eq!(app.store.views(browser.id()).await, 4);
}

async fn an_id_is_in_the_cookie_and_nowhere_else(app: TestApp) {
    // As much as there is to log, of everything.
    let app = app.with("RUST_LOG", "trace");
    let server = app.start().await;
    let mut output = String::new();
    let mut ids = Vec::new();
    let mut browser = Browser::new();
    for (path, fields) in [
        ("/", ""),
        ("/", ""),
        ("/api/refresh", ""),
        ("/api/greeting", "greeting=Hola+Mundo"),
        ("/api/greeting", "x"),
        ("/nowhere", ""),
        ("/api/forget", ""),
        ("/", ""),
    ] {
        let response = match path {
            "/" | "/nowhere" => browser.send(browser.request(Method::GET, &server.url(path))).await,
            _ => browser.post(&server, path, fields).await,
        };
        ids.extend(response.new_id().filter(|id| !id.is_empty()));
        let headers = response.headers.iter().filter(|(name, _)| *name != "set-cookie");
        output.extend(headers.map(|(name, value)| format!("{name}: {value:?}\n")));
        output.push_str(&response.body);
    }
    output.push_str(&server.log());
    assert_eq!(ids.len(), 2, "one before forgetting, one after");
    assert!(output.contains("listening"), "the log was looked at");
    for id in ids {
        assert!(!output.contains(&id), "an id came out");
        assert!(!output.contains(&id.replace('-', "")), "an id came out without its hyphens");
    }
}

/// Sends bytes and returns the status of what comes back.
async fn raw(server: &Server, request: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    // A server that has read enough responds and closes, whatever is still being sent.
    let _ = stream.write_all(request).await;
    let mut response = [0; 12];
    stream.read_exact(&mut response).await.expect("a response");
    std::str::from_utf8(&response[9..]).ok().and_then(|status| status.parse().ok()).expect("a status")
}

#[tokio::test]
async fn too_much_and_nonsense_are_the_clients_fault() {
    let app = TestApp::on_sqlite();
    let server = app.start().await;
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes();
    let post = |kind: &str, body: &[u8]| {
        let head = format!(
            "POST /api/greeting HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    };
    let form = "application/x-www-form-urlencoded";
    let arguments = "application/vnd.server-fn+json";
    let header = |value: &[u8]| [b"GET /nowhere HTTP/1.1\r\nHost: a\r\nCookie: ", value, b"\r\n\r\n"].concat();
    for (what, request) in [
        ("a huge body", post(form, &vec![b'a'; 100_000])),
        ("JSON that is not said to be it", post("text/plain", b"{\"greeting\":\"Hola Mundo\"}")),
        ("a body of another type", post("application/json", b"{\"greeting\":\"Hola Mundo\"}")),
        ("broken JSON", post(arguments, b"{\"greeting\":\"Hola Mundo\"")),
        ("JSON of something else", post(arguments, b"{\"greeting\":[\"Hola Mundo\"]}")),
        ("JSON nested deep", post(arguments, &b"[".repeat(4000))),
        ("a form nested deep", post(form, format!("greeting{}=x", "[a]".repeat(1000)).as_bytes())),
        ("a body that is no text", post(form, b"greeting=\xff\xfe\x00")),
        ("a body with broken encoding", post(form, b"greeting=%zz%")),
        ("a body without the field", post(form, b"greetings=Hola+Mundo")),
        ("a field twice", post(form, b"greeting=Hola+Mundo&greeting=Ciao+Mondo")),
        ("multipart", post("multipart/form-data; boundary=x", b"--x\r\n\r\nHola Mundo\r\n--x--")),
        ("a huge head", header(&vec![b'a'; 200_000])),
        ("many headers", [b"GET / HTTP/1.1\r\n".to_vec(), b"A: b\r\n".repeat(2000), b"\r\n".to_vec()].concat()),
        ("a broken head", b"GET / HTTP/9.9\r\n\r\n".to_vec()),
        ("no HTTP at all", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec()),
        ("a path of nonsense", get("/%ff%00%zz")),
        ("a path upwards", get("/pkg/../../Cargo.toml")),
        ("an encoded path upwards", get("/pkg/%2e%2e/%2e%2e/%2e%2e/etc/passwd")),
        ("a long path", get(&format!("/{}", "a".repeat(20_000)))),
        ("a path too long for a file", get(&format!("/{}", "a".repeat(300)))),
        ("a path nearly too long for a file", get(&format!("/pkg/{}", "a".repeat(250)))),
        ("a path below a file", get("/favicon.svg/x")),
        ("another method", b"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("a GET of what is a POST", get("/api/forget")),
    ] {
        let status = raw(&server, &request).await;
        assert!((400..500).contains(&status), "{what}: {status}");
    }
    assert_eq!(raw(&server, &header(&[b'a'; 8000])).await, 404, "a fat cookie of another app is none of ours");
    assert_eq!(app.store.sessions().await, 0);
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[tokio::test]
async fn an_id_counts_in_the_cookie_alone() {
    let app = TestApp::on_sqlite();
    let server = app.start().await;
    let mut owner = Browser::new();
    owner.view(&server).await;
    let id = owner.id().to_owned();
    for (path, header, value) in [
        (format!("/?session_id={id}"), "X-Nothing", String::new()),
        ("/".to_owned(), "X-Session-Id", id.clone()),
        ("/".to_owned(), "Session_id", id.clone()),
        ("/".to_owned(), "Authorization", format!("Bearer {id}")),
        ("/".to_owned(), "Cookie2", format!("session_id={id}")),
    ] {
        let mut other = Browser::new();
        let response = other.send(other.request(Method::GET, &server.url(&path)).header(header, value)).await;
        assert_eq!(response.view().views, 1, "{path} {header}");
        assert_ne!(other.id(), id);
    }
    assert_eq!(app.store.views(&id).await, 1);
}

/// Random bodies, half of them made of what forms are made of. `make fuzz` gives it longer than a second.
#[tokio::test]
async fn fuzz_form_bodies() {
    let setting = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seed = setting("FUZZ_SEED").unwrap_or(0);
    let mut random = StdRng::seed_from_u64(seed);
    let app = TestApp::on_sqlite();
    let server = app.start().await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    let until = Instant::now() + Duration::from_secs(setting("FUZZ_SECONDS").unwrap_or(1));
    let mut sent = 0;
    while sent < 200 || Instant::now() < until {
        sent += 1;
        let mut body = Vec::new();
        for _ in 0..random.random_range(0..8) {
            match random.random_range(0..6) {
                0 => body.extend(b"greeting="),
                1 => body.extend(b"Hola+Mundo"),
                2 => body.push(*b"&=%+;[]".choose(&mut random).expect("a byte")),
                3 => body.extend(format!("%{:02x}", random.random::<u8>()).bytes()),
                _ => body.extend((0..random.random_range(0..20)).map(|_| random.random::<u8>())),
            }
        }
        let path = CHANGES.choose(&mut random).expect("a path");
        let response = browser.send(browser.form(&server, path, "").body(body.clone())).await;
        let known = matches!(response.status, 200 | 400 | 422);
        assert!(known, "FUZZ_SEED={seed}: {path} {:?}: {response:?}", String::from_utf8_lossy(&body));
    }
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[tokio::test]
async fn slow_clients_do_not_keep_others_waiting() {
    let app = TestApp::on_sqlite();
    let server = app.start().await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
        stream
            .write_all(b"POST /api/greeting HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\ngree")
            .await
            .expect("a write");
        slow.push(stream);
    }
    assert_eq!(Browser::new().view(&server).await.views, 1);
}

#[tokio::test]
async fn an_address_gets_so_many_new_sessions_a_minute() {
    let app = TestApp::on_sqlite().with("NEW_SESSIONS_PER_MINUTE", "3").with("TRUSTED_PROXIES", "1");
    let server = app.start().await;
    let from = |address: &'static str| {
        let server = &server;
        async move |browser: &mut Browser| {
            // What the client writes there itself, another address each time, is not believed.
            let address = format!("2001:db8:{:x}::1, {address}", rand::random::<u16>());
            browser.send(browser.request(Method::GET, &server.url("/")).header("X-Forwarded-For", address)).await
        }
    };
    let mut known = Browser::new();
    assert_eq!(from("192.0.2.1")(&mut known).await.status, 200);
    for _ in 0..2 {
        assert_eq!(from("192.0.2.1")(&mut Browser::new()).await.status, 200);
    }
    let mut late = Browser::new();
    let refused = from("192.0.2.1")(&mut late).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
    assert!(refused.body.contains("<h1>") && refused.cookies().is_empty());
    let unknown = from("192.0.2.1")(&mut Browser::with_id(crate::support::browser::UNKNOWN)).await;
    assert_eq!(unknown.status, 429, "an invented id is no way round");
    assert_eq!(app.store.sessions().await, 3);
    assert_eq!(from("192.0.2.1")(&mut known).await.view().views, 2, "who has a session goes on");
    assert_eq!(from("192.0.2.2")(&mut late).await.status, 200, "another address is not concerned");
}
