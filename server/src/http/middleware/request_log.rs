//! One log line for each request, written at the boundary: the request, its outcome, and its cost.

use std::time::{Duration, Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, Method, Uri},
    middleware::Next,
    response::Response,
};
use sessions::axum::Usages;
use tracing::{Instrument as _, Span};

use super::reject_unservable_path::MAX_PATH_LENGTH;
use crate::http::routes::health;
use crate::observability::{
    REQUEST_TARGET,
    log_id::LogIds,
    metrics::{self, InFlight},
};

/// Logs the request when its response is ready, or when its client has gone away. A failure inside it is part of the
/// same line, so it's logged once.
///
/// The query is left out, since strangers may put anything there; the session is named by its log id.
pub(crate) async fn log_request(State(log_ids): State<LogIds>, request: Request, next: Next) -> Response {
    let mut line = Line::of(&request);
    let response = next.run(request).instrument(line.span.clone()).await;
    line.responded = true;
    let (status, took) = (response.status(), line.begun.elapsed());
    metrics::record_response(method_name(&line.method), line.route(), status, took);
    let usage = response.extensions().get::<Usages>().and_then(Usages::main);
    let session = usage.and_then(|usage| usage.session).map(|key| log_ids.of(&key));
    macro_rules! log {
        ($level:ident) => {
            tracing::$level!(
                target: REQUEST_TARGET,
                parent: &line.span,
                method = %method_name(&line.method),
                path = %line.path(),
                status = status.as_u16(),
                milliseconds = milliseconds(took),
                route = %line.route(),
                round_trips = usage.map(|usage| usage.meter.round_trips()),
                retries = usage.map(|usage| usage.meter.retries()),
                outcome = usage.and_then(|usage| usage.outcome).map(display),
                session = session.as_deref().map(display),
                error = usage.and_then(|usage| usage.error.as_deref()),
            )
        };
    }
    // Health checks come every few seconds; only a store that can't be reached is worth a line.
    let of_health = health::is_check(line.route());
    match status.is_server_error() {
        true if of_health && usage.is_some() => log!(warn),
        _ if of_health => log!(debug),
        true => log!(error),
        false => log!(info),
    }
    response
}

/// A request on its way.
struct Line {
    begun: Instant,
    method: Method,
    uri: Uri,
    matched: Option<MatchedPath>,
    span: Span,
    responded: bool,
    _in_flight: InFlight,
}

impl Line {
    fn of(request: &Request) -> Self {
        Self {
            begun: Instant::now(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            matched: request.extensions().get().cloned(),
            span: match trace_of(request.headers()) {
                Some(trace) => tracing::info_span!(target: REQUEST_TARGET, "request", trace),
                None => Span::none(),
            },
            responded: false,
            _in_flight: InFlight::new(),
        }
    }

    fn path(&self) -> &str {
        let path = self.uri.path();
        path.char_indices().nth(MAX_PATH_LENGTH).map_or(path, |(end, _)| &path[..end])
    }

    fn route(&self) -> &str {
        match &self.matched {
            Some(route) => route.as_str(),
            None if self.uri.path().starts_with("/pkg/") => "/pkg/*",
            None => "other",
        }
    }
}

impl Drop for Line {
    /// The client has closed its connection before the response. A change of a session is completed all the same, by a
    /// task of its own.
    fn drop(&mut self) {
        if !self.responded {
            let (method, path, route) = (method_name(&self.method), self.path(), self.route());
            let milliseconds = milliseconds(self.begun.elapsed());
            tracing::info!(target: REQUEST_TARGET, parent: &self.span, %method, %path, milliseconds, %route, outcome = "abandoned");
        }
    }
}

fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}

/// The standard methods. A method that a client made up must not become a time series of its own.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

/// The id of the trace that the request belongs to: 32 hexadecimal digits, from `traceparent` (W3C Trace Context,
/// `00-TRACE-SPAN-FLAGS`) or `X-Cloud-Trace-Context` (`TRACE/SPAN;o=OPTIONS`).
fn trace_of(headers: &HeaderMap) -> Option<&str> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let w3c = header("traceparent").and_then(|value| value.split('-').nth(1));
    let google = || header("x-cloud-trace-context").and_then(|value| value.split('/').next());
    let is_id = |id: &&str| id.len() == 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
    w3c.filter(is_id).or_else(|| google().filter(is_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_taken_from_either_header() {
        let trace = "105445aa7843bc8bf206b12000100000";
        for (name, value, found) in [
            ("x-cloud-trace-context", format!("{trace}/1;o=1"), true),
            ("x-cloud-trace-context", trace.to_owned(), true),
            ("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"), true),
            ("traceparent", trace.to_owned(), false),
            ("x-cloud-trace-context", "nonsense/1".to_owned(), false),
            ("x-cloud-trace-context", format!("{trace}0/1"), false),
            ("traceparent", String::new(), false),
        ] {
            let headers = [(name.parse().expect("a name"), value.parse().expect("a value"))];
            assert_eq!(trace_of(&HeaderMap::from_iter(headers)), found.then_some(trace), "{name}: {value}");
        }
    }
}
