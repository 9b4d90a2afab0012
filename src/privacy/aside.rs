//! Work that blocks, done where others need not wait for it.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does what waits for the disk or the network. A worker of the runtime hands its other tasks on first, so that they
/// need not wait too; where there is but one thread, or no runtime, there is nobody to hand them to.
pub(super) fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
