//! What only the store's own connection can show: what a death in the middle leaves.

mod crashes;
