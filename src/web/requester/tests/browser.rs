//! The pages over a log of their own, and browsers of people who have signed in.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Request, StatusCode, header};
use tower::ServiceExt as _;
use vouchsafe_events::{
    Event, OrganisationId, OrganisationKind, PersonId, Refusal, Stream, Urn, Version, decode,
};

use crate::app::{App, Arrival, CameFor, Following, Place, SessionLimits, SessionToken};
use crate::audit::Timeline;
use crate::clock::{Clock, SystemClock};
use crate::domain::organisation::Observed;
use crate::domain::{PersonName, Terms};
use crate::identity::dfe::{Credentials, DfeSignIn};
use crate::identity::dfe_api::DfeApi;
use crate::privacy::{CookieSealer, KeyRing, MasterKey, SqliteKeyStore};
use crate::secret::Secret;
use crate::store::EventStore;
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::web::cookies::{self, SessionCookie};
use crate::web::{Limits, Parts, Site, WebSettings, router};

/// The pages over a log of their own.
pub(in crate::web) struct Service {
    pub(in crate::web) site: Site,
    router: Router,
    _folder: tempfile::TempDir,
}

/// A school, as DfE Sign-in describes it.
pub(in crate::web) fn place(urn: &str, name: &str, approver: bool) -> Place {
    let urn: Urn = urn.parse().unwrap();
    let seen = Observed {
        name: name.into(),
        kinds: vec![OrganisationKind::School],
        urn: Some(urn),
        ukprn: None,
        dfe_sign_in: None,
        establishment_type: None,
        local_authority: None,
        open: true,
    };
    Place { id: OrganisationId::of_school(urn), seen, approver: Some(approver) }
}

impl Service {
    pub(in crate::web) async fn start() -> Self {
        Self::with_api(None).await
    }

    /// The pages of a service that may ask DfE Sign-in's API.
    pub(in crate::web) async fn with_api(api: Option<DfeApi>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let master = MasterKey::generate().unwrap();
        let keys = SqliteKeyStore::open(&folder.path().join("keys")).unwrap();
        let ring = Arc::new(KeyRing::new(Arc::new(keys), &master).unwrap());
        let store: Arc<dyn EventStore> =
            Arc::new(SqliteStore::open(&folder.path().join("log"), SqliteOptions::default()).unwrap());
        let following = Following::begin(store.as_ref(), None).await.unwrap();
        tokio::spawn(following.clone().follow(Arc::clone(&store)));
        let limits = SessionLimits { absolute_seconds: 12 * 3600, idle_seconds: 3600 };
        let app = Arc::new(App::new(store, following, ring, Arc::clone(&clock), Terms::default(), limits));
        let settings = r#"
            issuer = "https://dfe.example"
            client_id = "vouchsafe"
            client_secret_file = "/nowhere"
            redirect_url = "https://vouchsafe.example/auth/callback"
        "#;
        let credentials = Credentials { client_secret: Secret::from("secret".to_owned()), api_secret: None };
        let dfe = DfeSignIn::new(&toml::from_str(settings).unwrap(), &credentials, clock).unwrap();
        let timeline = Timeline::open(&folder.path().join("timeline")).unwrap();
        let site = Site::new(Parts {
            mail: Arc::default(),
            app,
            history: None,
            timeline: Arc::new(timeline),
            dfe: Arc::new(dfe),
            api: api.map(Arc::new),
            dfe_origin: "https://dfe.example".to_owned(),
            cookies: CookieSealer::new(&master).unwrap(),
            limits: Limits::default(),
            settings: WebSettings::default(),
        });
        Self { router: router(&site), site, _folder: folder }
    }

