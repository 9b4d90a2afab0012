//! Mail: what is written, how it is sent, and how long to wait after a failure.

mod backoff;
mod line;
mod message;
mod sender;
mod settings;
mod templates;

pub use backoff::{LONGEST_WAIT, wait};
pub use line::{Line, Paragraphs};
pub use message::{Mail, MailError};
pub use sender::{Mailer, MailerError, SendError};
pub use settings::{MailSettings, MailTls, SettingsError};
pub use templates::{About, Letter};
