//! The commands, run as an operator runs them: the binary, its files, and what it says.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "commands/audit.rs"]
mod audit;
#[path = "commands/import.rs"]
mod import;
#[path = "commands/store.rs"]
mod store;
#[path = "commands/users.rs"]
mod users;

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A service's folder, with a configuration.
struct Service(TempDir);

impl Service {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().display();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        let config = format!(
            r#"
            [web]
            base_url = "https://access.example"
            service_name = "Register"
            [storage]
            folder = "{home}/data"
            [dfe_sign_in]
            issuer = "https://dfe.example"
            client_id = "vouchsafe"
            client_secret_file = "{home}/secret"
            redirect_url = "https://access.example/auth/callback"
            [mail]
            host = "smtp.example"
            from_address = "no-reply@access.example"
            from_name = "Register"
            "#
        );
        fs::write(folder.path().join("vouchsafe.toml"), config).unwrap();
        Self(folder)
    }

    /// A download with these bytes.
    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs a command. It reads nothing.
    fn run(&self, arguments: &[&str]) -> Said {
        Said::of(&self.output(arguments))
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let config = self.0.path().join("vouchsafe.toml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouchsafe"));
        command.args(arguments).arg("--config").arg(config).output().unwrap()
    }

    /// The type of every event in the log.
    fn events(&self) -> Vec<String> {
        let replayed = self.run(&["replay"]);
        assert!(replayed.success, "{}", replayed.talk);
        let type_of = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line.pointer("/event/type").unwrap().as_str().unwrap().to_owned()
        };
        replayed.data.lines().map(type_of).collect()
    }
}

/// What a run said.
struct Said {
    success: bool,
    data: String,
    talk: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { success: output.status.success(), data: text(&output.stdout), talk: text(&output.stderr) }
    }

    /// The number before some words of the summary.
    #[track_caller]
    fn number(&self, words: &str) -> u64 {
        let line = self.data.lines().find(|line| {
            line.trim_start_matches([' ', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
                .starts_with(words)
        });
        let line = line.unwrap_or_else(|| panic!("{words} is not in:\n{}\n{}", self.data, self.talk));
        line.split_whitespace().next().unwrap().parse().unwrap()
    }
}
