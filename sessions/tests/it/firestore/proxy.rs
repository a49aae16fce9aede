//! A proxy between a client and the emulator that does to HTTP/2 connections what networks and front ends do to them.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// What the client sends before its first frame.
const PREFACE: usize = 24;

/// Frame types and the flag that are looked at (RFC 9113, section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const MAX_CONCURRENT_STREAMS: [u8; 2] = [0, 3];

pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    network: Arc<Network>,
    accepting: JoinHandle<()>,
}

struct Network {
    upstream: String,
    /// What each connection lets its client have under way; unlimited if `None`.
    limit: Option<u32>,
    /// Connections of an earlier age are deaf: they stay open and swallow everything.
    age: AtomicU64,
    /// Whether responses are passed on.
    responding: watch::Sender<bool>,
    /// For each connection, in the order in which they were made.
    calls: Mutex<Vec<Calls>>,
}

/// The calls of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Calls {
    pub(super) under_way: usize,
    /// The most there have been under way.
    pub(super) most: usize,
    /// How many frames the messages of all requests took.
    pub(super) data_frames: usize,
}

impl Proxy {
    pub(super) async fn start(limit: Option<u32>) -> Self {
        let upstream = std::env::var("FIRESTORE_EMULATOR_HOST").expect("an emulator");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let network = Network {
            upstream,
            limit,
            age: AtomicU64::new(0),
            responding: watch::Sender::new(true),
            calls: Mutex::default(),
        };
        let network = Arc::new(network);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&network)));
        Self { address, network, accepting }
    }

    /// Makes the connections there are deaf; new ones work.
    pub(super) fn deafen(&self) {
        self.network.age.fetch_add(1, Ordering::SeqCst);
    }

    /// Ends all connections, and takes no new ones.
    pub(super) fn close(&self) {
        self.accepting.abort();
    }

    /// Holds responses back, or passes them on.
    pub(super) fn respond(&self, responding: bool) {
        self.network.responding.send_replace(responding);
    }

    pub(super) fn calls(&self) -> Vec<Calls> {
        self.network.calls.lock().expect("no panic").clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, network: Arc<Network>) {
    // They end with this task.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(connect(client, Arc::clone(&network)));
    }
}

async fn connect(client: TcpStream, network: Arc<Network>) {
    let Ok(server) = TcpStream::connect(&network.upstream).await else { return };
    let number = {
        let mut calls = network.calls.lock().expect("no panic");
        calls.push(Calls::default());
        calls.len() - 1
    };
    let connection = Connection { age: network.age.load(Ordering::SeqCst), number, network };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        _ = connection.requests(from_client, to_server) => {}
        _ = connection.responses(from_server, to_client) => {}
    }
}

struct Connection {
    network: Arc<Network>,
    number: usize,
    age: u64,
}

impl Connection {
    async fn requests(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
        let mut preface = [0; PREFACE];
        from.read_exact(&mut preface).await?;
        to.write_all(&preface).await?;
        loop {
            let frame = Frame::read(&mut from).await?;
            match frame.kind() {
                HEADERS => self.count(|calls| {
                    calls.under_way += 1;
                    calls.most = calls.most.max(calls.under_way);
                }),
                DATA => self.count(|calls| calls.data_frames += 1),
                _ => {}
            }
            self.write(&frame, &mut to).await?;
        }
    }

    async fn responses(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
        let mut responding = self.network.responding.subscribe();
        loop {
            let mut frame = Frame::read(&mut from).await?;
            match (frame.kind(), frame.flags()) {
                (SETTINGS, flags) if flags & ACK == 0 => frame.limit_streams(self.network.limit),
                (HEADERS | DATA, flags) => {
                    responding.wait_for(|responding| *responding).await.map_err(std::io::Error::other)?;
                    if flags & END_STREAM != 0 {
                        self.count(|calls| calls.under_way = calls.under_way.saturating_sub(1));
                    }
                }
                (RST_STREAM, _) => self.count(|calls| calls.under_way = calls.under_way.saturating_sub(1)),
                _ => {}
            }
            self.write(&frame, &mut to).await?;
        }
    }

    fn count(&self, change: impl FnOnce(&mut Calls)) {
        change(&mut self.network.calls.lock().expect("no panic")[self.number]);
    }

    async fn write(&self, frame: &Frame, to: &mut OwnedWriteHalf) -> std::io::Result<()> {
        if self.network.age.load(Ordering::SeqCst) != self.age {
            return Ok(());
        }
        to.write_all(&frame.0).await
    }
}

/// A frame with its head of nine bytes.
struct Frame(Vec<u8>);

impl Frame {
    async fn read(from: &mut OwnedReadHalf) -> std::io::Result<Self> {
        let mut bytes = vec![0; 9];
        from.read_exact(&mut bytes).await?;
        let length = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]) as usize;
        bytes.resize(9 + length, 0);
        from.read_exact(&mut bytes[9..]).await?;
        Ok(Self(bytes))
    }

    fn kind(&self) -> u8 {
        self.0[3]
    }

    fn flags(&self) -> u8 {
        self.0[4]
    }

    /// Of two settings of the same kind the last one counts.
    fn limit_streams(&mut self, limit: Option<u32>) {
        let Some(limit) = limit else { return };
        self.0.extend(MAX_CONCURRENT_STREAMS);
        self.0.extend(limit.to_be_bytes());
        let length = u32::try_from(self.0.len() - 9).expect("a short frame").to_be_bytes();
        self.0[..3].copy_from_slice(&length[1..]);
    }
}