    /// Somebody signs in, for the first of these schools, if there is one.
    pub(in crate::web) async fn sign_in(&self, name: &str, places: &[Place]) -> Browser<'_> {
        self.sign_in_with(name, &format!("{}@greenhill.example", name.to_lowercase()), places).await
    }

    /// Somebody signs in with an email of their choice.
    pub(in crate::web) async fn sign_in_with(
        &self,
        name: &str,
        email: &str,
        places: &[Place],
    ) -> Browser<'_> {
        let came_for = match places.first() {
            Some(place) => CameFor::School(place.clone()),
            None => CameFor::Nowhere(Refusal::NoOrganisation, None),
        };
        let arrival = Arrival {
            issuer: "https://dfe.example".to_owned(),
            subject: name.to_lowercase(),
            email: email.parse().unwrap(),
            name: Some(PersonName::parse(name).unwrap()),
            came_for,
            others: places.iter().skip(1).cloned().collect(),
            network: "203.0.113.7".to_owned(),
            device: "Mozilla/5.0 (Windows NT 10.0) Chrome/126.0.0.0 Safari/537.36".to_owned(),
            replaces: None,
        };
        let entered = self.site.app.sign_in(arrival).await.unwrap();
        let kept = SessionCookie {
            token: entered.token.to_text(),
            seen: self.site.app.now(),
            position: entered.position,
        };
        let sealed = self.site.cookies.seal(cookies::SESSION, &kept).unwrap();
        let jar = BTreeMap::from([(cookies::SESSION.to_owned(), sealed)]);
        Browser { service: self, person: entered.person, token: Some(entered.token), jar }
    }

    /// Why sign-ins of a person were refused, in order.
    pub(in crate::web) async fn refusals_of(&self, person: PersonId) -> Vec<Refusal> {
        let stream = Stream::Person(person);
        let stored = self.site.app.store().read(stream, Version::new(0), 100).await.unwrap();
        let events = stored.iter().map(|event| decode(event.position, &event.bytes).unwrap().event);
        let reason = |event| if let Event::SignInRefused(data) = event { Some(data.reason) } else { None };
        events.filter_map(reason).collect()
    }

    /// Somebody who has not signed in.
    pub(in crate::web) fn nobody(&self) -> Browser<'_> {
        let person = PersonId::from_uuid(vouchsafe_events::Uuid::nil());
        Browser { service: self, person, token: None, jar: BTreeMap::new() }
    }
}

/// Somebody's browser.
pub(in crate::web) struct Browser<'a> {
    service: &'a Service,
    pub(in crate::web) person: PersonId,
    token: Option<SessionToken>,
    jar: BTreeMap<String, String>,
}

/// What a browser was answered.
#[derive(Debug)]
pub(in crate::web) struct Answer {
    pub(in crate::web) status: StatusCode,
    pub(in crate::web) location: String,
    pub(in crate::web) body: String,
}

impl Answer {
    /// That the page holds some words.
    #[track_caller]
    pub(in crate::web) fn says(&self, words: &str) -> &Self {
        assert!(self.body.contains(words), "not said: {words}\n{self:?}");
        self
    }

    /// That it leads on to a page.
    #[track_caller]
    pub(in crate::web) fn leads_to(&self, path: &str) {
        assert_eq!((self.status, self.location.as_str()), (StatusCode::SEE_OTHER, path), "{}", self.body);
    }
}

impl Browser<'_> {
    /// The browser gets another cookie.
    pub(in crate::web) fn keeps(&mut self, name: &str, value: &impl serde::Serialize) {
        let sealed = self.service.site.cookies.seal(name, value).unwrap();
        self.jar.insert(name.to_owned(), sealed);
    }

    pub(in crate::web) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), Body::empty()).await
    }

    pub(in crate::web) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("form_token", &self.form_token()).extend_pairs(fields);
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, Body::from(form.finish())).await
    }

    /// What a page that is opened now would carry.
    pub(in crate::web) fn form_token(&self) -> String {
        let Some(token) = &self.token else { return String::new() };
        let app = &self.service.site.app;
        let acting_for = app.lists(|lists| lists.session(token.hash(), app.now())?.organisation);
        crate::web::form::token(token, acting_for)
    }

    pub(in crate::web) async fn send(&mut self, request: http::request::Builder, body: Body) -> Answer {
        let pairs: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header(header::COOKIE, pairs.join("; ")).body(body).unwrap();
        let response = self.service.router.clone().oneshot(request).await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie::Cookie::parse(cookie.to_str().unwrap()).unwrap();
            if cookie.max_age() == Some(cookie::time::Duration::ZERO) {
                self.jar.remove(cookie.name());
            } else {
                self.jar.insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
        let location = response.headers().get(header::LOCATION);
        let location = location.map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        Answer { status, location, body: String::from_utf8(body.to_vec()).unwrap() }
    }
}
