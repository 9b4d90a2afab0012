//! The inbox's pages.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use mail_parser::PartType;
use serde::Deserialize;

use super::linkify::linkified;
use super::mailbox::{MailboxError, StandInMailbox, StoredMail, parse};
use crate::demo::pages::{self, PageHeaders};

/// What every page says at its top.
const BANNER: &str = "Stand-in inbox — demonstration only, no mail leaves this machine";
/// How many messages one page lists.
const LISTED: usize = 200;
/// What a mail's HTML may do: look like itself, and open links in a new window. No scripts, no forms, no
/// loading, and no reaching the page around it.
const MAIL_POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; \
                           style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'self'";

/// The inbox of everybody.
pub(in crate::demo) fn router(mailbox: Arc<StandInMailbox>) -> Router {
    let headers = PageHeaders::new("");
    Router::new()
        .route("/", get(list))
        .route("/message/{id}", get(message))
        .route("/message/{id}/html", get(html))
        .route("/message/{id}/source", get(source))
        .route(pages::STYLE_PATH, get(pages::style))
        .layer(axum::middleware::from_fn(move |request, next| headers.clone().apply(request, next)))
        .with_state(mailbox)
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<form method="get" action="/">
<p><label for="to">Show mail to</label>
<select id="to" name="to">
<option value="">Everybody</option>
{%- for one in recipients %}
<option{% if one.as_str() == to %} selected{% endif %}>{{ one }}</option>
{%- endfor %}
</select>
<button>Show</button></p>
</form>
{%- if mails.is_empty() %}
<p>No mail has come{% if !to.is_empty() %} for {{ to }}{% endif %} yet. Load this page again to look.</p>
{%- else %}
<p>{{ count }} {% if count == 1 %}message{% else %}messages{% endif %}, newest first{% if count > mails.len() %}; the newest {{ mails.len() }} are shown{% endif %}.</p>
<ul class="plain">
{%- for mail in mails %}
<li><a href="/message/{{ mail.id }}">{% if mail.subject.is_empty() %}(no subject){% else %}{{ mail.subject }}{% endif %}</a><br>
<span class="note">to {{ mail.to.join(", ") }}, {{ self::shown(mail) }}</span></li>
{%- endfor %}
</ul>
{%- endif %}"#
)]
struct ListPage<'a> {
    to: &'a str,
    recipients: Vec<String>,
    mails: &'a [StoredMail],
    count: usize,
}

/// When a message came, in UTC.
fn shown(mail: &StoredMail) -> String {
    mail.at.to_jiff().strftime("%-d %B %Y at %H:%M:%S UTC").to_string()
}

#[derive(Deserialize)]
struct Filter {
    #[serde(default)]
    to: String,
}

async fn list(State(mailbox): State<Arc<StandInMailbox>>, Query(filter): Query<Filter>) -> Response {
    let to = filter.to.trim();
    let all = mailbox.list((!to.is_empty()).then_some(to));
    let mails = all.get(..LISTED.min(all.len())).unwrap_or_default();
    let page = ListPage { to, recipients: mailbox.recipients(), mails, count: all.len() };
    pages::page(StatusCode::OK, BANNER, "Inbox", page)
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<p><a href="/">Back to the inbox</a></p>
<dl>
<dt>From</dt><dd>{{ from }}</dd>
<dt>To</dt><dd>{{ mail.to.join(", ") }}</dd>
<dt>Came</dt><dd>{{ self::shown(mail) }}</dd>
</dl>
{%- if let Some(text) = text %}
<h2>Text</h2>
<pre>{{ text|safe }}</pre>
{%- endif %}
{%- if html %}
<h2>HTML</h2>
<iframe title="The message as HTML" sandbox="allow-popups allow-popups-to-escape-sandbox" src="/message/{{ mail.id }}/html"></iframe>
{%- endif %}
<p><a href="/message/{{ mail.id }}/source">Source of the message</a></p>"#
)]
struct MessagePage<'a> {
    mail: &'a StoredMail,
    from: String,
    text: Option<String>,
    html: bool,
}

fn none() -> Response {
    pages::page(StatusCode::NOT_FOUND, BANNER, "There is no such message", "<p><a href=\"/\">Inbox</a></p>")
}

fn failed(error: &MailboxError) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, "the stand-in inbox could not be read");
    pages::page(
        StatusCode::INTERNAL_SERVER_ERROR,
        BANNER,
        "The message could not be read",
        "<p>See the log.</p>",
    )
}

async fn message(State(mailbox): State<Arc<StandInMailbox>>, Path(id): Path<String>) -> Response {
    let raw = match mailbox.raw(&id).await {
        Ok(Some(raw)) => raw,
        Ok(None) => return none(),
        Err(error) => return failed(&error),
    };
    let Some(mail) = mailbox.list(None).into_iter().find(|mail| mail.id == id) else { return none() };
    let parsed = parse(&raw);
    let from = parsed.as_ref().and_then(|message| message.from()?.first()).map(|from| {
        match (from.name(), from.address()) {
            (Some(name), Some(address)) => format!("{name} <{address}>"),
            (name, address) => name.or(address).unwrap_or_default().to_owned(),
        }
    });
    let text = parsed.as_ref().and_then(|message| {
        let part = message.parts.get(usize::try_from(*message.text_body.first()?).ok()?)?;
        match &part.body {
            PartType::Text(text) => Some(linkified(text)),
            _ => None,
        }
    });
    let html = parsed.as_ref().and_then(html_of).is_some();
    let subject = if mail.subject.is_empty() { "(no subject)" } else { &mail.subject };
    let page = MessagePage { mail: &mail, from: from.unwrap_or_else(|| mail.from.clone()), text, html };
    pages::page(StatusCode::OK, BANNER, subject, page)
}

/// The message's own HTML part; the parser's conversion of a text is not one.
fn html_of<'a>(message: &'a mail_parser::Message<'_>) -> Option<&'a str> {
    let part = message.parts.get(usize::try_from(*message.html_body.first()?).ok()?)?;
    match &part.body {
        PartType::Html(html) => Some(html.as_ref()),
        _ => None,
    }
}

async fn html(State(mailbox): State<Arc<StandInMailbox>>, Path(id): Path<String>) -> Response {
    match mailbox.raw(&id).await {
        Ok(Some(raw)) => match parse(&raw).as_ref().and_then(html_of) {
            Some(html) => {
                // Links open in a window of their own; inside the frame they would be stuck.
                let page = format!("<!DOCTYPE html><base target=\"_blank\">{html}");
                ([(header::CONTENT_SECURITY_POLICY, MAIL_POLICY)], Html(page)).into_response()
            }
            None => none(),
        },
        Ok(None) => none(),
        Err(error) => failed(&error),
    }
}

async fn source(State(mailbox): State<Arc<StandInMailbox>>, Path(id): Path<String>) -> Response {
    match mailbox.raw(&id).await {
        Ok(Some(raw)) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], raw).into_response(),
        Ok(None) => none(),
        Err(error) => failed(&error),
    }
}
