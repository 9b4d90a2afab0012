//! A small file system of its own, that can be filled, for as long as it lives.

use std::path::PathBuf;
use std::process::Command;

/// See the module.
pub(crate) struct SmallDisk(tempfile::TempDir);

/// What fills a disk until it is dropped.
pub(crate) struct Ballast(PathBuf);

impl SmallDisk {
    /// A disk of so many megabytes; none, and a line that says so, where this process may not mount one.
    pub(crate) fn new(megabytes: u32) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"])
            .arg(directory.path())
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            println!(
                "skipped: only root can mount the small disk that this test fills, where the machine lets it"
            );
            return None;
        }
        Some(Self(directory))
    }

    /// A path on the disk.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Fills it, to the last page.
    pub(crate) fn fill(&self) -> Ballast {
        use std::io::Write as _;
        let path = self.path("ballast");
        let mut file = std::fs::File::create(&path).unwrap();
        while file.write_all(&[1; 4096]).is_ok() {}
        Ballast(path)
    }

    /// Mounts the disk again for reading only.
    pub(crate) fn forbid_writing(&self) {
        let status = Command::new("mount").args(["-o", "remount,ro"]).arg(self.0.path()).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _stays_until_the_machine_stops = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}
