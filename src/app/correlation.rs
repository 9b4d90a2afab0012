//! What comes of one request is marked as such, without each use case handing the mark on.

use std::future::Future;

use vouchsafe_events::CorrelationId;

tokio::task_local! {
    /// The request that is being answered.
    static REQUEST: Option<CorrelationId>;
}

/// Does what comes of one request: every event that is decided meanwhile has this id as its `correlation`, unless
/// its cause names another. Work that goes on in a task of its own takes the id along with [`correlation`].
pub async fn correlated<F: Future>(request: Option<CorrelationId>, work: F) -> F::Output {
    REQUEST.scope(request, work).await
}

/// The id of the request that is being answered, if one is.
pub fn correlation() -> Option<CorrelationId> {
    REQUEST.try_with(|request| *request).ok().flatten()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn the_id_holds_within_the_request_and_in_tasks_that_take_it_along() {
        let id = Some(CorrelationId::from_uuid(Uuid::from_u128(1)));
        assert_eq!(correlation(), None);
        correlated(id, async {
            assert_eq!(correlation(), id);
            let beside = tokio::spawn(correlated(correlation(), async { correlation() }));
            assert_eq!(beside.await.unwrap(), id);
            assert_eq!(tokio::spawn(async { correlation() }).await.unwrap(), None);
        })
        .await;
        assert_eq!(correlation(), None);
    }
}
