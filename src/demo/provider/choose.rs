//! The two pages on which one chooses whom to be, and for which organisation.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use uuid::Uuid;

use super::BANNER;
use crate::demo::directory::StandInDirectory;
use crate::demo::pages;
use crate::demo::people::{Account, OrganisationRole, SamplePerson, organisations, people};

/// Someone who can be chosen.
struct Choice {
    sub: Uuid,
    name: String,
    email: String,
    story: String,
}

/// The people of one organisation.
struct Group {
    name: &'static str,
    described: String,
    storied: Vec<Choice>,
    crowd: Vec<Choice>,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<p>Here you choose whom to be. Nobody on this page exists, and no password is asked.</p>
<form method="post" action="/interaction/{{ id }}/person">
{%- for group in groups %}
<section aria-labelledby="group-{{ loop.index }}">
<h2 id="group-{{ loop.index }}">{{ group.name }}</h2>
{%- if !group.described.is_empty() %}<p class="note">{{ group.described }}</p>{% endif %}
<ul class="plain">
{%- for one in group.storied %}
<li><button name="person" value="{{ one.sub }}">{{ one.name }}</button> {{ one.story }}<br><span class="note">{{ one.email }}</span></li>
{%- endfor %}
</ul>
{%- if !group.crowd.is_empty() %}
<details><summary>{{ group.crowd.len() }} more colleagues without access</summary>
<ul class="plain">
{%- for one in group.crowd %}
<li><button name="person" value="{{ one.sub }}">{{ one.name }}</button> <span class="note">{{ one.email }}</span></li>
{%- endfor %}
</ul></details>
{%- endif %}
</section>
{%- endfor %}
</form>
<h2>Leave without signing in</h2>
<form method="post" action="/interaction/{{ id }}/leave">
<ul class="plain">
<li><button name="how" value="expired">Let my session expire</button> as when the page is left open too long</li>
<li><button name="how" value="refused">Refuse consent</button> to tell the service the organisation</li>
<li><button name="how" value="bare">Return without an answer</button> as after a password reset</li>
</ul>
</form>
<p><a href="/">Who to be, and what to try</a></p>"#
)]
struct PeoplePage<'a> {
    id: &'a str,
    groups: Vec<Group>,
}

/// The page with everybody on it, by organisation.
pub(super) fn people_page(directory: &StandInDirectory, id: &str) -> Response {
    let active = || people().iter().filter(|person| person.account == Account::Active);
    let choice = |person: &SamplePerson, story: String| Choice {
        sub: person.sub,
        name: person.name(),
        email: person.email.clone(),
        story,
    };
    let mut groups: Vec<_> = organisations()
        .map(|organisation| {
            let there = || active().filter_map(|person| Some((person, person.place_at(organisation.id())?)));
            let storied = there()
                .filter(|(person, _)| !person.crowd)
                .map(|(person, place)| {
                    let now = directory.role(person, place);
                    // The story tells how things began; what the control page changed is added to it.
                    let story = match now {
                        _ if now == place.role => person.story.to_owned(),
                        OrganisationRole::Approver => format!("{} (now an approver)", person.story),
                        OrganisationRole::EndUser => format!("{} (no longer an approver)", person.story),
                    };
                    choice(person, story)
                })
                .collect();
            let crowd = there()
                .filter(|(person, _)| person.crowd)
                .map(|(person, _)| choice(person, String::new()))
                .collect();
            Group { name: organisation.name(), described: organisation.described(), storied, crowd }
        })
        .filter(|group| !group.storied.is_empty())
        .collect();
    let alone = active()
        .filter(|person| person.places.is_empty())
        .map(|person| choice(person, person.story.to_owned()))
        .collect();
    groups.push(Group {
        name: "No organisation",
        described: String::new(),
        storied: alone,
        crowd: Vec::new(),
    });
    pages::page(StatusCode::OK, BANNER, "Choose who signs in", PeoplePage { id, groups })
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<p>{{ name }} belongs to several organisations.</p>
<form method="post" action="/interaction/{{ id }}/organisation">
<ul class="plain">
{%- for (organisation, name, described) in offered %}
<li><button name="organisation" value="{{ organisation }}">{{ name }}</button> <span class="note">{{ described }}</span></li>
{%- endfor %}
</ul>
</form>
<p><a href="/interaction/{{ id }}">Choose somebody else</a></p>"#
)]
struct OrganisationsPage<'a> {
    id: &'a str,
    name: String,
    offered: Vec<(Uuid, &'static str, String)>,
}

/// The page with the organisations that a person may sign in for.
pub(super) fn organisations_page(person: &SamplePerson, id: &str) -> Response {
    let offered = StandInDirectory::offered(person)
        .into_iter()
        .map(|one| (one.id(), one.name(), one.described()))
        .collect();
    let page = OrganisationsPage { id, name: person.name(), offered };
    pages::page(StatusCode::OK, BANNER, "Choose your organisation", page)
}
