//! How many new sessions one address gets: enough for people, too few to fill the store.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use axum::http::Request;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use sessions::Admission;

use super::client_address::{PeerAddr, client_address, subscriber_network};

/// Above so many addresses, those that have been quiet are forgotten.
const MAX_REMEMBERED: usize = 10_000;

/// The limit on new sessions for each client address.
#[derive(Clone)]
pub struct NewSessionRateLimiter {
    limiter: Option<Arc<DefaultKeyedRateLimiter<IpAddr>>>,
    trusted_proxies: usize,
}

impl NewSessionRateLimiter {
    /// At most so many a minute; 0 is no limit. The last `trusted_proxies` entries of `X-Forwarded-For` were
    /// added by proxies of ours.
    #[must_use]
    pub fn new(per_minute: u32, trusted_proxies: usize) -> Self {
        let limiter = NonZeroU32::new(per_minute).map(|most| Arc::new(RateLimiter::keyed(Quota::per_minute(most))));
        Self { limiter, trusted_proxies }
    }

    /// Lets a request make a new session only within the limit of the address that it comes from.
    pub(crate) fn limit<B>(&self, mut request: Request<B>) -> Request<B> {
        if let Some(limiter) = &self.limiter
            && let Some(peer) = request.extensions().get::<PeerAddr>().copied()
        {
            let client = client_address(peer, request.headers(), self.trusted_proxies);
            request.extensions_mut().insert(admission(Arc::clone(limiter), subscriber_network(client)));
        }
        request
    }
}

fn admission(limiter: Arc<DefaultKeyedRateLimiter<IpAddr>>, client: IpAddr) -> Admission {
    Admission::new(move || {
        if limiter.len() > MAX_REMEMBERED {
            limiter.retain_recent();
        }
        limiter.check_key(&client).is_ok()
    })
}
