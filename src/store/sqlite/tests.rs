//! What only the store's own connection can show: how statements are run, and what a death in the middle leaves.

mod copies;
mod crashes;
pub(super) mod digests;
mod plans;
mod sound;
mod together;
mod upgrades;
