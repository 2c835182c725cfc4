//! The first way to the server: connected, and with TLS, known to be the right one.

use std::io::{self, Write as _};
use std::net::{self, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use rustls::ClientConnection;
use rustls::pki_types::ServerName;

use super::address::{Address, CONNECT_TIMEOUT};
use super::options::Options;
use super::trust::{Doubt, Judge};
use super::way::{Tls, Way};
use crate::failure::Failure;

/// The server, reached.
#[derive(Debug)]
pub(super) struct Reached {
    /// The way there.
    pub(super) way: Way,
    /// How TLS is spoken there, if it is.
    pub(super) tls: Option<Tls>,
    /// What the address was found to be.
    pub(super) found: Vec<SocketAddr>,
}

/// Connects to `address`. A person is asked about a server that nobody vouches for.
///
/// # Errors
/// Fails with one line that says what to do.
pub(super) fn reach(
    address: &Address,
    options: &Options,
    asks_person: bool,
) -> Result<Reached, Failure> {
    let judge = judge(address, options)?;
    let found = address.resolve()?;
    let stream = address.connect(&found)?;
    let Some((judge, tls)) = judge else {
        let way = going_on(stream, None).map_err(|error| lost(address, &error))?;
        return Ok(Reached {
            way,
            tls: None,
            found,
        });
    };
    let way = match shake_hands(stream, &tls) {
        Ok(way) => way,
        Err(error) => {
            match judge.take_doubt() {
                Some(Doubt::Unknown(shown)) if asks_person => ask(address, &judge, &shown)?,
                Some(doubt) => return Err(refusal(address, &judge, &doubt)),
                None => return Err(lost(address, &error)),
            }
            let again = address.connect(&found)?;
            shake_hands(again, &tls).map_err(|error| lost(address, &error))?
        }
    };
    let tls = Some(tls);
    Ok(Reached { way, tls, found })
}

/// Returns who judges the server, and how TLS is spoken with it; nobody if it isn't.
fn judge(
    address: &Address,
    options: &Options,
) -> Result<Option<(std::sync::Arc<Judge>, Tls)>, Failure> {
    if !address.is_tls() {
        return match (&options.ca, &options.pin) {
            (None, None) => Ok(None),
            _ => Err(Failure::usage(format!(
                "--ca and --pin are for servers that speak TLS: give the address as tls://{address}"
            ))),
        };
    }
    let judge = Judge::new(options, address.to_string())?;
    let name = ServerName::try_from(address.host().to_owned());
    let name =
        name.map_err(|_| Failure::usage(format!("{} is no name of a host", address.host())))?;
    let config = judge.config()?;
    Ok(Some((judge, Tls { config, name })))
}

fn lost(address: &Address, error: &io::Error) -> Failure {
    Failure::new(match error.kind() {
        io::ErrorKind::InvalidData => format!(
            "can't speak TLS with {address}: {error}; check the address, and whether TLS is spoken there"
        ),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            format!("no answer from {address}: check whether TLS is spoken there")
        }
        _ => format!("can't connect to {address}: {error}; check the address and the network"),
    })
}

/// Shakes hands, and waits for that.
fn shake_hands(mut stream: net::TcpStream, tls: &Tls) -> io::Result<Way> {
    let mut client = tls.client()?;
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    stream.set_write_timeout(Some(CONNECT_TIMEOUT))?;
    while client.is_handshaking() {
        let left = deadline.saturating_duration_since(Instant::now());
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        if client.wants_write() {
            client.write_tls(&mut stream)?;
            continue;
        }
        if client.read_tls(&mut stream)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Err(error) = client.process_new_packets() {
            // The alert, so that the server's log says why.
            drop(client.write_tls(&mut stream));
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
    }
    going_on(stream, Some(client))
}

fn going_on(stream: net::TcpStream, tls: Option<Box<ClientConnection>>) -> io::Result<Way> {
    stream.set_nonblocking(true)?;
    Ok(Way::going_on(TcpStream::from_std(stream), tls))
}

/// Asks whether the server is the right one, and remembers it if so.
fn ask(address: &Address, judge: &Judge, shown: &str) -> Result<(), Failure> {
    let question = format!(
        "Nobody vouches for {address}, and it was never seen before. The SHA-256 of its certificate is\n\
         {shown}\n\
         Is that the right one? Its operator sees it in the server's log. (yes/no) "
    );
    let mut answer = String::new();
    io::stdout()
        .write_all(question.as_bytes())
        .and_then(|()| io::stdout().flush())
        .and_then(|()| io::stdin().read_line(&mut answer))
        .map_err(|error| Failure::new(format!("can't ask at this terminal: {error}")))?;
    if answer.trim().eq_ignore_ascii_case("yes") {
        judge.remember(shown)
    } else {
        Err(Failure::new(format!("{address} was not joined")))
    }
}

/// Says why a server is not taken for the right one, and what to do.
fn refusal(address: &Address, judge: &Judge, doubt: &Doubt) -> Failure {
    Failure::new(match doubt {
        Doubt::Unknown(shown) => format!(
            "nobody vouches for {address}, and it was never seen before: if {shown} is the SHA-256 of \
             its certificate, which its operator sees in the server's log, give --pin {shown}"
        ),
        Doubt::Changed(known, shown) => format!(
            "THE SERVER AT {address} IS NOT THE ONE IT WAS: its certificate was {known} and is {shown} now. \
             Somebody may be in between. Ask its operator; if the new one is right, take the line of \
             {address} out of {}",
            judge.known_servers()
        ),
    })
}
