//! `vouchsafe staff`: who plays a part for the department.

use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use vouchsafe_events::{Email, StaffRole};

use super::{Configured, Failed, log};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::domain::PersonName;
use crate::runtime::Core;

/// Appoints auditors and support agents, stands them down, lists them. The service may run meanwhile.
#[derive(Debug, Args)]
pub(super) struct Staff {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Gives a person a role. They have it once they sign in with DfE Sign-in with this email address.
    #[command(
        after_help = "Example:\n  vouchsafe staff appoint --as auditor --name 'Jane Doe' jane.doe@education.gov.uk"
    )]
    Appoint {
        #[command(flatten)]
        configured: Configured,
        /// The role.
        #[arg(long = "as", value_name = "ROLE")]
        role: Role,
        /// The person's name, for the time until they sign in.
        #[arg(long)]
        name: Option<String>,
        /// The person's email address at DfE Sign-in.
        email: String,
    },
    /// Takes a role from a person, at once.
    StandDown {
        #[command(flatten)]
        configured: Configured,
        /// The role.
        #[arg(long = "as", value_name = "ROLE")]
        role: Role,
        /// The person's email address at DfE Sign-in.
        email: String,
    },
    /// Lists who has which role: role, email, name and id, parted by tabs.
    List {
        #[command(flatten)]
        configured: Configured,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    /// Replays the history and changes nothing.
    Auditor,
    /// Helps people in.
    Support,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Support => "support",
        }
    }
}

impl From<Role> for StaffRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Auditor => Self::Auditor,
            Role::Support => Self::Support,
        }
    }
}

fn email(text: &str) -> Result<Email, Failed> {
    text.parse().map_err(|error| Failed::new(format!("the email address is {error}")))
}

/// Opens what is stored, as the configuration says.
pub(super) async fn open(config: &Config) -> Result<Core, Failed> {
    Ok(Core::open(config, Arc::new(SystemClock)).await?)
}

impl Staff {
    pub(super) async fn run(self) -> Result<(), Failed> {
        match self.what {
            What::Appoint { configured, role, name, email: text } => {
                let email = email(&text)?;
                let name = name.as_deref().map(PersonName::parse).transpose();
                let name = name.map_err(|error| Failed::new(format!("the name cannot be taken: {error}")))?;
                let core = open(&configured.load()?).await?;
                let appointed = core.app.appoint(&email, name.as_ref(), role.into()).await;
                core.close().await?;
                let person = appointed?;
                log::say(&format!("{} is {} from now on (person {person}).", email.as_str(), role.name()));
            }
            What::StandDown { configured, role, email: text } => {
                let email = email(&text)?;
                let core = open(&configured.load()?).await?;
                let stood_down = core.app.stand_down_staff(&email, role.into()).await;
                core.close().await?;
                let person = stood_down?;
                log::say(&format!("{} is no longer {} (person {person}).", email.as_str(), role.name()));
            }
            What::List { configured } => {
                let core = open(&configured.load()?).await?;
                let app = &core.app;
                for role in [Role::Auditor, Role::Support] {
                    let people: Vec<_> = app.lists(|lists| lists.staff(role.into()).collect());
                    for person in people {
                        let (email, name) = (app.email_of(person), app.name_of(person));
                        log::data(&format!("{}\t{email}\t{name}\t{person}", role.name()));
                    }
                }
                core.close().await?;
            }
        }
        Ok(())
    }
}
