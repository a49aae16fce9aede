//! Sessions in Firestore: for an app on more than one machine.
//!
//! A document a session, in one collection, named by the [`SessionKey`]. Reading is one `GetDocument`,
//! writing one `Commit` of one or two writes with a precondition each: no transaction is begun, so no lock is held.
//! Only fields that change are written; others, also those of other programs, stay as they are.
//!
//! The application's data is stored as ordinary Firestore values, which people can edit in the console. What Firestore
//! can't hold as it is, is stored in a readable form: an integer above 2⁶³-1 as the map `{$integer: "..."}`, a list
//! directly in a list as the map `{$list: [...]}`, and a name that is empty, reserved (`__x__`) or begins with `$` with
//! a `$` in front. All else that the engine keeps is in one map, `_session`.

mod channels;
mod document;
mod failure;
mod one_frame;
mod time;
mod value;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
pub use firestore;
use firestore::{
    FirestoreDb, FirestoreDbOptions, FirestoreQueryCursor, FirestoreValue,
    errors::FirestoreError,
    gcloud_sdk::{
        RequestTimeouts,
        google::firestore::v1::{
            CommitRequest, Document, Precondition, Value, Write as DocumentWrite, firestore_client::FirestoreClient,
            precondition::ConditionType, value::ValueType, write::Operation,
        },
        tonic::Request,
    },
};
use futures::future::BoxFuture;
use tokio::sync::OnceCell;

use self::{
    channels::{Call, Channels},
    failure::{is_unsent, of_access, of_connection, of_write},
    one_frame::OneFrame,
};
use super::{Condition, Store, StoreError, Stored, Version, Write};
use crate::{
    SessionKey,
    record::{META_FIELD, Meta},
};

/// Where in Firestore the sessions are, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirestoreConfig {
    /// The Google Cloud project; `None` to detect it (environment, credentials file, metadata server).
    pub project: Option<String>,
    /// The database, usually `(default)`.
    pub database: String,
    /// The collection, usually `sessions`.
    pub collection: String,
    /// How many connections there may be at once, usually 4. Google lets one carry at most 100 calls at a time. They
    /// are opened as they are needed.
    pub channels: usize,
}

impl Default for FirestoreConfig {
    fn default() -> Self {
        Self { project: None, database: "(default)".to_owned(), collection: "sessions".to_owned(), channels: 4 }
    }
}

/// A store in Firestore, or in its emulator if `FIRESTORE_EMULATOR_HOST` is set. It connects when it's first used, and
/// replaces a connection that does not respond any more. Clones share the connections.
#[derive(Clone)]
pub struct FirestoreStore {
    collection: Arc<str>,
    channels: Arc<Channels>,
}

