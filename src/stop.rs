//! The word to stop, for what runs beside the web server.

use std::time::Duration;

use tokio::sync::watch;

/// Tells tasks to stop. Dropping the sender stops them too.
pub type Stop = watch::Receiver<bool>;

/// Done when it is time to stop.
pub(crate) async fn stopped(stop: &mut Stop) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Waits for a while. False if it is time to stop.
pub(crate) async fn pause(stop: &mut Stop, length: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(length) => true,
        () = stopped(stop) => false,
    }
}
