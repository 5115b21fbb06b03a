//! A server for tests: it answers canned bytes on this machine's loopback and keeps what it was asked.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What the server does about one request.
pub(super) enum Reply {
    /// Answers these bytes, whole or not, and closes the connection.
    Bytes(Vec<u8>),
    /// Answers these bytes, and is silent with the connection open.
    ThenSilence(Vec<u8>),
}

impl Reply {
    /// A whole answer. `head` is the status line's end and further headers, by line ends: `200 OK\r\nA: b`.
    pub(super) fn whole(head: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut bytes =
            format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len()).into_bytes();
        bytes.extend_from_slice(body);
        Self::Bytes(bytes)
    }

    /// A whole answer in JSON.
    pub(super) fn json(status: &str, body: &str) -> Self {
        Self::whole(&format!("{status}\r\nContent-Type: application/json"), body)
    }

    /// The engine's acknowledgement.
    pub(super) fn no_content() -> Self {
        Self::Bytes(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_vec())
    }
}

/// The server; it ends with its owner.
pub(super) struct Loopback {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

impl Loopback {
    /// Serves one connection per reply, in their order.
    pub(super) async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let server = tokio::spawn(async move {
            let mut silent = Vec::new();
            for reply in replies {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let request = read_request(&mut stream).await;
                kept.lock().expect("no panic").push(request);
                match reply {
                    Reply::Bytes(bytes) => stream.write_all(&bytes).await.expect("written"),
                    Reply::ThenSilence(bytes) => {
                        stream.write_all(&bytes).await.expect("written");
                        silent.push(stream);
                    }
                }
            }
            // Keeps the silent connections open for as long as the test runs.
            tokio::time::sleep(Duration::from_secs(3_600)).await;
        });
        Self { address, requests, server }
    }

    /// The base of its contract, with `path` behind the port.
    pub(super) fn url(&self, path: &str) -> url::Url {
        format!("http://{}{path}", self.address).parse().expect("a URL")
    }

    /// Its address.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was asked so far, each with head and body; header names are in lower case.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panic").clone()
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4_096];
        let count = stream.read(&mut chunk).await.expect("read");
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            body.len() >= length.unwrap_or(0)
        });
        if whole || count == 0 {
            return text;
        }
    }
}
