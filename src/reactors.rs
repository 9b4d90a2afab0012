//! What follows the log and acts: mail, messages, time, keeping approvers in step with DfE Sign-in, and bringing the
//! people of closed schools to their successors.
//!
//! A reactor takes no input: it looks at how things stand, does what is to be done, and records it. So it may
//! stop anywhere and go on later, and looking twice does nothing twice.

pub mod approvers;
mod backoff;
pub mod broker;
pub mod lease;
pub mod mail;
pub mod postman;
pub mod successions;
pub mod timekeeper;

use std::convert::Infallible;

use crate::app::Failure;
pub use crate::stop::Stop;
pub(crate) use crate::stop::{pause, stopped};

/// What a decision that is never refused failed of, for the log.
fn why(failure: &Failure<Infallible>) -> String {
    match failure {
        Failure::Refused(never) => match *never {},
        Failure::Contended => "others kept writing to the same stream".to_owned(),
        Failure::Unavailable(cause) => crate::errors::Chain(cause).to_string(),
    }
}
