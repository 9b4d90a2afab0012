//! What stands between the provider's endpoints: sign-ins under way, codes and access tokens. In memory only,
//! so a restart ends sign-ins that are under way and nothing else.

use std::collections::HashMap;

use uuid::Uuid;
use vouchsafe_events::Timestamp;

/// How many seconds a sign-in may stand still, as at DfE Sign-in.
const INTERACTION_IDLE: i64 = 10 * 60;
/// How many seconds a lapsed sign-in is remembered, to be told from one that never was.
const INTERACTION_KEPT: i64 = 60 * 60;
/// How many seconds a code is good.
const CODE_LIFE: i64 = 60;
/// How many seconds a used code is remembered, to notice a second use.
const CODE_KEPT: i64 = 60 * 60;
/// How many seconds an access token is good.
pub(super) const TOKEN_LIFE: i64 = 60 * 60;

/// What the client asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Where the answer goes; a registered URI.
    pub(super) redirect_uri: String,
    /// The scopes, separated by spaces.
    pub(super) scope: String,
    /// Handed back in the answer.
    pub(super) state: Option<String>,
    /// Handed back in the id token.
    pub(super) nonce: Option<String>,
    /// The S256 challenge.
    pub(super) challenge: String,
}

/// A sign-in under way.
#[derive(Clone, Debug)]
pub(super) struct Interaction {
    /// What the client asked for.
    pub(super) asked: Asked,
    /// Who was chosen, once someone was.
    pub(super) person: Option<Uuid>,
    touched: Timestamp,
}

/// Who signed in for what.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    /// What the client had asked for.
    pub(super) asked: Asked,
    /// Who signed in.
    pub(super) sub: Uuid,
    /// For which organisation.
    pub(super) organisation: Option<Uuid>,
    /// When.
    pub(super) at: Timestamp,
}

/// What became of a sign-in that a browser comes back to.
pub(super) enum Found {
    /// It is under way.
    Live(Interaction),
    /// It stood still too long.
    Lapsed(Asked),
    /// There is none of that id.
    Unknown,
}

/// What became of a code that a client redeems.
pub(super) enum Redeemed {
    /// First use in time: here is the grant.
    First(Grant),
    /// Unknown, too old, or used before.
    Refused,
}

struct Code {
    grant: Grant,
    used: bool,
    /// The access token that was given for it, to be revoked if the code comes again (RFC 6749, 4.1.2).
    token: Option<String>,
}

/// All of it.
#[derive(Default)]
pub(super) struct Grants {
    interactions: HashMap<String, Interaction>,
    codes: HashMap<String, Code>,
    tokens: HashMap<String, (Grant, Timestamp)>,
}

impl Grants {
    /// Begins a sign-in.
    pub(super) fn begin(&mut self, id: String, asked: Asked, now: Timestamp) {
        self.interactions.retain(|_, known| now.seconds_since(known.touched) < INTERACTION_KEPT);
        self.interactions.insert(id, Interaction { asked, person: None, touched: now });
    }

    /// Finds a sign-in, and counts this as a sign of life.
    pub(super) fn touch(&mut self, id: &str, now: Timestamp) -> Found {
        match self.interactions.get_mut(id) {
            None => Found::Unknown,
            Some(known) if now.seconds_since(known.touched) >= INTERACTION_IDLE => {
                Found::Lapsed(known.asked.clone())
            }
            Some(known) => {
                known.touched = now;
                Found::Live(known.clone())
            }
        }
    }

    /// Notes who was chosen.
    pub(super) fn choose(&mut self, id: &str, person: Uuid) {
        if let Some(known) = self.interactions.get_mut(id) {
            known.person = Some(person);
        }
    }

    /// Ends a sign-in, so that its pages cannot be sent again.
    pub(super) fn end(&mut self, id: &str) {
        self.interactions.remove(id);
    }

    /// Keeps a new code.
    pub(super) fn issue(&mut self, code: String, grant: Grant) {
        let now = grant.at;
        self.codes.retain(|_, known| now.seconds_since(known.grant.at) < CODE_KEPT);
        self.codes.insert(code, Code { grant, used: false, token: None });
    }

    /// Uses a code up.
    pub(super) fn redeem(&mut self, code: &str, now: Timestamp) -> Redeemed {
        let Some(known) = self.codes.get_mut(code) else { return Redeemed::Refused };
        if known.used {
            if let Some(token) = known.token.take() {
                self.tokens.remove(&token);
            }
            return Redeemed::Refused;
        }
        known.used = true;
        if now.seconds_since(known.grant.at) >= CODE_LIFE {
            return Redeemed::Refused;
        }
        Redeemed::First(known.grant.clone())
    }

    /// Keeps the access token that was given for a code.
    pub(super) fn give(&mut self, code: &str, token: String, grant: Grant, now: Timestamp) {
        self.tokens.retain(|_, (_, since)| now.seconds_since(*since) < TOKEN_LIFE);
        if let Some(known) = self.codes.get_mut(code) {
            known.token = Some(token.clone());
        }
        self.tokens.insert(token, (grant, now));
    }

    /// Whose an access token is, if it is good.
    pub(super) fn holder(&self, token: &str, now: Timestamp) -> Option<Grant> {
        let (grant, since) = self.tokens.get(token)?;
        (now.seconds_since(*since) < TOKEN_LIFE).then(|| grant.clone())
    }
}
