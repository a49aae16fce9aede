//! Two processes on one store, one of which is killed. The second process is this test program again, which runs the
//! test `child` alone.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

use exact_sessions::{
    Error, SessionId, Sessions, SignIn,
    store::{Store, sqlite::SqliteStore},
};

use crate::{
    bench::Counter,
    places::{Place, unhurried},
};

const PLACE: &str = "EXACT_SESSIONS_TEST_PLACE";
const ID: &str = "EXACT_SESSIONS_TEST_ID";
const SLOW: Duration = Duration::from_secs(30);

fn sessions_in(store: Arc<dyn Store>) -> Sessions<Counter> {
    Sessions::builder(store, Counter::default).settings(unhurried()).build()
}

/// What the second process does until it's killed: it signs in again and again and changes the session in between. It
/// prints the session's id and count after each.
#[tokio::test]
async fn child() {
    let (Ok(place), Ok(id)) = (std::env::var(PLACE), std::env::var(ID)) else { return };
    let store: Arc<dyn Store> = match place.split_once(':') {
        Some(("sqlite", path)) => Arc::new(SqliteStore::open(path).expect("a file")),
        Some(("firestore", project)) => Place::firestore(project.to_owned()).open(),
        _ => panic!("{place}"),
    };
    let sessions = sessions_in(store);
    let mut id = SessionId::parse(&id).expect("an id");
    loop {
        for _ in 0..3 {
            if let Some(changed) = sessions.update(id, Counter::count).await.expect("a change") {
                println!("\n:{}:{}:", id.expose(), changed.session.data.views);
            }
        }
        let done = sessions.sign_in(Some(id), SignIn::new("ada"), Counter::count).await.expect("a sign-in");
        id = done.new_id.expect("a new id");
        println!("\n:{}:{}:", id.expose(), done.session.data.views);
    }
}

struct Other {
    child: Child,
    lines: Receiver<(SessionId, u64)>,
}

impl Other {
    fn start(place: &Place, id: SessionId) -> Self {
        let place = match place {
            Place::Sqlite(folder) => format!("sqlite:{}", folder.path().join("sessions.db").display()),
            Place::Firestore(project) => format!("firestore:{project}"),
            Place::Memory(_) => panic!("memory is of one process"),
        };
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "users::processes::child", "--nocapture"])
            .env(PLACE, place)
            .env(ID, id.expose())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // A killed process may leave half a line.
                let Some(line) = line.strip_prefix(':').and_then(|line| line.strip_suffix(':')) else { continue };
                let (id, views) = line.split_once(':').expect("an id and a number");
                let line = (SessionId::parse(id).expect("an id"), views.parse().expect("a number"));
                // The test may have heard enough.
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    /// Waits until so many acknowledgements more have come.
    fn heard(&self, more: usize) -> Vec<(SessionId, u64)> {
        (0..more).map(|_| self.lines.recv_timeout(SLOW).expect("the other process works")).collect()
    }

    /// Kills it, and returns what it has said before.
    fn kill(mut self) -> Vec<(SessionId, u64)> {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
        self.lines.iter().collect()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn views(sessions: &Sessions<Counter>, id: SessionId) -> Option<u64> {
    match sessions.read(id).await {
        Ok(session) => session.map(|session| session.data.views),
        Err(Error::Superseded) => None,
        Err(error) => panic!("{error}"),
    }
}

async fn killed(place: &Place, kills: usize) {
    let sessions = sessions_in(place.open());
    for n in 0..kills {
        let first = sessions.upsert(None, |_| {}).await.expect("a session").new_id.expect("an id");
        let other = Other::start(place, first);
        let mut acknowledged = other.heard(4 + n);
        // This process works on the session, too.
        let mut ours = 0;
        for _ in 0..3 {
            let (id, _) = *acknowledged.last().expect("an acknowledgement");
            match sessions.update(id, Counter::count).await {
                Ok(Some(_)) => ours += 1,
                Ok(None) | Err(Error::Superseded) => {}
                Err(error) => panic!("{error}"),
            }
            acknowledged.extend(other.heard(3));
        }
        std::thread::sleep(Duration::from_millis(rand::random_range(0..30)));
        acknowledged.extend(other.kill());
        let (last, seen) = *acknowledged.last().expect("an acknowledgement");
        for (old, _) in acknowledged.iter().filter(|(id, _)| *id != last) {
            assert_eq!(views(&sessions, *old).await, None, "signed in under an old id");
            let change = sessions.update(*old, Counter::count).await;
            assert!(matches!(change, Ok(None) | Err(Error::Superseded)), "{change:?}");
        }
        let done = acknowledged.len() as u64 + ours;
        match views(&sessions, last).await {
            // One change may have been on its way.
            Some(views) => assert!(views == done || views == done + 1, "{views} of {done} changes; last seen {seen}"),
            // Or a sign-in, whose new id nobody has.
            None => {
                let listed = sessions.of_user("ada").await.expect("a list");
                assert_eq!(listed.len(), 1, "the session has moved, once");
            }
        }
        sessions.end_all_of_user("ada", None).await.expect("an end");
        assert_eq!(views(&sessions, last).await, None);
    }
}

async fn ended(place: &Place, ends: usize) {
    let sessions = sessions_in(place.open());
    let first = sessions.upsert(None, |_| {}).await.expect("a session").new_id.expect("an id");
    let other = Other::start(place, first);
    let mut all = Vec::new();
    for _ in 0..ends {
        let before = other.heard(6);
        sessions.end_all_of_user("ada", None).await.expect("an end");
        for (id, _) in before {
            if id != first {
                assert_eq!(views(&sessions, id).await, None, "what was ended is there again");
                all.push(id);
            }
        }
    }
    other.kill();
    for id in all {
        assert_eq!(views(&sessions, id).await, None, "what was ended is there again, later");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_leaves_nobody_signed_in_under_an_old_id() {
    killed(&Place::sqlite(), 6).await;
    for place in Place::all().iter().filter(|place| matches!(place, Place::Firestore(_))) {
        killed(place, 3).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_ends_another_one_does_not_bring_back() {
    ended(&Place::sqlite(), 10).await;
    for place in Place::all().iter().filter(|place| matches!(place, Place::Firestore(_))) {
        ended(place, 5).await;
    }
}
