//! `list`: a page in memory at a time, however many sessions there are.

use std::{
    io::{self, BufWriter, Write},
    time::SystemTime,
};

use super::{
    Sessions,
    args::ListArgs,
    format::{SessionJson, headings, row},
};
use crate::cli::exit::Failure;

/// How many sessions are read at once.
pub(super) const PAGE: usize = 256;

pub(super) async fn run(args: &ListArgs) -> Result<(), Failure> {
    let sessions = Sessions::open(&args.store)?;
    let filter = args.which.filter();
    let mut out = BufWriter::new(io::stdout().lock());
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut after = args.after;
    let mut headed = args.json;
    loop {
        let page = sessions.admin.candidates(&filter, after.as_ref(), PAGE).await.map_err(sessions.failed())?;
        if !headed {
            writeln!(out, "{}", headings())?;
            headed = true;
        }
        let Some((last, _)) = page.last() else { break };
        let now = SystemTime::now();
        for (key, stored) in page.iter().filter(|(_, stored)| filter.passes(&stored.record, now)) {
            if left == 0 {
                out.flush()?;
                if let Some(last) = after {
                    eprintln!("There are more: --after {last}");
                }
                return Ok(());
            }
            let text = if args.json {
                SessionJson::new(key, &stored.record, now).json()
            } else {
                row(key, &stored.record, now)
            };
            writeln!(out, "{text}")?;
            left -= 1;
            after = Some(*key);
        }
        after = Some(*last);
        out.flush()?;
    }
    out.flush()?;
    Ok(())
}
