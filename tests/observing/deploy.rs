//! What is deployed beside the service: the dashboard, the alerts, the containers. What only an outside program can
//! check is skipped where that program is not installed, and says so.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use vouchsafe::metrics::catalogue::{ALL, Kind, Metric, PROCESS};

fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(home().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The metric that a series belongs to.
fn metric(series: &str) -> Option<&'static Metric> {
    let named = |name: &str| ALL.iter().chain(PROCESS).find(|metric| metric.name == name);
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|part| {
        named(series.strip_suffix(part)?).filter(|metric| matches!(metric.kind, Kind::Histogram(_)))
    });
    named(series).filter(|metric| !matches!(metric.kind, Kind::Histogram(_))).or(of_histogram)
}

/// Every series of ours that an expression names, with what stands in the braces behind it.
fn series(text: &str) -> Vec<(&str, &str)> {
    let sign = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = ["vouchsafe_", "process_"].iter().filter_map(|with| rest.find(with)).min() {
        let own = !rest[..start].ends_with(sign);
        let name = &rest[start..];
        let end = name.find(|c| !sign(c)).unwrap_or(name.len());
        let (name, after) = name.split_at(end);
        let braces =
            after.strip_prefix('{').and_then(|inner| inner.split_once('}')).map_or("", |(inner, _)| inner);
        if own {
            found.push((name, braces));
        }
        rest = after;
    }
    found
}

/// What is wrong with the matchers of a series.
fn fault(metric: &Metric, braces: &str) -> Option<String> {
    let matchers = braces.split("\",").filter(|matcher| !matcher.trim().is_empty());
    for matcher in matchers {
        let (label, value) = matcher.trim().split_once(['=', '!'])?;
        if ["instance", "job", "le"].contains(&label) {
            continue;
        }
        let Some(known) = metric.labels.iter().find(|known| known.name == label) else {
            return Some(format!("{} has no label {label}", metric.name));
        };
        let values = value.trim_start_matches(['=', '~', '"']).trim_end_matches('"');
        let unknown = values.split('|').find(|value| !known.values.contains(value));
        if !known.values.is_empty() && unknown.is_some() {
            return Some(format!("{}: {label} is never {unknown:?}", metric.name));
        }
    }
    None
}

