//! What the product takes, over HTTP: `docs/performance.md` says how these are run, and what came out.

#[path = "figures/catching_up.rs"]
mod catching_up;
#[path = "figures/filler.rs"]
mod filler;
#[path = "figures/journeys.rs"]
mod journeys;
#[path = "figures/log.rs"]
mod log;
#[path = "figures/mail.rs"]
mod mail;
#[path = "figures/system.rs"]
mod system;
#[path = "figures/takeover.rs"]
mod takeover;
