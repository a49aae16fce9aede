//! How the browser calls a server function: `fetch`, and nothing else of what Leptos' own client can do.
//! Its streams, websockets and header maps are 10 kB of WASM, and it waits for an answer for ever.

use std::future::Future;

use bytes::Bytes;
use futures::{Sink, Stream, sink, stream};
use http::Method;
use js_sys::{Uint8Array, futures::JsFuture};
use leptos::{
    prelude::window,
    server_fn::{client::Client, request::ClientReq, response::ClientRes},
};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortSignal, RequestInit, Response, UrlSearchParams};

use crate::api::ApiError;

/// After so many milliseconds without an answer there is none: the server itself gives up before.
const PATIENCE: u32 = 15_000;

/// The client of the server functions.
#[derive(Debug)]
pub struct Fetch;

/// A `POST` of a form's fields.
#[derive(Debug)]
pub struct Form {
    path: String,
    fields: Bytes,
}

/// An answer that is not an error.
#[derive(Debug)]
pub struct Answer(SendWrapper<Response>);

impl Client<ApiError> for Fetch {
    type Request = Form;
    type Response = Answer;

    fn send(form: Form) -> impl Future<Output = Result<Answer, ApiError>> + Send {
        // The browser has one thread, so nothing is ever sent to another.
        SendWrapper::new(async move {
            let response = post(&form).await.map_err(|_network| ApiError::Unreachable)?;
            match response.status() {
                ..400 => Ok(Answer(SendWrapper::new(response))),
                422 => Err(ApiError::UnknownGreeting),
                429 => Err(ApiError::TooMany),
                400..500 => Err(ApiError::BadRequest),
                _ => Err(ApiError::Unavailable),
            }
        })
    }

    async fn open_websocket(
        _: &str,
    ) -> Result<(impl Stream<Item = Result<Bytes, Bytes>> + Send + 'static, impl Sink<Bytes> + Send + 'static), ApiError>
    {
        Err::<(stream::Empty<_>, sink::Drain<_>), _>(ApiError::BadRequest)
    }

    fn spawn(_: impl Future<Output = ()> + Send + 'static) {}
}

async fn post(form: &Form) -> Result<Response, JsValue> {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_signal(Some(&AbortSignal::timeout_with_u32(PATIENCE)));
    if let Ok(fields) = std::str::from_utf8(&form.fields)
        && !fields.is_empty()
    {
        init.set_body(&UrlSearchParams::new_with_str(fields)?.into());
    }
    JsFuture::from(window().fetch_with_str_and_init(&form.path, &init)).await?.dyn_into()
}

impl ClientReq<ApiError> for Form {
    type FormData = ();

    fn try_new_req_bytes(path: &str, _: &str, _: &str, fields: Bytes, _: Method) -> Result<Self, ApiError> {
        Ok(Self { path: path.to_owned(), fields })
    }

    // No server function of ours asks for any other kind of request.

    fn try_new_req_query(_: &str, _: &str, _: &str, _: &str, _: Method) -> Result<Self, ApiError> {
        Err(ApiError::BadRequest)
    }

    fn try_new_req_text(_: &str, _: &str, _: &str, _: String, _: Method) -> Result<Self, ApiError> {
        Err(ApiError::BadRequest)
    }

    fn try_new_req_form_data(_: &str, _: &str, _: &str, (): (), _: Method) -> Result<Self, ApiError> {
        Err(ApiError::BadRequest)
    }

    fn try_new_req_multipart(_: &str, _: &str, (): (), _: Method) -> Result<Self, ApiError> {
        Err(ApiError::BadRequest)
    }

    fn try_new_req_streaming(
        _: &str,
        _: &str,
        _: &str,
        _: impl Stream<Item = Bytes> + Send + 'static,
        _: Method,
    ) -> Result<Self, ApiError> {
        Err(ApiError::BadRequest)
    }
}

impl ClientRes<ApiError> for Answer {
    fn try_into_bytes(self) -> impl Future<Output = Result<Bytes, ApiError>> + Send {
        SendWrapper::new(async move {
            let body = self.0.array_buffer().map(JsFuture::from).map_err(|_used_up| ApiError::Unreachable)?;
            let body = body.await.map_err(|_network| ApiError::Unreachable)?;
            Ok(Bytes::from(Uint8Array::new(&body).to_vec()))
        })
    }

    async fn try_into_string(self) -> Result<String, ApiError> {
        Err(ApiError::BadRequest)
    }

    fn try_into_stream(self) -> Result<impl Stream<Item = Result<Bytes, Bytes>> + Send + Sync + 'static, ApiError> {
        Err::<stream::Empty<_>, _>(ApiError::BadRequest)
    }

    // Errors were told from answers when this one came, and our server sends `fetch` nowhere else.

    fn status(&self) -> u16 {
        200
    }

    fn status_text(&self) -> String {
        String::new()
    }

    fn location(&self) -> String {
        String::new()
    }

    fn has_redirect(&self) -> bool {
        false
    }
}
