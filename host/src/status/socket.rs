//! The socket in the state directory at which a host tells its status: whoever may use that directory as the host's user
//! may ask. It answers each connection with one JSON document, and reads nothing.

use std::{
    fs,
    io::{self, ErrorKind},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::View;

/// The name of the socket in the state directory.
const NAME: &str = "status.sock";

/// Only for the user of the host: messages of failures are in it.
const MODE: u32 = 0o600;

/// How long an answer may take, on both sides: it comes from the same machine.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How many are answered at the same time; others wait.
const AT_ONCE: usize = 16;

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
    /// It does not answer.
    #[error("the host with the state directory {0} did not answer within {TIMEOUT:?}: it may be stopped or very busy")]
    Late(PathBuf),
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
        // In a directory that only we may enter until it is closed to others.
        let begun = tempfile::Builder::new().prefix(".").rand_bytes(4).tempdir_in(state_dir)?;
        let (at, path) = (begun.path().join("s"), state_dir.join(NAME));
        let listener = UnixListener::bind(&at)?;
        fs::set_permissions(&at, fs::Permissions::from_mode(MODE))?;
        fs::rename(at, &path)?;
        Ok(Self { listener, path })
    }

    /// Answers whoever asks, until it is stopped.
    pub async fn serve(self, view: View, stop: CancellationToken) {
        // Dropped when it is stopped, and all answers with it.
        let mut answers = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                accepted = self.listener.accept(), if answers.len() < AT_ONCE => match accepted {
                    Ok((connection, _)) => drop(answers.spawn(tell(view.clone(), connection))),
                    Err(error) => {
                        tracing::warn!(%error, "nobody can ask for the status for a moment");
                        tokio::select! {
                            () = stop.cancelled() => return,
                            () = tokio::time::sleep(PAUSE) => {}
                        }
                    }
                },
                Some(told) = answers.join_next() => {
                    if let Err(error) = told.map_err(io::Error::other).flatten() {
                        tracing::warn!(%error, "somebody who asked for the status was not answered");
                    }
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

async fn tell(view: View, mut connection: UnixStream) -> io::Result<()> {
    let status = serde_json::to_vec(&view.status())?;
    let written = async {
        connection.write_all(&status).await?;
        connection.shutdown().await
    };
    match tokio::time::timeout(TIMEOUT, written).await {
        // Whoever has gone does not want to know.
        Ok(Err(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Ok(written) => written,
        Err(elapsed) => Err(elapsed.into()),
    }
}

/// Asks the host with a state directory for its status, which is [`Status`](super::Status) as JSON.
///
/// # Errors
/// See [`AskError`].
pub async fn ask(state_dir: &Path) -> Result<Value, AskError> {
    let dir = || state_dir.to_owned();
    let answer = match tokio::time::timeout(TIMEOUT, answer(&state_dir.join(NAME))).await {
        Err(_elapsed) => return Err(AskError::Late(dir())),
        Ok(Err(error)) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Err(AskError::NotRunning(dir()));
        }
        Ok(answer) => answer.map_err(|source| AskError::Unreachable { dir: dir(), source })?,
    };
    serde_json::from_slice(&answer).map_err(|source| AskError::Answer { dir: dir(), source })
}

async fn answer(path: &Path) -> io::Result<Vec<u8>> {
    let connection = UnixStream::connect(path).await?;
    let mut answer = Vec::new();
    connection.take(MAX_ANSWER).read_to_end(&mut answer).await?;
    if answer.is_empty() {
        return Err(io::Error::new(ErrorKind::UnexpectedEof, "it ended while it was asked"));
    }
    Ok(answer)
}
