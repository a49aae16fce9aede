//! How a search begins: which clients there are, on which instance, and what they want.

use crate::{
    client::{
        Client,
        Operation::{self, Change, Create, Delete, Rotate, SignIn},
        STEPS,
    },
    state::State,
};

/// What one client does, in this order.
pub(crate) type Script = [Option<Operation>; STEPS];

/// One operation each.
pub(crate) const SINGLE: [Script; 4] =
    [[Some(Change), None], [Some(SignIn), None], [Some(Rotate), None], [Some(Delete), None]];

/// Two operations, the second with the id that the first has left in the client's cookie.
pub(crate) const DOUBLE: [Script; 8] = [
    [Some(Change), Some(Change)],
    [Some(Change), Some(SignIn)],
    [Some(SignIn), Some(Change)],
    [Some(SignIn), Some(Delete)],
    [Some(Rotate), Some(Change)],
    [Some(Rotate), Some(Delete)],
    [Some(Create), Some(Change)],
    [Some(Create), Some(Delete)],
];

/// Two operations that each make an id. Only one client of a search may do that.
pub(crate) const TWO_IDS: [Script; 4] = [
    [Some(Rotate), Some(Rotate)],
    [Some(Rotate), Some(SignIn)],
    [Some(SignIn), Some(Rotate)],
    [Some(SignIn), Some(SignIn)],
];

/// These clients, each on the instance beside its script.
pub(crate) fn start(clients: &[(u8, Script)]) -> State {
    let clients = (0..).zip(clients);
    State::new(clients.map(|(number, (instance, script))| Client::new(number, *instance, *script)).collect())
}

/// Every choice of so many clients with these scripts on two instances. Those that differ only in the names of clients
/// or instances count as one.
pub(crate) fn all(clients: usize, scripts: &[Script]) -> Vec<State> {
    let places: Vec<_> = (0..2_u8).flat_map(|instance| scripts.iter().map(move |script| (instance, *script))).collect();
    let mirrored = |place: &usize| (place + scripts.len()) % places.len();
    let mut starts = Vec::new();
    let mut chosen = vec![0; clients];
    loop {
        let mut mirror: Vec<_> = chosen.iter().map(mirrored).collect();
        mirror.sort_unstable();
        if chosen <= mirror {
            starts.push(start(&chosen.iter().map(|place| places[*place]).collect::<Vec<_>>()));
        }
        // The next one in order, none smaller than the one before it.
        let Some(last) = chosen.iter().rposition(|place| place + 1 < places.len()) else { return starts };
        let next = chosen[last] + 1;
        chosen[last..].fill(next);
    }
}
