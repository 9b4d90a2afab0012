//! What the stand-ins' pages share: one layout, one style sheet, and headers.
//!
//! They are deliberately not in GOV.UK's look: nobody should take them for the real thing.

use std::fmt::Display;

use askama::Template;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

/// The style sheet of all stand-ins' pages, at [`STYLE_PATH`] of each.
const STYLE: &str = "\
*{box-sizing:border-box}
body{margin:0;font:1.0625rem/1.5 system-ui,sans-serif;color:#1b1330;background:#fbf9ff}
a{color:#4a1d96}
a:focus-visible,button:focus-visible,input:focus-visible,select:focus-visible,summary:focus-visible,iframe:focus-visible{outline:3px solid #1b1330;outline-offset:2px;background:#ffe066;color:#1b1330}
.banner{background:#4a1d96;color:#fff;padding:.75rem 1rem;font-weight:700;border-bottom:6px dashed #ffb000}
main,.foot{max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.6rem;line-height:1.25;overflow-wrap:anywhere}
h2{font-size:1.2rem;line-height:1.3;margin:2rem 0 .25rem}
h3,h4{font-size:1.0625rem;margin:1.5rem 0 .25rem}
ol.steps{padding-left:2rem}ol.steps li{margin:.7rem 0;padding-left:.3rem}
p,li,dd,td{overflow-wrap:anywhere}
.note{color:#4d4463;margin:.1rem 0 .6rem}
ul.plain{list-style:none;padding:0;margin:0}
ul.plain li{padding:.4rem 0;border-top:1px solid #d8d0e8}
button{font:inherit;cursor:pointer;text-align:left;padding:.5rem .8rem;border:2px solid #4a1d96;border-radius:6px;background:#fff;color:#4a1d96;max-width:100%;overflow-wrap:anywhere}
button:hover{background:#4a1d96;color:#fff}
input,select{font:inherit;padding:.4rem;border:2px solid #4d4463;border-radius:6px;background:#fff;color:#1b1330;max-width:100%}
label{font-weight:700;display:block}
summary{cursor:pointer;padding:.4rem 0}
.flag{display:inline-block;border:1px solid #1b1330;border-radius:4px;padding:0 .4rem;font-size:.9rem;background:#ffe9b8}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:1rem/1.5 ui-monospace,monospace;background:#fff;border:1px solid #d8d0e8;padding:1rem}
iframe{width:100%;height:32rem;border:1px solid #4d4463;background:#fff}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{font-weight:700}dd{margin:0}
@media(max-width:30rem){dl{display:block}dd{margin-bottom:.4rem}}
";

/// Where the style sheet is.
pub(super) const STYLE_PATH: &str = "/style.css";

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{ title }} - {{ banner }}</title>
<link rel="stylesheet" href="{{ style }}">
</head>
<body>
<header class="banner">{{ banner }}</header>
<main>
<h1>{{ title }}</h1>
{{ body|safe }}
</main>
</body>
</html>
"#
)]
struct Layout<'a, B: Display> {
    title: &'a str,
    banner: &'a str,
    style: &'static str,
    body: B,
}

/// A whole page. `body` is HTML, already escaped.
pub(super) fn page(status: StatusCode, banner: &str, title: &str, body: impl Display) -> Response {
    match (Layout { title, banner, style: STYLE_PATH, body }).render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a stand-in's page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The style sheet.
pub(super) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

/// The headers of every answer, unless a handler set its own. Forms may end at `form_targets` (origins) too.
#[derive(Clone)]
pub(super) struct PageHeaders {
    policy: HeaderValue,
}

impl PageHeaders {
    /// Headers for pages whose forms may lead to these origins, separated by spaces.
    pub(super) fn new(form_targets: &str) -> Self {
        let policy = format!(
            "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
             form-action 'self' {form_targets}"
        );
        // Origins are ASCII; were one not, the policy without them is the safe one.
        let policy = HeaderValue::from_str(policy.trim_end())
            .unwrap_or(HeaderValue::from_static("default-src 'none'; style-src 'self'"));
        Self { policy }
    }

    /// Refuses forms that another site sends, then sets the headers.
    pub(super) async fn apply(self, request: Request, next: Next) -> Response {
        // A stand-in has no session that a token could be bound to; the browser's word is enough here.
        let site = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
        if request.method() == Method::POST && !matches!(site, None | Some(b"same-origin" | b"none")) {
            return (StatusCode::FORBIDDEN, "This form was sent by another site.").into_response();
        }
        let mut response = next.run(request).await;
        let headers = response.headers_mut();
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(self.policy);
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        for (name, value) in [
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
