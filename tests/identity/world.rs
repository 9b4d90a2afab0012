//! A set clock, a provider, and the service that signs people in there.

use std::sync::Arc;

use openidconnect::url::Url;
use vouchsafe::clock::{Clock, SetClock};
use vouchsafe::identity::dfe::{
    Authenticated, CallbackParams, Credentials, DfeSettings, DfeSignIn, NotFinished, Pending, SignInRefused,
};
use vouchsafe::secret::Secret;
use vouchsafe_events::Timestamp;

use crate::misbehaving::{CLIENT_ID, CLIENT_SECRET, Provider, REDIRECT, Switches};

/// 2026-03-14T12:00:00Z.
pub const NOON: i64 = 1_773_489_600;

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

pub struct World {
    pub provider: Provider,
    pub clock: Arc<SetClock>,
    pub sign_in: DfeSignIn,
}

/// The settings for a provider at `issuer`. Time is long, so that a busy machine fails no test.
pub fn settings(issuer: &str) -> DfeSettings {
    toml::from_str(&format!(
        "issuer = '{issuer}'
         client_id = '{CLIENT_ID}'
         client_secret_file = '/nowhere'
         redirect_url = '{REDIRECT}'
         http = {{ timeout_ms = 60000, connect_timeout_ms = 60000, allow_insecure_loopback = true }}"
    ))
    .unwrap()
}

impl World {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A world whose settings were changed.
    pub async fn with(change: impl FnOnce(&mut DfeSettings)) -> Self {
        let provider = Provider::start(NOON).await;
        let mut settings = settings(&provider.base);
        change(&mut settings);
        Self::around(provider, &settings)
    }

    pub fn around(provider: Provider, settings: &DfeSettings) -> Self {
        let clock = Arc::new(SetClock::at(at(NOON)));
        let credentials =
            Credentials { client_secret: Secret::from(CLIENT_SECRET.to_owned()), api_secret: None };
        let sign_in = DfeSignIn::new(settings, &credentials, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        Self { provider, clock, sign_in }
    }

    /// A world with a switch thrown.
    pub async fn where_provider(throw: impl FnOnce(&mut Switches)) -> Self {
        let world = Self::start().await;
        throw(&mut world.provider.switch());
        world
    }

    /// Both clocks go on.
    pub fn later(&self, seconds: i64) {
        self.clock.set(self.clock.now().plus_seconds(seconds));
        self.provider.switch().now += seconds;
    }

    /// The person goes to the provider and comes back; nothing has been finished yet.
    pub async fn comes_back(&self) -> (Pending, String) {
        let begun = self.sign_in.begin().await.unwrap();
        let query = self.provider.sign_in(&Url::parse(begun.authorize_url.as_str()).unwrap());
        (begun.pending, query)
    }

    pub async fn finishes(
        &self,
        pending: Option<Pending>,
        query: &str,
    ) -> Result<Authenticated, SignInRefused> {
        self.finishes_or_tells(pending, query).await.map_err(|refused| refused.why)
    }

    /// The same, with whose account it was.
    pub async fn finishes_or_tells(
        &self,
        pending: Option<Pending>,
        query: &str,
    ) -> Result<Authenticated, NotFinished> {
        self.sign_in.finish(pending, &CallbackParams::parse(query)).await
    }

    /// The whole way.
    pub async fn signs_in(&self) -> Result<Authenticated, SignInRefused> {
        let (pending, query) = self.comes_back().await;
        self.finishes(Some(pending), &query).await
    }
}

/// A test for each misbehaviour: its name, the switch, and the refusal.
macro_rules! refused {
    ($($(#[$doc:meta])* $name:ident: |$switches:ident| $throw:expr => $refusal:pat,)+) => {
        $($(#[$doc])* #[tokio::test]
        async fn $name() {
            let world = $crate::world::World::where_provider(|$switches| { $throw; }).await;
            let refused = world.signs_in().await.unwrap_err();
            assert!(matches!(refused, $refusal), "{refused:?}");
            $crate::world::shows_nothing(&refused);
        })+
    };
}
pub(crate) use refused;

/// What is logged of a refusal has no token, code, name, email or subject in it.
pub fn shows_nothing(refused: &SignInRefused) {
    let shown = format!("{refused} {refused:?}").to_lowercase();
    for secret in ["eyj", "access-token", "code-", "marsh", "clara", "b41b3462", "secret details", "odd +"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
