//! Who a person is: DfE Sign-in as OpenID Connect provider.
//!
//! - [`dfe`] signs a person in: authorization code with PKCE, `state` and `nonce`, and every check of the
//!   answer that the protocol asks for and its crate leaves to us.
//! - [`http`] is the one way out: no redirects, bounded time and bytes, https only.

pub mod dfe;
pub mod http;
