//! How long things may take.

use serde::Deserialize;

/// Time limits, in days of 24 hours. They apply to what is open when they are changed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terms {
    /// After how many days without a decision the approvers are reminded, in rising order.
    pub remind_after_days: Vec<u16>,
    /// After how many days without a decision a request expires.
    pub request_expires_after_days: u16,
    /// How many days before its end date the person is warned that their access ends.
    pub warn_before_end_days: u16,
    /// How many days after access was first given, or after the last review, the list is to be reviewed.
    pub review_every_days: u16,
    /// How many days approvers have for a review before it is overdue.
    pub review_takes_days: u16,
    /// Every how many days approvers are reminded of a review that is overdue.
    pub review_remind_every_days: u16,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            remind_after_days: vec![3, 7],
            request_expires_after_days: 28,
            warn_before_end_days: 7,
            review_every_days: 365,
            review_takes_days: 28,
            review_remind_every_days: 7,
        }
    }
}

impl Terms {
    /// What is wrong with the limits, one sentence each.
    pub fn faults(&self) -> Vec<&'static str> {
        let mut faults = Vec::new();
        if !self.remind_after_days.is_sorted_by(|a, b| a < b) || self.remind_after_days.first() == Some(&0) {
            faults.push("remind_after_days must rise and start at 1 or more");
        }
        if self.remind_after_days.len() > 20 {
            faults.push("remind_after_days can name at most 20 reminders");
        }
        if self.remind_after_days.last().is_some_and(|last| *last >= self.request_expires_after_days) {
            faults.push("remind_after_days must all be less than request_expires_after_days");
        }
        if self.request_expires_after_days == 0 {
            faults.push("request_expires_after_days must be 1 or more");
        }
        if self.review_every_days == 0 || self.review_takes_days == 0 || self.review_remind_every_days == 0 {
            faults
                .push("review_every_days, review_takes_days and review_remind_every_days must be 1 or more");
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_faults() {
        assert_eq!(Terms::default().faults(), Vec::<&str>::new());
    }

    #[test]
    fn limits_that_contradict_each_other_are_named() {
        let terms = Terms { remind_after_days: vec![7, 3, 40], ..Terms::default() };
        assert_eq!(terms.faults().len(), 2);
        assert_eq!(Terms { review_every_days: 0, ..Terms::default() }.faults().len(), 1);
    }
}
