//! Style sheets, scripts, fonts and icons, built into the binary by `build.rs` from GOV.UK Frontend.
//!
//! A file's name carries a hash of its content, so it is cached for ever and a new release never meets an
//! old style sheet. Pages link to the constants here; a name that is not served does not compile.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;

mod built {
    use super::{Asset, Look};
    include!(concat!(env!("OUT_DIR"), "/assets/assets.rs"));
}

/// Where [`routes`] answers.
pub const PREFIX: &str = "/assets/";

/// The script to load first in `<body>`, not deferred: marks the page as one with scripts.
pub const SUPPORTED_JS: &str = built::SUPPORTED_JS;

/// The script to load with `type="module"`: starts the Design System's components.
pub const INIT_JS: &str = built::INIT_JS;

/// How pages look, by the domain that they are served from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Look {
    /// For any domain: system fonts, no crown.
    #[default]
    Plain,
    /// For gov.uk domains alone: GDS Transport, the crown and the Royal Arms, which the Design System lets
    /// no other site use.
    Govuk,
}

/// An icon that a page's head links to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icon {
    /// The link's `rel`.
    pub rel: &'static str,
    /// The link's `href`.
    pub href: &'static str,
    /// The link's `sizes`.
    pub sizes: &'static str,
}

impl Look {
    /// The look's style sheet.
    pub const fn style(self) -> &'static str {
        match self {
            Self::Plain => built::STYLE_PLAIN,
            Self::Govuk => built::STYLE_GOVUK,
        }
    }

    /// What stands in the header, as HTML: GOV.UK's logo. Only gov.uk services may show it.
    pub const fn logo(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Govuk => Some(built::LOGO_GOVUK),
        }
    }

    /// The look's icons, in the order that browsers want them.
    pub const fn icons(self) -> &'static [Icon] {
        match self {
            Self::Plain => &[Icon { rel: "icon", href: built::FAVICON_PLAIN, sizes: "any" }],
            Self::Govuk => &[
                Icon { rel: "icon", href: built::FAVICON_GOVUK_ICO, sizes: "48x48" },
                Icon { rel: "icon", href: built::FAVICON_GOVUK, sizes: "any" },
                Icon { rel: "mask-icon", href: built::ICON_MASK_GOVUK, sizes: "any" },
                Icon { rel: "apple-touch-icon", href: built::ICON_TOUCH_GOVUK, sizes: "180x180" },
            ],
        }
    }
}

/// One file, as the build made it.
#[derive(Debug)]
pub struct Asset {
    /// The name under [`PREFIX`], with the content's hash in it.
    pub file: &'static str,
    /// The media type.
    pub content_type: &'static str,
    /// The one look that may serve it; `None` for both.
    pub look: Option<Look>,
    /// SHA-256 of `bytes`, in lower-case hexadecimal.
    pub sha256: &'static str,
    /// The content.
    pub bytes: &'static [u8],
    /// The content compressed with Brotli, where that is smaller.
    pub brotli: Option<&'static [u8]>,
    /// The content compressed with gzip, where that is smaller.
    pub gzip: Option<&'static [u8]>,
}

impl Asset {
    /// The form to send to a client with this `Accept-Encoding`, and its coding's name.
    fn for_client(&self, accepted: &str) -> (&'static [u8], Option<&'static str>) {
        if let Some(brotli) = self.brotli.filter(|_| accepts(accepted, "br")) {
            (brotli, Some("br"))
        } else if let Some(gzip) = self.gzip.filter(|_| accepts(accepted, "gzip")) {
            (gzip, Some("gzip"))
        } else {
            (self.bytes, None)
        }
    }
}

/// Whether an `Accept-Encoding` names `coding` without the weight 0 (RFC 9110, 12.5.3).
fn accepts(accepted: &str, coding: &str) -> bool {
    accepted.split(',').any(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let refused = parts
            .filter_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")))
            .any(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0));
        named && !refused
    })
}

/// The file of that name, if this look serves it.
pub fn find(look: Look, file: &str) -> Option<&'static Asset> {
    built::ASSETS.iter().find(|a| a.file == file && a.look.is_none_or(|only| only == look))
}

/// Serves the look's files under [`PREFIX`].
pub fn routes<S: Clone + Send + Sync + 'static>(look: Look) -> Router<S> {
    Router::new().route(
        "/assets/{file}",
        get(move |Path(file): Path<String>, headers: HeaderMap| async move {
            find(look, &file).map_or_else(missing, |asset| serve(asset, &headers))
        }),
    )
}

const NOSNIFF: (HeaderName, HeaderValue) =
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));

/// An answer that nothing keeps: the next release may have a file of this name.
fn missing() -> Response {
    let headers = [NOSNIFF, (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::NOT_FOUND, headers, "Not found\n").into_response()
}

fn serve(asset: &'static Asset, request: &HeaderMap) -> Response {
    let accepted = text(request, &header::ACCEPT_ENCODING);
    let (body, coding) = asset.for_client(accepted);
    let etag =
        format!("\"{}{}{}\"", asset.sha256, if coding.is_some() { "-" } else { "" }, coding.unwrap_or(""));
    let fresh = text(request, &header::IF_NONE_MATCH)
        .split(',')
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag);

    let mut response = if fresh { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
    let headers = response.headers_mut();
    headers.extend([
        NOSNIFF,
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    ]);
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    if fresh {
        headers.remove(header::CONTENT_TYPE);
    } else {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
        if let Some(coding) = coding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
    }
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

#[cfg(test)]
mod tests;
