//! What a server needs beside its store: the built site, and an address to listen on.

use std::io::ErrorKind;

use tokio::net::TcpListener;

use super::CheckResult;
use crate::{config::Config, http::Site};

pub(super) async fn check(config: &Config) -> Vec<CheckResult> {
    let site = match Site::open(&config.site_root, false, config.https_only, "") {
        Ok(_site) => CheckResult::ok("site", format!("it is in {}", config.site_root.display())),
        Err(error) => CheckResult::bad("site", format!("{error:#}")),
    };
    let address = listens("address", "HOST, PORT", &format!("{}:{}", config.host, config.port)).await;
    let metrics = match &config.metrics_addr {
        Some(address) => Some(listens("metrics", "METRICS_ADDR", address).await),
        None => None,
    };
    [Some(site), Some(address), metrics].into_iter().flatten().collect()
}

async fn listens(what: &'static str, settings: &str, address: &str) -> CheckResult {
    match TcpListener::bind(address).await {
        Ok(_listener) => CheckResult::ok(what, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            CheckResult::warning(what, format!("{settings}: {address} is in use, by a server that runs already?"))
        }
        Err(error) => CheckResult::bad(what, format!("{settings}: can't listen on {address}: {error}")),
    }
}
