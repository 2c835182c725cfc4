//! How many descriptors the process may have.

use log::warn;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open descriptors to the hard one, and returns what is in force.
pub(super) fn raise_descriptor_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let in_force = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised.current,
        Err(error) => {
            warn!("the descriptor limit stays at its soft value: {error}");
            limit.current
        }
    };
    // Where there is no limit, the kernel's own for a process (fs.nr_open) is this by default.
    in_force.map_or(1 << 20, |descriptors| descriptors as usize)
}
