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
use std::time::Duration;

use tokio::sync::watch;

use crate::app::Failure;

/// Tells reactors to stop. Dropping the sender stops them too.
pub type Stop = watch::Receiver<bool>;

/// Done when it is time to stop.
pub(crate) async fn stopped(stop: &mut Stop) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Waits for a while. False if it is time to stop.
async fn pause(stop: &mut Stop, length: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(length) => true,
        _ = stop.wait_for(|stop| *stop) => false,
    }
}

/// What a decision that is never refused failed of, for the log.
fn why(failure: &Failure<Infallible>) -> String {
    match failure {
        Failure::Refused(never) => match *never {},
        Failure::Contended => "others kept writing to the same stream".to_owned(),
        Failure::Unavailable(cause) => crate::errors::Chain(cause).to_string(),
    }
}
