//! The browser's half: it writes arguments and reads answers.

use bytes::Bytes;
use js_sys::{JSON, Reflect, encode_uri_component};
use leptos::server_fn::{Decodes, Encodes};
use wasm_bindgen::JsValue;

use super::{FormEncoding, JsonEncoding, Unexpected, Word};
use crate::{
    api::{ApiError, Choose, Forget, Refresh},
    greeting::Greeting,
    view::View,
};

impl Encodes<Refresh> for FormEncoding {
    type Error = Unexpected;

    fn encode(_: &Refresh) -> Result<Bytes, Unexpected> {
        Ok(Bytes::new())
    }
}

impl Encodes<Forget> for FormEncoding {
    type Error = Unexpected;

    fn encode(_: &Forget) -> Result<Bytes, Unexpected> {
        Ok(Bytes::new())
    }
}

impl Encodes<Choose> for FormEncoding {
    type Error = Unexpected;

    fn encode(choice: &Choose) -> Result<Bytes, Unexpected> {
        let mut field = String::from("greeting=");
        field.push_str(&String::from(encode_uri_component(&choice.greeting)));
        Ok(Bytes::from(field))
    }
}

impl<T> Decodes<T> for FormEncoding {
    type Error = Unexpected;

    fn decode(_: Bytes) -> Result<T, Unexpected> {
        Err(Unexpected)
    }
}

impl<T> Encodes<T> for JsonEncoding {
    type Error = Unexpected;

    fn encode(_: &T) -> Result<Bytes, Unexpected> {
        Err(Unexpected)
    }
}

impl Decodes<View> for JsonEncoding {
    type Error = Unexpected;

    fn decode(answer: Bytes) -> Result<View, Unexpected> {
        let answer = JSON::parse(text(&answer)?).map_err(|_syntax| Unexpected)?;
        let field = |name: &str| Reflect::get(&answer, &JsValue::from_str(name)).map_err(|_no_object| Unexpected);
        let views = field("views")?.as_f64().ok_or(Unexpected)?;
        let greeting = field("greeting")?.as_string().and_then(Greeting::stored).ok_or(Unexpected)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of 0 or more")]
        Ok(View { views: views as u64, greeting })
    }
}

impl Decodes<()> for JsonEncoding {
    type Error = Unexpected;

    fn decode(_: Bytes) -> Result<(), Unexpected> {
        Ok(())
    }
}

impl Encodes<ApiError> for Word {
    type Error = Unexpected;

    fn encode(_: &ApiError) -> Result<Bytes, Unexpected> {
        Err(Unexpected)
    }
}

impl Decodes<ApiError> for Word {
    type Error = Unexpected;

    fn decode(answer: Bytes) -> Result<ApiError, Unexpected> {
        let answer = text(&answer)?;
        ApiError::ALL.iter().find(|(_, word)| *word == answer).map(|(error, _)| *error).ok_or(Unexpected)
    }
}

fn text(answer: &Bytes) -> Result<&str, Unexpected> {
    std::str::from_utf8(answer).map_err(|_bytes| Unexpected)
}
