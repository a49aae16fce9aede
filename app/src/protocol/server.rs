//! The server's half: it reads arguments, and writes return values and errors.

use std::borrow::Cow;

use axum::{
    body::{Body, Bytes},
    http::{
        HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri,
        header::{ACCEPT, CONTENT_TYPE, HOST, LOCATION, REFERER, RETRY_AFTER},
    },
    response::IntoResponse,
};
use leptos::{
    prelude::use_context,
    server_fn::{Protocol, client::Client, error::ServerFnErrorErr, request::Req, server::Server},
};
use leptos_axum::ResponseOptions;
use serde::{Serialize, de::DeserializeOwned};

use super::{ARGUMENTS, HttpError, JsonOrForm};

/// How deep a form's fields may nest: `a[b][c]` is 2 deep.
const FORM_DEPTH: usize = 5;

impl<Input, Output, C, S, E> Protocol<Input, Output, C, S, E> for JsonOrForm
where
    Input: DeserializeOwned + Send,
    Output: Serialize + Send,
    C: Client<E>,
    S: Server<E, Request = Request<Body>, Response = Response<Body>>,
    E: HttpError + Sync,
{
    const METHOD: Method = Method::POST;

    async fn run_server<F, Fut>(request: Request<Body>, server_fn: F) -> Result<Response<Body>, E>
    where
        F: Fn(Input) -> Fut + Send,
        Fut: Future<Output = Result<Output, E>> + Send,
    {
        let sender = Sender::of(request.headers());
        let result = match read(request).await {
            Ok(input) => server_fn(input).await,
            Err(error) => Err(error),
        };
        let result = result.and_then(|output| {
            serde_json::to_vec(&output)
                .map_err(|error| E::from_server_fn_error(ServerFnErrorErr::Serialization(error.to_string())))
        });
        Ok(sender.respond(result))
    }

    async fn run_client(_: &str, _: Input) -> Result<Output, E> {
        Err(E::from_server_fn_error(ServerFnErrorErr::Request("the server calls its functions directly".to_owned())))
    }
}

async fn read<I: DeserializeOwned, E: HttpError>(request: Request<Body>) -> Result<I, E> {
    let is_json = request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == ARGUMENTS.as_bytes());
    let body: Bytes = Req::<E>::try_into_bytes(request).await?;
    let input = if is_json {
        serde_json::from_slice(&body).map_err(|error| error.to_string())
    } else {
        // Not strict: browsers send the brackets in a field's name percent-encoded.
        serde_qs::Config::new(FORM_DEPTH, false).deserialize_bytes(&body).map_err(|error| error.to_string())
    };
    input.map_err(|error| {
        // It may quote what the visitor has sent, so it's logged only where the owner wants to see that.
        tracing::debug!(error, "the arguments of a server function can't be read");
        E::from_server_fn_error(ServerFnErrorErr::Args(error))
    })
}

/// The response to a request that failed: this body, with the status of the error.
pub fn error_response(error: &impl HttpError, body: impl IntoResponse) -> Response<Body> {
    let retry_after = error.retry_after().map(|seconds| [(RETRY_AFTER, HeaderValue::from(seconds))]);
    (error.status(), retry_after, body).into_response()
}

/// Whether a request is a form's, whose browser shows the response as a page.
pub fn is_form(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).map_or(&b""[..], HeaderValue::as_bytes);
    accept.windows(9).any(|types| types == b"text/html")
}

/// What a visitor is to see whose form failed, and does not lead back to its page by itself. In the extensions of the
/// response.
#[derive(Clone, Debug)]
pub struct FormFailure {
    /// What happened, and what to do.
    pub message: Cow<'static, str>,
    /// The path of the page that the form is on.
    pub back: String,
}

/// Who sent a request.
enum Sender {
    /// The WASM, or any other program.
    Script,
    /// A form, whose browser shows the response as a page; with the path of the page that it is on.
    Form(String),
}

impl Sender {
    fn of(headers: &HeaderMap) -> Self {
        if is_form(headers) { Self::Form(page_of(headers).unwrap_or_else(|| "/".to_owned())) } else { Self::Script }
    }

