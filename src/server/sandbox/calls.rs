//! The system calls that the server makes once it has started; others fail with `EPERM`.
//!
//! None starts a program, listens, or makes memory executable; sockets are opened, and connected, only where
//! there is a backplane.

use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

/// Calls that are made, by what for.
const CALLS: &[libc::c_long] = &[
    // Connections, the log.
    libc::SYS_accept4,
    libc::SYS_close,
    libc::SYS_fcntl,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_ioctl,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_write,
    libc::SYS_writev,
    // The poll, the clock.
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_gettimeofday,
    libc::SYS_ppoll,
    // Files, as far as there is access to any.
    libc::SYS_fstat,
    libc::SYS_lseek,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_pread64,
    libc::SYS_statx,
    libc::SYS_unlinkat,
    // How the process fares that writes the files.
    libc::SYS_wait4,
    libc::SYS_waitid,
    // Memory.
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    // What the C library and a panic need.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
    libc::SYS_tgkill,
    // Not everywhere.
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
];

/// Calls that may not make memory executable.
const MAPPING_CALLS: [libc::c_long; 2] = [libc::SYS_mmap, libc::SYS_mprotect];

/// Families of the sockets that connect.
const FAMILIES: [libc::c_int; 2] = [libc::AF_INET, libc::AF_INET6];

/// Lets this thread make no other calls from here on, and says what holds. Whether it `connects` is
/// for landlock to restrict further.
pub(super) fn restrict(connects: bool) -> Result<String, Error> {
    let filter = filter(connects)?;
    seccompiler::apply_filter(&filter)?;
    let count = CALLS.len() + MAPPING_CALLS.len() + if connects { 2 } else { 0 };
    Ok(format!("{count} system calls, no executable memory"))
}

fn filter(connects: bool) -> Result<BpfProgram, Error> {
    let calls = CALLS.iter().map(|&call| (call, Vec::new()));
    let mut rules: std::collections::BTreeMap<_, _> = calls.collect();
    let exec = libc::PROT_EXEC as u64;
    for call in MAPPING_CALLS {
        let executable = SeccompCmpOp::MaskedEq(exec);
        let no_exec = SeccompCondition::new(2, SeccompCmpArgLen::Dword, executable, 0)?;
        rules.insert(call, vec![SeccompRule::new(vec![no_exec])?]);
    }
    if connects {
        rules.insert(libc::SYS_connect, Vec::new());
        let families = FAMILIES.map(|family| {
            let family = u64::from(family.cast_unsigned());
            let is_it =
                SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, family)?;
            SeccompRule::new(vec![is_it])
        });
        rules.insert(
            libc::SYS_socket,
            families.into_iter().collect::<Result<_, _>>()?,
        );
    }
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let refused = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let filter = SeccompFilter::new(rules, refused, SeccompAction::Allow, arch)?;
    Ok(BpfProgram::try_from(filter)?)
}
