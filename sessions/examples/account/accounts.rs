//! Who has an account: a table of your database, in a real app.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use argon2::{
    Argon2, Params,
    password_hash::{Error, PasswordHasher as _, PasswordVerifier as _, Result, phc::PasswordHash},
};
use tokio::sync::Semaphore;

/// How many passwords are hashed at a time: each takes the memory that the parameters say, and a core.
const AT_ONCE: usize = 4;

/// The accounts, by name.
#[derive(Clone)]
pub(crate) struct Accounts(Arc<Inner>);

struct Inner {
    argon2: Argon2<'static>,
    by_name: Mutex<HashMap<String, Account>>,
    /// What a password is compared with whose name nobody has, so that the time it takes tells nothing.
    decoy: String,
    turns: Semaphore,
}

#[derive(Clone)]
pub(crate) struct Account {
    /// What sessions are bound to: it stays when the name changes.
    pub(crate) id: String,
    hash: String,
}

impl Accounts {
    /// No accounts yet; passwords are hashed at this cost.
    pub(crate) fn new(params: Params) -> Result<Self> {
        let argon2 = Argon2::from(params);
        let decoy = hash(&argon2, "")?;
        Ok(Self(Arc::new(Inner { argon2, by_name: Mutex::default(), decoy, turns: Semaphore::new(AT_ONCE) })))
    }

    /// Makes an account and returns its id; `None` if the name is taken.
    pub(crate) async fn create(&self, name: String, password: String) -> Result<Option<String>> {
        let hash = self.at_work(move |argon2| hash(argon2, &password)).await?;
        let mut accounts = self.accounts();
        if accounts.contains_key(&name) {
            return Ok(None);
        }
        let id = format!("user-{}", accounts.len() + 1);
        accounts.insert(name, Account { id: id.clone(), hash });
        Ok(Some(id))
    }

    /// The account of this name, if the password is right.
    pub(crate) async fn check(&self, name: &str, password: String) -> Result<Option<Account>> {
        let account = self.accounts().get(name).cloned();
        let hash = account.as_ref().map_or(&self.0.decoy, |account| &account.hash).clone();
        let is_right = self.matches(password, hash).await?;
        Ok(account.filter(|_| is_right))
    }

    /// Whether the account still has the password that it had when it was looked at.
    pub(crate) fn is_current(&self, Account { id, hash }: &Account) -> bool {
        self.accounts().values().any(|account| account.id == *id && account.hash == *hash)
    }

    /// Whether this is the password of the account with this id.
    pub(crate) async fn is_password_of(&self, id: &str, password: String) -> Result<bool> {
        let hash = self.accounts().values().find(|account| account.id == id).map(|account| account.hash.clone());
        match hash {
            Some(hash) => self.matches(password, hash).await,
            None => Ok(false),
        }
    }

    /// Gives the account of this id another password.
    pub(crate) async fn set_password(&self, id: &str, password: String) -> Result<()> {
        let hash = self.at_work(move |argon2| hash(argon2, &password)).await?;
        if let Some(account) = self.accounts().values_mut().find(|account| account.id == id) {
            account.hash = hash;
        }
        Ok(())
    }

    async fn matches(&self, password: String, hash: String) -> Result<bool> {
        self.at_work(move |argon2| match argon2.verify_password(password.as_bytes(), &PasswordHash::new(&hash)?) {
            Ok(()) => Ok(true),
            Err(Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(error),
        })
        .await
    }

    /// Hashing takes long: it has threads of its own.
    async fn at_work<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let Ok(_turn) = self.0.turns.acquire().await else { return Err(Error::Internal) };
        let argon2 = self.0.argon2.clone();
        tokio::task::spawn_blocking(move || work(&argon2)).await.unwrap_or(Err(Error::Internal))
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<String, Account>> {
        // Each change is one insert or one assignment.
        self.0.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(argon2: &Argon2<'_>, password: &str) -> Result<String> {
    Ok(argon2.hash_password(password.as_bytes())?.to_string())
}
