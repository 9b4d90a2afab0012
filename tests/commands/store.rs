//! `vouchsafe store`, against a stand-in for the server.

use std::fs;
use std::process::Command;

use vouchsafe_eventstoredb_stand_in::{Setup, StandIn, User};

use crate::Said;

fn prepare(server: &StandIn, password: &str) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, format!("{password}\n")).unwrap();
    let url = format!("esdb://{}?tls=false", server.address());
    let mut command = Command::new(env!("CARGO_BIN_EXE_vouchsafe"));
    command
        .args(["store", "prepare", "--url", &url, "--administrator", "admin", "--password-file"])
        .arg(file);
    command.args(["--service", "vouchsafe", "--cell", "lease-mail"]);
    Said::of(&command.output().unwrap())
}

#[test]
fn a_server_is_prepared_once_and_left_alone_after_that() {
    let user = User { name: "admin".to_owned(), password: "changeit".to_owned(), admin: true };
    let server = StandIn::start(Setup { users: vec![user], ..Setup::default() }).unwrap();
    let said = prepare(&server, "changeit");
    for stream in ["$settings", "$$$all", "$$vouchsafe-cell-lease-mail"] {
        assert!(said.success && said.talk.contains(&format!("Set {stream}.")), "{}", said.talk);
        let set = server.records().into_iter().filter(|record| record.stream == stream).count();
        assert_eq!(set, 1, "{stream}");
    }
    assert!(prepare(&server, "changeit").talk.contains("Left $settings as it was"));
    let refused = prepare(&server, "wrong");
    assert!(
        !refused.success && refused.talk.contains("check the user name and the password"),
        "{}",
        refused.talk
    );
    assert!(!refused.talk.contains("wrong"), "no password is told");
}
