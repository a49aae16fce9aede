//! As many sessions as a busy site has: what looks after them never has them all in memory.

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::support::{
    CEILING, TestApp,
    command::{ended, peak_memory},
    store::Many,
};

/// How many sessions a test has on a file.
const ON_SQLITE: u32 = 100_000;

/// And on the emulator, which is slow.
const ON_EMULATOR: u32 = 10_000;

/// A tenth and less of that, for comparison.
const FEW: u32 = 2_000;

/// By how much more memory than for those may be used, in kB: a few pages, not all.
const MORE: u64 = 16 * 1024;

#[tokio::test]
async fn a_hundred_thousand_in_a_file() {
    let app = TestApp::on_sqlite();
    looked_after(&app, ON_SQLITE).await;
}

#[tokio::test]
async fn ten_thousand_on_the_emulator() {
    let Some(app) = TestApp::on_emulator() else { return };
    looked_after(&app, ON_EMULATOR).await;
}

async fn looked_after(app: &TestApp, count: u32) {
    app.start().await.kill().await;
    app.store.fill(Many::old(FEW)).await;
    let few = memory_of_list(app, FEW).await;
    app.store.fill(Many::expired(count / 2)).await;
    app.store.fill(Many::old(count / 2 - FEW)).await;
    let many = memory_of_list(app, count).await;
    assert!(many < few + MORE, "{many} kB for {count} sessions, {few} kB for {FEW}");

    let mut purge = app.spawn(&["sessions", "purge", "--yes"]);
    looked_at(&mut purge, count / 2).await;
    let peak = peak_memory(&purge);
    assert!(peak < few + MORE, "{peak} kB to purge {count} sessions, {few} kB to list {FEW}");
    let purged = ended(purge).await;
    let said = format!("Deleted {} sessions that have expired.\n", count / 2);
    assert_eq!((purged.code, purged.out), (Some(0), said));
    assert_eq!(app.store.sessions().await, count as usize / 2);
}

#[tokio::test]
async fn an_interrupted_purge_says_how_many_it_deleted() {
    let app = TestApp::on_sqlite();
    app.start().await.kill().await;
    app.store.fill(Many::expired(ON_SQLITE)).await;
    let mut purge = app.spawn(&["sessions", "purge", "--yes", "--json"]);
    let id = purge.id().expect("it runs").to_string();
    looked_at(&mut purge, 10_000).await;
    let sent = Command::new("sh").args(["-c", "kill -s INT \"$0\"", &id]).status().await;
    assert!(sent.expect("a shell").success());
    let purged = ended(purge).await;
    assert_eq!(purged.code, Some(130), "{purged:?}");
    let deleted = purged.json()[0]["deleted"].as_u64().expect("a number");
    assert!((10_000..u64::from(ON_SQLITE)).contains(&deleted), "{purged:?}");
    assert_eq!(app.store.sessions().await as u64 + deleted, u64::from(ON_SQLITE));
}

/// Lists so many sessions and returns the most memory that took. It's read while the last thousand are still to
/// come: a pipe holds fewer, so the command runs.
async fn memory_of_list(app: &TestApp, count: u32) -> u64 {
    let mut list = app.spawn(&["sessions", "list", "--json"]);
    let mut lines = BufReader::new(list.stdout.take().expect("a pipe")).lines();
    let (mut seen, mut peak) = (0, 0);
    while let Some(_line) = timeout(CEILING, lines.next_line()).await.expect("it goes on").expect("text") {
        seen += 1;
        if seen == count - 1000 {
            peak = peak_memory(&list);
        }
    }
    assert_eq!(seen, count);
    ended(list).await.well();
    peak
}

/// Waits until a purge has looked at so many sessions.
async fn looked_at(purge: &mut Child, until: u32) {
    let mut lines = BufReader::new(purge.stderr.take().expect("a pipe")).lines();
    loop {
        let line = timeout(CEILING, lines.next_line()).await.expect("it goes on").expect("text").expect("a line more");
        let seen = line.strip_suffix(" looked at").and_then(|line| line.rsplit(' ').next()).expect("a number");
        if seen.parse::<u32>().expect("a number") >= until {
            break;
        }
    }
    tokio::spawn(async move { while let Ok(Some(_line)) = lines.next_line().await {} });
}
