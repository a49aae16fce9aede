//! Finding the sessions of a user.

use exact_sessions::{
    store::{Store, Write},
    testing::contract::{fresh_key, record},
};

use super::{by_hand, create, get, open, place};

#[tokio::test]
async fn a_user_that_is_edited_by_hand_is_found() {
    let (_folder, path) = place();
    let store = open(&path);
    let (key, other) = (fresh_key(), fresh_key());
    create(&store, key, record(1)).await;
    create(&store, other, record(2)).await;
    by_hand(&path, &format!("UPDATE sessions SET user = 'ada' WHERE id = '{key}'"));
    by_hand(&path, &format!("UPDATE sessions SET session = '{{\"user\":\"ada\"}}' WHERE id = '{other}'"));
    let found = store.list_user("ada", None, 9).await.expect("a list");
    let stored = get(&store, &key).await.expect("a session");
    assert_eq!(stored.record.meta.user(), Some("ada"));
    assert_eq!(found, [(key, stored.clone())], "the column says who it is, and nothing else does");

    store.put(&Write::replace(key, record(3), stored.version)).await.expect("the condition holds");
    assert_eq!(store.list_user("ada", None, 9).await.expect("a list"), [], "signed out");
}
