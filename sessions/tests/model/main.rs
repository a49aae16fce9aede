//! The engine's protocol as a small model, which is searched exhaustively: every order in which calls of the store,
//! lost answers, late writes, deadlines and other clients can follow each other.
//!
//! The tests in `it/exactly_once.rs` run the real code on random schedules. They can miss a schedule; this search
//! can't, but it searches a model. So both are there, and a rule that changes in the code must be changed here.
//!
//! # What is modelled
//!
//! | part | in the model | in the code (`sessions/src`) |
//! |---|---|---|
//! | records, versions, conditional writes, two writes that happen both or neither | `store.rs`, `Store` | `store.rs`, `record.rs` |
//! | what a record says of a write whose response was lost | `store.rs`, `write_outcome` | `engine/in_flight_write.rs` |
//! | a refused write, a lost response, the same write again | `protocol.rs`, `refused`, `lose_answer`, `look` | `engine/transaction.rs` |
//! | one turn for each session on each instance; one write for all changes that wait | `protocol.rs`, `begin`, `send` | `engine/queue.rs`, `engine/batch.rs` |
//! | a stale guess from the cache, or a read | `protocol.rs`, `begin` | `engine/batch.rs`, `engine/cache.rs` |
//! | what a client hears when its time is over | `protocol.rs`, `give_up` | `Progress` in `engine/batch.rs` |
//! | sign-in and rotation: the new record and the old one's end in one write; another new id for each try | `protocol.rs`, `send`, `with_another_id` | `engine/replace.rs` |
//! | delete, on the condition that nobody has written since | `protocol.rs`, `send`, `look` | `engine/delete.rs` |
//! | first visits, which are never sent again under one id | `protocol.rs`, `look` | `engine/create.rs` |
//!
//! A call can be applied and answered; be refused; or get no answer, and then be applied at any later time or never,
//! as often as it was sent. Nothing bounds the number of lost answers. A read has no step of its own between arriving
//! and its answer: it changes nothing, and what it saw may be old by the time the instance acts on it anyhow.
//!
//! # What is not
//!
//! Expiry (a record that is over counts as gone), renewals without a change, the order of the queue (any of those who
//! wait may be next, which is more than the code does), pauses (any time may pass anywhere), a process that is killed
//! (all its clients' time is over at once, which is among the orders searched). Lists of revisions are two long
//! instead of eight, so that a search of three clients sees one that no longer reaches back. A turn keeps one revision
//! where the code draws a new one for each write that it plans: when it plans again, the write before is known to be
//! lost. A store whose `put_both` is two steps is not searched.
//! Users: a sign-in by an id that has ended goes on with the new one always, which is more than the code does, since each
//! is of the same user, and nobody looks at whether the session was changed. A sign-in that finds no session makes none.
//!
//! # Reading a counterexample
//!
//! It is a list of steps that leads to a state in which a property does not hold. Client 0's operations
//! have the numbers 0 and 1, client 1's 2 and 3, and so on; key 0 is the session that is there at the start.

mod bits;
mod bug;
mod client;
mod properties;
mod protocol;
mod scenarios;
mod search;
mod state;
mod store;
