//! What the staff sees. A desk is served with the sessions of both kinds.

use axum::{Router, routing::get};
use exact_sessions::{Error, SignIn, axum::SessionHandle};
use serde::{Deserialize, Serialize};

use crate::Customer;

/// What is kept of a person who works here: a type that is no struct.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "place", rename_all = "kebab-case")]
pub enum Staff {
    #[default]
    Outdoors,
    AtDesk {
        number: u8,
    },
}

pub(crate) fn pages() -> Router {
    Router::new().route("/", get(desk).post(sit_down).delete(leave))
}

async fn desk(staff: SessionHandle<Staff>, customer: SessionHandle<Customer>) -> Result<String, Error> {
    let staff = staff.read().await?.map(|session| session.data.clone()).unwrap_or_default();
    let customer = customer.read().await?.map(|session| session.data.views);
    Ok(format!("{staff:?} {customer:?}"))
}

async fn sit_down(staff: SessionHandle<Staff>) -> Result<String, Error> {
    let used = staff.sign_in(SignIn::new("staff-1"), |staff| *staff = Staff::AtDesk { number: 7 }).await?;
    Ok(format!("{:?}", used.session.data))
}

async fn leave(staff: SessionHandle<Staff>) -> Result<&'static str, Error> {
    staff.sign_out().await?;
    Ok("bye")
}
