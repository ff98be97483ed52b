//! What only the store's own connection can show: how statements are run, and what a death in the middle leaves.

mod crashes;
mod plans;
mod together;
