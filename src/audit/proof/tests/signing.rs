use super::*;

fn held(signed: &Signed) -> Vec<Against> {
    vec![Against { name: "kept".to_owned(), signed: signed.clone() }]
}

/// What comparing the log with a checkpoint tells.
async fn told(world: &World, signed: &Signed) -> Vec<String> {
    let known = Known::in_folder(&world.path("tree"));
    let compared = compare(world.store.as_ref(), &held(signed), &known).await.unwrap();
    assert_eq!(compared.is_sound(), compared.differences == Some(Vec::new()) && compared.flaws.is_empty());
    compared.differences.unwrap().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_checkpoint_is_signed_once_and_continues_the_last() {
    let mut world = World::new();
    let notary = world.notary();
    assert_eq!(notary.sign().await.unwrap(), None, "there is nothing to sign");
    notary.check().await.unwrap();
    world.write(5).await;
    let first = notary.sign().await.unwrap().unwrap();
    assert_eq!((first.size, first.origin.as_str()), (5, ORIGIN));
    assert_eq!(notary.sign().await.unwrap().unwrap(), first, "nothing happened since");
    world.write(300).await;
    let second = notary.sign().await.unwrap().unwrap();
    assert_eq!(second.size, 305);
    assert_eq!(Signed::open(&second.note, notary.verifier()).unwrap(), second);
    let proof = notary.tree().consistency(305, 5).unwrap();
    tlog_tiles::check_tree(&proof, 305, second.root, 5, first.root).unwrap();
    assert_eq!(notary.last().await.unwrap().as_deref(), Some(&second));
    // Another instance, or one after a crash between keeping and handing out, tells the same.
    let other = world.notary_of(ORIGIN, "other tree");
    assert_eq!(other.kept().unwrap().unwrap(), second);
    other.check().await.unwrap();
    assert_eq!(other.tree().root(305).unwrap(), second.root);
}

#[tokio::test]
async fn a_checkpoint_of_another_key_or_name_is_not_believed() {
    let mut world = World::new();
    world.write(3).await;
    let signed = world.notary().sign().await.unwrap().unwrap();
    let key = |letters: &str, origin: &str| {
        let master = MasterKey::from_secret(&Secret::from(letters.repeat(32))).unwrap();
        ProofKey::new(&master, origin).unwrap().verifier().clone()
    };
    let ours = key("ab", ORIGIN);
    assert_eq!(VerifierKey::parse(ours.as_str()).unwrap().origin(), ORIGIN);
    Signed::open(&signed.note, &ours).unwrap();
    for other in [key("cd", ORIGIN), key("ab", "other.example/log")] {
        assert!(matches!(Signed::open(&signed.note, &other), Err(CheckpointError::NotSigned)));
    }
    for at in 0..signed.note.len() {
        let mut note = signed.note.clone();
        note[at] ^= 1;
        assert!(Signed::open(&note, &ours).is_err(), "byte {at}");
    }
    for origin in ["", "a b", "a+b", "a\nb", "a\tb"] {
        assert!(matches!(ProofKey::new(&master(), origin), Err(CheckpointError::Origin(_))), "{origin:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signers_at_once_never_contradict_each_other() {
    let mut world = World::new();
    world.write(20).await;
    let notaries: Vec<_> =
        (0..4).map(|number| Arc::new(world.notary_of(ORIGIN, &format!("tree-{number}")))).collect();
    let mut signing = tokio::task::JoinSet::new();
    for round in 0..10 {
        for notary in &notaries {
            let notary = Arc::clone(notary);
            signing.spawn(async move { notary.sign().await.unwrap().unwrap() });
        }
        world.write(1 + round % 3).await;
    }
    let mut all = signing.join_all().await;
    all.push(notaries[0].sign().await.unwrap().unwrap());
    all.sort_by_key(|signed| signed.size);
    let (tree, last) = (notaries[0].tree(), all.last().unwrap().clone());
    assert_eq!(u128::from(last.size), world.written);
    for signed in all {
        assert_eq!(tree.root(signed.size).unwrap(), signed.root, "{}", signed.size);
    }
}

#[tokio::test]
async fn a_log_that_lost_its_end_is_refused_until_it_has_another_name() {
    let mut world = World::new();
    world.write(30).await;
    let signed = world.notary().sign().await.unwrap().unwrap();
    world.tamper("DELETE FROM events WHERE position > 22");
    let notary = world.notary();
    let error = notary.check().await.unwrap_err();
    assert!(matches!(error, ProofError::Shorter { signed: 30, found: 22, .. }), "{error}");
    assert!(error.to_string().contains("proof.origin"), "{error}");
    assert!(notary.sign().await.is_err());
    assert_eq!(notary.kept().unwrap().unwrap(), signed, "what was signed stays");
    // What the tree held of the lost end is what names it.
    assert_eq!(
        told(&world, &signed).await,
        ["truncated: from position 23 (event number 22) on, 8 events are missing"]
    );
    let renamed = world.notary_of("access.example/log-2", "tree");
    renamed.check().await.unwrap();
    assert_eq!(renamed.sign().await.unwrap().unwrap().size, 22);
    // As long as before, but with others at the end.
    world.tamper("DELETE FROM events WHERE position > 20");
    let error = world.notary_of("access.example/log-2", "tree").check().await.unwrap_err();
    assert!(matches!(error, ProofError::Shorter { signed: 22, found: 20, .. }), "{error}");
}

#[tokio::test]
async fn another_log_is_refused() {
    let mut world = World::new();
    world.write(30).await;
    let signed = world.notary().sign().await.unwrap().unwrap();
    let other = world.bytes(7).await;
    world
        .tamper("UPDATE events SET bytes = (SELECT bytes FROM events WHERE position = 8) WHERE position = 7");
    std::fs::remove_dir_all(world.path("tree")).unwrap();
    let notary = world.notary();
    let error = notary.check().await.unwrap_err();
    assert!(matches!(error, ProofError::Other { signed: 30, .. }), "{error}");
    assert!(notary.sign().await.is_err());
    let known = Known::in_folder(&world.path("tree"));
    let compared = compare(world.store.as_ref(), &held(&signed), &known).await.unwrap();
    assert_eq!(compared.outcomes, [Outcome::Other]);
    assert_eq!(compared.differences, None, "nothing is known that the checkpoint proves");
    assert!(compared.flaws.contains(&Flaw::Misfiled { position: Position::new(7) }));
    let file = rusqlite::Connection::open(world.path("events.db")).unwrap();
    file.execute("UPDATE events SET bytes = ?1 WHERE position = 7", [other]).unwrap();
    notary.check().await.unwrap();
}

#[tokio::test]
async fn a_damaged_tree_is_made_anew_and_the_log_is_believed() {
    let mut world = World::new();
    world.write(300).await;
    let signed = world.notary().sign().await.unwrap().unwrap();
    let path = world.path("tree").join("level-1");
    std::fs::write(&path, [7; 32]).unwrap();
    world.notary().check().await.unwrap();
    assert_eq!(world.notary().tree().root(300).unwrap(), signed.root);
    std::fs::remove_dir_all(world.path("tree")).unwrap();
    let notary = world.notary();
    notary.check().await.unwrap();
    assert_eq!(notary.tree().root(300).unwrap(), signed.root);
}

#[tokio::test]
async fn each_kind_of_tampering_is_found_and_named() {
    let shift = "UPDATE events SET position = -position WHERE position >= 10;";
    let cases: [(&str, String, &str); 5] = [
        (
            "altered",
            "UPDATE events SET bytes = CAST(replace(CAST(bytes AS TEXT), '\"system\"', '\"operator\"') AS BLOB) WHERE position = 10".to_owned(),
            "altered: position 10 (event number 9)",
        ),
        ("removed", "DELETE FROM events WHERE position = 10".to_owned(), "removed: what stood at position 10"),
        (
            "inserted",
            format!(
                "{shift} UPDATE events SET position = 1 - position WHERE position < 0;
                 INSERT INTO events (position, stream, version, id, bytes) SELECT 10, stream, 999, x'00000000000000000000000000000001', CAST(replace(CAST(bytes AS TEXT), '\"system\"', '\"operator\"') AS BLOB) FROM events WHERE position = 9"
            ),
            "inserted: position 10",
        ),
        (
            "reordered",
            "UPDATE events SET position = -10 WHERE position = 10; UPDATE events SET position = 10 WHERE position = 14;
             UPDATE events SET position = 14 WHERE position = -10".to_owned(),
            "reordered: what stood at position 10 (event number 9) stands at position 14",
        ),
        ("truncated", "DELETE FROM events WHERE position >= 36".to_owned(), "truncated: from position 36"),
    ];
    for (kind, sql, wanted) in cases {
        let mut world = World::new();
        world.write(40).await;
        let signed = world.notary().sign().await.unwrap().unwrap();
        assert_eq!(told(&world, &signed).await, Vec::<String>::new());
        world.tamper(&sql);
        let told = told(&world, &signed).await;
        assert!(told.first().is_some_and(|first| first.starts_with(wanted)), "{kind}: {told:?}");
        assert!(told.len() == 1 || kind == "reordered", "{kind}: {told:?}");
    }
}

#[tokio::test]
async fn an_export_proves_itself_and_nothing_in_it_can_be_changed() {
    let mut world = World::new();
    world.write(400).await;
    let notary = world.notary();
    let one = Stream::Organisation(OrganisationId::from_uuid(Uuid::from_u128(2)));
    let Stream::Organisation(organisation) = one else { unreachable!() };
    let wanted = [Wanted::default(), Wanted { organisation: Some(organisation), ..Wanted::default() }];
    for (name, wanted) in ["whole", "one"].into_iter().zip(wanted) {
        let folder = world.path(name);
        let exported = export(&notary, &wanted, &folder).await.unwrap();
        assert!(matches!(export(&notary, &wanted, &folder).await, Err(ExportError::NotEmpty(_))));
        let check = || Bundle::open(&folder, notary.verifier()).unwrap().check().unwrap();
        let proven = check();
        assert_eq!((proven.faults, proven.events), (vec![], exported.events), "{name}");
        assert_eq!((exported.events, proven.whole), if name == "whole" { (400, true) } else { (134, false) });
        let events = std::fs::read_to_string(folder.join("events.jsonl")).unwrap();
        let proofs = std::fs::read_to_string(folder.join("proofs.jsonl")).unwrap_or_default();
        let lines: Vec<&str> = events.lines().collect();
        let proof_lines: Vec<&str> = proofs.lines().collect();
        let with = |lines: &[&str], proofs: &[&str]| {
            std::fs::write(folder.join("events.jsonl"), lines.join("\n") + "\n").unwrap();
            if name == "one" {
                std::fs::write(folder.join("proofs.jsonl"), proofs.join("\n") + "\n").unwrap();
            }
            check().faults
        };
        let altered = lines[5].replace("\"actor\":\"system\"", "\"actor\":\"operator\"");
        let mut changed = lines.clone();
        changed[5] = &altered;
        assert!(matches!(with(&changed, &proof_lines)[..], [Fault::OtherToRead { .. }]));
        let mut value: serde_json::Value = serde_json::from_str(lines[5]).unwrap();
        value["bytes"] = serde_json::from_str::<serde_json::Value>(lines[6]).unwrap()["bytes"].clone();
        let other = value.to_string();
        changed[5] = &other;
        assert!(!with(&changed, &proof_lines).is_empty());
        let (mut fewer, mut fewer_proofs) = (lines.clone(), proof_lines.clone());
        fewer.remove(5);
        if name == "one" {
            fewer_proofs.remove(5);
        }
        let faults = with(&fewer, &fewer_proofs);
        assert!(faults.iter().any(|fault| matches!(fault, Fault::Gap { .. })), "{faults:?}");
        fewer = lines[..lines.len() - 1].to_vec();
        assert!(!with(&fewer, &proof_lines).is_empty(), "the last is missing");
        let mut swapped = lines.clone();
        swapped.swap(5, 6);
        assert!(!with(&swapped, &proof_lines).is_empty());
        changed[5] = "{";
        assert!(with(&changed, &proof_lines).contains(&Fault::Damaged { line: 6 }));
        assert_eq!(with(&lines, &proof_lines), vec![]);
    }
    // A bundle of the whole log names what was altered when no tree is left.
    std::fs::remove_dir_all(world.path("tree")).unwrap();
    world.tamper("DELETE FROM events WHERE position = 200");
    let bundle = Bundle::open(&world.path("whole"), notary.verifier()).unwrap();
    let held = held(bundle.signed());
    let compared = compare(world.store.as_ref(), &held, &[Known::Bundle(Box::new(bundle))]).await.unwrap();
    let named: Vec<_> = compared.differences.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(named, ["removed: what stood at position 200 (event number 199)"]);
    assert!(matches!(compared.flaws[..], [Flaw::Gap { .. }]));
}
