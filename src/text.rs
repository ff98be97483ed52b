//! Plain text: folding, cutting, and what must never be in it.
