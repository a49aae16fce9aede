//! The site in this process.

mod in_process;
