//! The real program from outside: a scripted origin on loopback, a store of its own, a clock moved by hand.

mod app;
mod origin;
