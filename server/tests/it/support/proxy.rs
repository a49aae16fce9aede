//! A network that can be broken: a TCP proxy in front of the emulator.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// What the proxy does with what it's sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// Passes it on.
    Works,
    /// Holds it, both ways, and passes it on when it works again.
    Stalls,
    /// Closes every connection, old and new.
    Refuses,
    /// Passes requests on and throws the responses away.
    LosesResponses,
}

#[derive(Clone, Copy)]
struct State {
    network: Network,
    /// Connections of an earlier age are closed.
    age: u64,
}

/// A proxy on an address of its own, until it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A proxy in front of this address.
    pub(crate) async fn to(address: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (state, watched) = watch::channel(State { network: Network::Works, age: 0 });
        let own = listener.local_addr().expect("an address");
        let accepting = tokio::spawn(accept(listener, address.into(), watched));
        Self { address: own, state, accepting }
    }

    /// From now on the network does this.
    pub(crate) fn set(&self, network: Network) {
        self.state.send_modify(|state| {
            // A connection that lost a part of a response is of no use any more.
            let unusable = network == Network::Refuses || state.network == Network::LosesResponses;
            *state = State { network, age: state.age + u64::from(unusable) };
        });
    }

    /// Closes the connections there are; new ones work.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.age += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, upstream: Arc<str>, state: watch::Receiver<State>) {
    while let Ok((client, _)) = listener.accept().await {
        let State { network, age } = *state.borrow();
        if network != Network::Refuses {
            tokio::spawn(connect(client, Arc::clone(&upstream), state.clone(), age));
        }
    }
}

async fn connect(client: TcpStream, upstream: Arc<str>, state: watch::Receiver<State>, age: u64) {
    let Ok(server) = TcpStream::connect(&*upstream).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let requests = pump(from_client, to_server, false, state.clone(), age);
    let responses = pump(from_server, to_client, true, state, age);
    // Either end closes both.
    tokio::select! {
        () = requests => {}
        () = responses => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    responses: bool,
    mut state: watch::Receiver<State>,
    age: u64,
) {
    let mut buffer = vec![0; 64 * 1024];
    let mut over = state.clone();
    let passing = async {
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let Ok(now) = state.wait_for(|state| state.network != Network::Stalls).await.map(|state| *state) else {
                return;
            };
            let lost = responses && now.network == Network::LosesResponses;
            if !lost && to.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = passing => {}
        _ = over.wait_for(|state| state.age != age) => {}
    }
}
