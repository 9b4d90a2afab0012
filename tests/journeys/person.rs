//! Somebody at a browser that runs no scripts: follows redirects, keeps cookies, sends the forms of the page
//! that they are on.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, header};
use url::Url;

use crate::world::Account;

/// How long somebody waits for an answer that may not come.
const PATIENCE: Duration = Duration::from_secs(40);

/// The page that a person is on.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: header::HeaderMap,
    pub(crate) html: String,
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) account: Account,
    base: Url,
    client: Client,
    /// The network that a proxy in front would say that they come from.
    network: Option<Ipv4Addr>,
    /// By origin and name.
    cookies: BTreeMap<(String, String), String>,
    page: Option<Page>,
}

impl Person {
    pub(crate) fn new(account: Account, base: &str) -> Self {
        let client = Client::builder()
            .redirect(Policy::none())
            // Each request comes by a connection of its own, and so may land on another instance.
            .pool_max_idle_per_host(0)
            .user_agent("Journey/1.0 (X11; Linux) Firefox/140.0")
            .build();
        Self {
            account,
            base: base.parse().unwrap(),
            client: client.unwrap(),
            network: None,
            cookies: BTreeMap::new(),
            page: None,
        }
    }

    /// The page that they are on.
    pub(crate) fn page(&self) -> &Page {
        self.page.as_ref().expect("they are on a page")
    }

    /// Opens a path of the product.
    pub(crate) async fn visits(&mut self, path: &str) -> &Page {
        let url = self.base.join(path).unwrap();
        self.goes(Method::GET, url, None).await;
        self.page()
    }

    /// Signs in with DfE Sign-in and ends where that leads.
    pub(crate) async fn signs_in(&mut self) -> &Page {
        self.visits("/sign-in").await;
        self.chooses_account().await;
        self.page()
    }

    /// Chooses their account at DfE Sign-in, if it asks.
    pub(crate) async fn chooses_account(&mut self) {
        if self.page().url.path().starts_with("/interaction/") {
            let (url, sub) = (self.page().url.clone(), self.account.sub.clone());
            self.goes(Method::POST, url, Some(vec![("sub".to_owned(), sub)])).await;
        }
    }

    /// Presses one of the provider's other buttons: `expire` or `refuse`.
    pub(crate) async fn at_the_provider(&mut self, button: &str) {
        let url = self.page().url.clone();
        self.goes(Method::POST, url, Some(vec![(button.to_owned(), "yes".to_owned())])).await;
    }

    /// Sends the form of the page whose action is `action`, with these fields beside its hidden ones.
    pub(crate) async fn sends(&mut self, action: &str, fields: &[(&str, &str)]) -> &Page {
        let form = self.page().form(action);
        let mut all: Vec<(String, String)> =
            form.into_iter().filter(|(name, _)| !fields.iter().any(|(field, _)| field == name)).collect();
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let url = self.page().url.join(action).unwrap();
        self.goes(Method::POST, url, Some(all)).await;
        self.page()
    }

    /// Posts fields that no page gave, as an attacker's page would have it.
    pub(crate) async fn forges(&mut self, path: &str, fields: &[(&str, &str)]) -> &Page {
        let url = self.base.join(path).unwrap();
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.goes(Method::POST, url, Some(fields)).await;
        self.page()
    }

    /// The page's text must hold this.
    pub(crate) fn sees(&self, text: &str) -> &Self {
        let page = self.page();
        assert!(
            page.text().contains(text),
            "{} does not show {text:?} at {}:\n{}",
            self.account.given,
            page.url,
            page.text()
        );
        self
    }

    /// The page's text must not hold this.
    pub(crate) fn sees_no(&self, text: &str) -> &Self {
        let page = self.page();
        assert!(
            !page.text().contains(text),
            "{} is shown {text:?} at {}:\n{}",
            self.account.given,
            page.url,
            page.text()
        );
        self
    }

    /// A cookie of the product.
    pub(crate) fn cookie(&self, name: &str) -> Option<&String> {
        self.cookies.get(&(origin(&self.base), name.to_owned()))
    }

    /// Sets a cookie of the product, or takes it away.
    pub(crate) fn set_cookie(&mut self, name: &str, value: Option<String>) {
        let key = (origin(&self.base), name.to_owned());
        match value {
            Some(value) => drop(self.cookies.insert(key, value)),
            None => drop(self.cookies.remove(&key)),
        }
    }

