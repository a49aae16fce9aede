//! The server's half: it reads arguments and writes answers.

use bytes::Bytes;
use leptos::server_fn::{Decodes, Encodes};
use serde::{Serialize, de::DeserializeOwned};

use super::{FormEncoding, JsonEncoding, Unexpected, Word};
use crate::api::{self, ApiError};

impl<T: DeserializeOwned> Decodes<T> for FormEncoding {
    type Error = serde_urlencoded::de::Error;

    fn decode(fields: Bytes) -> Result<T, Self::Error> {
        serde_urlencoded::from_bytes(&fields)
    }
}

impl<T> Encodes<T> for FormEncoding {
    type Error = Unexpected;

    fn encode(_: &T) -> Result<Bytes, Unexpected> {
        Err(Unexpected)
    }
}

impl<T: Serialize> Encodes<T> for JsonEncoding {
    type Error = serde_json::Error;

    fn encode(answer: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_vec(answer).map(Bytes::from)
    }
}

impl<T> Decodes<T> for JsonEncoding {
    type Error = Unexpected;

    fn decode(_: Bytes) -> Result<T, Unexpected> {
        Err(Unexpected)
    }
}

impl Encodes<ApiError> for Word {
    type Error = Unexpected;

    fn encode(error: &ApiError) -> Result<Bytes, Unexpected> {
        api::ssr::answer(*error);
        let word = ApiError::ALL.iter().find(|(known, _)| known == error).map(|(_, word)| *word);
        word.map(|word| Bytes::from_static(word.as_bytes())).ok_or(Unexpected)
    }
}

impl Decodes<ApiError> for Word {
    type Error = Unexpected;

    fn decode(_: Bytes) -> Result<ApiError, Unexpected> {
        Err(Unexpected)
    }
}
