//! What a request leaves behind: the id that its events share, and its line in the log.

use std::io;
use std::sync::{Arc, Mutex};

use vouchsafe_events::{CorrelationId, Stream, Version, decode};

use super::browser::{Service, place};

/// The lines of a log, to be read.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

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

#[tokio::test]
async fn the_line_of_a_request_names_the_page_and_no_id() {
    let lines = Lines::default();
    let (writer, level) = (lines.clone(), tracing::Level::INFO);
    let subscriber = tracing_subscriber::fmt().with_max_level(level).with_writer(move || writer.clone());
    // While there is but one subscriber, a line that another test's thread comes to first is taken for one that nobody
    // wants, here too.
    let _another = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let _here = tracing::subscriber::set_default(subscriber.finish());
    let service = Service::start().await;
    let mut nobody = service.nobody();
    nobody.get("/access/requests/00000000-0000-4000-8000-0000000000ab/withdraw?x=secret").await;
    nobody.get("/no/such/page/0000000000ab").await;
    let text = lines.text();
    let answered: Vec<&str> = text.lines().filter(|line| line.contains("answered")).collect();
    assert_eq!(answered.len(), 2, "{text}");
    assert!(answered[0].contains("/access/requests/{"), "{text}");
    assert!(!text.contains("0000000000ab") && !text.contains("secret"), "{text}");
}
