//! Another verifier that was not written here reads what is served as a monitor would: see
//! `tests/verifiers/README.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::Service;

/// The program; none where it is not installed.
fn program() -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verifiers/venv/bin/aics-tlog");
    if !program.exists() {
        println!("skipped: aics-tlog is not in tests/verifiers/venv");
        return None;
    }
    Some(program)
}

#[test]
fn a_monitor_finds_that_what_is_served_holds_and_nothing_else() {
    let Some(program) = program() else { return };
    let service = Service::with(300);
    let file = |name: &str, text: &str| {
        fs::write(service.path(name), text).unwrap();
        service.path(name)
    };
    let key = file("key", &service.run(&["audit", "key"]).data);
    let other = file("other", &Service::with(1).run(&["audit", "key"]).data);
    let old = file("old", &service.run(&["audit", "checkpoint"]).data);
    service.write(300..600);
    let running = service.serve(&[("VOUCHSAFE_PROOF__TILES", "true"), ("VOUCHSAFE_PROOF__ENTRIES", "true")]);
    while !running.wait_for("/log/checkpoint").2.starts_with(b"access.example/log\n600\n") {}
    let mirror = PathBuf::from(service.path("mirror"));
    let mut paths = vec!["checkpoint".to_owned(), "tile/1/000.p/2".to_owned()];
    for tile in ["000", "001", "002.p/88"] {
        paths.extend([format!("tile/0/{tile}"), format!("tile/entries/{tile}")]);
    }
    for path in &paths {
        let (status, _, bytes) = running.get(&format!("/log/{path}"));
        assert_eq!(status, 200, "{path}");
        fs::create_dir_all(mirror.join(path).parent().unwrap()).unwrap();
        fs::write(mirror.join(path), bytes).unwrap();
    }
    let verify = |arguments: &[&str], key: &str| {
        let output = Command::new(&program)
            .args(arguments)
            .args(["--vkey-file", key, "--tiles"])
            .arg(&mirror)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    };
    let checks: [&[&str]; 4] = [
        &["verify-checkpoint"],
        &["verify-inclusion", "--index", "0"],
        &["verify-inclusion", "--index", "599"],
        &["verify-consistency", "--old-checkpoint", &old],
    ];
    for check in checks {
        let (holds, said) = verify(check, &key);
        assert!(holds, "{check:?}: {said}");
        assert!(!verify(check, &other).0, "{check:?} by another key");
    }
    for (path, check) in
        [("tile/entries/002.p/88", checks[2]), ("tile/0/001", checks[3]), ("checkpoint", checks[0])]
    {
        let whole = fs::read(mirror.join(path)).unwrap();
        let mut bytes = whole.clone();
        let at = bytes.len() - 20;
        bytes[at] ^= 1;
        fs::write(mirror.join(path), bytes).unwrap();
        assert!(!verify(check, &key).0, "{check:?} with another {path}");
        fs::write(mirror.join(path), whole).unwrap();
    }
}
