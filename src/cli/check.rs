//! What a configuration means, for `vouchsafe serve --check`.

use super::log;
use crate::config::Config;
use crate::reactors::broker::{BrokerSettings, From};

/// Says what a configuration means, in sentences. No secret is among them.
pub(super) fn explain(config: &Config) {
    log::data("The configuration can be used. It means:");
    for line in lines(config) {
        log::data(&format!("  - {line}"));
    }
}

/// How the history is proven.
fn proof(config: &Config) -> String {
    let proof = &config.proof;
    let when = match proof.every_minutes {
        0 => "on demand alone".to_owned(),
        minutes => format!("every {minutes} minutes, if there is anything new"),
    };
    let served = match (proof.tiles, proof.entries) {
        (false, _) => "the last checkpoint is",
        (true, false) => "the last checkpoint and the tree's hashes are",
        (true, true) => "the last checkpoint, the tree's hashes and ALL EVENTS are",
    };
    let origin = proof.origin(&config.web.base_url);
    format!("The history is signed as “{origin}”, {when}; {served} served to everybody under /log.")
}

/// What goes to RabbitMQ.
fn broker(broker: Option<&BrokerSettings>) -> String {
    let Some(broker) = broker else {
        return "Nothing is published: there is no [broker].".to_owned();
    };
    let personal = if broker.personal_data {
        "with names, emails and what people wrote in the clear"
    } else {
        "without personal data"
    };
    let from = match broker.from {
        From::Start => "the first event that there ever was",
        From::Now => "what happens from then on",
    };
    let encrypted = if broker.is_encrypted() { "encrypted" } else { "NOT encrypted" };
    let mail = if broker.mail_jobs {
        "Mail is handed out through queues there, and every instance sends."
    } else {
        "Mail does not go through it."
    };
    format!(
        "Events are published to the exchange “{}” at {}:{} ({encrypted}) as “{}”, {personal}; the first start begins with {from}. {mail}",
        broker.exchange,
        broker.host(),
        broker.port(),
        broker.username
    )
}

fn lines(config: &Config) -> Vec<String> {
    let days = |list: &[u16]| list.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let terms = &config.terms;
    let api = config.dfe_sign_in.api.as_ref().map_or_else(
        || "DfE Sign-in's API is not used: nobody becomes an approver through DfE Sign-in.".to_owned(),
        |api| {
            format!(
                "Approvers and people's other schools are asked of {:?}, every {} seconds and at each sign-in.",
                api.base_url, config.approvers.poll_seconds
            )
        },
    );
    let mut lines = vec![
        format!("The service listens on {} without TLS: a proxy in front must end it.", config.server.listen),
        format!("People reach it at {}, as “{}”.", config.web.base_url, config.web.service_name),
        match (&config.storage.event_log, config.storage.log_file()) {
            (Some(server), _) => format!("The event log is on the server {server}, which instances share."),
            (None, file) => format!("The event log is {}.", file.unwrap_or_default().display()),
        },
        format!(
            "The key ring is {}: back it up apart from the log; without it, no name can be read.",
            config.storage.key_ring()
        ),
        match &config.secrets.master_key {
            Some(_) => "The master key comes from the environment.".to_owned(),
            None => format!(
                "The master key is in {}; it is made if there is none.",
                config.storage.master_key_file().display()
            ),
        },
        format!(
            "People sign in with {:?} as client “{}”.",
            config.dfe_sign_in.issuer, config.dfe_sign_in.client_id
        ),
        format!("DfE Sign-in must have the redirect {:?} registered.", config.dfe_sign_in.redirect_url),
        api,
        format!(
            "A session ends after {} minutes unused, and after {} hours in any case.",
            config.sessions.idle_minutes, config.sessions.absolute_hours
        ),
        format!(
            "Approvers are reminded of a request after {} days; it expires after {} days.",
            days(&terms.remind_after_days),
            terms.request_expires_after_days
        ),
        format!(
            "User lists are reviewed every {} days, within {} days.",
            terms.review_every_days, terms.review_takes_days
        ),
        format!(
            "Mail goes through {}:{} from {}.",
            config.mail.host,
            config.mail.port(),
            config.mail.from_address.as_str()
        ),
        broker(config.broker.as_ref()),
        proof(config),
    ];
    lines.extend(observed(config));
    lines
}

/// What is observed of the service.
fn observed(config: &Config) -> [String; 2] {
    let metrics = config.metrics.map_or_else(
        || "No metrics are served.".to_owned(),
        |metrics| {
            format!("Metrics are served at http://{}/metrics, to anybody who can reach it.", metrics.listen)
        },
    );
    let traces = config.traces.as_ref().map_or_else(
        || "No traces are sent.".to_owned(),
        |traces| {
            let headers = config.secrets.trace_headers.len();
            let proxy = if traces.trust_traceparent { "a trusted proxy's word on it counts" } else { "whoever calls has no say in it" };
            format!(
                "Of requests a share of {} is traced, to {} as “{}”, with {headers} header(s) of yours; {proxy}.",
                traces.sample_ratio,
                traces.address(),
                traces.service_name
            )
        },
    );
    [metrics, traces]
}
