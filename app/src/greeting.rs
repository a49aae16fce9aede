//! The greetings, and which language each is in.

use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// The greetings a visitor can get, with their languages (BCP 47).
pub const GREETINGS: [(&str, &str); 5] =
    [("Hello World", "en"), ("Hallo Welt", "de"), ("Ciao Mondo", "it"), ("Salut le Monde", "fr"), ("Hola Mundo", "es")];

/// How long a greeting that somebody wrote into a session by hand may be, in bytes.
const MAX_LENGTH: usize = 200;

/// What a visitor is greeted with: one of [`GREETINGS`], or what the owner of the sessions wrote there
/// instead, in Firestore's console say. It's never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Greeting(String);

impl Greeting {
    /// The greeting a visitor picked; `None` if it's none of [`GREETINGS`].
    #[must_use]
    pub fn pick(text: &str) -> Option<Self> {
        GREETINGS.iter().find(|(greeting, _)| *greeting == text).map(|(greeting, _)| Self((*greeting).to_owned()))
    }

    /// A greeting that was stored; `None` if it can't be shown: it's empty or far too long.
    #[must_use]
    pub fn stored(text: String) -> Option<Self> {
        (!text.chars().all(char::is_whitespace) && text.len() <= MAX_LENGTH).then_some(Self(text))
    }

    /// The first of [`GREETINGS`], for a page that knows no visitor.
    #[must_use]
    pub fn first() -> Self {
        Self(GREETINGS[0].0.to_owned())
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Its language, as far as that's known.
    #[must_use]
    pub fn language(&self) -> Option<&'static str> {
        GREETINGS.iter().find(|(greeting, _)| *greeting == self.0).map(|(_, language)| *language)
    }

    /// One of [`GREETINGS`], each as likely as the others.
    #[cfg(feature = "ssr")]
    pub fn random(random: &mut impl rand::Rng) -> Self {
        use rand::seq::IndexedRandom;
        let (greeting, _) = GREETINGS.choose(random).unwrap_or(&GREETINGS[0]);
        Self((*greeting).to_owned())
    }
}

impl<'de> Deserialize<'de> for Greeting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::stored(text).ok_or_else(|| D::Error::custom("a greeting that is empty or too long"))
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;

    use super::*;

    #[test]
    fn only_the_five_can_be_picked() {
        for (text, language) in GREETINGS {
            assert_eq!(Greeting::pick(text).and_then(|greeting| greeting.language()), Some(language));
        }
        for other in ["", "hello world", "Hello World ", "Moin"] {
            assert_eq!(Greeting::pick(other), None, "{other:?}");
        }
    }

    #[test]
    fn what_the_owner_wrote_is_shown_unless_it_cannot_be() {
        let moin = Greeting::stored("Moin".into()).expect("a greeting");
        assert_eq!((moin.text(), moin.language()), ("Moin", None));
        assert_eq!(Greeting::stored(" ".into()), None);
        assert_eq!(Greeting::stored("x".repeat(MAX_LENGTH + 1)), None);
    }

    #[test]
    fn chance_gives_each_of_the_five() {
        let mut random = rand::rngs::StdRng::seed_from_u64(1);
        let seen: BTreeSet<_> = (0..100).map(|_| Greeting::random(&mut random).text().to_owned()).collect();
        assert_eq!(seen.len(), GREETINGS.len());
    }
}
