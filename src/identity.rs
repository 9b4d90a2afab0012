//! Who a person is: DfE Sign-in as OpenID Connect provider, and its public API.
//!
//! - [`dfe`] signs a person in: authorization code with PKCE, `state` and `nonce`, and every check of the
//!   answer that the protocol asks for and its crate leaves to us.
//! - [`dfe_api`] asks DfE Sign-in's public API for what the token never says: roles, and who approves.
//! - [`http`] is the one way out: no redirects, bounded time and bytes, https only.

pub mod dfe;
pub mod dfe_api;
pub mod http;
