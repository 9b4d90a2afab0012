//! The values that labels take: each a closed set, so that no label grows with people, schools or requests, and none
//! can hold personal data.

/// Declares a label's values: an enum, what each is called, and all of them.
macro_rules! label {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// Every value, as it stands in the label.
            pub const VALUES: &'static [&'static str] = &[$($text,)*];

            /// The value as it stands in the label.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

label! {
    /// How an append went.
    Append {
        /// The events are in the log.
        Appended = "appended",
        /// Somebody else had written to the stream.
        Conflict = "conflict",
        /// The log did not answer, or its answer was lost.
        Unavailable = "unavailable",
        /// The log will never take it: too large, an id that is taken, a full disk, a newer form.
        Refused = "refused",
    }
}

label! {
    /// What became of a command.
    Command {
        /// Events were appended.
        Done = "done",
        /// Nothing needed to happen.
        Nothing = "nothing",
        /// The rules said no.
        Refused = "refused",
        /// Others kept writing to the same stream.
        Contended = "contended",
        /// The log, the key ring or the lists did not do their part.
        Unavailable = "unavailable",
    }
}

label! {
    /// By which way somebody signs in.
    Way {
        /// DfE Sign-in.
        DfeSignIn = "dfe_sign_in",
        /// An emailed one-time password.
        OneTimePassword = "one_time_password",
    }
}

label! {
    /// What became of a sign-in.
    SignIn {
        /// They are in.
        Entered = "entered",
        /// They were recognised, and the rules do not let them in; or the code was wrong.
        Refused = "refused",
        /// What DfE Sign-in sent is not to be trusted, came too late, or is not this browser's.
        NotTrusted = "not_trusted",
        /// DfE Sign-in or a part of ours did not do its part.
        Unavailable = "unavailable",
    }
}

label! {
    /// What became of a one-time password.
    Code {
        /// Somebody asked for one, whether or not one was sent.
        Asked = "asked",
        /// The right one was typed.
        Used = "used",
        /// A wrong one was typed.
        Refused = "refused",
        /// What was typed was not looked at: there is no code any more, or its owner has to wait.
        NotTried = "not_tried",
    }
}

label! {
    /// What became of an attempt to deliver a mail.
    Mail {
        /// The server took it.
        Sent = "sent",
        /// It will be tried again.
        Delayed = "delayed",
        /// It is not tried again.
        GivenUp = "given_up",
    }
}

label! {
    /// Whether somebody waits for a mail with the page open.
    MailClass {
        /// A one-time password.
        OneTimePassword = "one_time_password",
        /// Any other.
        Other = "other",
    }
}

label! {
    /// Which rate limit was met.
    Limit {
        /// Any request.
        Requests = "requests",
        /// Sign-ins begun or finished.
        SignIns = "sign_ins",
        /// One-time passwords asked for, and codes tried.
        Codes = "codes",
        /// Addresses that nobody knows.
        Strangers = "strangers",
    }
}

label! {
    /// What the key ring was asked.
    KeyRing {
        /// A person's key was read.
        Get = "get",
        /// A new person's key was kept.
        Insert = "insert",
        /// A key was destroyed.
        Destroy = "destroy",
        /// How many keys have been destroyed.
        Erasures = "erasures",
    }
}

label! {
    /// Whether something was done.
    Outcome {
        /// It was.
        Done = "done",
        /// It failed.
        Failed = "failed",
    }
}

label! {
    /// What a call to DfE came to.
    Call {
        /// There was an answer below 500.
        Answered = "answered",
        /// The answer was a failure of theirs, or one that is not to be used.
        Failed = "failed",
        /// There was no whole answer in the time allowed.
        TimedOut = "timed_out",
        /// There was no connection.
        Unreachable = "unreachable",
    }
}

/// What follows the log and acts.
pub const REACTORS: &[&str] = &["mail", "timekeeper", "approvers", "successions", "broker"];

/// What one instance at a time does, under a lease.
pub const LEASES: &[&str] = &["reactors"];

/// The methods that requests are counted by; any other is `other`.
pub const METHODS: &[&str] = &["GET", "HEAD", "POST", "other"];

/// The classes of a status.
pub const STATUSES: &[&str] = &["1xx", "2xx", "3xx", "4xx", "5xx"];

impl MailClass {
    /// The class of a kind of mail.
    pub fn of(kind: vouchsafe_events::MailKind) -> Self {
        if kind == vouchsafe_events::MailKind::OneTimePassword { Self::OneTimePassword } else { Self::Other }
    }
}
