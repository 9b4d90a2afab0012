//! The first page: who to be and what to try, and the controls: what the real thing's administrators would do.

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
use crate::web::links;

struct Member {
    sub: Uuid,
    name: String,
    approver: bool,
}

struct Group {
    key: &'static str,
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
    source = r##"
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
<p>This stands in for DfE Sign-in. It lets anybody be anybody, so that the service can be tried: never use it with real people. Nobody on this page exists.</p>
<ul>
<li><a href="{{ product }}/">The service</a></li>
<li><a href="{{ inbox }}">Inbox: all mail that the service sent</a></li>
<li><a href="#controls">Controls: who is an approver in DfE Sign-in</a></li>
</ul>
<h2>Try this</h2>
<p>You sign in by choosing a person, without a password. To be somebody else, sign out of the service first, or open a private window. Ten minutes are enough.</p>
<ol class="steps">
<li><strong>Ask for access.</strong> <a href="{{ product }}/">Open the service</a> and sign in as <strong>Hannah Whitlock</strong>, who works at Alderbrook Primary School and has no access. Ask for it, and write a message. Then sign out.</li>
<li><strong>Read the mail.</strong> In the <a href="{{ inbox }}">inbox</a>, Hannah’s two approvers have been told. The mail’s link leads to her request.</li>
<li><strong>Grant it.</strong> Sign in as <strong>Folasade Adeyemi</strong>, her headteacher and an approver. The <a href="{{ product }}{{ links::REQUESTS }}">requests</a> that wait are Hannah’s and Imran Qureshi’s. Grant Hannah’s. Decline Imran’s, with a reason.</li>
<li><strong>Get in.</strong> Hannah and Imran have mail. Sign in as Hannah: <a href="{{ product }}{{ links::HOME }}">Your access</a> says since when she has it, and from whom. Sign in as <strong>Imran Qureshi</strong>: it says why not.</li>
<li><strong>Replay it.</strong> Sign in as <strong>Judith Abara</strong>, an auditor at the department. The <a href="{{ product }}{{ links::TIMELINE }}">history</a> has every step that you have just done and a year before it. Choose Leeds, then Alderbrook; open an event; look at it as it is stored.</li>
<li><strong>Help a school without an approver.</strong> At Fernhollow, where nobody can decide, <strong>Rebecca Lowenthal</strong> asked three days ago. Sign in as her and read what the service tells her. Then make <a href="#school-fernhollow">Jowan Trelawney an approver at Fernhollow</a>, below. In ten seconds or so the service has heard of it: Jowan has <a href="{{ inbox }}">mail</a> about Rebecca, and can grant her request.</li>
<li><strong>Take access away.</strong> As Folasade, look at <a href="{{ product }}{{ links::USERS }}">who has access</a>. End somebody’s access, with a reason; give a colleague an end date; make one an approver. Try it with Gareth Pritchard, whom DfE Sign-in names as an approver, and read why that is not done here. <a href="{{ product }}{{ links::ADD }}">Add colleagues</a> by name and email.</li>
<li><strong>Tell two like-named schools apart.</strong> The approver at St Mary’s in Leeds is <strong>Bernadette Kearney</strong>, at St Mary’s in Dorset <strong>Philippa Goodenough</strong>, and neither sees the other’s people. <strong>Ngozi Eze</strong> belongs to two schools and chooses which to act for.</li>
<li><strong>Be refused.</strong> The school of <strong>Derek Ackroyd</strong> has closed, <strong>Owen Featherstone</strong> belongs to none, and <strong>Lucy Vandenberg</strong> works at the department and is on no list. Each is told why, and what to do.</li>
<li><strong>Break DfE Sign-in.</strong> On its page to choose a person, let the session expire, refuse consent, or come back without an answer.</li>
</ol>
<h2 id="controls">Controls</h2>
<p>What DfE Sign-in’s own people would do.</p>
<h3>List of approvers</h3>
<p>DfE Sign-in tells a service who the approvers are only if it has the permission.
{%- if refused %} Now the API refuses.{% else %} Now the API answers.{% endif %}</p>
<form method="post" action="/approvers-list">
{%- if refused %}
<button name="refuse" value="false">Let the API list approvers</button>
{%- else %}
<button name="refuse" value="true">Have the API refuse to list approvers</button>
{%- endif %}
</form>
<h3>Approvers by school</h3>
<p>A change shows in the service when the person signs in again, or when it next asks the API.</p>
{%- for group in groups %}
<section aria-labelledby="school-{{ group.key }}">
<h4 id="school-{{ group.key }}">{{ group.name }}{% if group.leaderless %} <span class="flag">no approver yet</span>{% endif %}</h4>
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
{%- endfor %}"##
)]
struct Control<'a> {
    /// The service's address, without a slash at its end.
    product: String,
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
                key: school.key,
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
    let refused = directory.approvers_refused();
    let page = Control { product: product(&provider), inbox, refused, groups };
    pages::page(StatusCode::OK, BANNER, "Who to be, and what to try", page)
}

/// The service's address: where the provider sends people back to, without the path.
fn product(provider: &StandInProvider) -> String {
    let redirect = provider.0.clients.redirect_uris.first().and_then(|uri| url::Url::parse(uri).ok());
    redirect.map(|uri| uri.origin().ascii_serialization()).unwrap_or_default()
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
