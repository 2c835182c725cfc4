//! Why one side of a TLS connection ends it.

use std::fmt;

/// An alert's description (RFC 8446, 6): those that the record layer sends have names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert(pub u8);

impl Alert {
    /// No more comes.
    pub const CLOSE_NOTIFY: Self = Self(0);
    /// A message came that may not come now.
    pub const UNEXPECTED_MESSAGE: Self = Self(10);
    /// A record isn't what was sealed.
    pub const BAD_RECORD_MAC: Self = Self(20);
    /// A record is too long.
    pub const RECORD_OVERFLOW: Self = Self(22);
    /// A message means nothing.
    pub const DECODE_ERROR: Self = Self(50);
    /// Something failed that is nobody's fault.
    pub const INTERNAL_ERROR: Self = Self(80);
    /// The peer's user doesn't want to wait; says nothing about the connection.
    pub const USER_CANCELED: Self = Self(90);

    /// Returns the alert as it is sent, with its level.
    #[must_use]
    pub fn message(self) -> [u8; 2] {
        const WARNING: u8 = 1;
        const FATAL: u8 = 2;
        let level = if self == Self::CLOSE_NOTIFY {
            WARNING
        } else {
            FATAL
        };
        [level, self.0]
    }
}

/// The name by the standard, or else the number.
impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            22 => "record_overflow",
            40 => "handshake_failure",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            109 => "missing_extension",
            110 => "unsupported_extension",
            112 => "unrecognized_name",
            116 => "certificate_required",
            120 => "no_application_protocol",
            other => return write!(f, "alert {other}"),
        })
    }
}

/// How what a peer sends has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By its `close_notify`: nothing is missing.
    Closed,
    /// By an alert of the peer.
    Received(Alert),
    /// By something that the peer may not send; it is answered with this alert.
    Sent(Alert),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("TLS: closed"),
            Self::Received(alert) => write!(f, "TLS: the peer says {alert}"),
            Self::Sent(alert) => write!(f, "TLS: {alert}"),
        }
    }
}
