//! What a server needs beside its store: the built site, and an address to listen on.

use std::io::ErrorKind;

use tokio::net::TcpListener;

use super::Finding;
use crate::{assets::Site, config::Config};

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let site = match Site::open(&config.site_root, false, "") {
        Ok(_site) => Finding::ok("site", format!("it is in {}", config.site_root.display())),
        Err(error) => Finding::bad("site", format!("{error:#}")),
    };
    let (host, port) = (config.host.as_str(), config.port);
    let address = match TcpListener::bind((host, port)).await {
        Ok(_listener) => Finding::ok("address", format!("{host}:{port} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            Finding::warning("address", format!("HOST, PORT: {host}:{port} is in use, by a server that runs already?"))
        }
        Err(error) => Finding::bad("address", format!("HOST, PORT: can't listen on {host}:{port}: {error}")),
    };
    vec![site, address]
}
