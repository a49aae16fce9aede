//! Accepts connections.

use std::{io, time::Duration};

use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::connections::{Connections, Place};
use crate::http::middleware::client_address::PeerAddr;

/// A connection that was accepted.
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    pub(super) peer: PeerAddr,
    pub(super) place: Place,
}

/// Accepts the next connection for which there is room. One for which there will be none is closed.
pub(super) async fn accept(listener: &TcpListener, connections: &Connections, user_timeout: Duration) -> Accepted {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                let peer = PeerAddr(address.ip());
                if let Some(place) = connections.enter(peer).await {
                    if let Err(error) = configure(&stream, user_timeout) {
                        tracing::debug!(%error, "the connection is served without its options");
                    }
                    return Accepted { stream, peer, place };
                }
            }
            Err(error) if is_connection_error(&error) => {}
            Err(error) => {
                // Most likely there are no file descriptors left: wait for connections to end.
                tracing::error!(%error, "can't accept a connection");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

fn configure(stream: &TcpStream, user_timeout: Duration) -> io::Result<()> {
    // Responses are small and written at once: Nagle's algorithm would only delay them.
    stream.set_nodelay(true)?;
    // When a connection ends, the system still holds what its client has not read, for many minutes by default. Newer
    // Linux kernels apply this to open connections, too. `WriteTimeout` works on every system, and is shorter at a stop.
    #[cfg(target_os = "linux")]
    SockRef::from(stream).set_tcp_user_timeout(Some(user_timeout))?;
    Ok(())
}

/// Whether the client was gone before its connection was accepted.
fn is_connection_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
