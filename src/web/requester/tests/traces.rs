//! What a request leaves behind: the id that its events share.

use vouchsafe_events::{CorrelationId, Stream, Version, decode};

use super::browser::{Service, place};

/// The marks of all events of a stream, in order.
async fn correlations(service: &Service, stream: Stream) -> Vec<Option<CorrelationId>> {
    let stored = service.site.app.store().read(stream, Version::FIRST, 100).await.unwrap();
    let envelope = |bytes: &_, position| decode(position, bytes).unwrap().envelope;
    stored.iter().map(|event| envelope(&event.bytes, event.position).correlation).collect()
}

#[tokio::test]
async fn all_that_is_decided_in_answering_a_request_has_its_id() {
    let service = Service::start().await;
    let school = place("900101", "Greenhill School", false);
    let stream = Stream::Organisation(school.id);
    let mut dee = service.sign_in("Dee", &[school]).await;
    let before = correlations(&service, stream).await;
    assert!(before.iter().all(Option::is_none), "nobody asked for a page yet");
    dee.post("/access/ask", &[("message", "")]).await.leads_to("/access");
    let page = dee.get("/access").await.body;
    let withdraw = page.split('"').find(|part| part.ends_with("/withdraw")).unwrap().to_owned();
    dee.post(&withdraw, &[]).await.leads_to("/access");
    let after = correlations(&service, stream).await.split_off(before.len());
    let [Some(asked), Some(withdrawn)] = after[..] else { panic!("{after:?}") };
    assert_ne!(asked, withdrawn, "each request has an id of its own");
}
