//! Which files the server reads and writes, as the command line has it.

use std::path::PathBuf;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use crate::room::access::Keeping;
use crate::store::Paths;
use crate::store::lists::Files;

/// Most names that may be kept: the state is written as a whole, while the room waits.
const KEPT_MAX: u64 = 10_000;

/// Which files `chatroom serve` reads and writes.
#[derive(Debug, Clone, Args)]
pub struct FileOptions {
    /// File of kept names, operators, bans and the topic; without it nobody can keep a name
    #[arg(long, value_name = "FILE", env = "CHATROOM_STATE")]
    pub state: Option<PathBuf>,

    /// File to which everything that all are told is added, as lines of JSON; newcomers are shown
    /// its last lines (--history)
    #[arg(long, value_name = "FILE", env = "CHATROOM_RECORD")]
    pub record: Option<PathBuf>,

    /// File with the message of the day, shown to newcomers; read anew at SIGHUP
    #[arg(long, value_name = "FILE", env = "CHATROOM_MOTD")]
    pub motd: Option<PathBuf>,

    /// File of the only addresses and blocks (10.0.0.0/8) that may come in, one a line; read anew
    /// at SIGHUP
    #[arg(long, value_name = "FILE", env = "CHATROOM_ALLOW")]
    pub allow: Option<PathBuf>,

    /// File of addresses and blocks that may not come in; read anew at SIGHUP
    #[arg(long, value_name = "FILE", env = "CHATROOM_DENY")]
    pub deny: Option<PathBuf>,

    /// File whose first line is the password that everybody is asked for; read anew at SIGHUP
    #[arg(long, value_name = "FILE", env = "CHATROOM_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,

    /// Most names that may be kept
    #[arg(
        long,
        value_name = "N",
        env = "CHATROOM_MAX_KEPT",
        default_value_t = 1000,
        value_parser = RangedU64ValueParser::<usize>::new().range(0..=KEPT_MAX)
    )]
    pub max_kept: usize,

    /// Days after which a kept name that nobody uses is free again; operators' never are
    #[arg(
        long,
        value_name = "DAYS",
        env = "CHATROOM_KEPT_DAYS",
        default_value_t = 90
    )]
    pub kept_days: u32,
}

impl FileOptions {
    /// Returns which files are written, by `user` if by another than who starts the server.
    pub(super) fn paths(&self, user: Option<&String>) -> Paths {
        Paths {
            state: self.state.clone(),
            record: self.record.clone(),
            user: user.cloned(),
        }
    }

    pub(super) fn files(&self) -> Files {
        Files {
            motd: self.motd.clone(),
            allow: self.allow.clone(),
            deny: self.deny.clone(),
            password: self.password_file.clone(),
        }
    }

    /// Returns the folders of what is read anew.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        let files = [&self.motd, &self.allow, &self.deny, &self.password_file];
        let files = files.into_iter().flatten();
        let files = files.filter_map(|file| std::path::absolute(file).ok());
        files
            .filter_map(|file| Some(file.parent()?.to_owned()))
            .collect()
    }

    pub(super) fn keeping(&self) -> Keeping {
        Keeping {
            names_max: self.max_kept,
            days: self.kept_days,
        }
    }
}

/// What `chatroom write` is told.
#[derive(Debug, Clone, Args)]
pub struct WriteOptions {
    /// The state file
    #[arg(long, value_name = "FILE", env = "CHATROOM_WRITE_STATE")]
    pub state: Option<PathBuf>,

    /// The record
    #[arg(long, value_name = "FILE", env = "CHATROOM_WRITE_RECORD")]
    pub record: Option<PathBuf>,

    /// Who is to write them
    #[arg(long, value_name = "NAME", env = "CHATROOM_WRITE_USER")]
    pub user: Option<String>,
}

impl From<&WriteOptions> for Paths {
    fn from(options: &WriteOptions) -> Self {
        Self {
            state: options.state.clone(),
            record: options.record.clone(),
            user: options.user.clone(),
        }
    }
}
