use super::*;

fn settings(more: &str) -> MailSettings {
    toml::from_str(&format!("from_address = 'no-reply@service.example'\nfrom_name = 'Vouchsafe'\n{more}"))
        .unwrap()
}

#[test]
fn only_what_is_the_mails_own_fault_is_final() {
    for (code, enhanced, is_final) in [
        (550, None, true),
        (550, Some((1, 1)), true),
        (552, Some((2, 2)), true),
        (552, Some((3, 4)), true),
        (550, Some((4, 1)), true),
        (554, Some((6, 0)), true),
        (553, None, true),
        (501, None, true),
        (501, Some((1, 3)), true),
        // The sender, relaying, the sign-in, encryption, the protocol, the server.
        (553, Some((1, 8)), false),
        (550, Some((7, 1)), false),
        (535, Some((7, 8)), false),
        (530, None, false),
        (535, None, false),
        (500, None, false),
        (503, Some((5, 1)), false),
        (554, Some((3, 2)), false),
    ] {
        assert_eq!(refuses_for_good(code, enhanced), is_final, "{code} {enhanced:?}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let mailer = |more: &str, password: Option<&Secret>| Mailer::new(&settings(more), password);
    assert!(mailer("host = 'mail.example'", None).is_ok());
    assert!(mailer("host = '::1'\ntls = 'none'", None).is_ok());
    let secret = Secret::from("hunter2".to_owned());
    let signed_in = mailer("host = 'mail.example'\nusername = 'u'", Some(&secret)).unwrap();
    assert!(!format!("{signed_in:?}").contains("hunter2"));

    let error = mailer("host = 'mail.example'\ntls = 'none'", None).unwrap_err();
    assert!(matches!(error, MailerError::Settings(SettingsError::InTheClear)), "{error}");
    let error = mailer("host = 'mail.example'\nca_file = '/nowhere/ca.pem'", None).unwrap_err();
    assert!(matches!(error, MailerError::CaFile { .. }), "{error}");
    let directory = tempfile::tempdir().unwrap();
    for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let path = directory.path().join("ca.pem");
        std::fs::write(&path, text).unwrap();
        let error =
            mailer(&format!("host = 'mail.example'\nca_file = '{}'", path.display()), None).unwrap_err();
        assert!(matches!(error, MailerError::NotCertificates { .. }), "{text}: {error}");
    }
}
