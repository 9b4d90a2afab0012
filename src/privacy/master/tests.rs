use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;

fn written(directory: &tempfile::TempDir, text: &str, mode: u32) -> PathBuf {
    let path = directory.path().join("master.key");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn parsed(text: &str) -> Result<MasterKey, MasterKeyError> {
    MasterKey::from_secret(&Secret::from(text.to_owned()))
}

#[test]
fn the_first_start_makes_a_key_that_only_its_owner_may_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("master.key");
    let made = MasterKey::load_or_create(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "no draft is left");
    assert_eq!(MasterKey::load_or_create(&path).unwrap().0, made.0);
    assert_eq!(MasterKey::load(&path).unwrap().0, made.0);
    assert_ne!(MasterKey::generate().unwrap().0, made.0);
}

#[test]
fn processes_that_start_at_once_get_one_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("master.key");
    let keys: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> =
            (0..8).map(|_| scope.spawn(|| MasterKey::load_or_create(&path).unwrap().0)).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    for mode in [0o644, 0o640, 0o604, 0o602] {
        let directory = tempfile::tempdir().unwrap();
        let path = written(&directory, &MasterKey::generate().unwrap().to_line(), mode);
        let error = MasterKey::load_or_create(&path).unwrap_err();
        assert!(
            matches!(error, MasterKeyError::OpenToOthers { mode: found, .. } if found == mode),
            "{error}"
        );
        assert!(error.to_string().contains("chmod 600"));
    }
}

#[test]
fn a_key_is_base64_or_hexadecimal_and_has_32_bytes() {
    let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";
    let key = parsed(base64).unwrap();
    assert_eq!(key.0.to_vec(), (0..32).collect::<Vec<u8>>());
    for same in [hex, base64.trim_end_matches('='), &format!("  {base64}\r\n")] {
        assert_eq!(parsed(same).unwrap().0, key.0, "{same}");
    }
    for (text, length) in [("", 0), ("AAEC", 3), (&base64.repeat(2).replace('=', "A"), 66)] {
        let error = parsed(text).unwrap_err();
        assert!(matches!(error, MasterKeyError::WrongLength { found } if found == length), "{text}: {error}");
    }
    for text in [&format!("{base64}\n{base64}"), "-----BEGIN PRIVATE KEY-----", &"g".repeat(2000)] {
        assert!(parsed(text).is_err(), "{text}");
    }
}

#[test]
fn a_file_that_is_no_key_is_refused_and_left_as_it_is() {
    for text in ["", "swordfish\n", &"A".repeat(5000)] {
        let directory = tempfile::tempdir().unwrap();
        let path = written(&directory, text, 0o600);
        let error = MasterKey::load_or_create(&path).unwrap_err();
        assert!(matches!(error, MasterKeyError::NotAKey | MasterKeyError::WrongLength { .. }), "{error}");
        assert!(!error.to_string().contains("swordfish"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn a_directory_that_is_missing_is_told_of() {
    let directory = tempfile::tempdir().unwrap();
    let error = MasterKey::load_or_create(&directory.path().join("none/master.key")).unwrap_err();
    assert!(matches!(error, MasterKeyError::Unusable { .. }), "{error}");
}

#[test]
fn keys_for_different_purposes_differ_and_stay() {
    let key = parsed("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
    let purposes = [
        Subkey::KeyEncryption,
        Subkey::KeyedHash,
        Subkey::Cookies,
        Subkey::OneTimePasswords,
        Subkey::Check,
        Subkey::Proof,
    ];
    let derived: Vec<String> =
        purposes.iter().map(|purpose| BASE64.encode(key.derive(*purpose).unwrap().as_slice())).collect();
    // Worked out apart from this program, by RFC 5869 in Python. A change here loses all names.
    assert_eq!(derived, EXPECTED);
}

/// What the derivation gives for the key of bytes 0 to 31.
const EXPECTED: [&str; 6] = [
    "vWoIZPaaWBxN6IwiaTd+K7NtG5OWZlLQQZSSyjVv4+Y=",
    "SfqeH2oEntkZXjPd9MlulAEXQIiSezMiHSXg/x7bmLE=",
    "yD9w6JG5FZYWEvyQBlQLlGJLVjmJpUqg5UZsk1AQXqU=",
    "LV4EpuFaymzhXwcatMOAgSmpLbpXdnSnV0Kj5hpPN+4=",
    "aMeEImu5XjLuCG5noEzophBFn2D36F8AhFLszaB+E/c=",
    "R5/L3W9hcldMq0BSKWV+croH+BOm2GFDxjg2dmsCn/w=",
];
