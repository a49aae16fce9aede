//! How fast a server starts, and what it needs when nobody looks.

use super::Bench;
use crate::{
    figures::{Report, Target},
    server::Server,
};

const REPETITIONS: usize = 15;

pub(super) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for (kind, store) in bench.stores("start") {
        let (mut ready, mut memory) = (Vec::new(), Vec::new());
        for _ in 0..REPETITIONS {
            let mut server = Server::start(&bench.server, &store, &[]).await?;
            ready.push(server.started_in.as_secs_f64() * 1e3);
            memory.push(server.usage().megabytes);
            server.stop().await?;
        }
        let subject = format!("start, {kind}");
        let figure = report.add(&subject, "ready after", "ms", &ready);
        if kind == "SQLite" {
            figure.target(Target::AtMost(100.0));
        }
        report.add(&subject, "idle memory", "MB", &memory).target(Target::AtMost(20.0));
    }
    Ok(())
}
