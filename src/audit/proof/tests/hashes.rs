use std::fs::OpenOptions;
use std::io::Write;

use tlog_tiles::{check_record, check_tree};

use super::*;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// The leaves of Certificate Transparency's own test tree, and the root of each of its sizes.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

#[test]
fn the_roots_are_those_of_certificate_transparency() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::open(folder.path()).unwrap();
    let hashes: Vec<_> = LEAVES.iter().map(|hex| leaf_hash(&unhex(hex))).collect();
    let mut frontier = Frontier::default();
    for (size, root) in ROOTS.iter().enumerate() {
        if let Some(hash) = size.checked_sub(1).map(|last| hashes[last]) {
            frontier.push(hash);
            let position = Position::new(size as u64);
            tree.take(Position::new(size as u64 - 1), &[Leaf { position, hash }]).unwrap();
        }
        assert_eq!(frontier.root().0.to_vec(), unhex(root), "{size}");
        assert_eq!(tree.root(size as u64).unwrap(), frontier.root(), "{size}");
        assert_eq!(by_definition(&hashes[..size]), frontier.root(), "{size}");
    }
}

#[test]
fn the_files_give_the_roots_and_proofs_of_every_size() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::open(folder.path()).unwrap();
    let all = leaves(0..1100);
    for (index, chunk) in all.chunks(7).enumerate() {
        let after = index.checked_sub(1).map_or(Position::START, |_| leaf(7 * index as u64 - 1).position);
        tree.take(after, chunk).unwrap();
    }
    let hashes: Vec<_> = all.iter().map(|leaf| leaf.hash).collect();
    for size in (0..=1100_usize).step_by(37).chain([1, 2, 255, 256, 257, 511, 512, 513, 1024, 1100]) {
        let root = tree.root(size as u64).unwrap();
        assert_eq!(root, by_definition(&hashes[..size]), "{size}");
        for n in (0..size).step_by(61) {
            let proof = tree.inclusion(size as u64, n as u64).unwrap();
            check_record(&proof, size as u64, root, n as u64, hashes[n]).unwrap();
            check_record(&proof, size as u64, root, n as u64, hashes[(n + 1) % 1100]).unwrap_err();
            if n > 0 {
                let old = by_definition(&hashes[..n]);
                let proof = tree.consistency(size as u64, n as u64).unwrap();
                check_tree(&proof, size as u64, root, n as u64, old).unwrap();
                check_tree(&proof, size as u64, root, n as u64, hashes[n]).unwrap_err();
            }
        }
    }
    assert!(matches!(tree.root(1101), Err(TreeError::TooSmall { size: 1100 })));
    assert!(tree.inclusion(1100, 1100).is_err());
    for number in [0, 1, 500, 1099] {
        assert_eq!(tree.first_at(leaf(number).position).unwrap(), number);
        assert_eq!(tree.first_at(Position::new(leaf(number).position.number() + 1)).unwrap(), number + 1);
    }
}

#[test]
fn three_levels_of_tiles_give_what_the_leaves_give() {
    let folder = tempfile::tempdir().unwrap();
    let (mut frontier, mut wanted) = (Frontier::default(), Vec::new());
    let all = leaves(0..66_000);
    let tree = Tree::open(folder.path()).unwrap();
    let mut after = Position::START;
    for chunk in all.chunks(9_000) {
        tree.take(after, chunk).unwrap();
        after = chunk.last().unwrap().position;
    }
    for leaf in &all {
        frontier.push(leaf.hash);
        if frontier.size() % 8_191 == 0 || frontier.size() == 65_536 || frontier.size() == 66_000 {
            wanted.push((frontier.size(), frontier.root()));
        }
    }
    drop(tree);
    let tree = Tree::open(folder.path()).unwrap();
    for (size, root) in wanted {
        assert_eq!(tree.root(size).unwrap(), root, "{size}");
    }
    assert_eq!(std::fs::metadata(folder.path().join("level-2")).unwrap().len(), 32);
}

#[test]
fn leaves_come_once_and_without_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::open(folder.path()).unwrap();
    tree.take(Position::START, &leaves(0..10)).unwrap();
    // Two who follow the log at once bring the same ones.
    tree.take(leaf(4).position, &leaves(5..12)).unwrap();
    assert_eq!((tree.size(), tree.head().unwrap()), (12, leaf(11).position));
    assert!(matches!(tree.take(leaf(12).position, &leaves(13..14)), Err(TreeError::OutOfStep)));
    assert_eq!(tree.leaves(0, 100).unwrap(), leaves(0..12));
    tree.clear().unwrap();
    assert!(matches!(tree.take(leaf(11).position, &leaves(12..14)), Err(TreeError::OutOfStep)));
    assert_eq!(tree.size(), 0);
}

#[test]
fn what_a_crash_tore_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::open(folder.path()).unwrap();
    tree.take(Position::START, &leaves(0..300)).unwrap();
    let root = tree.root(300).unwrap();
    drop(tree);
    // Half a record, and more records than are surely there.
    for (file, bytes) in [("level-0", 1000), ("positions", 3), ("level-1", 70)] {
        let mut file = OpenOptions::new().append(true).open(folder.path().join(file)).unwrap();
        file.write_all(&vec![0; bytes]).unwrap();
    }
    let tree = Tree::open(folder.path()).unwrap();
    assert_eq!((tree.size(), tree.root(300).unwrap()), (300, root));
    tree.take(leaf(299).position, &leaves(300..600)).unwrap();
    assert_eq!(
        tree.root(600).unwrap(),
        by_definition(&leaves(0..600).iter().map(|it| it.hash).collect::<Vec<_>>())
    );
    drop(tree);
    // Fewer than are said to be there: it is made anew.
    OpenOptions::new().write(true).open(folder.path().join("level-0")).unwrap().set_len(32 * 599).unwrap();
    assert_eq!(Tree::open(folder.path()).unwrap().size(), 0);
    std::fs::write(folder.path().join("state"), "something else").unwrap();
    assert_eq!(Tree::open(folder.path()).unwrap().size(), 0);
}

#[test]
fn a_second_process_reads_what_the_first_writes_and_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    let first = Tree::open(folder.path()).unwrap();
    first.take(Position::START, &leaves(0..300)).unwrap();
    first.settle().unwrap();
    let second = Tree::open(folder.path()).unwrap();
    assert_eq!(second.size(), 300);
    second.take(leaf(299).position, &leaves(300..520)).unwrap();
    let root = second.root(520).unwrap();
    assert_eq!(root, by_definition(&leaves(0..520).iter().map(|it| it.hash).collect::<Vec<_>>()));
    // It keeps what is new to itself.
    first.take(leaf(299).position, &leaves(300..400)).unwrap();
    assert_eq!((first.size(), second.size()), (400, 520));
    drop(first);
    second.take(leaf(519).position, &leaves(520..9_000)).unwrap();
    second.settle().unwrap();
    let third = Tree::open(folder.path()).unwrap();
    assert_eq!((third.size(), third.root(520).unwrap()), (9_000, root));
}
