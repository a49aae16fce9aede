//! A shop in memory, with a clock that stands still, and its calls of the store counted.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Router;
use exact_sessions::{
    Sessions,
    admin::Admin,
    store::{Store as _, memory::MemoryStore},
    testing::{Clock, Counting, Counts, Fault, Faulty, Visitor},
};
use outside::{Customer, Staff, customer_cookie, shop};

pub(crate) struct Place {
    pub(crate) app: Router,
    pub(crate) customers: Sessions<Customer>,
    pub(crate) staff: Sessions<Staff>,
    pub(crate) clock: Clock,
    /// The calls for the sessions of customers.
    pub(crate) counts: Arc<Counts>,
    store: Arc<MemoryStore>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with(|| Fault::None)
    }

    /// Whose store takes its time, so that uses overlap.
    pub(crate) fn slow() -> Self {
        Self::with(|| Fault::Delay(Duration::from_millis(10)))
    }

    /// Whose first calls of the store for the sessions of customers have these faults.
    pub(crate) fn with_faults(faults: impl Into<Vec<Fault>>) -> Self {
        let faults = Mutex::new(faults.into().into_iter());
        Self::with(move || faults.lock().expect("no panic").next().unwrap_or(Fault::None))
    }

    fn with(fault: impl Fn() -> Fault + Send + Sync + 'static) -> Self {
        let clock = Clock::default();
        let store = Arc::<MemoryStore>::default();
        let (counting, counts) = Counting::new(Faulty::new(Arc::clone(&store), fault));
        let customers = Sessions::builder(counting, Customer::default).clock(clock.source()).build();
        let staff = Sessions::<Staff>::new(MemoryStore::default());
        Self { app: shop(&customers, &staff), customers, staff, clock, counts, store }
    }

    /// The sessions of customers, as their owner works on them.
    pub(crate) fn admin(&self) -> Admin {
        Admin::new(Arc::clone(&self.store), Duration::from_secs(5))
    }

    /// How many sessions of customers are stored.
    pub(crate) async fn stored(&self) -> usize {
        self.store.list(None, usize::MAX).await.expect("a list").len()
    }
}

/// A customer who was never here.
pub(crate) fn new_customer() -> Visitor {
    Visitor::new(customer_cookie())
}
