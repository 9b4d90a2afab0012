//! Go's own packages check what the product writes: see `tests/verifiers/README.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::world::Service;

/// The verifier, built; none where Go or its package is not installed.
struct Verifier(TempDir);

impl Verifier {
    fn build() -> Option<Self> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verifiers/sumdb");
        let packages = Path::new("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog");
        if Command::new("go").arg("version").output().is_err() || !packages.is_dir() {
            println!("skipped: golang-go and golang-golang-x-mod-dev are not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let built = Command::new("go")
            .args(["build", "-o"])
            .arg(folder.path().join("sumdb"))
            .arg(".")
            .current_dir(source)
            .envs([("GO111MODULE", "off"), ("GOPATH", "/usr/share/gocode"), ("GOFLAGS", "")])
            .env("GOCACHE", folder.path().join("cache"))
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Some(Self(folder))
    }

    /// How many events it proves; what it says if it refuses.
    fn verify(&self, arguments: &[&str]) -> Result<u64, String> {
        let output = Command::new(self.0.path().join("sumdb")).args(arguments).output().unwrap();
        if output.status.success() {
            return Ok(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap());
        }
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

/// Changes one character of a file, at its first occurrence of some text.
fn change(file: &str, text: &str, to: &str) -> impl Drop + use<> {
    struct Back(PathBuf, String);
    impl Drop for Back {
        fn drop(&mut self) {
            fs::write(&self.0, &self.1).unwrap();
        }
    }
    let was = fs::read_to_string(file).unwrap();
    let changed = was.replacen(text, to, 1);
    assert_ne!(was, changed, "{text} is not in {file}");
    fs::write(file, changed).unwrap();
    Back(PathBuf::from(file), was)
}

#[test]
fn go_finds_that_an_export_and_a_later_checkpoint_hold_and_nothing_else() {
    let Some(verifier) = Verifier::build() else { return };
    let service = Service::with(700);
    let key = service.run(&["audit", "key"]).data.trim().to_owned();
    let old = service.path("old");
    fs::write(&old, service.run(&["audit", "checkpoint"]).data).unwrap();
    service.write(700..1000);
    let proof = service.path("proof");
    let since = service.run(&["audit", "checkpoint", "--since", &old]);
    assert_eq!(since.code, 0, "{}", since.talk);
    fs::write(&proof, since.data).unwrap();
    assert_eq!(verifier.verify(&[&key, &old, &proof]), Ok(1000));
    let other_hash = fs::read_to_string(&proof).unwrap().lines().nth(1).unwrap().to_owned();
    {
        let _back = change(&proof, &other_hash, &format!("{}=", "A".repeat(43)));
        assert!(verifier.verify(&[&key, &old, &proof]).is_err());
    }
    {
        let _back = change(&old, "\n700\n", "\n699\n");
        assert!(verifier.verify(&[&key, &old, &proof]).unwrap_err().contains("signature"));
    }
    let id = "00000000-0000-0000-0000-000000000001";
    for (name, narrowed, count) in [("whole", None, 1000), ("one", Some(id), 333)] {
        let out = service.path(name);
        let mut arguments = vec!["audit", "export", "--out", &out];
        arguments.extend(narrowed.map(|id| ["--organisation", id]).into_iter().flatten());
        assert_eq!(service.run(&arguments).code, 0);
        assert_eq!(verifier.verify(&[&key, &out]), Ok(count), "{name}");
        let events = format!("{out}/events.jsonl");
        {
            let lines = fs::read_to_string(&events).unwrap();
            let bytes = lines.split("\"bytes\":\"").nth(2).unwrap().split('"').next().unwrap().to_owned();
            let altered = format!("{}{}", &bytes[..bytes.len() - 8], "AAAAAAAA");
            let _back = change(&events, &bytes, &altered);
            assert!(verifier.verify(&[&key, &out]).is_err(), "{name}");
        }
        {
            let _back = change(&format!("{out}/checkpoint"), "\n1000\n", "\n1001\n");
            assert!(verifier.verify(&[&key, &out]).unwrap_err().contains("signature"), "{name}");
        }
        assert_eq!(verifier.verify(&[&key, &out]), Ok(count), "{name}");
    }
    let other = Service::with(1);
    let other = other.run(&["audit", "key"]).data;
    assert!(verifier.verify(&[other.trim(), &service.path("whole")]).is_err());
}