    /// The names of the product's cookies.
    pub(crate) fn cookie_names(&self) -> Vec<String> {
        let origin = origin(&self.base);
        self.cookies.keys().filter(|(at, _)| *at == origin).map(|(_, name)| name.clone()).collect()
    }

    /// One request, without following where it leads.
    pub(crate) async fn asks(
        &mut self,
        method: Method,
        url: Url,
        fields: Option<Vec<(String, String)>>,
    ) -> Page {
        self.attempts(method, url, fields).await.unwrap()
    }

    /// The same, where no answer may come.
    pub(crate) async fn attempts(
        &mut self,
        method: Method,
        url: Url,
        fields: Option<Vec<(String, String)>>,
    ) -> Result<Page, reqwest::Error> {
        let origin = url.origin().ascii_serialization();
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .filter(|((at, _), _)| *at == origin)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let mut request = self.client.request(method, url.clone());
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if let Some(network) = self.network {
            request = request.header("x-forwarded-for", network.to_string());
        }
        if let Some(fields) = fields {
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        }
        let response = request.send().await?;
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            self.keeps(&origin, cookie.to_str().unwrap());
        }
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Page { url, status, headers, html: response.text().await? })
    }

    /// Tries to sign in with DfE Sign-in, where no answer may come. Whether they were let in.
    pub(crate) async fn tries_to_sign_in(&mut self) -> bool {
        let url = self.base.join("/sign-in").unwrap();
        let steps = async {
            self.reaches(Method::GET, url, None).await?;
            if self.page().url.path().starts_with("/interaction/") {
                let (url, sub) = (self.page().url.clone(), self.account.sub.clone());
                self.reaches(Method::POST, url, Some(vec![("sub".to_owned(), sub)])).await?;
            }
            Ok::<_, reqwest::Error>(self.page().status == StatusCode::OK)
        };
        let answered = tokio::time::timeout(PATIENCE, steps).await;
        matches!(answered, Ok(Ok(true))) && self.cookie("__Host-session").is_some()
    }

    /// The same person in the same browser, whose requests go to one instance of the service.
    pub(crate) fn at(&self, base: &str) -> Self {
        let (mut there, base): (Self, Url) = (self.clone(), base.parse().unwrap());
        for ((_, name), value) in self.cookies.iter().filter(|((at, _), _)| *at == origin(&self.base)) {
            there.cookies.insert((origin(&base), name.clone()), value.clone());
        }
        there.base = base;
        there
    }

    /// One request to a path of the product, where no answer may come: its status. They are on the page that it gave.
    pub(crate) async fn tries(&mut self, path: &str, form: Option<&[(&str, &str)]>) -> Option<u16> {
        let fields = form.map(|fields| {
            let given = |name: &str| fields.iter().any(|(field, _)| *field == name);
            let hidden = self.page().form(path).into_iter().filter(|(name, _)| !given(name));
            let own = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            hidden.chain(own).collect()
        });
        let method = if fields.is_some() { Method::POST } else { Method::GET };
        let url = self.base.join(path).unwrap();
        let answered = tokio::time::timeout(PATIENCE, self.attempts(method, url, fields)).await;
        let page = answered.ok()?.ok()?;
        let status = page.status.as_u16();
        self.page = Some(page);
        Some(status)
    }

    fn keeps(&mut self, origin: &str, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        let (name, value) = pair.split_once('=').unwrap();
        let attributes = attributes.to_ascii_lowercase();
        let gone = value.is_empty()
            || attributes.contains("max-age=0")
            || attributes.contains("expires=thu, 01 jan 1970");
        if origin == self::origin(&self.base) {
            for needed in ["secure", "httponly", "samesite=lax", "path=/"] {
                assert!(attributes.contains(needed), "a cookie of ours lacks {needed}: {cookie}");
            }
            assert!(name.starts_with("__Host-") && !attributes.contains("domain"), "{cookie}");
        }
        let key = (origin.to_owned(), name.to_owned());
        if gone {
            self.cookies.remove(&key);
        } else {
            self.cookies.insert(key, value.to_owned());
        }
    }

    /// Goes somewhere and on to wherever that leads.
    pub(crate) async fn goes(&mut self, method: Method, url: Url, fields: Option<Vec<(String, String)>>) {
        self.reaches(method, url, fields).await.unwrap();
    }

    /// The same, where no answer may come.
    async fn reaches(
        &mut self,
        method: Method,
        url: Url,
        fields: Option<Vec<(String, String)>>,
    ) -> Result<(), reqwest::Error> {
        let mut page = self.attempts(method, url, fields).await?;
        for _ in 0..20 {
            let Some(location) = page.headers.get(header::LOCATION).filter(|_| page.status.is_redirection())
            else {
                self.page = Some(page);
                return Ok(());
            };
            // A sign-out leads to the service's address of another world never.
            let next = page.url.join(location.to_str().unwrap()).unwrap();
            page = self.attempts(Method::GET, next, None).await?;
        }
        panic!("redirects do not end");
    }

    /// Somebody on a network of their own, whose requests go by a client that they share with others.
    pub(crate) fn of_many(account: Account, base: &str, client: &Client, network: Ipv4Addr) -> Self {
        Self {
            account,
            base: base.parse().unwrap(),
            client: client.clone(),
            network: Some(network),
            cookies: BTreeMap::new(),
            page: None,
        }
    }

    /// They themselves, for whom the product is at another address: its cookies go there.
    pub(crate) fn served_at(&self, base: &str, client: &Client) -> Self {
        let (ours, base) = (self.base.origin().ascii_serialization(), base.parse::<Url>().unwrap());
        let origin = base.origin().ascii_serialization();
        let cookies = self.cookies.iter().filter(|((at, _), _)| *at == ours);
        let cookies = cookies.map(|((_, name), value)| ((origin.clone(), name.clone()), value.clone()));
        Self { cookies: cookies.collect(), base, client: client.clone(), page: None, ..self.clone() }
    }

    /// A path of the product.
    pub(crate) fn address(&self, path: &str) -> Url {
        self.base.join(path).unwrap()
    }

    /// Puts them on a page that they got by [`Self::attempts`].
    pub(crate) fn is_on(&mut self, page: Page) {
        self.page = Some(page);
    }
}

