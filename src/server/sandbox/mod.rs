//! What the server gives up once it has started: another user's rights, capabilities, files, and
//! system calls it doesn't make.
//!
//! Each layer is tried for itself. One that the kernel doesn't have is told, and the others hold;
//! only a user that was asked for has to be.

mod calls;

use std::fmt::Display;
use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, NetPort, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use log::{info, warn};
use nix::unistd::{User, getgrouplist, setgid, setgroups, setuid};
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::failure::Failure;

/// What the server is told about its sandbox.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether there is one.
    pub wanted: bool,
    /// Who to become.
    pub user: Option<String>,
    /// Directories in which files are read later.
    pub readable: Vec<PathBuf>,
    /// Directories in which socket files are taken away at the end.
    pub sockets: Vec<PathBuf>,
    /// TCP ports that are connected to later.
    pub connects_to: Vec<u16>,
}

/// Gives up, for this thread, what isn't needed, and says what holds.
///
/// # Errors
/// Fails when it can't become the user it is told to.
pub fn enter(options: &Options) -> Result<(), Failure> {
    let mut holds = Vec::new();
    if let Some(name) = &options.user {
        become_user(name)?;
        holds.push(format!("user {name}"));
    }
    if !options.wanted {
        holds.push("nothing is given up (--no-sandbox)".to_owned());
        info!("sandbox: {}", holds.join(", "));
        return Ok(());
    }
    let mut note = |layer: &str, outcome: Result<String, String>| match outcome {
        Ok(words) => holds.push(words),
        Err(error) => warn!("sandbox: no {layer}: {error}"),
    };
    note(
        "giving up of capabilities",
        drop_capabilities().map_err(told),
    );
    note("landlock", restrict_files(options));
    let connects = !options.connects_to.is_empty();
    note("seccomp", calls::restrict(connects).map_err(told));
    info!("sandbox: {}", holds.join(", "));
    Ok(())
}

fn told(error: impl Display) -> String {
    error.to_string()
}

/// Becomes another user, with its groups, for good.
///
/// # Errors
/// Fails when there is no such user, or it isn't allowed.
pub fn become_user(name: &str) -> Result<(), Failure> {
    let failed =
        |error: nix::Error| Failure::new(format!("can't become the user {name}: {}", error.desc()));
    let user = User::from_name(name).map_err(failed)?;
    let user =
        user.ok_or_else(|| Failure::usage(format!("--user {name}: there is no such user")))?;
    let c_name = std::ffi::CString::new(name).unwrap_or_default();
    let groups = getgrouplist(&c_name, user.gid).map_err(failed)?;
    setgroups(&groups).map_err(failed)?;
    setgid(user.gid).map_err(failed)?;
    setuid(user.uid).map_err(failed)
}

fn drop_capabilities() -> Result<String, rustix::io::Errno> {
    // Kernels before 4.3 have no ambient ones.
    rustix::thread::clear_ambient_capability_set().ok();
    let none = CapabilitySet::empty();
    let sets = CapabilitySets {
        effective: none,
        permitted: none,
        inheritable: none,
    };
    // Who has none may not even be allowed to ask for none.
    if !rustix::thread::capabilities(None)?.permitted.is_empty() {
        rustix::thread::set_capabilities(None, sets)?;
    }
    rustix::thread::set_no_new_privs(true)?;
    Ok("no capabilities, no new privileges".to_owned())
}

/// Leaves no access to files but reading those in `readable`, no new TCP sockets but to those ports, and
/// no way to other processes.
fn restrict_files(options: &Options) -> Result<String, String> {
    let ports: Vec<_> = options.connects_to.iter().map(u16::to_string).collect();
    let files = enforce(options)?;
    Ok(if ports.is_empty() {
        files
    } else {
        format!(
            "{files}, no connections but to port {}",
            ports.join(" and ")
        )
    })
}

fn enforce(options: &Options) -> Result<String, String> {
    let readable = &options.readable;
    match landlock(options).map_err(told)? {
        RulesetStatus::NotEnforced => Err("this kernel has none".to_owned()),
        RulesetStatus::PartiallyEnforced | RulesetStatus::FullyEnforced if readable.is_empty() => {
            Ok("no files".to_owned())
        }
        RulesetStatus::PartiallyEnforced | RulesetStatus::FullyEnforced => {
            let names: Vec<_> = readable
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            Ok(format!("no files but to read in {}", names.join(" and ")))
        }
    }
}

fn landlock(options: &Options) -> Result<RulesetStatus, RulesetError> {
    let remove: BitFlags<AccessFs> = AccessFs::RemoveFile.into();
    let read: BitFlags<AccessFs> = AccessFs::ReadFile.into();
    let ports = options.connects_to.iter();
    let ports = ports.map(|&port| Ok::<_, RulesetError>(NetPort::new(port, AccessNet::ConnectTcp)));
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V5))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .add_rules(path_beneath_rules(&options.readable, read))?
        .add_rules(path_beneath_rules(&options.sockets, remove))?
        .add_rules(ports)?;
    Ok(rules.restrict_self()?.ruleset)
}
