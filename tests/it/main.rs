//! The real program from outside: a scripted origin on loopback, a store of its own, a clock moved by hand.
//! A file per promise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may end so")]
#![allow(clippy::print_stderr, reason = "what is left out is said")]
#![allow(unreachable_pub, reason = "one binary: nothing of it is public")]

mod access;
mod app;
mod archive;
mod browsing;

mod cli;
mod corpus;
mod dedup;
mod documents;
mod drift;
mod events;
mod explain;
mod fixtures;
mod full_text;
mod gate;
mod hub;
mod million;
mod origin;
mod pages;
mod podcast;
mod politeness;
mod publishing;
mod reader;
mod reload;
mod remembered;
mod replay;
mod republish;
mod river;
mod search;
mod secrets;
mod serving;
mod soundness;
mod sources;
mod starting;
mod terminal;
mod tidy;
mod websub;
