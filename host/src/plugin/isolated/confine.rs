//! What the process of a plugin is kept from.
//!
//! Everything here is taken away for good, before any code of the plugin runs, from the process and whatever it starts:
//! core files, memory without end, files that are not its business (Landlock), and system calls by which it could reach
//! into other processes or around the other limits (seccomp). What a kernel does not have is left out, and said.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use super::wire::Confinement;

/// Limits the process. What could not be enforced, in words.
pub(super) fn confine(what: &Confinement) -> io::Result<Vec<String>> {
    limit_resources(what.memory)?;
    let mut missing = Vec::new();
    match restrict_files(what) {
        Ok(RulesetStatus::FullyEnforced) => {}
        Ok(RulesetStatus::PartiallyEnforced) => {
            missing.push("some of Landlock, which this kernel has in part".to_owned());
        }
        Ok(RulesetStatus::NotEnforced) => {
            missing.push("Landlock, which this kernel lacks".to_owned())
        }
        Err(error) => missing.push(format!("Landlock: {error}")),
    }
    if let Err(error) = restrict_calls(what) {
        missing.push(format!("seccomp: {error}"));
    }
    Ok(missing)
}

/// Secrets come later: from here on nobody reads them out of the process's memory.
pub(super) fn hide_memory() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

fn limit_resources(memory: u64) -> io::Result<()> {
    let limit = |resource, value| {
        let value = Some(value);
        setrlimit(
            resource,
            Rlimit {
                current: value,
                maximum: value,
            },
        )
    };
    // One byte is too little for a core file, and unlike 0 it also keeps the kernel from handing the core to a program
    // that collects them.
    limit(Resource::Core, 1)?;
    // What is written to, not what is reserved: allocators reserve far more than they use.
    limit(Resource::Data, memory)?;
    // When memory runs out, the plugin goes before its host.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

/// What a program on this system needs to run, to find hosts and to check certificates: readable.
const SYSTEM: &[&str] = &[
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/sbin",
    "/nix/store",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
    "/etc/timezone",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/kernel/random",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
];

const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

fn restrict_files(what: &Confinement) -> Result<RulesetStatus, landlock::RulesetError> {
    // The newest that this program knows; older kernels enforce what they have.
    const KNOWN: ABI = ABI::V6;
    let read = AccessFs::from_read(KNOWN);
    let all = AccessFs::from_all(KNOWN);
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .scope(Scope::from_all(KNOWN))?;
    if !what.network {
        rules = rules.handle_access(AccessNet::from_all(KNOWN))?;
    }
    let mut rules = rules.create()?;
    let readable = SYSTEM
        .iter()
        .map(PathBuf::from)
        .chain(what.readable.clone());
    let devices = DEVICES.iter().map(PathBuf::from);
    let granted = readable
        .map(|path| (path, read))
        .chain(devices.map(|path| (path, read | AccessFs::WriteFile)))
        .chain(what.data_dir.clone().map(|path| (path, all)));
    for (path, access) in granted {
        // What is not there needs no rule.
        let Ok(fd) = PathFd::new(&path) else { continue };
        rules = rules.add_rule(PathBeneath::new(fd, allowed(&path, access)))?;
    }
    Ok(rules.restrict_self()?.ruleset)
}

/// Rights of directories mean nothing for a file.
fn allowed(path: &Path, access: landlock::BitFlags<AccessFs>) -> landlock::BitFlags<AccessFs> {
    if path.is_dir() {
        access
    } else {
        access & AccessFs::from_file(ABI::V6)
    }
}

/// What no adapter needs, and by which it could reach into other processes, the kernel or around the other limits.
const NEVER: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_init_module,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_tkill,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];

/// Kinds of sockets by which a venue is reached. Not the local ones: behind those are the user's other programs.
const NETWORK: &[i32] = &[libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

fn restrict_calls(what: &Confinement) -> Result<(), seccompiler::Error> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        NEVER.iter().map(|call| (*call, Vec::new())).collect();
    let host = u64::from(what.host);
    // Landlock keeps signals inside where the kernel is new enough; this holds everywhere.
    let is = |value: u64| argument(0, SeccompCmpOp::Eq, value);
    rules.insert(
        libc::SYS_kill,
        vec![
            rule(vec![is(host)?])?,
            rule(vec![is(negative(1))?])?,
            rule(vec![is(negative(what.host))?])?,
        ],
    );
    for call in [
        libc::SYS_tgkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
        libc::SYS_pidfd_open,
        libc::SYS_prlimit64,
    ] {
        rules.insert(call, vec![rule(vec![is(host)?])?]);
    }
    if what.network {
        let other = NETWORK
            .iter()
            .map(|family| argument(0, SeccompCmpOp::Ne, *family as u64))
            .collect::<Result<Vec<_>, _>>()?;
        rules.insert(libc::SYS_socket, vec![rule(other)?]);
    } else {
        rules.insert(libc::SYS_socket, Vec::new());
    }
    apply(rules, libc::EPERM)?;
    // A namespace of its own would give it the kernel's inside to play with. What `clone3` is asked for lies in memory,
    // where a filter cannot look; libraries then take `clone`.
    let namespaces = libc::CLONE_NEWUSER as u64;
    let asks = argument(0, SeccompCmpOp::MaskedEq(namespaces), namespaces)?;
    apply(
        BTreeMap::from([(libc::SYS_clone, vec![rule(vec![asks])?])]),
        libc::EPERM,
    )?;
    apply(
        BTreeMap::from([(libc::SYS_clone3, Vec::new())]),
        libc::ENOSYS,
    )
}

fn apply(rules: BTreeMap<i64, Vec<SeccompRule>>, error: i32) -> Result<(), seccompiler::Error> {
    let arch = std::env::consts::ARCH.try_into()?;
    let refuse = SeccompAction::Errno(error.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?;
    let program: seccompiler::BpfProgram = filter.try_into()?;
    seccompiler::apply_filter(&program)
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(conditions)
}

fn argument(
    index: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value)
}

/// A negative argument of 32 bits, as the filter sees it.
const fn negative(value: u32) -> u64 {
    value.wrapping_neg() as u64
}
