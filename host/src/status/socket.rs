//! The socket in the state directory at which a host tells its status: whoever may read that directory as the host's
//! user may ask. It answers each connection with one JSON document, and reads nothing.

use std::{
    fs,
    io::{self, Read},
    os::unix::{fs::PermissionsExt, net::UnixStream as Connection},
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    net::{UnixListener, UnixStream},
};
use tokio_util::sync::CancellationToken;

use super::View;

/// The name of the socket in the state directory.
const NAME: &str = "status.sock";

/// Only for the user of the host: messages of failures are in it.
const MODE: u32 = 0o600;

/// How long an answer may take, on both sides; it is a few kilobytes on the same machine.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long nobody is let in after that has failed, as for want of file descriptors.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest answer, in bytes. With a failure's details for each of a thousand plugins it is a tenth of this.
const MAX_ANSWER: u64 = 64 << 20;

/// A host's end of the socket. Dropping it removes it.
#[derive(Debug)]
pub struct StatusSocket {
    listener: UnixListener,
    path: PathBuf,
}

/// Why a host cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// None runs with this state directory.
    #[error(
        "no host is running with the state directory {0}; if one is, name its own by --state-dir or its settings by --config"
    )]
    NotRunning(PathBuf),
    /// It cannot be reached, or ends while it answers.
    #[error("the host with the state directory {dir} cannot be asked: {source}")]
    Unreachable {
        /// The directory.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What it says is not understood.
    #[error("the answer of the host with the state directory {dir} is not understood: {source}; is it of another version than {}?", env!("CARGO_PKG_VERSION"))]
    Answer {
        /// The directory.
        dir: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

impl StatusSocket {
    /// Opens it in a state directory, which must be this host's alone: one that a killed host has left is replaced.
    ///
    /// # Errors
    /// The directory cannot be written, or its path is longer than an address of a socket may be.
    pub fn open(state_dir: &Path) -> io::Result<Self> {
        // Under another name at first, so that nobody can connect before it is closed to others.
        let (begun, path) = (state_dir.join(format!(".{NAME}")), state_dir.join(NAME));
        match fs::remove_file(&begun) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&begun)?;
        fs::set_permissions(&begun, fs::Permissions::from_mode(MODE))?;
        fs::rename(begun, &path)?;
        Ok(Self { listener, path })
    }

    /// Answers whoever asks, until it is stopped.
    pub async fn serve(self, view: View, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.answer(&view) => {}
        }
    }

    /// One after the other: an answer fits the kernel's buffer, so that nobody waits for a slow reader.
    async fn answer(&self, view: &View) {
        loop {
            match self.listener.accept().await {
                Ok((connection, _)) => {
                    if let Err(error) = tell(view, connection).await {
                        tracing::warn!(%error, "somebody who asked for the status was not answered");
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "nobody can ask for the status for a while");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

impl Drop for StatusSocket {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, path = %self.path.display(), "the socket of the status is left");
        }
    }
}

async fn tell(view: &View, mut connection: UnixStream) -> io::Result<()> {
    let status = serde_json::to_vec(&view.status())?;
    let written = async {
        connection.write_all(&status).await?;
        connection.shutdown().await
    };
    match tokio::time::timeout(TIMEOUT, written).await {
        // Whoever has gone does not want to know.
        Ok(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Ok(written) => written,
        Err(elapsed) => Err(elapsed.into()),
    }
}

/// Asks the host with a state directory for its status, which is [`Status`](super::Status) as JSON.
///
/// # Errors
/// See [`AskError`].
pub fn ask(state_dir: &Path) -> Result<Value, AskError> {
    let dir = || state_dir.to_owned();
    let answer = answer(&state_dir.join(NAME)).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AskError::NotRunning(dir()),
        _ => AskError::Unreachable { dir: dir(), source },
    })?;
    serde_json::from_slice(&answer).map_err(|source| AskError::Answer { dir: dir(), source })
}

fn answer(path: &Path) -> io::Result<Vec<u8>> {
    let connection = Connection::connect(path)?;
    connection.set_read_timeout(Some(TIMEOUT))?;
    let mut answer = Vec::new();
    connection.take(MAX_ANSWER).read_to_end(&mut answer)?;
    Ok(answer)
}
