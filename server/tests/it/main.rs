//! The server from outside: its real program as processes, and HTTP; and the site in this process (`in_process`). One
//! program, so it links once.

/// Makes each of these functions a test on an SQLite file and a test on the Firestore emulator.
macro_rules! on_both_stores {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::support::TestApp::on_sqlite()).await;
            })+
        }
        mod firestore {
            $(#[tokio::test]
            async fn $test() {
                let Some(app) = crate::support::TestApp::on_emulator() else { return };
                super::$test(app).await;
            })+
        }
    };
}

mod api;
mod check;
mod cookies;
mod delete;
mod document;
mod edits;
mod expiry;
mod in_process;
mod kill;
mod logs;
mod manage;
mod many;
mod metrics;
mod outage;
mod page;
mod parallel;
mod security;
mod session_page;
mod slow_clients;
mod soak;
mod startup;
mod stop;
mod sums;
mod support;
mod two_builds;
mod untouched;
mod views;