impl Page {
    /// What a person reads: the text without its markup, on one line.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut rest = self.html.as_str();
        while let Some((before, after)) = rest.split_once('<') {
            text.push_str(before);
            text.push(' ');
            rest = after.split_once('>').map_or("", |(_, after)| after);
        }
        text.push_str(rest);
        let text =
            text.replace("&#39;", "'").replace("&#x27;", "'").replace("&quot;", "\"").replace("&#34;", "\"");
        let text = text
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&#60;", "<")
            .replace("&#62;", ">")
            .replace("&amp;", "&")
            .replace("&#38;", "&");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The hidden fields of the form with this action.
    fn form(&self, action: &str) -> Vec<(String, String)> {
        let start = self.html.match_indices("<form").find(|(at, _)| {
            let tag = self.html[*at..].split('>').next().unwrap();
            attribute(tag, "action").as_deref() == Some(action)
        });
        let (at, _) =
            start.unwrap_or_else(|| panic!("{} has no form with action {action}:\n{}", self.url, self.html));
        let form = self.html[at..].split("</form>").next().unwrap();
        form.match_indices("<input")
            .map(|(at, _)| form[at..].split('>').next().unwrap())
            .filter(|tag| attribute(tag, "type").as_deref() == Some("hidden"))
            .map(|tag| (attribute(tag, "name").unwrap(), attribute(tag, "value").unwrap_or_default()))
            .collect()
    }

    /// The first address in a link or form that begins and ends so.
    pub(crate) fn link(&self, begins: &str, ends: &str) -> Option<String> {
        self.links(begins).find(|href| href.ends_with(ends) && href.len() > begins.len() + ends.len())
    }

    /// The addresses in links and forms that begin so.
    pub(crate) fn links(&self, begins: &str) -> impl Iterator<Item = String> {
        self.html.split(['"', '\'']).filter(move |href| href.starts_with(begins)).map(str::to_owned)
    }
}

fn origin(base: &Url) -> String {
    base.origin().ascii_serialization()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, after) = tag.split_once(&format!(" {name}=\""))?;
    Some(after.split('"').next()?.replace("&amp;", "&").replace("&#38;", "&"))
}
