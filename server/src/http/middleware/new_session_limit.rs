//! How many new sessions one address gets: enough for people, too few to fill the store.

use std::{
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::Request;
use sessions::Admission;
use tokio::time::interval;

use super::{
    client_address::{PeerAddr, client_address},
    rate_limit::RateLimiter,
};

/// How often the clients whose allowance is complete are forgotten.
const PRUNE_INTERVAL: Duration = Duration::from_secs(5);

/// The limit on new sessions for each client address.
#[derive(Clone)]
pub struct NewSessionRateLimiter {
    limiter: Option<Arc<RateLimiter>>,
    trusted_proxies: usize,
}

impl NewSessionRateLimiter {
    /// At most so many a minute; 0 is no limit. The last `trusted_proxies` entries of `X-Forwarded-For` were
    /// added by the proxies in front of the server.
    #[must_use]
    pub fn new(per_minute: u32, trusted_proxies: usize) -> Self {
        let limiter = NonZeroU32::new(per_minute).map(|per_minute| Arc::new(RateLimiter::new(per_minute)));
        Self { limiter, trusted_proxies }
    }

    /// Forgets clients that have been quiet, again and again. Completes at once if there is no limit.
    pub async fn keep_pruned(self) {
        let Some(limiter) = self.limiter else { return };
        let mut ticks = interval(PRUNE_INTERVAL);
        loop {
            ticks.tick().await;
            limiter.prune(Instant::now());
        }
    }

    /// Lets a request make a new session only within the limit of the address that it comes from.
    pub(crate) fn limit<B>(&self, mut request: Request<B>) -> Request<B> {
        if let Some(limiter) = &self.limiter
            && let Some(peer) = request.extensions().get::<PeerAddr>().copied()
        {
            let client = client_address(peer, request.headers(), self.trusted_proxies);
            let limiter = Arc::clone(limiter);
            request.extensions_mut().insert(Admission::new(move || limiter.check(client, Instant::now())));
        }
        request
    }
}
