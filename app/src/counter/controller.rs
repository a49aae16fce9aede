//! What the island does: one request to the server at a time, and what it shows meanwhile.

use leptos::prelude::*;

use super::{STATE, platform};
use crate::{
    counter_state::CounterState,
    island_state,
    server_fns::{ApiError, choose_greeting, forget, refresh},
};

/// What a visitor can do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(all(feature = "ssr", not(test)), expect(dead_code, reason = "nobody clicks on the server"))]
pub(super) enum Action {
    /// Count a view.
    Refresh,
    /// Be greeted this way from now on.
    Choose(String),
    /// End the session.
    Forget,
}

impl Action {
    async fn perform(self) -> Result<CounterState, ApiError> {
        match self {
            Self::Refresh => refresh().await.map(CounterState::Counted),
            Self::Choose(greeting) => choose_greeting(greeting).await.map(CounterState::Counted),
            Self::Forget => forget().await.map(|()| CounterState::Ended),
        }
    }
}

/// What the island shows, and what it is about to do.
#[derive(Clone)]
pub(super) struct UiState {
    pub(super) counter: CounterState,
    /// The value of `aria-busy`; none until the first request.
    pub(super) busy: Option<&'static str>,
    pub(super) message: &'static str,
    /// Whether the action under way is a refresh.
    refreshes: bool,
    /// What is to be done as soon as the action under way has ended.
    next: Option<Action>,
}

impl UiState {
    fn new(counter: CounterState) -> Self {
        Self { counter, busy: None, message: "", refreshes: false, next: None }
    }

    fn is_busy(&self) -> bool {
        self.busy == Some("true")
    }

    /// Begins an action, if none is under way. Otherwise it's done afterwards; but a second refresh, as of a double
    /// click, is the same refresh, a refresh takes no other action's place, and after the end of the session nothing is
    /// left to be done.
    fn begin(&mut self, action: Action) -> Option<Action> {
        let is_refresh = action == Action::Refresh;
        if !self.is_busy() {
            // The same message twice would be read out once.
            (self.busy, self.refreshes, self.message) = (Some("true"), is_refresh, "");
            return Some(action);
        }
        let stays = if is_refresh { self.refreshes || self.next.is_some() } else { self.next == Some(Action::Forget) };
        if !stays {
            self.next = Some(action);
        }
        None
    }

    /// Takes the result of an action, which was sent when `before` was shown. Returns the action to do next.
    fn finish(&mut self, result: Result<CounterState, ApiError>, before: &CounterState) -> Option<Action> {
        match result {
            Ok(new) => {
                self.message = "";
                if new == CounterState::Ended {
                    self.next = None;
                }
                // If nothing has come in between, the response is right. Otherwise the newer of the two is.
                if *before == self.counter || self.counter.is_older_than(&new) {
                    self.show(new);
                }
            }
            Err(error) => self.message = error.message(),
        }
        let next = self.next.take();
        self.refreshes = next == Some(Action::Refresh);
        self.busy = Some(if next.is_some() { "true" } else { "false" });
        next
    }

    /// Shows a new state.
    fn show(&mut self, new: CounterState) {
        // A count falls only when the visitor corrects it: one that does is another session's as a rule, or none's.
        platform::show_in_forms(&new, new.views() < self.counter.views());
        self.counter = new;
    }
}

/// The island, copied freely.
#[derive(Clone, Copy)]
pub(super) struct Controller {
    pub(super) ui: RwSignal<UiState>,
}

impl Controller {
    /// The island at first. In the browser it also listens to what happens elsewhere from now on.
    pub(super) fn start() -> Self {
        // An island that can't read its state knows nothing, counts nothing, and leaves what is shown as it is.
        let counter = match island_state::initial(STATE) {
            Some(Some(view)) => CounterState::Counted(view),
            Some(None) => CounterState::NotCounted,
            None => CounterState::Unknown,
        };
        let controller = Self { ui: RwSignal::new(UiState::new(counter)) };
        platform::start(controller);
        controller
    }

    pub(super) fn has_ended(self) -> bool {
        self.ui.with_untracked(|ui| ui.counter == CounterState::Ended)
    }

