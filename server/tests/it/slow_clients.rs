//! Clients that take connections and give nothing for them: they lose them, and others are served meanwhile. The server
//! runs in this process, with limits as short as the tests need.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    routing::{get, post},
};
use futures::stream;
use server::http::{Limits, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Notify, oneshot},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::support::CEILING;

const LONG: Duration = Duration::from_secs(3600);

/// Limits that no test runs into, unless it sets one.
const NO_LIMITS: Limits = Limits {
    connections: 1000,
    connections_per_address: None,
    header_read_timeout: LONG,
    write_timeout: LONG,
    write_timeout_on_shutdown: LONG,
    shutdown_timeout: LONG,
};

/// More than the system buffers for a connection.
const LARGE: usize = 64 << 20;

/// A body in many pieces, as a file has: the next one is fetched when the client has taken the one before. Notifies when
/// the server is done with it.
fn large(done: Arc<Notify>) -> Body {
    const PIECE: &[u8] = &[b'x'; 64 << 10];
    let done = NotifyOnDrop(done);
    Body::from_stream(stream::iter((0..LARGE / PIECE.len()).map(move |_| {
        let _keep = &done;
        Ok::<_, Infallible>(PIECE)
    })))
}

struct NotifyOnDrop(Arc<Notify>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

struct Server {
    address: SocketAddr,
    /// Notified of each request for `/never`.
    never: Arc<Notify>,
    /// Notified when the server is done with a response of `/large`, whether all of it was sent or not.
    large_done: Arc<Notify>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

async fn start(limits: Limits) -> Server {
    let never = Arc::new(Notify::new());
    let requested = Arc::clone(&never);
    let large_done = Arc::<Notify>::default();
    let done = Arc::clone(&large_done);
    let app = Router::new()
        .route("/", get(async || "here"))
        .route("/large", get(async move || large(done)))
        .route("/body", post(async |body: Bytes| body))
        .route("/slow", get(async || sleep(Duration::from_millis(100)).await))
        .route(
            "/never",
            get(async move || {
                requested.notify_one();
                std::future::pending::<()>().await;
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let stop_signal = async {
        let _ = stopped.await;
        Duration::ZERO
    };
    let served = tokio::spawn(serve(listener, app, CancellationToken::new(), stop_signal, limits));
    Server { address, never, large_done, stop, served }
}

impl Server {
    /// A connection from this address of the machine, on which this was sent.
    async fn send(&self, from: &str, text: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(format!("{from}:0").parse().expect("an address")).expect("an address of this machine");
        let mut stream = socket.connect(self.address).await.expect("a connection");
        stream.write_all(text.as_bytes()).await.expect("a connection");
        stream
    }

    /// The same for a whole request for this path.
    async fn request(&self, from: &str, path: &str) -> TcpStream {
        self.send(from, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await
    }

    /// Asserts that a client is served.
    async fn serves(&self, from: &str) {
        let mut stream = self.request(from, "/").await;
        let mut beginning = [0; 15];
        timeout(CEILING, stream.read_exact(&mut beginning)).await.expect("in time").expect("a response");
        assert_eq!(&beginning, b"HTTP/1.1 200 OK");
    }
}

/// The beginning of the response has arrived, so the rest of it waits for the client.
async fn begins_to_read(stream: &mut TcpStream) {
    timeout(CEILING, stream.read_exact(&mut [0; 15])).await.expect("in time").expect("a response");
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_connection() {
    let server = start(Limits { write_timeout: Duration::from_millis(200), ..NO_LIMITS }).await;
    let mut mute = server.request("127.0.0.1", "/large").await;
    begins_to_read(&mut mute).await;
    timeout(CEILING, server.large_done.notified()).await.expect("the response is given up");
}

#[tokio::test]
async fn a_client_that_reads_gets_everything() {
    let server = start(Limits { write_timeout: Duration::from_secs(10), ..NO_LIMITS }).await;
    let mut stream = server.request("127.0.0.1", "/large").await;
    let (mut all, mut some) = (0, vec![0; 1 << 20]);
    while all < LARGE {
        let read = timeout(CEILING, stream.read(&mut some)).await.expect("in time").expect("a connection");
        assert!(read > 0, "it is closed after {all} of {LARGE} bytes");
        all += read;
        sleep(Duration::from_millis(1)).await;
    }
}

/// All that such clients do: they say nothing, do not end a request, do not send another one, or do not read.
const USELESS: [&str; 6] = [
    "",
    "POST /body HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n",
    "GET / HTTP/1.1\r\nHos",
    "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /large HTTP/1.1\r\nHost: x\r\n\r\n",
];

#[tokio::test]
async fn clients_that_give_nothing_keep_nobody_out() {
    for useless in USELESS {
        let all_from_one = start(Limits { connections: 8, connections_per_address: Some(4), ..NO_LIMITS }).await;
        let each_from_another = start(Limits { connections: 8, ..NO_LIMITS }).await;
        let mut taken = Vec::new();
        for n in 1..=50 {
            taken.push(all_from_one.send("127.0.0.1", useless).await);
            taken.push(each_from_another.send(&format!("127.0.1.{n}"), useless).await);
        }
        for server in [&all_from_one, &each_from_another] {
            server.serves("127.0.0.1").await;
            server.serves("127.0.0.2").await;
        }
    }
}

#[tokio::test]
async fn a_request_that_is_being_handled_is_not_given_up_for_another_one() {
    let server = start(Limits { connections: 8, connections_per_address: Some(2), ..NO_LIMITS }).await;
    let mut handled = Vec::new();
    for _ in 0..2 {
        handled.push(server.request("127.0.0.1", "/never").await);
        timeout(CEILING, server.never.notified()).await.expect("the request arrives");
    }
    for _ in 0..10 {
        let mut further = TcpStream::connect(server.address).await.expect("a connection");
        let read = timeout(CEILING, further.read(&mut [0])).await.expect("in time");
        assert!(matches!(read, Ok(0) | Err(_)), "it is closed without a response");
    }
    server.serves("127.0.0.2").await;
    for stream in &handled {
        assert!(matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock));
    }
    reset(handled.remove(0));
    let again = async {
        // Until the server has noticed that this client is gone.
        loop {
            let mut stream = TcpStream::connect(server.address).await.expect("a connection");
            let sent = stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
            if sent.is_ok() && matches!(stream.read(&mut [0]).await, Ok(1)) {
                return;
            }
        }
    };
    timeout(CEILING, again).await.expect("a connection that has ended makes room");
}

/// Closes a connection so that the other side learns of it at once.
fn reset(stream: TcpStream) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("a socket");
    drop(stream);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_client_that_does_not_read() {
    let server = start(Limits { write_timeout_on_shutdown: Duration::from_millis(100), ..NO_LIMITS }).await;
    let mut mute = server.request("127.0.0.1", "/large").await;
    begins_to_read(&mut mute).await;
    server.stop.send(()).expect("a server");
    timeout(CEILING, server.served).await.expect("it stops").expect("no panic");
}

#[tokio::test]
async fn a_stop_waits_no_longer_than_its_deadline() {
    let server = start(Limits { shutdown_timeout: Duration::from_millis(200), ..NO_LIMITS }).await;
    let _waiting = server.request("127.0.0.1", "/never").await;
    timeout(CEILING, server.never.notified()).await.expect("the request arrives");
    server.stop.send(()).expect("a server");
    timeout(CEILING, server.served).await.expect("it stops").expect("no panic");
}

/// Asserted by a race with a server that has no such limit.
#[tokio::test]
async fn a_client_that_sends_half_a_head_loses_its_connection() {
    let limited = start(Limits { header_read_timeout: Duration::from_millis(200), ..NO_LIMITS }).await;
    let patient = start(NO_LIMITS).await;
    let closed = async |server: &Server| {
        let mut stream = TcpStream::connect(server.address).await.expect("a connection");
        stream.write_all(b"GET / HTTP/1.1\r\nHos").await.expect("a connection");
        // Whether a response comes before the end doesn't matter.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    };
    let race = async {
        tokio::select! {
            () = closed(&limited) => true,
            () = closed(&patient) => false,
        }
    };
    assert!(timeout(CEILING, race).await.expect("one of them closes it"), "the one without a limit has closed it");
}

#[tokio::test]
async fn half_closed_connections_get_their_response() {
    let server = start(NO_LIMITS).await;
    for path in ["/", "/slow"] {
        for n in 0..50 {
            let mut stream = server.request("127.0.0.1", path).await;
            stream.shutdown().await.expect("a connection");
            let mut response = String::new();
            timeout(CEILING, stream.read_to_string(&mut response)).await.expect("in time").expect("a response");
            assert!(response.starts_with("HTTP/1.1 200 OK"), "{path}, {n}: {response:?}");
        }
    }
}

#[tokio::test]
async fn a_client_that_is_gone_is_noticed() {
    let server = start(Limits { connections: 1, ..NO_LIMITS }).await;
    let handled = server.request("127.0.0.1", "/never").await;
    timeout(CEILING, server.never.notified()).await.expect("the request arrives");
    reset(handled);
    server.serves("127.0.0.1").await;
    let mut mute = server.request("127.0.0.1", "/large").await;
    begins_to_read(&mut mute).await;
    reset(mute);
    timeout(CEILING, server.large_done.notified()).await.expect("the response is given up");
}
