//! A browser as far as sessions go: it sends the cookie it was given last.

use reqwest::{
    Client, Method, RequestBuilder,
    header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE},
    redirect::Policy,
};
use serde::Deserialize;

use super::{CEILING, Instance};

pub(crate) const GREETINGS: [&str; 5] = ["Hello World", "Hallo Welt", "Ciao Mondo", "Salut le Monde", "Hola Mundo"];

/// A good id that no server ever made.
pub(crate) const UNKNOWN: &str = "c0ffee00-dead-4bee-8abc-0123456789ab";

/// A visitor's browser. Clones have the same cookie at first, and go separate ways then.
#[derive(Clone)]
pub(crate) struct Browser {
    http: Client,
    /// The value of the session's cookie.
    pub(crate) id: Option<String>,
}

/// What a visitor sees.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct View {
    pub(crate) views: u64,
    pub(crate) greeting: String,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new() -> Self {
        // Whatever proxy the machine has, these servers are not behind it; and cookies and redirects are
        // what is tested.
        let http = Client::builder().no_proxy().redirect(Policy::none()).timeout(CEILING).build();
        Self { http: http.expect("a client"), id: None }
    }

    /// A browser that has this cookie, from wherever.
    pub(crate) fn with_id(id: &str) -> Self {
        Self { id: Some(id.to_owned()), ..Self::new() }
    }

    /// The cookie's value, of a visitor who has one.
    pub(crate) fn id(&self) -> &str {
        self.id.as_deref().expect("a cookie")
    }

    /// Loads the page.
    pub(crate) async fn load(&mut self, at: &Instance) -> Response {
        self.send(self.request(Method::GET, &at.url("/"))).await
    }

    /// Loads the page and returns what it shows.
    pub(crate) async fn view(&mut self, at: &Instance) -> View {
        self.load(at).await.view()
    }

    /// Sends a form by script: the response is data.
    pub(crate) async fn post(&mut self, at: &Instance, path: &str, fields: &str) -> Response {
        self.send(self.form(at, path, fields)).await
    }

    /// The request that [`post`](Self::post) sends.
    pub(crate) fn form(&self, at: &Instance, path: &str, fields: &str) -> RequestBuilder {
        let request = self.request(Method::POST, &at.url(path));
        request.header("Content-Type", "application/x-www-form-urlencoded").body(fields.to_owned())
    }

    /// A request without the session's cookie, which [`send`](Self::send) adds.
    pub(crate) fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends a request and keeps the cookie that comes back.
    pub(crate) async fn send(&mut self, request: RequestBuilder) -> Response {
        self.try_send(request).await.expect("a response")
    }

    /// The same, where the server may be gone.
    pub(crate) async fn try_send(&mut self, request: RequestBuilder) -> reqwest::Result<Response> {
        let request = match &self.id {
            Some(id) => request.header(COOKIE, format!("session_id={id}")),
            None => request,
        };
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let response = Response { status, headers, body: response.text().await? };
        match response.new_id().as_deref() {
            Some("") => self.id = None,
            Some(id) => self.id = Some(id.to_owned()),
            None => {}
        }
        Ok(response)
    }
}

impl Response {
    /// What a page or a response of the API shows.
    pub(crate) fn view(&self) -> View {
        assert_eq!(self.status, 200, "{self:?}");
        match self.header("content-type") {
            Some("application/json") => serde_json::from_str(&self.body).expect("a view"),
            _ => sentence(&self.body).unwrap_or_else(|| panic!("no sentence in {}", self.body)),
        }
    }

    /// A header that is there once at most.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a printable header"))
    }

    /// The nonce that its policy asks for.
    pub(crate) fn nonce(&self) -> &str {
        let policy = self.header("content-security-policy").expect("a policy");
        policy.split_once("'nonce-").and_then(|(_, rest)| rest.split_once('\'')).expect("a nonce").0
    }

    /// The cookies it sets.
    pub(crate) fn cookies(&self) -> Vec<&str> {
        self.headers.get_all(SET_COOKIE).iter().map(HeaderValue::to_str).collect::<Result<_, _>>().expect("cookies")
    }

    /// The new value of the session's cookie; empty if the cookie is removed.
    pub(crate) fn new_id(&self) -> Option<String> {
        match self.cookies()[..] {
            [] => None,
            [cookie] => {
                let (pair, _attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
                let (name, id) = pair.split_once('=').expect("a name and a value");
                assert!(matches!(name, "session_id" | "__Host-session_id"), "{cookie}");
                Some(id.to_owned())
            }
            _ => panic!("several cookies: {:?}", self.cookies()),
        }
    }
}

/// The view in `N views for "Greeting"`, if the page has that text in one piece.
fn sentence(html: &str) -> Option<View> {
    let (before, after) = html.split_once(" views for \"")?;
    let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next()?;
    let (greeting, _) = after.split_once('"')?;
    Some(View { views: digits.parse().ok()?, greeting: greeting.to_owned() })
}
