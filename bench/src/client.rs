//! A client as light as can be: it shares the machine with what it measures.

use std::net::SocketAddr;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Method, Request,
    client::conn::http1::{self, SendRequest},
    header::{
        ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, HOST, HeaderValue, SET_COOKIE, USER_AGENT,
    },
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A request without a body: a view needs none.
pub(crate) type EmptyRequest = Request<Empty<Bytes>>;

/// What a response's body may be compressed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// What a browser accepts.
    Browser,
    /// Nothing.
    Identity,
}

/// A connection that is kept.
pub(crate) struct Client {
    sender: SendRequest<Empty<Bytes>>,
}

/// A response, read to its end.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    cookie: Option<HeaderValue>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // If it ends, the next request fails.
        tokio::spawn(connection);
        Ok(Self { sender })
    }

    pub(crate) async fn send(&mut self, request: EmptyRequest) -> anyhow::Result<Response> {
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Response { status: head.status.as_u16(), body, cookie: head.headers.get(SET_COOKIE).cloned() })
    }
}

impl Response {
    /// The cookie it sets, as a client sends it back.
    pub(crate) fn cookie(&self) -> anyhow::Result<HeaderValue> {
        let text = self.cookie.as_ref().context("the response sets no cookie")?.to_str()?;
        Ok(HeaderValue::from_str(text.split(';').next().unwrap_or_default())?)
    }

    /// The count in a response to [`refresh`].
    pub(crate) fn views(&self) -> anyhow::Result<u64> {
        let view: serde_json::Value = serde_json::from_slice(&self.body)?;
        view["views"].as_u64().context("the response holds no count")
    }
}

/// A request that is no view.
pub(crate) fn get(path: &str) -> EmptyRequest {
    request(Method::GET, path, None, Encoding::Identity)
}

/// A request that is no view, compressed as a browser accepts it.
pub(crate) fn asset(path: &str) -> EmptyRequest {
    request(Method::GET, path, None, Encoding::Browser)
}

/// The page, as Chromium requests it; without a cookie, a new visitor's.
pub(crate) fn view(cookie: Option<&HeaderValue>, encoding: Encoding) -> EmptyRequest {
    request(Method::GET, "/", cookie, encoding)
}

/// A view without a page load.
pub(crate) fn refresh(cookie: &HeaderValue, encoding: Encoding) -> EmptyRequest {
    let mut request = request(Method::POST, "/api/refresh", Some(cookie), encoding);
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    request.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    // A script's. The response to a form's is a redirect to the page.
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("*/*"));
    request
}

fn request(method: Method, path: &str, cookie: Option<&HeaderValue>, encoding: Encoding) -> EmptyRequest {
    const SENT: [(hyper::header::HeaderName, &str); 4] = [
        (HOST, "127.0.0.1"),
        (
            USER_AGENT,
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
        ),
        (ACCEPT, "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
        (ACCEPT_LANGUAGE, "en-US,en;q=0.9"),
    ];
    let mut request = Request::new(Empty::new());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.extend(SENT.map(|(name, value)| (name, HeaderValue::from_static(value))));
    let encodings = match encoding {
        Encoding::Browser => "gzip, deflate, br, zstd",
        Encoding::Identity => "identity",
    };
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(encodings));
    headers.extend(cookie.map(|cookie| (COOKIE, cookie.clone())));
    request
}
