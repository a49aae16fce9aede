//! Sessions in Firestore: for an app on more than one machine.
//!
//! A document a session, in one collection, named by the [`SessionKey`]. Reading is one `GetDocument`,
//! writing one `Commit` of one write with a precondition: no transaction is begun, so no lock is held.
//! Only fields that are the application's or the engine's are written; others stay as they are.

mod document;
mod failure;

use std::fmt;

use async_trait::async_trait;
use firestore::{
    FirestoreDb, FirestoreDbOptions, FirestoreQueryCursor, FirestoreTransaction, FirestoreTransactionData,
    FirestoreValue,
    errors::FirestoreError,
    gcloud_sdk::google::firestore::v1::{
        Document, DocumentMask, Precondition, Value, Write, precondition::ConditionType, value::ValueType,
        write::Operation,
    },
};
use tokio::sync::OnceCell;

use self::failure::{of_access, of_write};
use super::{Condition, Store, StoreError, Stored, Version};
use crate::{Record, SessionKey};

/// Where in Firestore the sessions are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirestoreConfig {
    /// The Google Cloud project; `None` to detect it (environment, credentials file, metadata server).
    pub project: Option<String>,
    /// The database, usually `(default)`.
    pub database: String,
    /// The collection, usually `sessions`.
    pub collection: String,
}

impl Default for FirestoreConfig {
    fn default() -> Self {
        Self { project: None, database: "(default)".to_owned(), collection: "sessions".to_owned() }
    }
}

/// A store in Firestore, or in its emulator if `FIRESTORE_EMULATOR_HOST` is set. It connects at its first
/// use and authenticates with the application default credentials. Clones share one connection.
#[derive(Clone)]
pub struct FirestoreStore {
    config: FirestoreConfig,
    db: std::sync::Arc<OnceCell<FirestoreDb>>,
}

impl FirestoreStore {
    /// A store that will connect when it's first used.
    #[must_use]
    pub fn new(config: FirestoreConfig) -> Self {
        Self { config, db: std::sync::Arc::default() }
    }

    async fn db(&self) -> Result<&FirestoreDb, StoreError> {
        self.db.get_or_try_init(|| connect(&self.config)).await
    }

    fn name(&self, db: &FirestoreDb, key: &SessionKey) -> String {
        format!("{}/{}/{key}", db.get_documents_path(), self.config.collection)
    }

    /// The documents whose full names come after this one, at most `limit`.
    async fn page(&self, db: &FirestoreDb, after: Option<String>, limit: u32) -> Result<Vec<Document>, FirestoreError> {
        let mut query = db
            .fluent()
            .select()
            .from(self.config.collection.as_str())
            .order(|by| by.fields([by.field("__name__").asc()]))
            .limit(limit);
        if let Some(name) = after {
            let name = Value { value_type: Some(ValueType::ReferenceValue(name)) };
            query = query.start_at(FirestoreQueryCursor::AfterValue(vec![FirestoreValue::from(name)]));
        }
        query.query().await
    }

    /// Sends one write as one `Commit` of its own and answers the document's new version. The empty
    /// transaction id makes it a plain atomic write; the crate's fluent API has no conditional one that
    /// answers the new `update_time`.
    async fn commit(&self, db: &FirestoreDb, write: Write) -> Result<Option<Version>, FirestoreError> {
        let path = db.get_documents_path().clone();
        let data = FirestoreTransactionData::new(vec![], path, tracing::Span::none(), vec![write]);
        let response = FirestoreTransaction::from_data(db, data).commit().await?;
        let updated = response.write_results.first().and_then(|result| result.update_time);
        Ok(updated.map(|time| Version(time.as_nanosecond())))
    }
}

fn write_of(operation: Operation, condition: Condition) -> Write {
    let condition = match condition {
        Condition::Absent => ConditionType::Exists(false),
        Condition::Unchanged(version) => ConditionType::UpdateTime(document::timestamp_of_version(version)),
    };
    let current_document = Some(Precondition { condition_type: Some(condition) });
    Write { current_document, operation: Some(operation), ..Write::default() }
}

async fn connect(config: &FirestoreConfig) -> Result<FirestoreDb, StoreError> {
    let options = match &config.project {
        Some(project) => FirestoreDbOptions::new(project.clone()),
        None => FirestoreDbOptions::for_default_project_id()
            .await
            .ok_or_else(|| StoreError::Refused("no Google Cloud project is set, and none could be detected".into()))?,
    };
    // The engine decides when to try again, within the request's deadline.
    let options = options.with_database_id(config.database.clone()).with_max_retries(0);
    FirestoreDb::with_options(options).await.map_err(of_access)
}

impl fmt::Debug for FirestoreStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirestoreStore").field("config", &self.config).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for FirestoreStore {
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        let db = self.db().await?;
        let found = db.fluent().select().by_id_in(&self.config.collection).one(key.to_string()).await;
        found.map_err(of_access)?.map(|document| document::read(&document)).transpose()
    }

    async fn put(&self, key: &SessionKey, record: &Record, condition: Condition) -> Result<Version, StoreError> {
        let db = self.db().await?;
        let fields = document::fields_of(record);
        let field_paths = document::paths_of(&fields);
        let document = Document { name: self.name(db, key), fields, ..Document::default() };
        let operation = Operation::Update(document);
        let write = Write { update_mask: Some(DocumentMask { field_paths }), ..write_of(operation, condition) };
        let written = self.commit(db, write).await.map_err(|error| of_write(error, condition))?;
        written.ok_or_else(|| StoreError::Unavailable("the commit was answered without an update_time".into()))
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        let db = self.db().await?;
        let condition = Condition::Unchanged(unchanged);
        let write = write_of(Operation::Delete(self.name(db, key)), condition);
        self.commit(db, write).await.map(|_no_version| ()).map_err(|error| of_write(error, condition))
    }

    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        let db = self.db().await?;
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let mut after = after.map(|key| self.name(db, key));
        loop {
            let documents = self.page(db, after, limit).await.map_err(of_access)?;
            let keyed = documents.iter().filter_map(|document| Some((document::key_of(document)?, document)));
            let page: Vec<_> =
                keyed.map(|(key, document)| Ok((key, document::read(document)?))).collect::<Result<_, StoreError>>()?;
            // Documents of other names were put there by somebody else. A page of nothing else is not the end.
            match documents.last() {
                Some(last) if page.is_empty() => after = Some(last.name.clone()),
                _ => return Ok(page),
            }
        }
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.db().await?.ping().await.map_err(of_access)
    }
}
