//! What Firestore's errors mean to the engine. They are told apart by code, never by text: the emulator
//! and the service word them differently (<https://cloud.google.com/firestore/docs/understand-error-codes>).

use firestore::errors::FirestoreError;

use super::{Condition, StoreError};

/// A failure of a read, or of a delete, which may be repeated as it is.
pub(super) fn of_access(error: FirestoreError) -> StoreError {
    match code(&error) {
        "Aborted" => StoreError::Contended(error.into()),
        code if is_final(code, &error) => StoreError::Refused(error.into()),
        _ => StoreError::Unavailable(error.into()),
    }
}

/// A failure of a conditional write.
pub(super) fn of_write(error: FirestoreError, condition: Condition) -> StoreError {
    match (code(&error), condition) {
        // It exists already; or the update time differs; or the document is gone. That the database is
        // missing, which has the same code, comes out at the first new session.
        ("AlreadyExists", Condition::Absent) | ("FailedPrecondition" | "NotFound", Condition::Unchanged(_)) => {
            StoreError::Conflict
        }
        _ => of_access(error),
    }
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
