//! `vouchsafe demo`: the whole product on this machine, with stand-ins for what it meets in production.

mod folder;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use url::Url;

use super::{Failed, log};
use crate::audit::proof::ProofSettings;
use crate::clock::{Clock, SystemClock};
use crate::config::{
    ApproverSettings, Config, LogFormat, LogSettings, Secrets, ServerSettings, SessionSettings,
    StorageSettings,
};
use crate::demo::{Clients, Listen, Running, StandIns, history};
use crate::domain::Terms;
use crate::identity::dfe::{Credentials, DfeSettings};
use crate::random::Random;
use crate::reactors::mail::MailSettings;
use crate::runtime::{self, Core, RuntimeError};
use crate::secret::Secret;
use crate::web::WebSettings;
use folder::Folder;

/// The client id by which the product is known to the stand-in.
const CLIENT_ID: &str = "vouchsafe-demo";

/// Runs the whole product on this machine: stand-ins for DfE Sign-in and for a mail server, invented people
/// and schools, and a year of history. Nothing leaves the machine and none of it is for real use.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  vouchsafe demo --fresh\n\nThe service is at http://localhost:8080; the four ports after it are the stand-ins'."
)]
pub(super) struct Demo {
    /// Begins anew: removes what an earlier demonstration left in the folder.
    #[arg(long)]
    fresh: bool,
    /// The folder that everything is kept in.
    #[arg(long, value_name = "FOLDER", default_value = "vouchsafe-demo")]
    folder: PathBuf,
    /// The port of the service. The stand-ins take the four ports after it.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// Shows the service's log lines.
    #[arg(long)]
    verbose: bool,
}

impl Demo {
    pub(super) async fn run(self) -> Result<(), Failed> {
        log::start(
            &LogSettings {
                format: LogFormat::Text,
                filter: if self.verbose { "info" } else { "error" }.to_owned(),
            },
            None,
        );
        // The ports first: a demonstration that cannot run must not have emptied a folder.
        let own = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let listener = runtime::listen(own).await.map_err(|error| match error {
            RuntimeError::Listen(..) => Failed::new(format!("the demonstration cannot listen on {own}"))
                .hint("stop what uses the port, or choose another with --port"),
            other => other.into(),
        })?;
        let bound = StandIns::bind(self.listen()?).await?;
        let mut folder = Folder::take(&self.folder, self.port, self.fresh)?;
        let secrets = Draw::new(&Random::default())?;
        let stand_ins = bound.run(folder.path(), self.clients(&secrets), Arc::new(SystemClock)).await?;
        let config = self.config(&stand_ins, &secrets)?;
        if !folder.is_finished() {
            log::say("Writing a year of history for invented schools and people …");
            write_history(&config).await?;
            folder.finish()?;
        }
        let (guide, inbox) = (stand_ins.provider_url.clone(), stand_ins.inbox_url.clone());
        let served = runtime::serve_at(listener, config, runtime::asked_to_stop(), |address| {
            log::say(&format!(
                "\nVouchsafe is running. Begin here:\n\n  {guide}   who to be, and what to try\n\n  http://localhost:{}   the service\n  {inbox}   all mail that it sends\n\nEverything is in the folder {}. Stop with Ctrl+C; `--fresh` begins anew.",
                address.port(),
                self.folder.display()
            ));
        })
        .await;
        stand_ins.shutdown().await;
        Ok(served?)
    }

    fn base_url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// The four ports after the service's own.
    fn listen(&self) -> Result<Listen, Failed> {
        let port = |after: u16| {
            let port = self
                .port
                .checked_add(after)
                .ok_or_else(|| Failed::new("the port is too high: use one below 65532"))?;
            Ok::<_, Failed>(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        };
        Ok(Listen { provider: port(1)?, api: port(2)?, inbox: port(3)?, smtp: port(4)?, issuer: None })
    }

    /// The service as the stand-ins know it.
    fn clients(&self, secrets: &Draw) -> Clients {
        Clients {
            client_id: CLIENT_ID.to_owned(),
            client_secret: secrets.client.clone(),
            redirect_uris: vec![format!("{}/auth/callback", self.base_url())],
            post_logout_redirect_uris: vec![format!("{}/signed-out", self.base_url())],
            api_secret: secrets.api.clone(),
            service_id: CLIENT_ID.to_owned(),
        }
    }

    /// The configuration as a file would give it, with the stand-ins' addresses.
    fn config(&self, stand_ins: &Running, secrets: &Draw) -> Result<Config, Failed> {
        let dfe_sign_in: DfeSettings = toml::from_str(&format!(
            r#"
            issuer = "{issuer}"
            client_id = "{CLIENT_ID}"
            client_secret_file = ""
            redirect_url = "{base}/auth/callback"
            http.allow_insecure_loopback = true
            [api]
            base_url = "{api}"
            secret_file = ""
            http.allow_insecure_loopback = true
            "#,
            issuer = stand_ins.issuer,
            base = self.base_url(),
            api = stand_ins.api_url,
        ))?;
        let mail: MailSettings = toml::from_str(&format!(
            "host = \"{}\"\nport = {}\ntls = \"none\"\nfrom_address = \"no-reply@vouchsafe.example\"\nfrom_name = \"Register early career teachers\"\n",
            stand_ins.smtp.ip(),
            stand_ins.smtp.port()
        ))?;
        Ok(Config {
            server: ServerSettings { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)) },
            web: WebSettings {
                base_url: Url::parse(&self.base_url())?,
                service_name: "Register early career teachers (demonstration)".to_owned(),
                ..WebSettings::default()
            },
            storage: StorageSettings { folder: self.folder.join("data"), ..StorageSettings::default() },
            sessions: SessionSettings::default(),
            terms: Terms::default(),
            dfe_sign_in,
            approvers: ApproverSettings { poll_seconds: 10 },
            mail,
            broker: None,
            proof: ProofSettings::default(),
            log: LogSettings::default(),
            metrics: None,
            traces: None,
            secrets: Secrets {
                event_log_password: None,
                key_ring_password: None,
                dfe_sign_in: Credentials {
                    client_secret: secrets.client.clone(),
                    api_secret: Some(secrets.api.clone()),
                },
                mail_password: None,
                broker_password: None,
                trace_headers: Vec::new(),
                master_key: None,
            },
        })
    }
}

/// The secrets between the product and its stand-ins, drawn anew at each start.
struct Draw {
    client: Secret,
    api: Secret,
}

impl Draw {
    fn new(random: &Random) -> Result<Self, Failed> {
        let draw =
            || random.bytes::<16>().map(|bytes| Secret::from(format!("{:032x}", u128::from_be_bytes(bytes))));
        Ok(Self { client: draw()?, api: draw()? })
    }
}

/// Writes the history with the product's own use cases, on a clock that is set back.
async fn write_history(config: &Config) -> Result<(), Failed> {
    let now = SystemClock.now();
    let clock = history::clock(now);
    let core = Core::open(config, clock.clone()).await?;
    let written = history::write(&core.app, &clock, config.dfe_sign_in.issuer.as_str(), now).await;
    core.close().await?;
    Ok(written?)
}
