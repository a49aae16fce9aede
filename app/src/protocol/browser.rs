//! The browser's half: `fetch`, and nothing else of what Leptos' own client can do, which would be 10 kB of WASM more
//! and waits for a response for ever.

use js_sys::futures::JsFuture;
use leptos::{
    prelude::window,
    server_fn::{Protocol, client::Client, error::ServerFnErrorErr, server::Server},
};
use send_wrapper::SendWrapper;
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortSignal, RequestInit, Response};

use super::{HttpError, JsonOrForm, json};

/// How many milliseconds to wait for a response: longer than the server takes to give up.
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
        Err(failure(ServerFnErrorErr::Response))
    }

    async fn run_client(path: &str, input: Input) -> Result<Output, E> {
        let arguments = json::to_string(&input).map_err(|json::Malformed| failure(ServerFnErrorErr::Serialization))?;
        // The browser runs WASM on one thread, so nothing is ever sent to another.
        let response = SendWrapper::new(post(path.to_owned(), arguments)).await;
        let (status, body) = response.map_err(|_network| failure(ServerFnErrorErr::Request))?;
        match http::StatusCode::from_u16(status) {
            Ok(status) if !status.is_success() => {
                Err(json::from_str(&body).unwrap_or_else(|json::Malformed| E::from_status(status)))
            }
            _ => json::from_str(&body).map_err(|json::Malformed| failure(ServerFnErrorErr::Deserialization)),
        }
    }
}

fn failure<E: HttpError>(kind: fn(String) -> ServerFnErrorErr) -> E {
    E::from_server_fn_error(kind(String::new()))
}

/// Sends the arguments; returns the status of the response and its body.
async fn post(path: String, arguments: String) -> Result<(u16, String), JsValue> {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT)));
    init.set_body(&JsValue::from_str(&arguments));
    let headers = js_sys::Object::new();
    js_sys::Reflect::set(&headers, &JsValue::from_str("content-type"), &JsValue::from_str("application/json"))?;
    init.set_headers(&headers);
    let response: Response = JsFuture::from(window().fetch_with_str_and_init(&path, &init)).await?.dyn_into()?;
    let body = JsFuture::from(response.text()?).await?;
    Ok((response.status(), body.as_string().unwrap_or_default()))
}