/// Every expression of the dashboard.
fn dashboard() -> Vec<String> {
    let dashboard: serde_json::Value = serde_json::from_str(&read("deploy/grafana/vouchsafe.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// Every alert: its name, its expression, and where it says what to do.
fn alerts() -> Vec<(String, String, String)> {
    let text = read("deploy/prometheus/alerts.yml");
    let alerts = text.split("- alert: ").skip(1);
    let part = |alert: &str, key: &str| {
        let after = alert.split_once(key).unwrap_or_else(|| panic!("{key} in {alert}")).1;
        after.trim_start().lines().next().unwrap().trim().to_owned()
    };
    alerts.map(|alert| (part(alert, ""), part(alert, "expr: >-"), part(alert, "runbook_url:"))).collect()
}

#[test]
fn dashboard_and_alerts_name_metrics_labels_and_values_that_there_are() {
    let mut named = BTreeSet::new();
    let alerts = alerts().into_iter().map(|(_, expression, _)| expression);
    for expression in dashboard().into_iter().chain(alerts) {
        let found = series(&expression);
        assert!(!found.is_empty() || expression.contains("up{job=\"vouchsafe\"}"), "{expression}");
        for (name, braces) in found {
            let metric = metric(name).unwrap_or_else(|| panic!("{name} in {expression}"));
            assert_eq!(fault(metric, braces), None, "{expression}");
            named.insert(metric.name);
        }
    }
    let all: BTreeSet<_> = ALL.iter().chain(PROCESS).map(|metric| metric.name).collect();
    // Address space says nothing that memory in use does not.
    let left: Vec<_> =
        all.difference(&named).filter(|name| **name != "process_virtual_memory_bytes").collect();
    assert!(left.is_empty(), "nobody looks at {left:?}");
}

#[test]
fn what_names_no_metric_label_or_value_is_found() {
    assert!(
        metric("vouchsafe_append_duration_seconds").is_none(),
        "a histogram has no series of its own name"
    );
    assert!(metric("vouchsafe_append_duration_seconds_bucket").is_some());
    assert!(metric("vouchsafe_mail_sent_total").is_none());
    let found =
        series("sum(rate(vouchsafe_mail_attempts_total{class=\"other\",outcome=~\"sent|lost\"}[5m]))");
    assert_eq!(found, [("vouchsafe_mail_attempts_total", "class=\"other\",outcome=~\"sent|lost\"")]);
    let attempts = metric("vouchsafe_mail_attempts_total").unwrap();
    assert!(fault(attempts, found[0].1).unwrap().contains("lost"));
    assert!(fault(attempts, "kind=\"other\"").unwrap().contains("no label kind"));
    assert_eq!(fault(attempts, "class!=\"other\",instance=~\"$instance\""), None);
}

#[test]
fn the_dashboard_is_one_that_grafana_can_read() {
    let dashboard: serde_json::Value = serde_json::from_str(&read("deploy/grafana/vouchsafe.json")).unwrap();
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 39);
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let place = &panel["gridPos"];
        assert!(place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24, "{place}");
        if panel["type"] != "row" {
            assert!(panel["description"].as_str().unwrap().len() > 5, "{}", panel["title"]);
            assert_eq!(panel["datasource"]["uid"], "${source}", "{}", panel["title"]);
        }
    }
}

#[test]
fn every_alert_has_a_section_that_says_what_to_do() {
    let guide = read("docs/deploying.md");
    let headings: BTreeSet<&str> =
        guide.lines().filter_map(|line| line.strip_prefix("### Vouchsafe")).collect();
    let alerts = alerts();
    assert!(alerts.len() > 20);
    for (name, _, runbook) in &alerts {
        assert_eq!(
            *runbook,
            format!(
                "https://github.com/DFE-Digital/vouchsafe/blob/main/docs/deploying.md#{}",
                name.to_lowercase()
            )
        );
    }
    let names: BTreeSet<&str> =
        alerts.iter().map(|(name, ..)| name.strip_prefix("Vouchsafe").unwrap()).collect();
    assert_eq!(headings, names);
}

/// Runs a program in the repository's folder. None, and says so, if it is not installed.
fn run(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Option<Output> {
    let mut command = Command::new(program);
    command.current_dir(home()).args(arguments).envs(environment.iter().copied());
    let output = command.output();
    if output.is_err() {
        eprintln!("skipped: {program} is not installed");
    }
    output.ok()
}

#[track_caller]
fn succeeds(output: &Output) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
}

#[test]
fn prometheus_takes_the_rules_and_they_tell_what_they_should() {
    for arguments in [
        ["check", "rules", "deploy/prometheus/alerts.yml"],
        ["check", "config", "deploy/prometheus/prometheus.yml"],
        ["test", "rules", "tests/observing/alerts.yml"],
    ] {
        let Some(output) = run("promtool", &arguments, &[]) else { return };
        succeeds(&output);
    }
}

#[test]
fn compose_takes_its_file() {
    let environment = ["EVENTSTORE_ADMIN_PASSWORD", "EVENTSTORE_OPS_PASSWORD", "GRAFANA_ADMIN_PASSWORD"]
        .map(|name| (name, "x"));
    let config = ["-f", "docker-compose.yml", "config", "--quiet"];
    // The client knows `compose` only where the plugin is installed.
    let plugin = run("docker", &["compose", "version"], &[]).is_some_and(|output| output.status.success());
    let output = if plugin {
        run("docker", &[&["compose"], &config[..]].concat(), &environment)
    } else {
        run("docker-compose", &config, &environment)
    };
    let Some(output) = output else { return };
    succeeds(&output);
    // Without its passwords it says what to do, and starts nothing with a password that everybody knows.
    let without = ["EVENTSTORE_ADMIN_PASSWORD", "EVENTSTORE_OPS_PASSWORD", "GRAFANA_ADMIN_PASSWORD"]
        .map(|name| (name, ""));
    let output = if plugin {
        run("docker", &[&["compose"], &config[..]].concat(), &without)
    } else {
        run("docker-compose", &config, &without)
    };
    let output = output.unwrap();
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("deploy/env"));
}

/// The services of docker-compose.yml, each with its lines.
fn services() -> Vec<(String, String)> {
    let text = read("docker-compose.yml");
    let text = text.split_once("\nservices:\n").unwrap().1.split_once("\n# Each pair").unwrap().0;
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        match line.strip_prefix("  ").filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase())) {
            Some(name) => found.push((name.trim_end_matches(':').to_owned(), String::new())),
            None => {
                if let Some((_, lines)) = found.last_mut() {
                    lines.push_str(line);
                    lines.push('\n');
                }
            }
        }
    }
    found
}

#[test]
fn every_container_is_held_to_what_it_needs() {
    let text = read("docker-compose.yml");
    let hardened = text.split_once("x-hardened:").unwrap().1.split_once("\nx-").unwrap().0;
    for held in ["read_only: true", "cap_drop: [ALL]", "no-new-privileges:true"] {
        assert!(hardened.contains(held), "{held}");
    }
    let services = services();
    assert_eq!(services.len(), 15, "{services:?}");
    for (name, lines) in &services {
        let inherits = ["*hardened", "*eventstore\n", "*vouchsafe\n"]
            .iter()
            .any(|from| lines.contains(&format!("<<: {from}")));
        let itself = ["read_only: true", "cap_drop: [ALL]", "no-new-privileges:true"]
            .iter()
            .all(|held| lines.contains(held));
        assert!(inherits || itself, "{name}");
        assert_eq!(lines.contains("read_only: false"), name == "keycloak", "{name}");
        assert!(!lines.contains("privileged: true") && !lines.contains("docker.sock"), "{name}");
        // What is published is published to this machine alone.
        let published = lines.lines().filter(|line| line.contains("ports:"));
        for line in published {
            assert!(line.contains("[\"127.0.0.1:"), "{name}: {line}");
        }
    }
    for line in text.lines().filter_map(|line| line.trim().strip_prefix("image: ")) {
        let tag = line.rsplit_once(':').unwrap_or_else(|| panic!("{line} has no tag")).1;
        assert!(tag.starts_with(|c: char| c.is_ascii_digit() || c == 'v') && tag.contains('.'), "{line}");
    }
    // The pages of EventStoreDB, RabbitMQ, PostgreSQL and the metrics are reached by nobody from outside.
    for name in ["eventstore-1", "postgres", "rabbitmq", "vouchsafe-1", "keycloak"] {
        let (_, lines) = services.iter().find(|(service, _)| service == name).unwrap();
        assert!(!lines.contains("ports:"), "{name}");
    }
}

