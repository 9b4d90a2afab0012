//! Folders that only their owner may look into.

use std::fs::{DirBuilder, File};
use std::io;
use std::path::Path;

/// Makes a folder that only its owner may look into, and those above it that are not there. Each is on disk when this
/// returns: what is synced into a folder whose own name was never synced is lost with it when the power goes.
pub(crate) fn private(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    let above = folder.parent().unwrap_or(folder);
    if folder.is_dir() {
        // It may have been made by a run that was killed before it was on disk. Where this user may not look at the
        // folder above, whoever made it saw to that.
        let _ = sync(above);
        return Ok(());
    }
    private(above)?;
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    sync(above)
}

fn sync(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}