impl FirestoreStore {
    /// A store that authenticates with the application default credentials.
    #[must_use]
    pub fn new(config: FirestoreConfig) -> Self {
        let FirestoreConfig { project, database, collection, channels } = config;
        let options = Arc::new(OnceCell::new());
        let connect = move || -> BoxFuture<'static, _> {
            let (options, project, database) = (Arc::clone(&options), project.clone(), database.clone());
            Box::pin(async move {
                let options = options.get_or_try_init(|| options_of(project, database)).await?;
                FirestoreDb::with_options(options.clone()).await.map_err(of_connection)
            })
        };
        Self { collection: collection.into(), channels: Channels::new(channels, Box::new(connect)) }
    }

    /// A store with connections that this function opens: with credentials of your own, say. It's called in a task of
    /// its own when one more of at most `channels` connections is needed, or one has to be replaced.
    ///
    /// Give the clients no retries ([`FirestoreDbOptions::with_max_retries`]): the engine knows how much time is left. If
    /// they have a time limit of their own, set it in their options: a limit that is set on a clone of a client does not
    /// hold for writes.
    pub fn with_connect<F>(
        collection: impl Into<String>,
        channels: usize,
        connect: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<FirestoreDb, FirestoreError>> + Send + 'static,
    {
        let connect = move || -> BoxFuture<'static, _> {
            let connecting = connect();
            Box::pin(async move { connecting.await.map_err(of_connection) })
        };
        Self { collection: collection.into().into(), channels: Channels::new(channels, Box::new(connect)) }
    }

    /// A store that uses a client which the application already has.
    ///
    /// The client has one connection, which the store can't replace if it dies silently: gRPC notices that after one to
    /// two minutes. [`with_connect`](Self::with_connect) has no such limit. The same advice on retries holds.
    pub fn from_db(db: FirestoreDb, collection: impl Into<String>) -> Self {
        Self { collection: collection.into().into(), channels: Channels::of(db) }
    }

    async fn call(&self) -> Result<Call, StoreError> {
        self.channels.call().await
    }

    fn name(&self, db: &FirestoreDb, key: &SessionKey) -> String {
        format!("{}/{}/{key}", db.get_documents_path(), self.collection)
    }

    /// Sessions whose keys come after this one, at most `limit`; of this user, if one is given.
    async fn sessions(
        &self,
        user: Option<&str>,
        after: Option<&SessionKey>,
        limit: usize,
    ) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let mut last = None;
        loop {
            let call = self.call().await?;
            let after = last.take().or_else(|| after.map(|key| self.name(call.db(), key)));
            let documents = self.page(call.db(), user, after, limit).await;
            let documents = call.finish(documents).map_err(of_access)?;
            let keyed = documents.iter().filter_map(|document| Some((document::key_of(document)?, document)));
            let page: Vec<_> =
                keyed.map(|(key, document)| Ok((key, document::read(document)?))).collect::<Result<_, StoreError>>()?;
            // Documents of other names were created by others. A page of nothing else is not the end.
            match documents.last() {
                Some(document) if page.is_empty() => last = Some(document.name.clone()),
                _ => return Ok(page),
            }
        }
    }

    /// The documents whose full names come after this one, at most `limit`.
    async fn page(
        &self,
        db: &FirestoreDb,
        user: Option<&str>,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<Document>, FirestoreError> {
        let of_user = format!("{META_FIELD}.{}", Meta::USER);
        let mut query = db
            .fluent()
            .select()
            .from(&*self.collection)
            .filter(|filter| user.and_then(|user| filter.field(&of_user).eq(user)))
            .order(|by| by.fields([by.field("__name__").asc()]))
            .limit(limit);
        if let Some(name) = after {
            let name = Value { value_type: Some(ValueType::ReferenceValue(name)) };
            query = query.start_at(FirestoreQueryCursor::AfterValue(vec![FirestoreValue::from(name)]));
        }
        query.query().await
    }

    /// Sends the writes as one `Commit`, which does all or none. It belongs to no transaction; the crate's fluent API has
    /// no conditional write that returns the new `update_time`.
    async fn commit<const N: usize>(
        &self,
        writes: impl FnOnce(&FirestoreDb) -> [DocumentWrite; N],
        conditions: [Condition; N],
    ) -> Result<[Option<Version>; N], StoreError> {
        let call = self.call().await?;
        let (database, writes) = (call.db().get_database_path().clone(), writes(call.db()).into());
        let mut client = call.db().client().get_with(|service| FirestoreClient::new(OneFrame(service)));
        let mut request = Request::new(CommitRequest { database, writes, ..CommitRequest::default() });
        if let Some(limit) = call.db().get_options().request_timeout {
            request.extensions_mut().insert(RequestTimeouts::new().with_total(limit));
        }
        let response = client.commit(request).await;
        let is_unsent = response.as_ref().is_err_and(is_unsent);
        let response = call
            .finish(response.map_err(FirestoreError::from))
            .map_err(|error| if is_unsent { StoreError::unreachable(error) } else { of_write(error, &conditions) })?;
        let results = response.into_inner().write_results;
        let version = |n: usize| Some(time::version_of(results.get(n)?.update_time.as_ref()?));
        Ok(std::array::from_fn(version))
    }

    async fn put_all<const N: usize>(&self, writes: [&Write; N]) -> Result<[Version; N], StoreError> {
        let documents = |db: &FirestoreDb| {
            writes.map(|write| {
                let name = self.name(db, &write.key);
                let (document, update_mask) = match write.condition {
                    Condition::Absent => (document::to_create(name, &write.record), None),
                    Condition::Unchanged(_) => {
                        let (document, mask) = document::to_write(name, write);
                        (document, Some(mask))
                    }
                };
                DocumentWrite { update_mask, ..conditional(Operation::Update(document), write.condition) }
            })
        };
        let updated = self.commit(documents, writes.map(|write| write.condition)).await?;
        let mut versions = [Version(0); N];
        for (version, updated) in versions.iter_mut().zip(updated) {
            *version = updated.ok_or_else(|| StoreError::unavailable("a response without an update_time"))?;
        }
        Ok(versions)
    }
}

fn conditional(operation: Operation, condition: Condition) -> DocumentWrite {
    let condition = match condition {
        Condition::Absent => ConditionType::Exists(false),
        Condition::Unchanged(version) => ConditionType::UpdateTime(time::update_time_of(version)),
    };
    let current_document = Some(Precondition { condition_type: Some(condition) });
    DocumentWrite { current_document, operation: Some(operation), ..DocumentWrite::default() }
}

async fn options_of(project: Option<String>, database: String) -> Result<FirestoreDbOptions, StoreError> {
    let options = match project {
        Some(project) => FirestoreDbOptions::new(project),
        None => FirestoreDbOptions::for_default_project_id()
            .await
            .ok_or_else(|| StoreError::refused("no Google Cloud project is set, and none could be detected"))?,
    };
    // The engine decides when to try again, within the request's deadline.
    Ok(options.with_database_id(database).with_max_retries(0))
}

impl fmt::Debug for FirestoreStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirestoreStore").field("collection", &self.collection).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for FirestoreStore {
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        let call = self.call().await?;
        let found = call.db().fluent().select().by_id_in(&self.collection).one(key.to_string()).await;
        call.finish(found).map_err(of_access)?.map(|document| document::read(&document)).transpose()
    }

    async fn put(&self, write: &Write) -> Result<Version, StoreError> {
        let [version] = self.put_all([write]).await?;
        Ok(version)
    }

    async fn put_both(&self, first: &Write, second: &Write) -> Result<[Version; 2], StoreError> {
        self.put_all([first, second]).await
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        let condition = Condition::Unchanged(unchanged);
        let delete = |db: &FirestoreDb| [conditional(Operation::Delete(self.name(db, key)), condition)];
        self.commit(delete, [condition]).await.map(drop)
    }

    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        self.sessions(None, after, limit).await
    }

    async fn list_user(
        &self,
        user: &str,
        after: Option<&SessionKey>,
        limit: usize,
    ) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        self.sessions(Some(user), after, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let call = self.call().await?;
        // Not the crate's own `ping`, for which a database that does not exist is as good as a document that doesn't.
        let reached = self.page(call.db(), None, None, 1).await;
        call.finish(reached).map_err(of_access).map(drop)
    }
}