#[test]
fn the_image_has_no_shell_and_runs_as_nobody() {
    let text = read("Dockerfile");
    let last = text.rsplit_once("\nFROM ").unwrap().1;
    assert!(last.starts_with("gcr.io/distroless/cc-debian13:nonroot"));
    assert!(
        last.contains("\nUSER 65532:65532\n") && last.contains("\nENTRYPOINT [\"/usr/local/bin/vouchsafe\"]")
    );
    assert!(!last.contains("RUN ") && text.contains("--locked"));
    // What goes to the builder is named; all else stays out.
    assert!(read(".dockerignore").lines().any(|line| line == "*"));
}

/// Makes what the containers need, in a folder.
fn prepare(folder: &Path) -> Option<()> {
    run("openssl", &["version"], &[])?;
    succeeds(&run("deploy/prepare", &[folder.to_str().unwrap()], &[]).unwrap());
    Some(())
}

#[test]
fn what_is_prepared_fits_together_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let Some(()) = prepare(folder.path()) else { return };
    let at = |path: &str| folder.path().join(path).to_str().unwrap().to_owned();
    for (server, name) in [
        ("eventstore-1", "eventstore-1"),
        ("eventstore-3", "eventstore-3"),
        ("postgres", "postgres"),
        ("rabbitmq", "rabbitmq"),
        ("mail", "mail"),
        ("proxy", "access.vouchsafe.test"),
        ("proxy", "sign-in.vouchsafe.test"),
    ] {
        let certificate = at(&format!("{server}/server.crt"));
        let trusted = at("trust/ca.crt");
        let verified =
            ["verify", "-purpose", "sslserver", "-verify_hostname", name, "-CAfile", &trusted, &certificate];
        succeeds(&run("openssl", &verified, &[]).unwrap());
    }
    let node =
        run("openssl", &["x509", "-noout", "-subject", "-in", &at("eventstore-2/server.crt")], &[]).unwrap();
    assert!(String::from_utf8_lossy(&node.stdout).contains("eventstoredb-node"));

    let everything = || -> Vec<(String, Vec<u8>)> {
        let list = Command::new("find").arg(folder.path()).args(["-type", "f"]).output().unwrap();
        let mut paths: Vec<_> = String::from_utf8(list.stdout).unwrap().lines().map(str::to_owned).collect();
        paths.sort();
        paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    };
    let first = everything();
    prepare(folder.path()).unwrap();
    assert_eq!(everything(), first, "a second run changes nothing");
    for (path, bytes) in &first {
        let text = String::from_utf8_lossy(bytes);
        for secret in
            ["@dfe-client@", "@postgres-vouchsafe@", "@rabbitmq-vouchsafe@", "@eventstore-vouchsafe@"]
        {
            assert!(!text.contains(secret), "{path} has a secret left open");
        }
    }
    let realm: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(at("keycloak/realm.json")).unwrap()).unwrap();
    let secret = fs::read_to_string(at("vouchsafe/dfe-client")).unwrap();
    assert_eq!(realm["clients"][0]["secret"], secret.trim());
    let key = fs::read_to_string(at("vouchsafe/master.key")).unwrap();
    assert_eq!(key.trim().len(), 44);
    #[cfg(unix)]
    for (path, _) in first.iter().filter(|(path, _)| !path.ends_with("/trust/ca.crt")) {
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions());
        assert_eq!(mode & 0o77, 0, "{path} is read by others");
    }
}

#[test]
fn passwords_are_made_once_and_not_twice_the_same() {
    if run("openssl", &["version"], &[]).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("env");
    succeeds(&run("deploy/env", &[file.to_str().unwrap()], &[]).unwrap());
    let first = fs::read_to_string(&file).unwrap();
    let values: BTreeSet<_> = first.lines().map(|line| line.split_once('=').unwrap().1.len()).collect();
    assert_eq!((first.lines().count(), values), (3, BTreeSet::from([48])));
    succeeds(&run("deploy/env", &[file.to_str().unwrap()], &[]).unwrap());
    assert_eq!(fs::read_to_string(&file).unwrap(), first);
}
