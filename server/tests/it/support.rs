//! What the tests stand on: servers to start, browsers to view them with, and a look into the store.

pub(crate) mod browser;
pub(crate) mod command;
pub(crate) mod emulator;
pub(crate) mod instance;
pub(crate) mod proxy;
pub(crate) mod store;
pub(crate) mod tally;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tempfile::TempDir;
use tokio::process::Command;

pub(crate) use self::{
    browser::{Browser, Response, View},
    command::Ran,
    instance::Instance,
    store::Store,
};
use self::{emulator::Emulated, store::SqliteFile};

/// Far more than anything here takes: whatever lasts longer hangs.
pub(crate) const CEILING: Duration = Duration::from_secs(60);

/// The deadline that the servers get unless a test is about it: no test of anything else depends on how
/// fast the machine is.
const UNHURRIED: &str = "30s";

/// The files of the built site and what is in them.
pub(crate) const SITE: [(&str, &str); 4] = [
    ("pkg/hello.c0ffee.js", "export default 1;"),
    ("pkg/hello.c0ffee.wasm", "\0asm"),
    ("pkg/hello.c0ffee.css", "main { color: teal }"),
    ("favicon.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
];

/// What cargo-leptos writes of the hashes in their names.
pub(crate) fn hash_file(hash: &str) -> (&'static str, String) {
    ("hash.txt", format!("js: {hash}\nwasm: {hash}\ncss: {hash}\n"))
}

/// The first of them once more, for browsers that take Brotli. Nothing here decompresses it.
pub(crate) const COMPRESSED: (&str, &str) = ("pkg/hello.c0ffee.js.br", "compressed");

/// A place for sessions, and the settings of the servers that share it.
pub(crate) struct TestApp {
    pub(crate) store: Store,
    folder: TempDir,
    settings: BTreeMap<String, String>,
}

impl TestApp {
    /// An app on an SQLite file that does not exist yet.
    pub(crate) fn on_sqlite() -> Self {
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("new/sessions.db");
        let setting = format!("sqlite:{}", file.display());
        Self::new(folder, Store::Sqlite(SqliteFile::at(file))).with("SESSION_STORE", &setting)
    }

    /// An app in a project of its own on the emulator; `None`, said loudly, where there is no emulator.
    pub(crate) fn on_emulator() -> Option<Self> {
        Emulated::new().map(Self::on)
    }

    /// An app on this part of the emulator.
    pub(crate) fn on(emulated: Emulated) -> Self {
        let folder = TempDir::new().expect("a folder");
        let settings = emulated.settings();
        let app = Self::new(folder, Store::Emulator(emulated));
        settings.iter().fold(app, |app, (name, value)| app.with(name, value))
    }

    fn new(folder: TempDir, store: Store) -> Self {
        // Where a server without a setting looks for it.
        let site = folder.path().join("target/site");
        fs::create_dir_all(site.join("pkg")).expect("a folder");
        for (path, content) in SITE.into_iter().chain([COMPRESSED]) {
            fs::write(site.join(path), content).expect("a file");
        }
        let (path, hashes) = hash_file("c0ffee");
        fs::write(site.join(path), hashes).expect("a file");
        let settings =
            [("LEPTOS_OUTPUT_NAME", "hello"), ("NO_COLOR", "1"), ("PORT", "0"), ("STORE_TIMEOUT", UNHURRIED)];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { store, folder, settings: settings.into() }
    }

    /// The same with an environment variable set, in place of what it was before.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same without an environment variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.settings.remove(name);
        self
    }

    /// The folder in which the servers run.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in that folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Starts a server and waits until it listens.
    pub(crate) async fn start(&self) -> Instance {
        Instance::start(self.command()).await
    }

    /// Starts two at the same time.
    pub(crate) async fn start_two(&self) -> [Instance; 2] {
        tokio::join!(self.start(), self.start()).into()
    }

    /// The server's program with these settings and nothing else of this process's environment.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path))).envs(&self.settings);
        command.current_dir(self.folder()).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}
