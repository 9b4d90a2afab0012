//! Asking for access to an organisation, and getting, keeping and losing it.

use uuid::Uuid;

use super::{Instant, published};

published! {
    /// A person asked for access.
    AccessRequested<Sealed> {
        /// The request.
        request: Uuid,
        /// Who asks.
        person: Uuid,
    } personal {
        /// What they wrote to the approvers.
        message: RequestMessage,
    }

    /// A person who had access to an organisation that closed is put before the approvers of one of its successors.
    AccessRequestedOnClosure {
        /// The request.
        request: Uuid,
        /// Who had access.
        person: Uuid,
        /// The organisation that closed.
        from: Uuid,
    }

    /// The person who asked took the request back.
    AccessRequestWithdrawn {
        /// The request.
        request: Uuid,
        /// Who had asked.
        person: Uuid,
    }

    /// Nobody decided the request in time.
    AccessRequestExpired {
        /// The request.
        request: Uuid,
        /// Who had asked.
        person: Uuid,
    }

    /// The approvers were reminded of a request that waits.
    ApproversReminded {
        /// The request.
        request: Uuid,
        /// Which reminder this is; the first is 1.
        reminder: u8,
    }

    /// A person has access from now on. The actor granted it.
    AccessGranted {
        /// Who has access.
        person: Uuid,
    } optional {
        /// The request that this answers; none if nobody had asked.
        request: Uuid,
        /// When it ends by itself, if it does.
        ends: Instant,
    }

    /// A person who had access to an organisation that closed has access to its only successor.
    AccessCarriedOver {
        /// Who has access.
        person: Uuid,
        /// The organisation that closed.
        from: Uuid,
    } optional {
        /// When it ends by itself, if it does.
        ends: Instant,
    }

    /// A request was declined. The actor declined it.
    AccessDeclined<Sealed> {
        /// The request.
        request: Uuid,
        /// Who had asked.
        person: Uuid,
    } personal {
        /// Why, as the person reads it.
        reason: DeclineReason,
    }

    /// Access was given another end.
    AccessEndDateChanged {
        /// Whose access.
        person: Uuid,
    } optional {
        /// When it ends by itself; none if it no longer does.
        ends: Instant,
    }

    /// Access will end by itself before long.
    AccessEndingSoon {
        /// Whose access.
        person: Uuid,
        /// When it ends.
        ends: Instant,
    }

    /// Access ended because its end date came.
    AccessEnded {
        /// Whose access.
        person: Uuid,
    }

    /// An approver ended a person's access.
    AccessRevoked<Sealed> {
        /// Whose access.
        person: Uuid,
    } optional {
        /// The review in which it was found to be no longer needed, if it was.
        review: Uuid,
    } personal {
        /// Why.
        reason: RevokeReason,
    }

    /// The approvers are asked to confirm each user of the organisation.
    ReviewOpened {
        /// The review.
        review: Uuid,
        /// By when; after that it is overdue.
        due: Instant,
    }

    /// An approver confirmed that a person still needs access.
    AccessConfirmed {
        /// The review.
        review: Uuid,
        /// Whose access.
        person: Uuid,
    }

    /// The approvers were reminded of a review that is overdue.
    ReviewReminded {
        /// The review.
        review: Uuid,
        /// Which reminder this is; the first is 1.
        reminder: u8,
    }

    /// Every user was confirmed or removed.
    ReviewCompleted {
        /// The review.
        review: Uuid,
    }
}
