//! Pages are drawn by a real browser with our style sheets and scripts, under a strict policy.

use axum::Router;
use axum::extract::Query;
use axum::response::Html;
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;
use vouchsafe::web::assets::{self, Look};

use crate::peers::{Scripts, walk};

#[tokio::test]
async fn a_page_is_drawn_with_our_style_sheet_and_scripts_under_a_strict_policy() {
    for (look, name) in [(Look::Plain, "plain"), (Look::Govuk, "govuk")] {
        let page = get(async move |Query(typed): Query<Typed>| code_page(look, typed));
        let base = serve(|_| Router::new().route("/", page).merge(assets::routes(look))).await;
        for scripts in [Scripts::On, Scripts::Off] {
            walk("drawing", &base, scripts, &json!({ "look": name })).await;
        }
    }
}

/// Serves on a free port of loopback until the test ends; gives its address.
pub(crate) async fn serve(router: impl FnOnce(String) -> Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = router(base.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    base
}

/// A page of the Design System, with this main heading.
pub(crate) fn page(look: Look, heading: &str, body: &str) -> Html<String> {
    let icons = look.icons().iter().fold(String::new(), |links, icon| {
        format!(r#"{links}<link rel="{}" sizes="{}" href="{}">"#, icon.rel, icon.sizes, icon.href)
    });
    Html(format!(
        r##"<!DOCTYPE html><html lang="en" class="govuk-template"><head><meta charset="utf-8">
<title>{heading} - Vouchsafe</title><meta name="viewport" content="width=device-width, initial-scale=1">
{icons}<link rel="stylesheet" href="{style}"></head>
<body class="govuk-template__body"><script src="{supported}"></script>
<a href="#main-content" class="govuk-skip-link" data-module="govuk-skip-link">Skip to main content</a>
<header class="govuk-template__header"><div class="govuk-width-container">Vouchsafe</div></header>
<div class="govuk-width-container"><main class="govuk-main-wrapper" id="main-content">
<h1 class="govuk-heading-xl">{heading}</h1>{body}</main></div>
<script type="module" src="{init}"></script></body></html>"##,
        style = look.style(),
        supported = assets::SUPPORTED_JS,
        init = assets::INIT_JS,
    ))
}

#[derive(Deserialize)]
struct Typed {
    code: Option<String>,
}

type Policy = [(&'static str, &'static str); 1];

fn code_page(look: Look, typed: Typed) -> (Policy, Html<String>) {
    let policy = [(
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    )];
    let body = typed.code.map_or_else(
        || {
            r#"<form><div class="govuk-form-group govuk-character-count" data-module="govuk-character-count"
 data-maxlength="20"><label class="govuk-label" for="code">Security code</label>
<textarea class="govuk-textarea govuk-js-character-count" id="code" name="code" rows="1"></textarea>
<div id="code-info" class="govuk-hint govuk-character-count__message">You can enter up to 20 characters</div>
</div><button class="govuk-button" data-module="govuk-button">Continue</button></form>"#
                .to_owned()
        },
        |code| format!(r#"<p class="govuk-body">You typed {}</p>"#, code.replace('<', "&lt;")),
    );
    (policy, page(look, "Check your email", &body))
}
