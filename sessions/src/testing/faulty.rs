//! A store that fails the way networks and databases do.

use std::{future::pending, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::sleep;

use crate::{
    SessionKey,
    store::{Store, StoreError, Stored, Version, Write},
};

/// The fault that is injected into one call of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It takes that long.
    Delay(Duration),
    /// It fails before anything is done, and says so.
    Unreachable,
    /// It fails before anything is done, and its caller can't know that.
    Before,
    /// It is done, and then its answer is lost.
    After,
    /// It is refused as aborted: others are in the way.
    Aborted,
    /// It is refused for good.
    Refused,
    /// It is never answered and never done.
    Hang,
    /// It is never answered, and done all the same after that long.
    Late(Duration),
}

/// Passes everything on to another store, except for the faults that a function chooses, call by call.
pub struct Faulty<S> {
    inner: Arc<S>,
    choose: Box<dyn Fn() -> Fault + Send + Sync>,
}

impl<S: Store> Faulty<S> {
    /// Before each call, `choose` says which fault is injected into it.
    pub fn new(inner: Arc<S>, choose: impl Fn() -> Fault + Send + Sync + 'static) -> Self {
        Self { inner, choose: Box::new(choose) }
    }

    async fn call<R, W>(&self, call: impl FnOnce(Arc<S>) -> W) -> Result<R, StoreError>
    where
        R: Send + 'static,
        W: Future<Output = Result<R, StoreError>> + Send + 'static,
    {
        let call = call(Arc::clone(&self.inner));
        let lost = || StoreError::unavailable("a fault was injected");
        match (self.choose)() {
            Fault::None => call.await,
            Fault::Delay(time) => {
                sleep(time).await;
                call.await
            }
            Fault::Unreachable => Err(StoreError::unreachable("a fault was injected")),
            Fault::Before => Err(lost()),
            Fault::After => {
                // Whatever it said, nobody hears it.
                let _ = call.await;
                Err(lost())
            }
            Fault::Aborted => Err(StoreError::contended("a fault was injected")),
            Fault::Refused => Err(StoreError::refused("a fault was injected")),
            Fault::Hang => pending().await,
            Fault::Late(time) => {
                tokio::spawn(async move {
                    sleep(time).await;
                    let _ = call.await;
                });
                pending().await
            }
        }
    }
}

#[async_trait]
impl<S: Store> Store for Faulty<S> {
    async fn get(&self, key: &SessionKey) -> Result<Option<Stored>, StoreError> {
        let key = *key;
        self.call(move |inner| async move { inner.get(&key).await }).await
    }

    async fn put(&self, write: &Write) -> Result<Version, StoreError> {
        let write = write.clone();
        self.call(move |inner| async move { inner.put(&write).await }).await
    }

    async fn put_both(&self, first: &Write, second: &Write) -> Result<[Version; 2], StoreError> {
        let (first, second) = (first.clone(), second.clone());
        self.call(move |inner| async move { inner.put_both(&first, &second).await }).await
    }

    async fn delete(&self, key: &SessionKey, unchanged: Version) -> Result<(), StoreError> {
        let key = *key;
        self.call(move |inner| async move { inner.delete(&key, unchanged).await }).await
    }

    async fn list(&self, after: Option<&SessionKey>, limit: usize) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        let after = after.copied();
        self.call(move |inner| async move { inner.list(after.as_ref(), limit).await }).await
    }

    async fn list_user(
        &self,
        user: &str,
        after: Option<&SessionKey>,
        limit: usize,
    ) -> Result<Vec<(SessionKey, Stored)>, StoreError> {
        let (user, after) = (user.to_owned(), after.copied());
        self.call(move |inner| async move { inner.list_user(&user, after.as_ref(), limit).await }).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.call(|inner| async move { inner.ping().await }).await
    }

    fn is_alive(&self) -> bool {
        self.inner.is_alive()
    }
}

impl<S> std::fmt::Debug for Faulty<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faulty")
    }
}
