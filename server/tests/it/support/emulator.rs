//! Firestore as its console sees it: the emulator's REST API.

use std::env;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Map, Value, json};

use super::store::{Many, Stored, key_of};

/// A part of the emulator that a test has for itself.
#[derive(Clone)]
pub(crate) struct Emulated {
    http: Client,
    /// Where the emulator is.
    pub(crate) host: String,
    /// Where the servers think it is.
    host_for_servers: String,
    project: String,
    database: String,
    collection: String,
}

impl Emulated {
    /// A fresh project; `None`, said loudly, where there is no emulator.
    pub(crate) fn new() -> Option<Self> {
        let Ok(host) = env::var("FIRESTORE_EMULATOR_HOST") else {
            assert!(env::var_os("CI").is_none(), "CI needs the Firestore emulator: FIRESTORE_EMULATOR_HOST is not set");
            eprintln!("SKIPPED: FIRESTORE_EMULATOR_HOST is not set; run the tests with `make test`");
            return None;
        };
        Some(Self {
            http: Client::builder().no_proxy().build().expect("a client"),
            host_for_servers: host.clone(),
            host,
            project: format!("test-{:016x}", rand::random::<u64>()),
            database: "(default)".to_owned(),
            collection: "sessions".to_owned(),
        })
    }

    /// The same for servers that reach it at another address.
    pub(crate) fn through(self, address: &str) -> Self {
        Self { host_for_servers: address.to_owned(), ..self }
    }

    /// The same in another database and collection.
    pub(crate) fn named(self, database: &str, collection: &str) -> Self {
        Self { database: database.to_owned(), collection: collection.to_owned(), ..self }
    }

    /// The settings of a server whose sessions are here.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("FIRESTORE_EMULATOR_HOST", self.host_for_servers.clone()),
            ("GOOGLE_CLOUD_PROJECT", self.project.clone()),
            ("FIRESTORE_DATABASE", self.database.clone()),
            ("SESSION_COLLECTION", self.collection.clone()),
        ]
    }

    /// The document of this cookie's session, as the API shows it.
    pub(crate) async fn document(&self, id: &str) -> Option<Value> {
        self.call(Method::GET, &format!("/{}", key_of(id)), None).await
    }

    /// Writes these fields, given as the API shows them, and no others; names that have no value are removed.
    pub(crate) async fn patch(&self, id: &str, names: &[&str], fields: Value) {
        let mask: Vec<_> = names.iter().map(|name| format!("updateMask.fieldPaths={name}")).collect();
        let path = format!("/{}?{}", key_of(id), mask.join("&"));
        self.call(Method::PATCH, &path, Some(json!({ "fields": fields }))).await.expect("a document");
    }

    pub(super) async fn session(&self, id: &str) -> Option<Stored> {
        let document = self.document(id).await?;
        let mut data: Map<_, _> = fields(&document).iter().map(|(name, value)| (name.clone(), plain(value))).collect();
        data.remove("_session");
        let mut time = |name: &str| data.remove(name).and_then(|time| time.as_str().map(ToOwned::to_owned));
        let (created_at, expires_at) = (time("created_at"), time("expires_at"));
        Some(Stored { data, created_at, expires_at })
    }

    pub(super) async fn sessions(&self) -> usize {
        let (mut count, mut token) = (0, String::new());
        loop {
            let path = format!("?pageSize=300&mask.fieldPaths=views&pageToken={token}");
            let Some(page) = self.call(Method::GET, &path, None).await else { return count };
            count += page["documents"].as_array().map_or(0, Vec::len);
            match page["nextPageToken"].as_str() {
                Some(next) => token = next.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"),
                None => return count,
            }
        }
    }

    pub(super) async fn fill(&self, Many { count, prefix, created_at, expires_at }: Many) {
        let Self { project, database, collection, .. } = self;
        let folder = format!("projects/{project}/databases/{database}/documents/{collection}");
        let write = |views: u32| {
            let id = hex::encode(rand::random::<[u8; 32]>());
            let fields = json!({
                "greeting": typed(&json!("Hallo Welt")),
                "views": typed(&json!(views)),
                "created_at": {"timestampValue": created_at},
                "expires_at": {"timestampValue": expires_at},
            });
            json!({"update": {"name": format!("{folder}/{prefix}{id}"), "fields": fields}})
        };
        let all: Vec<_> = (1..=count).map(write).collect();
        let commit = self.url().replace(&format!("documents/{collection}"), "documents:commit");
        // As many as one commit takes.
        for writes in all.chunks(500) {
            self.send(Method::POST, &commit, Some(json!({ "writes": writes }))).await.expect("a commit");
        }
    }

    pub(super) async fn edit(&self, id: &str, field: &str, value: Option<&Value>) {
        let fields: Map<_, _> = value.map(|value| (field.to_owned(), typed(value))).into_iter().collect();
        self.patch(id, &[field], Value::Object(fields)).await;
    }

    pub(super) async fn delete(&self, id: &str) {
        self.call(Method::DELETE, &format!("/{}", key_of(id)), None).await.expect("a document");
    }

    fn url(&self) -> String {
        let Self { host, project, database, collection, .. } = self;
        format!("http://{host}/v1/projects/{project}/databases/{database}/documents/{collection}")
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Option<Value> {
        self.send(method, &format!("{}{path}", self.url()), body).await
    }

    async fn send(&self, method: Method, url: &str, body: Option<Value>) -> Option<Value> {
        let request = self.http.request(method, url);
        let request = match body {
            Some(body) => request.header("Content-Type", "application/json").body(body.to_string()),
            None => request,
        };
        let response = request.send().await.expect("the emulator responds");
        let status = response.status();
        let body = response.text().await.expect("a response");
        match status {
            StatusCode::NOT_FOUND => None,
            StatusCode::OK => Some(serde_json::from_str(&body).expect("JSON")),
            _ => panic!("{url}: {status} {body}"),
        }
    }
}

/// The fields of a document.
pub(crate) fn fields(document: &Value) -> &Map<String, Value> {
    document["fields"].as_object().expect("a document has fields")
}

/// A value as the API shows it.
pub(crate) fn typed(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "nullValue": null }),
        Value::Bool(flag) => json!({ "booleanValue": flag }),
        Value::Number(number) if number.is_f64() => json!({ "doubleValue": number }),
        Value::Number(number) => json!({ "integerValue": number.to_string() }),
        Value::String(text) => json!({ "stringValue": text }),
        Value::Array(items) => json!({ "arrayValue": { "values": items.iter().map(typed).collect::<Vec<_>>() } }),
        Value::Object(fields) => {
            let fields: Map<_, _> = fields.iter().map(|(name, value)| (name.clone(), typed(value))).collect();
            json!({ "mapValue": { "fields": fields } })
        }
    }
}

/// A value, from how the API shows it. Times become text.
fn plain(typed: &Value) -> Value {
    let (kind, value) = typed.as_object().and_then(|value| value.iter().next()).expect("a typed value");
    match kind.as_str() {
        "integerValue" => json!(value.as_str().and_then(|digits| digits.parse::<i64>().ok()).expect("digits")),
        "arrayValue" => value["values"].as_array().into_iter().flatten().map(plain).collect(),
        "mapValue" => {
            let fields = value["fields"].as_object().into_iter().flatten();
            fields.map(|(name, value)| (name.clone(), plain(value))).collect()
        }
        _ => value.clone(),
    }
}
