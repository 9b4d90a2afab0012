//! What follows the log and acts.

pub mod mail;
