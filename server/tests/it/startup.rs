//! How the server starts, and how it says that it can't: one line that names what's wrong.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Output, Stdio},
};

use tokio::{net::TcpListener, process::Command, time::timeout};

use crate::support::{Browser, CEILING, Instance, Store, TestApp, browser::GREETINGS};

async fn output(mut command: Command) -> Output {
    command.stdout(std::process::Stdio::piped());
    timeout(CEILING, command.output()).await.expect("it ends in time").expect("the server's program")
}

/// Asserts that the server does not start, and says so in one line that has all of these words.
async fn assert_fails(app: &TestApp, args: &[&str], code: i32, words: &[&str]) {
    let mut command = app.command();
    command.args(args);
    let output = output(command).await;
    let (said, printed) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
    assert_eq!((said.lines().count(), &*printed), (1, ""), "{words:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
}

#[tokio::test]
async fn a_bad_setting_is_named() {
    for (name, bad) in [
        ("PORT", "70000"),
        ("PORT", "-1"),
        ("PORT", "http"),
        ("PORT", ""),
        ("SESSION_STORE", "redis"),
        ("SESSION_STORE", "sqlite:"),
        ("SESSION_STORE", "Firestore"),
        ("SESSION_STORE", "sqlite://data/s.db"),
        ("SESSION_STORE", "sqlite::memory:"),
        ("SESSION_STORE", "sqlite:file:data/s.db?mode=rwc"),
        ("SESSION_STORE", "sqlite:data/s.db?mode=rwc"),
        ("SESSION_STORE", "sqlite:data/"),
        ("FIRESTORE_CHANNELS", "0"),
        ("SESSION_FIRST_TIMEOUT", "0s"),
        ("FIRESTORE_DATABASE", ""),
        ("FIRESTORE_DATABASE", "a/b"),
        ("SESSION_COLLECTION", ""),
        ("SESSION_COLLECTION", "a/b"),
        ("SESSION_COLLECTION", ".."),
        ("SESSION_IDLE_TIMEOUT", "14"),
        ("SESSION_IDLE_TIMEOUT", "0s"),
        ("SESSION_LIFETIME", "-1d"),
        ("SESSION_LIFETIME", "for ever"),
        ("STORE_TIMEOUT", "never"),
        ("STORE_TIMEOUT", ""),
        ("HTTPS_ONLY", "yes"),
        ("LOG_FORMAT", "xml"),
    ] {
        assert_fails(&TestApp::on_sqlite().with(name, bad), &[], 64, &[name]).await;
        let flag = format!("--{}={bad}", name.to_lowercase().replace('_', "-"));
        assert_fails(&TestApp::on_sqlite().without(name), &[&flag], 64, &[name]).await;
    }
    // A variable alone.
    assert_fails(&TestApp::on_sqlite().with("RUST_LOG", "info,server=loud"), &[], 64, &["RUST_LOG"]).await;
    assert_fails(&TestApp::on_sqlite(), &["--nonsense"], 64, &["--nonsense"]).await;
    assert_fails(&TestApp::on_sqlite(), &["nonsense"], 64, &["nonsense"]).await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let app = TestApp::on_sqlite().with("PORT", &port);
    assert_fails(&app, &[], 1, &["PORT", &port, "in use"]).await;
    assert_fails(&app, &["--host", "no.such.host.invalid"], 1, &["HOST", "no.such.host.invalid"]).await;
    assert_fails(&app, &["--host", "192.0.2.1"], 1, &["HOST", "192.0.2.1"]).await;
}

#[tokio::test]
async fn a_site_that_is_not_built_is_named() {
    let app = TestApp::on_sqlite();
    let pkg = app.path("target/site/pkg");
    fs::remove_file(pkg.join("hello.c0ffee.js")).expect("a file");
    assert_fails(&app, &[], 1, &["LEPTOS_SITE_ROOT", ".js"]).await;
    fs::remove_dir_all(pkg).expect("a folder");
    assert_fails(&app, &[], 1, &["LEPTOS_SITE_ROOT", "target/site"]).await;
    assert_fails(&app.with("LEPTOS_SITE_ROOT", "nowhere"), &[], 1, &["LEPTOS_SITE_ROOT", "nowhere"]).await;
}

#[tokio::test]
async fn assets_are_found_by_the_hashes_of_their_build() {
    let app = TestApp::on_sqlite();
    let site = app.path("target/site");
    // More files, as those of a split bundle or of an earlier build.
    for name in ["hello.0ld.js", "hello.0ld.wasm", "hello.0ld.css", "chunk_0.c0ffee.wasm", "__wasm_split.c0ffee.js"] {
        fs::write(site.join("pkg").join(name), "").expect("a file");
    }
    let page = Browser::new().load(&app.start().await).await.body;
    for kind in ["css", "js", "wasm"] {
        assert!(page.contains(&format!("\"/pkg/hello.c0ffee.{kind}\"")), "{page}");
    }

    // Without hashes, as under `make watch`.
    fs::remove_file(site.join("hash.txt")).expect("a file");
    for kind in ["css", "js", "wasm"] {
        fs::rename(site.join(format!("pkg/hello.c0ffee.{kind}")), site.join(format!("pkg/hello.{kind}")))
            .expect("a file");
    }
    let page = Browser::new().load(&app.start().await).await.body;
    assert!(page.contains("\"/pkg/hello.wasm\""), "{page}");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named() {
    let app = TestApp::on_sqlite();
    fs::write(app.path("file"), "regular").expect("a file");
    fs::write(app.path("damaged.db"), rand::random::<[u8; 32]>().repeat(512)).expect("a file");
    fs::create_dir(app.path("folder.db")).expect("a folder");
    let app = app.with("STORE_TIMEOUT", "2s");
    for path in ["file/sessions.db", "file/further/sessions.db", "damaged.db", "folder.db", "/proc/sessions.db"] {
        let app = TestApp::on_sqlite().with("SESSION_STORE", &format!("sqlite:{}", app.path(path).display()));
        assert_fails(&app, &[], 1, &["SESSION_STORE", path]).await;
    }
    assert!(!fs::read(app.path("damaged.db")).expect("a file").starts_with(b"SQLite"), "it is left as it was");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_named() {
    let app = TestApp::on_sqlite();
    let mut browser = Browser::new();
    let server = app.start().await;
    browser.view(&server).await;
    server.kill().await;
    let Store::Sqlite(file) = &app.store else { unreachable!() };
    file.open().pragma_update(None, "journal_mode", "DELETE").expect("an open file");

    let read_only = fs::Permissions::from_mode(0o444);
    fs::set_permissions(file.path(), read_only).expect("a file");
    if fs::OpenOptions::new().write(true).open(file.path()).is_ok() {
        eprintln!("SKIPPED: this user may write every file, whatever its mode");
        return;
    }
    assert_fails(&app, &[], 1, &["SESSION_STORE", "sessions.db"]).await;
}

#[tokio::test]
async fn a_file_that_somebody_else_is_making_is_waited_for() {
    let app = TestApp::on_sqlite().with("SESSION_STORE", "sqlite:sessions.db");
    let mut other = rusqlite::Connection::open(app.path("sessions.db")).expect("a file");
    other.execute_batch("CREATE TABLE other (x)").expect("a table");
    let making = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).expect("a lock");
    let (server, ()) = tokio::join!(app.start(), async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        making.rollback().expect("an open file");
    });
    assert_eq!(Browser::new().view(&server).await.views, 1);
}

#[tokio::test]
async fn help_and_version_are_printed() {
    let app = TestApp::on_sqlite().with("PORT", "0");
    let mut command = app.command();
    command.arg("--help");
    let help = output(command).await;
    assert_eq!(help.status.code(), Some(0));
    let help = String::from_utf8(help.stdout).expect("text");
    // Each with its default, where there is one that can be said.
    for (name, default) in [
        ("HOST", "127.0.0.1"),
        ("PORT", "8080"),
        ("SESSION_STORE", "sqlite:data/sessions.db"),
        ("GOOGLE_CLOUD_PROJECT", ""),
        ("FIRESTORE_DATABASE", "(default)"),
        ("SESSION_COLLECTION", "sessions"),
        ("FIRESTORE_CHANNELS", "4"),
        ("SESSION_FIRST_TIMEOUT", ""),
        ("SESSION_IDLE_TIMEOUT", "14d"),
        ("SESSION_LIFETIME", "90d"),
        ("STORE_TIMEOUT", "2s"),
        ("HTTPS_ONLY", "false"),
        ("LOG_FORMAT", "json"),
    ] {
        let flag = format!("--{}", name.to_lowercase().replace('_', "-"));
        assert!(help.contains(&format!("[env: {name}=")), "{name}: {help}");
        assert!(help.contains(&flag) && help.contains(default), "{name}: {help}");
    }
    for (command, does) in [("serve", "Serve the page"), ("sessions", "Look at the sessions"), ("check", "are sound")] {
        assert!(help.lines().any(|line| line.trim().starts_with(command) && line.contains(does)), "{command}: {help}");
    }
    let mut command = app.command();
    command.arg("--version");
    let version = output(command).await;
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&version.stdout).trim(), concat!("server ", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn the_help_of_a_command_has_what_it_takes_and_no_more() {
    let app = TestApp::on_sqlite();
    for command in ["list", "show", "set", "delete", "purge"] {
        let help = app.run(&["sessions", command, "--help"]).await.well().out;
        for word in ["[env: SESSION_STORE=", "[env: FIRESTORE_DATABASE=", "[env: STORE_TIMEOUT=", "Exit codes"] {
            assert!(help.contains(word), "{command}: {word:?} is not in {help}");
        }
        assert!(!help.contains("[env: PORT="), "{command}: {help}");
        assert_eq!(help.contains("standard input"), ["show", "set", "delete"].contains(&command), "{command}: {help}");
    }
    let help = app.run(&["check", "--help"]).await.well().out;
    assert!(help.contains("[env: PORT=") && help.contains("[env: SESSION_STORE="), "{help}");
}

#[tokio::test]
async fn to_serve_is_also_a_command() {
    let mut command = TestApp::on_sqlite().with("PORT", "1").command();
    command.args(["serve", "--port=0"]);
    let app = TestApp::on_sqlite();
    command.current_dir(app.folder()).env("SESSION_STORE", "sqlite:sessions.db");
    assert_eq!(Browser::new().view(&Instance::start(command).await).await.views, 1);
    let both = app.run(&["--port=0", "sessions", "list"]).await;
    both.assert_fails(64, &["--port"]);
}

#[tokio::test]
async fn without_settings_sessions_are_in_a_file_beside() {
    let app = TestApp::on_sqlite().without("SESSION_STORE").without("STORE_TIMEOUT");
    let server = app.start().await;
    assert!(GREETINGS.contains(&Browser::new().view(&server).await.greeting.as_str()));
    assert!(app.path("data/sessions.db").is_file());
    assert!(server.log().contains("data/sessions.db"), "{}", server.log());
    assert!(server.address().starts_with("127.0.0.1:"), "{}", server.address());
}

#[tokio::test]
async fn a_flag_goes_before_the_environment() {
    let app = TestApp::on_sqlite().with("HTTPS_ONLY", "false").with("PORT", "1");
    let mut command = app.command();
    command.args(["--https-only", "--port=0", "--host=localhost"]);
    let server = Instance::start(command).await;
    let response = Browser::new().load(&server).await;
    assert!(response.cookies()[0].starts_with("__Host-"), "{response:?}");
}

/// App Engine's smallest machine has one. A render must not keep the store's work from going on.
#[tokio::test]
async fn on_one_processor_it_serves_as_well() {
    let app = TestApp::on_sqlite();
    let settings = app.command();
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", "0", env!("CARGO_BIN_EXE_server")]).current_dir(app.folder()).kill_on_drop(true);
    let settings = settings.as_std().get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.env_clear().envs(settings).stdout(Stdio::piped()).stderr(Stdio::piped());
    let server = Instance::start(command).await;
    let mut browser = Browser::new();
    browser.view(&server).await;
    let views = (0..50).map(|_| {
        let (mut browser, page) = (browser.clone(), server.url("/"));
        tokio::spawn(async move { browser.send(browser.request(reqwest::Method::GET, &page)).await.view().views })
    });
    let mut seen = Vec::new();
    for view in views.collect::<Vec<_>>() {
        seen.push(view.await.expect("no panic"));
    }
    seen.sort_unstable();
    assert_eq!(seen, (2..=51).collect::<Vec<_>>());
}

/// Waits until the process would notice a SIGTERM.
async fn catches_sigterm(pid: u32) {
    const SIGTERM: u64 = 1 << (15 - 1);
    let catches = || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask");
        u64::from_str_radix(caught.trim(), 16).expect("a mask") & SIGTERM != 0
    };
    let caught = async {
        while !catches() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    timeout(CEILING, caught).await.expect("a handler");
}

async fn assert_ends_on_sigterm(server: tokio::process::Child, pid: u32, what: &str) {
    catches_sigterm(pid).await;
    let killed = Command::new("kill").args(["-TERM", &pid.to_string()]).status().await.expect("kill");
    assert!(killed.success());
    let output = timeout(CEILING, server.wait_with_output()).await.expect("it ends").expect("a process");
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{what}: {log}");
    assert!(!log.contains("listening") && log.contains("before the start was complete"), "{what}: {log}");
}

/// A deploy that is rolled back, or a person who types `docker stop` at once.
#[tokio::test]
async fn a_signal_while_it_starts_ends_it_with_success() {
    let app = TestApp::on_sqlite().with("SESSION_STORE", "sqlite:sessions.db");
    let mut other = rusqlite::Connection::open(app.path("sessions.db")).expect("a file");
    other.execute_batch("CREATE TABLE other (x)").expect("a table");
    let making = other.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive).expect("a lock");

    let server = app.command().spawn().expect("the server's program");
    let pid = server.id().expect("a process");
    assert_ends_on_sigterm(server, pid, "waiting for the file").await;

    // The kernel drops signals to process 1 that it has no handler for.
    let settings = app.command();
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", env!("CARGO_BIN_EXE_server")]).current_dir(app.folder());
    let settings = settings.as_std().get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.env_clear().envs(settings).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut unshare = command.spawn().expect("unshare");
    let parent = unshare.id().expect("a process");
    let children = format!("/proc/{parent}/task/{parent}/children");
    let child = async {
        loop {
            let children = fs::read_to_string(&children).unwrap_or_default();
            match children.split_whitespace().next() {
                Some(child) => return child.parse().ok(),
                None if unshare.try_wait().is_ok_and(|status| status.is_some()) => return None,
                None => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        }
    };
    match timeout(CEILING, child).await.expect("a process") {
        Some(child) => assert_ends_on_sigterm(unshare, child, "as process 1").await,
        None => eprintln!("SKIPPED: this user may not make a namespace for processes"),
    }
    drop(making);
}

/// Starts the server under these limits on open files.
async fn start_with_open_files(app: &TestApp, limit: &str) -> Instance {
    let settings = app.command();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit {limit}; exec {}", env!("CARGO_BIN_EXE_server"))]).current_dir(app.folder());
    let settings = settings.as_std().get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.env_clear().envs(settings).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    Instance::start(command).await
}

#[tokio::test]
async fn the_soft_limit_on_open_files_is_no_limit() {
    let app = TestApp::on_sqlite();
    let server = start_with_open_files(&app, "-S -n 200").await;
    let mut idle = Vec::new();
    for _ in 0..400 {
        idle.push(tokio::net::TcpStream::connect(server.address()).await.expect("a connection"));
    }
    assert_eq!(Browser::new().view(&server).await.views, 1);
    assert!(!server.log().contains("WARN"), "{}", server.log());
}

#[tokio::test]
async fn a_hard_limit_on_open_files_is_kept_and_logged() {
    let app = TestApp::on_sqlite();
    let server = start_with_open_files(&app, "-n 300").await;
    assert!(server.log().contains("at most 100 connections at once instead of 4096"), "{}", server.log());
    let mut idle = Vec::new();
    for n in 1..=20 {
        for _ in 0..20 {
            let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
            socket.bind(format!("127.0.0.{n}:0").parse().expect("an address")).expect("an address of this machine");
            idle.push(socket.connect(server.address().parse().expect("an address")).await.expect("a connection"));
        }
    }
    idle.truncate(50);
    assert_eq!(Browser::new().view(&server).await.views, 1);
    assert!(!server.log().contains("can't accept"), "{}", server.log());
}
