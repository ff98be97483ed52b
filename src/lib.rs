//! riverine: many feeds and pages in, one river out.
//!
//! The modules in reading order. Each may use only those above its own group
//! (`tests/it/tidy.rs` has the groups to the letter, and fails on any other use).

// Ground: values and texts, no I/O.
pub mod clock;
pub mod date;
pub mod html;
pub mod language;
pub mod link;
pub mod query;
pub mod text;
pub mod units;

// The nouns.
pub mod model;

// Pure steps of the river.
pub mod dedup;
pub mod filter;
pub mod normalize;
pub mod parse;
pub mod render;
pub mod schedule;

// The world outside.
pub mod fetch;
pub mod notify;
pub mod store;

// The river, the loop, the face.
pub mod daemon;
pub mod poll;
pub mod server;

// How people reach it.
pub mod cli;
pub mod config;
