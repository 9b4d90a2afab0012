//! The control page: what the real thing's administrators would do.

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::{BANNER, StandInProvider, fault};
use crate::demo::DirectoryError;
use crate::demo::pages;
use crate::demo::people::{Account, OrganisationRole, SamplePerson, people, schools};

struct Member {
    sub: Uuid,
    name: String,
    approver: bool,
}

struct Group {
    id: Uuid,
    name: &'static str,
    described: String,
    members: Vec<Member>,
    crowd: Vec<Member>,
    leaderless: bool,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"
{%- macro row(group, one) %}
<li><form method="post" action="/approver">
<input type="hidden" name="organisation" value="{{ group.id }}">
<input type="hidden" name="person" value="{{ one.sub }}">
{{ one.name }}{% if one.approver %} <span class="flag">approver</span>{% endif %}
{%- if one.approver %}
<button name="approver" value="false">Make {{ one.name }} an end user at {{ group.name }}</button>
{%- else %}
<button name="approver" value="true">Make {{ one.name }} an approver at {{ group.name }}</button>
{%- endif %}
</form></li>
{%- endmacro -%}
<p>This stands in for DfE Sign-in. It lets anybody be anybody, so that the service can be tried: never use it with real people.</p>
<ul><li><a href="{{ inbox }}">Inbox: all mail that the service sent</a></li></ul>
<h2>List of approvers</h2>
<p>DfE Sign-in tells a service who the approvers are only if it has the permission.
{%- if refused %} Now the API refuses.{% else %} Now the API answers.{% endif %}</p>
<form method="post" action="/approvers-list">
{%- if refused %}
<button name="refuse" value="false">Let the API list approvers</button>
{%- else %}
<button name="refuse" value="true">Have the API refuse to list approvers</button>
{%- endif %}
</form>
<h2>Approvers by school</h2>
<p>A change shows in the service when the person signs in again, or when it next asks the API.</p>
{%- for group in groups %}
<section aria-labelledby="school-{{ loop.index }}">
<h3 id="school-{{ loop.index }}">{{ group.name }}{% if group.leaderless %} <span class="flag">no approver yet</span>{% endif %}</h3>
<p class="note">{{ group.described }}</p>
<ul class="plain">
{%- for one in group.members %}{% call row(group, one) %}{% endcall %}{% endfor %}
</ul>
{%- if !group.crowd.is_empty() %}
<details><summary>{{ group.crowd.len() }} more colleagues</summary><ul class="plain">
{%- for one in group.crowd %}{% call row(group, one) %}{% endcall %}{% endfor %}
</ul></details>
{%- endif %}
</section>
{%- endfor %}"#
)]
struct Control<'a> {
    inbox: &'a str,
    refused: bool,
    groups: Vec<Group>,
}

/// The page.
pub(super) async fn show(State(provider): State<StandInProvider>) -> Response {
    let directory = &provider.0.directory;
    let groups = schools()
        .iter()
        .map(|school| {
            let members = |crowd: bool| -> Vec<Member> {
                let there = |person: &'static SamplePerson| Some((person, person.place_at(school.id)?));
                people()
                    .iter()
                    .filter(|person| person.account == Account::Active && person.crowd == crowd)
                    .filter_map(there)
                    .map(|(person, place)| Member {
                        sub: person.sub,
                        name: person.name(),
                        approver: directory.role(person, place) == OrganisationRole::Approver,
                    })
                    .collect()
            };
            let (members, crowd) = (members(false), members(true));
            Group {
                id: school.id,
                name: school.name,
                described: format!("{}, URN {}, {}", school.la_name, school.urn, school.status.name()),
                leaderless: !members.iter().chain(&crowd).any(|one| one.approver),
                members,
                crowd,
            }
        })
        .collect();
    let inbox = provider.0.inbox_url.get().map_or("", String::as_str);
    let page = Control { inbox, refused: directory.approvers_refused(), groups };
    pages::page(StatusCode::OK, BANNER, "Controls of the demonstration", page)
}

/// Who is to be what where.
#[derive(Deserialize)]
pub(super) struct SetApprover {
    person: Uuid,
    organisation: Uuid,
    approver: bool,
}

/// Makes someone an approver, or no longer one.
pub(super) async fn approver(
    State(provider): State<StandInProvider>,
    form: Result<Form<SetApprover>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else {
        return fault(StatusCode::BAD_REQUEST, "Use one of the buttons on the page.");
    };
    done(provider.0.directory.set_approver(form.person, form.organisation, form.approver).await)
}

/// Whether the API is to refuse.
#[derive(Deserialize)]
pub(super) struct RefuseList {
    refuse: bool,
}

/// Has the API refuse to list approvers, or not.
pub(super) async fn approvers_list(
    State(provider): State<StandInProvider>,
    form: Result<Form<RefuseList>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else {
        return fault(StatusCode::BAD_REQUEST, "Use one of the buttons on the page.");
    };
    done(provider.0.directory.refuse_approvers(form.refuse).await)
}

fn done(outcome: Result<(), DirectoryError>) -> Response {
    match outcome {
        Ok(()) => Redirect::to("/").into_response(),
        Err(error @ DirectoryError::NotThere) => fault(StatusCode::BAD_REQUEST, &error.to_string()),
        Err(error) => fault(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}