    /// Does an action now, or after the one under way.
    pub(super) fn dispatch(self, action: Action) {
        let Some(Some(action)) = self.ui.try_update(|ui| ui.begin(action)) else { return };
        platform::spawn(async move {
            let mut next = Some(action);
            while let Some(action) = next {
                let before = self.ui.with_untracked(|ui| ui.counter.clone());
                let result = action.perform().await;
                if let Ok(new) = &result {
                    platform::broadcast(new);
                }
                next = self.ui.try_update(|ui| ui.finish(result, &before)).flatten();
            }
        });
    }

    /// Shows what another tab says, unless something newer is shown already.
    #[cfg(all(feature = "hydrate", not(feature = "ssr")))]
    pub(super) fn on_news(self, new: CounterState) {
        self.ui.update(|ui| {
            if ui.counter.is_older_than(&new) {
                ui.show(new);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{counter_state::CounterView, greeting::Greeting};

    fn counted(views: u64) -> CounterState {
        CounterState::Counted(CounterView { views, greeting: Greeting::first() })
    }

    fn busy_with(action: Action) -> UiState {
        let mut ui = UiState::new(counted(1));
        assert_eq!(ui.begin(action.clone()), Some(action));
        ui
    }

    #[test]
    fn what_is_clicked_meanwhile_is_done_afterwards() {
        let moin = || Action::Choose("Moin".to_owned());
        for (clicks, next) in [
            (vec![Action::Forget], Some(Action::Forget)),
            (vec![moin()], Some(moin())),
            (vec![Action::Refresh], None),
            (vec![moin(), Action::Refresh], Some(moin())),
            (vec![moin(), Action::Forget], Some(Action::Forget)),
            (vec![Action::Forget, moin()], Some(Action::Forget)),
        ] {
            let mut ui = busy_with(Action::Refresh);
            for click in &clicks {
                assert_eq!(ui.begin(click.clone()), None);
            }
            assert_eq!(ui.finish(Ok(counted(2)), &counted(1)), next, "{clicks:?}");
            assert_eq!(ui.busy, Some(if next.is_some() { "true" } else { "false" }), "{clicks:?}");
        }
    }

    #[test]
    fn a_refresh_is_done_after_a_choice() {
        let moin = || Action::Choose("Moin".to_owned());
        for (clicks, next) in [
            (vec![Action::Refresh], Action::Refresh),
            (vec![Action::Refresh, Action::Refresh], Action::Refresh),
            (vec![Action::Refresh, Action::Forget], Action::Forget),
            (vec![Action::Forget, Action::Refresh], Action::Forget),
            (vec![moin(), Action::Refresh], moin()),
        ] {
            let mut ui = busy_with(moin());
            for click in &clicks {
                assert_eq!(ui.begin(click.clone()), None);
            }
            assert_eq!(ui.finish(Ok(counted(1)), &counted(1)), Some(next), "{clicks:?}");
        }
        let mut ui = busy_with(moin());
        ui.begin(Action::Refresh);
        ui.finish(Ok(counted(1)), &counted(1));
        ui.begin(Action::Refresh);
        assert_eq!(ui.finish(Ok(counted(2)), &counted(1)), None, "a double click on it is one refresh, too");
    }

    #[test]
    fn it_is_done_although_the_first_action_failed() {
        let mut ui = busy_with(Action::Refresh);
        ui.begin(Action::Forget);
        assert_eq!(ui.finish(Err(ApiError::Unreachable), &counted(1)), Some(Action::Forget));
        assert_ne!(ui.message, "");
        assert_eq!(ui.finish(Ok(CounterState::Ended), &counted(1)), None);
        assert_eq!((ui.message, ui.busy, &ui.counter), ("", Some("false"), &CounterState::Ended));
    }

    #[test]
    fn after_the_end_nothing_is_left_to_do() {
        let mut ui = busy_with(Action::Forget);
        ui.begin(Action::Choose("Moin".to_owned()));
        assert_eq!(ui.finish(Ok(CounterState::Ended), &counted(1)), None);
    }

    #[test]
    fn a_response_that_was_overtaken_is_not_shown() {
        let mut ui = busy_with(Action::Refresh);
        ui.counter = counted(3);
        ui.finish(Ok(counted(2)), &counted(1));
        assert_eq!(ui.counter, counted(3));
    }
}
