//! The browser's half: `fetch`, and nothing else of what Leptos' own client can do, which would be 10 kB of WASM more
//! and waits for a response for ever.

use std::{future::Future, pin::Pin};

use http::StatusCode;
use js_sys::futures::JsFuture;
use leptos::{
    prelude::window,
    server_fn::{Protocol, client::Client, server::Server},
};
use send_wrapper::SendWrapper;
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortSignal, RequestInit, Response};

use super::{
    HttpError, JsonOrForm,
    json::{self, Malformed},
};

/// How many milliseconds to wait for a response: longer than the server takes to give up, unless `STORE_TIMEOUT` is longer
/// than five seconds.
const TIMEOUT: u32 = 15_000;

impl<Input, Output, C, S, E> Protocol<Input, Output, C, S, E> for JsonOrForm
where
    Input: Serialize + Send,
    Output: DeserializeOwned + Send,
    C: Client<E>,
    S: Server<E>,
    E: HttpError,
{
    const METHOD: http::Method = http::Method::POST;

    async fn run_server<F, Fut>(_: S::Request, _: F) -> Result<S::Response, E>
    where
        F: Fn(Input) -> Fut + Send,
        Fut: Future<Output = Result<Output, E>> + Send,
    {
        Err(E::from_response(None))
    }

    async fn run_client(path: &str, input: Input) -> Result<Output, E> {
        read(exchange(path, json::to_string(&input)).await)
    }
}

/// The status of a response and its body; `None` if none came.
type Reply = Option<(StatusCode, String)>;

/// The value in a response, or the error.
fn read<T: DeserializeOwned, E: HttpError>(reply: Reply) -> Result<T, E> {
    let Some((status, body)) = reply else { return Err(E::from_response(None)) };
    let unreadable = |Malformed| E::from_response(Some(status));
    if status.is_success() {
        json::from_str(&body).map_err(unreadable)
    } else {
        Err(json::from_str(&body).unwrap_or_else(unreadable))
    }
}

/// Sends the arguments. The future is of one type for all server functions, so that there is one code for it.
fn exchange(path: &str, arguments: Result<String, Malformed>) -> Pin<Box<dyn Future<Output = Reply> + Send>> {
    let path = path.to_owned();
    // The browser runs WASM on one thread, so nothing is ever sent to another.
    Box::pin(SendWrapper::new(async move {
        let (status, body) = post(&path, &arguments.ok()?).await.ok()?;
        Some((StatusCode::from_u16(status).ok()?, body))
    }))
}

async fn post(path: &str, arguments: &str) -> Result<(u16, String), JsValue> {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT)));
    init.set_body(&JsValue::from_str(arguments));
    let headers = js_sys::Object::new();
    js_sys::Reflect::set(&headers, &JsValue::from_str("content-type"), &JsValue::from_str(super::ARGUMENTS))?;
    init.set_headers(&headers);
    let response: Response = JsFuture::from(window().fetch_with_str_and_init(path, &init)).await?.dyn_into()?;
    let body = JsFuture::from(response.text()?).await?;
    Ok((response.status(), body.as_string().unwrap_or_default()))
}
