//! A gate before the engine: passes bytes through, counts requests, and cuts connections on which a request comes that
//! it is told to hold back. So an outcome can be decided and not delivered, at a real engine.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// The gate; it ends when dropped.
pub(crate) struct Gate {
    address: SocketAddr,
    rules: Arc<Rules>,
    listener: JoinHandle<()>,
}

#[derive(Default)]
struct Rules {
    closed_to_completions: AtomicBool,
    progress_updates: AtomicUsize,
}

impl Gate {
    /// A gate before the engine with this base URL on a loopback address.
    pub(crate) async fn before(url: &str) -> Self {
        let engine: SocketAddr = url
            .trim_start_matches("http://")
            .split('/')
            .next()
            .and_then(|authority| authority.parse().ok())
            .expect("a loopback address with a port");
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = socket.local_addr().expect("an address");
        let rules = Arc::new(Rules::default());
        let listener = tokio::spawn({
            let rules = rules.clone();
            async move {
                while let Ok((client, _)) = socket.accept().await {
                    let rules = rules.clone();
                    tokio::spawn(async move { pass(client, engine, &rules).await });
                }
            }
        });
        Self { address, rules, listener }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/engine-rest", self.address)
    }

    /// Lets no `complete` through any more, or lets them through again.
    pub(crate) fn close_to_completions(&self, closed: bool) {
        self.rules.closed_to_completions.store(closed, SeqCst);
    }

    /// How many times progress variables were set: once for each run of the handler.
    pub(crate) fn progress_updates(&self) -> usize {
        self.rules.progress_updates.load(SeqCst)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Passes one connection. The host sends the head of a request in one piece, so its first line is in one read.
async fn pass(mut client: TcpStream, engine: SocketAddr, rules: &Rules) {
    let Ok(mut engine) = TcpStream::connect(engine).await else { return };
    let (mut from_client, mut from_engine) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Ok(count @ 1..) = read else { return };
                let head = String::from_utf8_lossy(&from_client[..count.min(300)]).into_owned();
                let line = head.lines().next().unwrap_or_default();
                if line.contains("/complete HTTP") && rules.closed_to_completions.load(SeqCst) {
                    return;
                }
                if line.contains("/process-instance/") && line.contains("/variables HTTP") {
                    rules.progress_updates.fetch_add(1, SeqCst);
                }
                if engine.write_all(&from_client[..count]).await.is_err() { return }
            }
            read = engine.read(&mut from_engine) => {
                let Ok(count @ 1..) = read else { return };
                if client.write_all(&from_engine[..count]).await.is_err() { return }
            }
        }
    }
}
