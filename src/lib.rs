//! Vouchsafe lets people at schools get themselves, and each other, into a government service, and keeps
//! proof of it. Everything that happens is an event; every list, page and answer is folded from events.

pub mod app;
pub mod audit;
pub mod bulk;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod domain;
pub mod errors;
mod folder;
pub mod identity;
mod loopback;
mod measures;
pub mod metrics;
pub mod privacy;
pub mod random;
pub mod reactors;
pub mod register;
pub mod runtime;
pub mod secret;
pub mod snapshot;
pub mod stop;
pub mod store;
pub mod traces;
pub mod web;
