//! The handle as an argument of handlers.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{StatusCode, request::Parts},
};

use super::SessionHandle;
use crate::SessionData;

impl<T: SessionData, S: Sync> FromRequestParts<S> for SessionHandle<T> {
    type Rejection = StatusCode;

    /// Fails with 500, and says so in the log, where the layer is missing.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            let data = std::any::type_name::<T>();
            tracing::error!(
                "a handler needs a SessionHandle<{data}>, but its route has no SessionLayer<{data}>; a layer is around the \
                 routes that were added before it"
            );
            StatusCode::INTERNAL_SERVER_ERROR
        })
    }
}

impl<T: SessionData, S: Sync> OptionalFromRequestParts<S> for SessionHandle<T> {
    type Rejection = Infallible;

    /// `None` where the layer is missing.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}
