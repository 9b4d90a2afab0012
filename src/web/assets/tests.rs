use aws_lc_rs::digest;
use axum::body::{Body, to_bytes};
use http::Request;
use tower::ServiceExt as _;

use super::*;

async fn ask(look: Look, path: &str, headers: &[(HeaderName, &str)]) -> Response {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    routes::<()>(look).oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn body(response: Response) -> Vec<u8> {
    to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()
}

fn linked(look: Look) -> Vec<&'static str> {
    let icons = look.icons().iter().map(|icon| icon.href);
    [look.style(), SUPPORTED_JS, INIT_JS].into_iter().chain(icons).collect()
}

#[tokio::test]
async fn everything_that_a_page_links_to_is_served_and_kept_for_ever() {
    for look in [Look::Plain, Look::Govuk] {
        for path in linked(look) {
            let response = ask(look, path, &[]).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            let headers = response.headers();
            assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
            assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert!(!headers.contains_key(header::CONTENT_ENCODING));
            assert!(!body(response).await.is_empty(), "{path}");
        }
    }
}

#[tokio::test]
async fn files_are_sent_with_their_own_media_type() {
    let of = async |path| ask(Look::Govuk, path, &[]).await.headers()[header::CONTENT_TYPE].clone();
    assert_eq!(of(Look::Govuk.style()).await, "text/css; charset=utf-8");
    assert_eq!(of(INIT_JS).await, "text/javascript; charset=utf-8");
    assert_eq!(of(built::FAVICON_GOVUK).await, "image/svg+xml");
    assert_eq!(of(built::ICON_TOUCH_GOVUK).await, "image/png");
}

#[tokio::test]
async fn a_name_that_is_not_served_is_not_found_and_not_kept() {
    for path in ["/assets/plain.css", "/assets/init.js", "/assets/..%2FCargo.toml", "/assets/%00"] {
        let response = ask(Look::Plain, path, &[]).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    }
}

#[tokio::test]
async fn only_the_gov_uk_look_serves_the_crown_and_its_typeface() {
    let theirs: Vec<_> = built::ASSETS.iter().filter(|a| a.look == Some(Look::Govuk)).collect();
    assert!(theirs.iter().any(|a| a.content_type == "font/woff2"));
    for asset in theirs {
        let path = format!("{PREFIX}{}", asset.file);
        assert_eq!(ask(Look::Govuk, &path, &[]).await.status(), StatusCode::OK);
        assert_eq!(ask(Look::Plain, &path, &[]).await.status(), StatusCode::NOT_FOUND);
    }
    let plain = String::from_utf8(body(ask(Look::Plain, Look::Plain.style(), &[]).await).await).unwrap();
    assert!(plain.contains("font-family:arial,helvetica,sans-serif"));
    for not in ["GDS Transport", "@font-face", "govuk-crest"] {
        assert!(!plain.contains(not), "{not}");
    }
}

#[tokio::test]
async fn style_sheets_and_scripts_refer_only_to_files_that_are_served() {
    let mut found = 0;
    for look in [Look::Plain, Look::Govuk] {
        for path in [look.style(), INIT_JS] {
            let content = String::from_utf8(body(ask(look, path, &[]).await).await).unwrap();
            for (_, rest) in content
                .match_indices("/assets/")
                .chain(content.match_indices("\"./"))
                .map(|(at, mark)| (at, content.get(at + mark.len()..).unwrap()))
            {
                let file = rest.split(['"', ')']).next().unwrap();
                assert!(find(look, file).is_some(), "{path} refers to {file}");
                found += 1;
            }
        }
    }
    assert!(found >= 7, "fonts, crest and module are referred to, but {found} references were found");
}

#[tokio::test]
async fn a_browser_gets_the_smallest_form_that_it_accepts() {
    let path = Look::Plain.style();
    let accept = async |value| ask(Look::Plain, path, &[(header::ACCEPT_ENCODING, value)]).await;
    let brotli = accept("gzip, deflate, br, zstd").await;
    assert_eq!(brotli.headers()[header::CONTENT_ENCODING], "br");
    assert_eq!(brotli.headers()[header::VARY], "accept-encoding");
    assert!(body(brotli).await.len() < 20_000);
    assert_eq!(accept("gzip;q=0.5, br;q=0").await.headers()[header::CONTENT_ENCODING], "gzip");
    assert!(!accept("identity").await.headers().contains_key(header::CONTENT_ENCODING));
}

#[tokio::test]
async fn a_browser_that_has_the_file_is_told_so() {
    let path = Look::Plain.style();
    let first = ask(Look::Plain, path, &[]).await;
    let etag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
    for known in [etag.clone(), format!("\"other\", W/{etag}"), "*".to_owned()] {
        let again = ask(Look::Plain, path, &[(header::IF_NONE_MATCH, &known)]).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(again.headers()[header::ETAG], etag.as_str());
        assert!(body(again).await.is_empty());
    }
    let other_form =
        ask(Look::Plain, path, &[(header::IF_NONE_MATCH, &etag), (header::ACCEPT_ENCODING, "br")]).await;
    assert_eq!(other_form.status(), StatusCode::OK);
}

#[test]
fn a_file_is_named_by_its_content() {
    for asset in built::ASSETS {
        let digest = digest::digest(&digest::SHA256, asset.bytes);
        let hex = digest.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        assert_eq!(asset.sha256, hex);
        assert!(asset.file.contains(&hex[..16]), "{}", asset.file);
    }
}
