//! The options of `chatroom serve` about a room on many machines.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, value_parser};

use crate::backplane::is_room_name;
use crate::server::backplane::{Options, Url, Who};

/// A room on many machines.
#[derive(Debug, Clone, Args)]
pub struct BackplaneOptions {
    /// NATS servers with streams (`nats-server -js`), which keep the order of a room that is on many
    /// machines: `nats://HOST:PORT`, or `tls://HOST:PORT`
    #[arg(
        long,
        value_name = "URL",
        env = "CHATROOM_BACKPLANE",
        value_parser = |text: &str| text.parse::<Url>(),
        value_delimiter = ','
    )]
    pub backplane: Vec<Url>,

    /// Name of the room that is on many machines: a-z, 0-9, _ and -
    #[arg(
        long,
        value_name = "NAME",
        env = "CHATROOM_ROOM",
        default_value = "lobby",
        value_parser = room
    )]
    pub room: String,

    /// How many NATS servers keep the room's events, where it is new: 1, 3 or 5
    #[arg(
        long,
        value_name = "N",
        env = "CHATROOM_REPLICAS",
        default_value_t = 1,
        value_parser = value_parser!(u32).range(1..=5)
    )]
    pub replicas: u32,

    /// Seconds for which NATS keeps the room's events, where it is new; 0 is for ever
    #[arg(
        long,
        value_name = "SECONDS",
        env = "CHATROOM_BACKPLANE_AGE",
        default_value_t = 24 * 60 * 60
    )]
    pub backplane_age: u32,

    /// Bytes of the room's events that NATS keeps, where it is new; 0 is any number
    #[arg(
        long,
        value_name = "BYTES",
        env = "CHATROOM_BACKPLANE_BYTES",
        default_value_t = 1024 * 1024 * 1024
    )]
    pub backplane_bytes: u64,

    /// Seconds that the start waits for NATS; newcomers are sent away once it is cut off for so long
    #[arg(
        long,
        value_name = "SECONDS",
        env = "CHATROOM_BACKPLANE_TIMEOUT",
        default_value_t = 30,
        value_parser = value_parser!(u16).range(1..)
    )]
    pub backplane_timeout: u16,

    /// File of the credentials for NATS, as nsc writes it
    #[arg(
        long,
        value_name = "FILE",
        env = "CHATROOM_BACKPLANE_CREDS",
        conflicts_with_all = ["backplane_user", "backplane_token_file"]
    )]
    pub backplane_creds: Option<PathBuf>,

    /// User of NATS; needs --backplane-password-file
    #[arg(
        long,
        value_name = "NAME",
        env = "CHATROOM_BACKPLANE_USER",
        requires = "backplane_password_file",
        conflicts_with = "backplane_token_file"
    )]
    pub backplane_user: Option<String>,

    /// File of that user's password
    #[arg(
        long,
        value_name = "FILE",
        env = "CHATROOM_BACKPLANE_PASSWORD_FILE",
        requires = "backplane_user"
    )]
    pub backplane_password_file: Option<PathBuf>,

    /// File of the token that NATS asks for
    #[arg(long, value_name = "FILE", env = "CHATROOM_BACKPLANE_TOKEN_FILE")]
    pub backplane_token_file: Option<PathBuf>,

    /// File of the authorities, in PEM, that vouch for NATS servers with TLS [default: the system's]
    #[arg(long, value_name = "FILE", env = "CHATROOM_BACKPLANE_CA")]
    pub backplane_ca: Option<PathBuf>,
}

impl BackplaneOptions {
    /// Returns what the server is told; nothing without a backplane.
    pub(super) fn options(&self) -> Option<Options> {
        (!self.backplane.is_empty()).then(|| Options {
            servers: self.backplane.clone(),
            who: self.who(),
            authorities: self.backplane_ca.clone(),
            room: self.room.clone(),
            replicas: self.replicas,
            max_age: Duration::from_secs(self.backplane_age.into()),
            max_bytes: Some(self.backplane_bytes).filter(|bytes| *bytes > 0),
            timeout: Duration::from_secs(self.backplane_timeout.into()),
        })
    }

    fn who(&self) -> Who {
        let user = self
            .backplane_user
            .clone()
            .zip(self.backplane_password_file.clone());
        let creds = self.backplane_creds.clone().map(Who::Key);
        let token = self.backplane_token_file.clone().map(Who::Token);
        let user = user.map(|(user, file)| Who::User(user, file));
        creds.or(user).or(token).unwrap_or_default()
    }
}

/// Reads the name of a room.
fn room(text: &str) -> Result<String, String> {
    if is_room_name(text) {
        return Ok(text.to_owned());
    }
    Err("a room's name has at most 32 characters: a-z, 0-9, _ and -".to_owned())
}
