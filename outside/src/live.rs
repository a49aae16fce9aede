//! Pages that use the session after the head of their response has been sent.

use std::{
    future::{Future as _, poll_fn},
    pin::pin,
    task::Poll,
};

use axum::{Router, body::Body, http::StatusCode, routing::get};
use exact_sessions::{Error, axum::SessionHandle};
use futures::stream;

use crate::Customer;

type Session = SessionHandle<Customer>;

pub(crate) fn pages() -> Router {
    Router::new()
        .route("/ticks", get(ticks))
        .route("/task", get(task))
        .route("/task-in-time", get(task_in_time))
        .route("/goodbye", get(goodbye))
}

/// A body of three lines, each of which counts a view when it's sent.
async fn ticks(session: Session) -> Body {
    let lines = stream::unfold((session, 0), |(session, n)| async move {
        if n == 3 {
            return None;
        }
        let counted = session.upsert(|customer| customer.views += 1).await;
        Some((Ok::<_, std::convert::Infallible>(line(counted.map(|used| used.session.data.views))), (session, n + 1)))
    });
    Body::from_stream(lines)
}

/// A body that ends the session.
async fn goodbye(session: Session) -> Body {
    let goodbye = async move { Ok::<_, std::convert::Infallible>(line(session.delete().await.map(|()| 0))) };
    Body::from_stream(stream::once(goodbye))
}

/// The handler returns before its task uses the session.
async fn task(session: Session) -> StatusCode {
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        // What becomes of it is not the visitor's concern any more; the test looks into the store.
        drop(session.upsert(|customer| customer.views += 1).await);
    });
    StatusCode::ACCEPTED
}

/// The task has begun to use the session before the handler returns.
async fn task_in_time(session: Session) -> StatusCode {
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut counting = pin!(session.upsert(|customer| customer.views += 1));
        let first = poll_fn(|context| Poll::Ready(counting.as_mut().poll(context))).await;
        let _ = begun.send(());
        if first.is_pending() {
            drop(counting.await);
        }
    });
    drop(has_begun.await);
    StatusCode::ACCEPTED
}

fn line(counted: Result<u64, Error>) -> String {
    match counted {
        Ok(views) => format!("{views}\n"),
        Err(error) => format!("{}\n", error.kind()),
    }
}