    /// The response with a server function's result, whose value is JSON already.
    fn respond<E: HttpError>(self, result: Result<Vec<u8>, E>) -> Response<Body> {
        let leads_back = result.as_ref().map_or_else(HttpError::leads_back, |_| true);
        let json = |body| ([(CONTENT_TYPE, "application/json")], body);
        let message = result.as_ref().err().map(HttpError::message);
        let mut response = match result {
            Ok(body) => json(body).into_response(),
            Err(error) => {
                let body = serde_json::to_vec(&error).unwrap_or_default();
                error_response(&error, json(body))
            }
        };
        if let Self::Form(page) = self {
            // Leptos sends every form back to its `Referer`, whatever the result; these options overrule it.
            let is_redirected = redirect_form(response.status(), leads_back.then(|| page.clone()));
            if let Some(message) = message.filter(|_| !is_redirected) {
                response.extensions_mut().insert(FormFailure { message, back: page });
            }
        }
        response
    }
}

/// Returns whether the response leads to a page.
fn redirect_form(status: StatusCode, page: Option<String>) -> bool {
    let Some(options) = use_context::<ResponseOptions>() else { return false };
    // The server function itself may have called `redirect`.
    if options.0.read().is_ok_and(|options| options.headers.contains_key(LOCATION)) {
        return true;
    }
    let page = page.and_then(|page| HeaderValue::try_from(page).ok());
    let is_redirected = page.is_some();
    match page {
        Some(page) => {
            options.insert_header(LOCATION, page);
            options.set_status(StatusCode::SEE_OTHER);
        }
        None => options.set_status(status),
    }
    is_redirected
}

/// Path and query of the page of this site that the form was on. `None` if the browser doesn't say, or if it is no page
/// of this site: a path that begins with `//` or `/\` would lead to another host.
fn page_of(headers: &HeaderMap) -> Option<String> {
    let referer: Uri = headers.get(REFERER)?.to_str().ok()?.parse().ok()?;
    let host = headers.get(HOST)?.to_str().ok()?;
    let path = referer.path_and_query()?.as_str();
    let leaves = path.starts_with("//") || path.starts_with("/\\") || !path.starts_with('/');
    (referer.authority()?.as_str() == host && !leaves).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use leptos::{
        prelude::{FromServerFnError, Owner, provide_context},
        server_fn::codec::JsonEncoding,
    };

    use super::*;

    fn page(referer: &str) -> Option<String> {
        let headers = [(REFERER, referer), (HOST, "example.com:8080")];
        page_of(&headers.into_iter().filter_map(|(name, value)| Some((name, value.parse().ok()?))).collect())
    }

    #[derive(Clone, Debug, Serialize, serde::Deserialize)]
    struct Refused;

    impl FromServerFnError for Refused {
        type Encoder = JsonEncoding;

        fn from_server_fn_error(_: ServerFnErrorErr) -> Self {
            Self
        }
    }

    impl HttpError for Refused {
        fn status(&self) -> StatusCode {
            StatusCode::CONFLICT
        }

        fn message(&self) -> Cow<'static, str> {
            "There are ten already.".into()
        }

        fn from_response(_: Option<StatusCode>) -> Self {
            Self
        }
    }

    /// What a visitor is to see of a form on `/list` that was refused; the function has done this before.
    fn seen(before: impl FnOnce(&ResponseOptions)) -> Option<FormFailure> {
        let owner = Owner::new();
        owner.with(|| {
            let options = ResponseOptions::default();
            provide_context(options.clone());
            before(&options);
            let response = Sender::Form("/list".to_owned()).respond::<Refused>(Err(Refused));
            assert_eq!(response.status(), StatusCode::CONFLICT);
            response.extensions().get().cloned()
        })
    }

    #[test]
    fn a_form_that_was_refused_is_a_page_unless_its_function_leads_elsewhere() {
        let failure = seen(|_| {}).expect("a page");
        assert_eq!((&*failure.message, &*failure.back), ("There are ten already.", "/list"));
        let redirected = seen(|options| options.insert_header(LOCATION, HeaderValue::from_static("/login")));
        assert!(redirected.is_none(), "{redirected:?}");
    }

    #[test]
    fn a_form_leads_back_to_its_page_and_to_no_other_site() {
        for (referer, path) in [
            ("http://example.com:8080/", Some("/")),
            ("https://example.com:8080/session?a=b&c", Some("/session?a=b&c")),
            ("http://example.com:8080//elsewhere.com/", None),
            ("http://example.com:8080/\\elsewhere.com/", None),
            ("http://example.com/", None),
            ("http://elsewhere.com/session", None),
            ("/session", None),
            ("about:blank", None),
            ("", None),
        ] {
            assert_eq!(page(referer).as_deref(), path, "{referer}");
        }
    }
}
