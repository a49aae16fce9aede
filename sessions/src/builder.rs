//! Making [`Sessions`].

use std::{fmt, sync::Arc, time::SystemTime};

use serde_json::{Map, Value};

use crate::{
    Clock, SessionData, Sessions, Settings,
    data::Codec,
    engine::Engine,
    store::{Cause, Store},
};

/// Makes [`Sessions`]: see [`Sessions::builder`].
pub struct SessionsBuilder<T> {
    store: Arc<dyn Store>,
    settings: Settings,
    clock: Clock,
    codec: Codec<T>,
}

impl<T: SessionData> SessionsBuilder<T> {
    pub(crate) fn new(store: Arc<dyn Store>, new_data: Box<dyn Fn() -> T + Send + Sync>) -> Self {
        Self { store, settings: Settings::default(), clock: Arc::new(SystemTime::now), codec: Codec::new(new_data) }
    }

    /// How long sessions live, and what a request may cost.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Where the time of day comes from, if not from the system: in tests, say.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Replaces these fields by those of a new session if they can't be read, or are missing. Any other field that
    /// can't be read is an [`Error::Unreadable`](crate::Error::Unreadable), and its session stays as it is.
    ///
    /// It's right where a lost field does no harm and people edit sessions by hand, and wrong for what an account
    /// may do.
    #[must_use]
    pub fn repair<N: Into<String>>(mut self, fields: impl IntoIterator<Item = N>) -> Self {
        self.codec.repairable.extend(fields.into_iter().map(Into::into));
        self
    }

    /// The version of the application's data, from 1 on. Sessions without a version are of the first one.
    ///
    /// A session of an earlier version is taken to this one by an [`upgrade`](Self::upgrade) for each version between,
    /// in the write of its next change; a read sees it upgraded, too. A session of a later version is
    /// [`Error::Newer`](crate::Error::Newer): it stays as it is, for the instances that know it.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.codec.upgrades.set_version(version);
        self
    }

    /// Takes the stored fields from this version to the next one. They are all that is stored, also what others have
    /// put there. An error leaves the session as it is, and its use fails with
    /// [`Error::Unreadable`](crate::Error::Unreadable).
    #[must_use]
    pub fn upgrade(
        mut self,
        from: u32,
        step: impl Fn(&mut Map<String, Value>) -> Result<(), Cause> + Send + Sync + 'static,
    ) -> Self {
        self.codec.upgrades.add(from, step);
        self
    }

    /// Makes the sessions.
    ///
    /// # Panics
    /// On mistakes in the program: an [`upgrade`](Self::upgrade) is missing between version 1 and this
    /// [`version`](Self::version), or there's one for another version; [`repair`](Self::repair) names a field that the
    /// data does not have; a time in the [`Settings`] with which no session could live, or no call succeed, is zero.
    #[must_use]
    pub fn build(self) -> Sessions<T> {
        let Self { store, settings, clock, mut codec } = self;
        let wrong = codec.upgrades.wrong_steps();
        assert!(
            wrong.is_empty(),
            "version {} of the data needs an upgrade from each version before it and no other: see {wrong:?}",
            codec.upgrades.version()
        );
        let unknown = codec.unknown_repairable();
        assert!(unknown.is_empty(), "repair: the data has no fields {unknown:?}");
        let Settings { idle_timeout, lifetime, store_timeout, .. } = settings;
        let times = [
            ("idle_timeout", Some(idle_timeout)),
            ("lifetime", Some(lifetime)),
            ("first_timeout", settings.first_timeout),
            ("store_timeout", Some(store_timeout)),
        ];
        for (name, time) in times {
            assert!(time.is_none_or(|time| !time.is_zero()), "settings: {name} is zero");
        }
        codec.max_size = settings.max_data;
        Sessions::of(Engine::new(store, codec, settings, clock))
    }
}

impl<T> fmt::Debug for SessionsBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}
