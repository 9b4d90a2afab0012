//! What runs beside the web server for as long as the service does, and is missed when it ends.

use std::future::Future;

use tokio::task::{Id, JoinError, JoinHandle, JoinSet};

use super::RuntimeError;

/// Tasks that are to run until they are told to stop, by their names.
#[derive(Debug, Default)]
pub(super) struct Watched {
    tasks: JoinSet<()>,
    names: Vec<(Id, &'static str)>,
}

impl Watched {
    /// Runs one more.
    pub(super) fn run(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let handle = self.tasks.spawn(task);
        self.names.push((handle.id(), name));
    }

    /// Done when one of them ends though nobody told it to: with what to say of it. Without it the service would
    /// answer, but send no mail, or show no news, until somebody noticed. Never done if there are none.
    pub(super) async fn missed(&mut self) -> RuntimeError {
        let Some(ended) = self.tasks.join_next_with_id().await else { return std::future::pending().await };
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        let named = self.names.iter().find(|(known, _)| *known == id);
        missing(named.map_or("a reactor", |(_, name)| *name), ended.map(|_| ()))
    }

    /// The same of these and of the follower of the log.
    pub(super) async fn missed_with(&mut self, follower: &mut JoinHandle<()>) -> RuntimeError {
        tokio::select! {
            error = self.missed() => error,
            ended = follower => missing("the follower of the log", ended),
        }
    }

    /// Waits until all have ended, which they were told to.
    pub(super) async fn finish(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// What to say of something that ended.
fn missing(name: &'static str, ended: Result<(), JoinError>) -> RuntimeError {
    let how = ended.err().map_or_else(|| "it returned".to_owned(), |error| error.to_string());
    tracing::error!(task = name, how, "a part of the service ended: the service stops");
    RuntimeError::Ended(name)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::time::Duration;

    use super::*;

    /// What is said of these, if one is missed.
    async fn missed(tasks: &mut Watched, follower: &mut JoinHandle<()>) -> Option<String> {
        let missed = tokio::time::timeout(Duration::from_millis(200), tasks.missed_with(follower)).await;
        missed.ok().map(|error| error.to_string())
    }

    #[tokio::test]
    async fn while_all_run_nothing_is_missed() {
        let mut follower = tokio::spawn(pending());
        assert_eq!(missed(&mut Watched::default(), &mut follower).await, None);
        let mut tasks = Watched::default();
        tasks.run("the clock", pending());
        assert_eq!(missed(&mut tasks, &mut follower).await, None);
    }

    #[tokio::test]
    async fn a_reactor_that_ends_or_panics_is_missed_by_name() {
        let mut follower = tokio::spawn(pending());
        let mut tasks = Watched::default();
        tasks.run("the clock", pending());
        tasks.run("the mail", ready(()));
        let said = missed(&mut tasks, &mut follower).await.unwrap();
        assert!(said.contains("the mail"), "{said}");
        let mut tasks = Watched::default();
        tasks.run("the clock", async { panic!("for the test") });
        let said = missed(&mut tasks, &mut follower).await.unwrap();
        assert!(said.contains("the clock"), "{said}");
    }

    #[tokio::test]
    async fn so_is_the_follower() {
        let mut tasks = Watched::default();
        tasks.run("the clock", pending());
        let mut follower = tokio::spawn(ready(()));
        let said = missed(&mut tasks, &mut follower).await.unwrap();
        assert!(said.contains("the follower"), "{said}");
        assert!(follower.is_finished());
    }
}
