//! What Firestore's errors mean to the engine. Their codes decide, never their text: the emulator and the service word
//! them differently (<https://cloud.google.com/firestore/docs/understand-error-codes>).

use std::{error::Error, io};

use firestore::{errors::FirestoreError, gcloud_sdk::tonic::Status};

use super::{Condition, StoreError};

/// A failure to open a connection.
pub(super) fn of_connection(error: FirestoreError) -> StoreError {
    match of_access(error) {
        StoreError::Unavailable(cause) => StoreError::Unreachable(cause),
        other => other,
    }
}

/// Whether a call was not sent, since the connection it was for had been closed and a new one was refused.
pub(super) fn is_unsent(status: &Status) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = status.source();
    while let Some(error) = next {
        // Only opening a connection fails so.
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            return true;
        }
        next = error.source();
    }
    false
}

/// A failure of a read, which may be repeated as it is.
pub(super) fn of_access(error: FirestoreError) -> StoreError {
    match code(&error) {
        "Aborted" => StoreError::contended(error),
        code if is_final(code, &error) => StoreError::refused(error),
        _ => StoreError::unavailable(error),
    }
}

/// A failure of conditional writes, which are done all or none.
pub(super) fn of_write(error: FirestoreError, conditions: &[Condition]) -> StoreError {
    let does_not_hold = |condition: &Condition| match (code(&error), condition) {
        // It exists already; or the update time differs; or the document is gone. A missing database has the code of
        // the last one; the first new session will show that.
        ("AlreadyExists", Condition::Absent) | ("FailedPrecondition" | "NotFound", Condition::Unchanged(_)) => true,
        _ => false,
    };
    if conditions.iter().any(does_not_hold) {
        return StoreError::Conflict;
    }
    match code(&error) {
        // A document or a field that is too large, or a name that is too long.
        "InvalidArgument" => StoreError::invalid(error),
        _ => of_access(error),
    }
}

/// Whether there was no response in time, which says nothing about whether a write was applied.
pub(super) fn is_late(error: &FirestoreError) -> bool {
    code(error) == "DeadlineExceeded"
}

/// The gRPC code, as the crate `firestore` spells it.
fn code(error: &FirestoreError) -> &str {
    match error {
        FirestoreError::DatabaseError(error) => &error.public.code,
        FirestoreError::DataConflictError(error) => &error.public.code,
        FirestoreError::DataNotFoundError(error) => &error.public.code,
        FirestoreError::SystemError(error) => &error.public.code,
        _ => "",
    }
}

/// Trying again changes nothing about these.
fn is_final(code: &str, error: &FirestoreError) -> bool {
    matches!(
        code,
        "PermissionDenied"
            | "Unauthenticated"
            | "InvalidArgument"
            | "FailedPrecondition"
            | "NotFound"
            | "Unimplemented"
    ) || ["CredentialsBuild", "UrlError", "InvalidApiUrl"].iter().any(|kind| code.starts_with(kind))
        || matches!(
            error,
            FirestoreError::InvalidParametersError(_)
                | FirestoreError::SerializeError(_)
                | FirestoreError::DeserializeError(_)
        )
}
