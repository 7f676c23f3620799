//! A network that breaks when it is told to: a TCP proxy in front of PostgreSQL that knows where a statement ends.
//!
//! The driver and the server are the real ones. The proxy reads only the frames of the protocol (PostgreSQL 3.0,
//! "Message Formats"): a round is what a client sends up to a `Sync` or a simple `Query`, and what the server answers up
//! to `ReadyForQuery`.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Result},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

/// What goes wrong with one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection dies before the server has heard of it.
    BeforeSend,
    /// The server does it; its answer never arrives.
    AnswerLost,
    /// It arrives late.
    Late(Duration),
}

/// The proxy. Its connections die with it.
pub struct Proxy {
    /// The database's address through the proxy.
    pub url: String,
    plan: Arc<Plan>,
    listening: JoinHandle<()>,
}

#[derive(Default)]
struct Plan {
    /// Counts rounds down to the fault.
    armed: Mutex<Option<(usize, Fault)>>,
    rounds: AtomicUsize,
    /// Words of a statement, and what the server reads instead.
    rewrite: Option<(&'static str, &'static str)>,
    rewritten: AtomicUsize,
}

impl Plan {
    /// One more round is about to be sent; what goes wrong with it.
    fn next(&self) -> Option<Fault> {
        self.rounds.fetch_add(1, Ordering::Relaxed);
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        match armed.take() {
            Some((0, fault)) => Some(fault),
            Some((left, fault)) => {
                *armed = Some((left - 1, fault));
                None
            }
            None => None,
        }
    }
}

impl Plan {
    /// The message as the server gets it.
    fn rewritten(&self, kind: u8, bytes: Vec<u8>) -> Vec<u8> {
        let Some((words, instead)) = self.rewrite.filter(|_| matches!(kind, b'P' | b'Q')) else {
            return bytes;
        };
        let found = bytes
            .windows(words.len())
            .position(|window| window == words.as_bytes());
        let Some(at) = found else {
            return bytes;
        };
        self.rewritten.fetch_add(1, Ordering::Relaxed);
        let mut out = [&bytes[..at], instead.as_bytes(), &bytes[at + words.len()..]].concat();
        let length = u32::try_from(out.len() - 1).unwrap_or(u32::MAX);
        out[1..5].copy_from_slice(&length.to_be_bytes());
        out
    }
}

impl Proxy {
    /// A proxy to the server of `url`.
    pub async fn start(url: &str) -> Self {
        Self::carrying(url, Plan::default()).await
    }

    /// A proxy that carries `instead` where a statement says `words`: the store without one of its guards.
    pub async fn rewriting(url: &str, words: &'static str, instead: &'static str) -> Self {
        let plan = Plan {
            rewrite: Some((words, instead)).filter(|_| !words.is_empty()),
            ..Plan::default()
        };
        Self::carrying(url, plan).await
    }

    async fn carrying(url: &str, plan: Plan) -> Self {
        let mut through = url::Url::parse(url).expect("an address");
        let host = through.host_str().unwrap_or("127.0.0.1").to_owned();
        let server = (host, through.port().unwrap_or(5432));
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = socket.local_addr().expect("an address").port();
        through.set_host(Some("127.0.0.1")).expect("a host");
        through.set_port(Some(port)).expect("a port");
        through.set_query(Some("sslmode=disable"));
        let plan = Arc::new(plan);
        let shared = plan.clone();
        let listening = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = socket.accept().await {
                connections.spawn(carry(client, server.clone(), shared.clone()));
            }
        });
        Self {
            url: through.to_string(),
            plan,
            listening,
        }
    }

    /// The round after `rounds` more gets `fault`.
    pub fn arm(&self, rounds: usize, fault: Fault) {
        *self.plan.armed.lock().unwrap_or_else(PoisonError::into_inner) = Some((rounds, fault));
    }

    /// Takes a fault back that did not come; false when it has come.
    pub fn disarm(&self) -> bool {
        self.plan
            .armed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .is_some()
    }

    /// How many statements were rewritten so far.
    pub fn rewritten(&self) -> usize {
        self.plan.rewritten.load(Ordering::Relaxed)
    }

    /// How many rounds were sent so far.
    pub fn rounds(&self) -> usize {
        self.plan.rounds.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// One connection; ends when either side does, or when a fault cuts it.
async fn carry(client: TcpStream, server: (String, u16), plan: Arc<Plan>) {
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let swallow = Arc::new(AtomicBool::new(false));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        _ = requests(from_client, to_server, plan, swallow.clone()) => {}
        _ = answers(from_server, to_client, swallow) => {}
    }
}

async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    plan: Arc<Plan>,
    swallow: Arc<AtomicBool>,
) -> Result<()> {
    // The start-up message alone has no type.
    let start = frame(&mut from, false).await?.1;
    to.write_all(&start).await?;
    let mut round = Vec::new();
    loop {
        let (kind, bytes) = frame(&mut from, true).await?;
        round.extend_from_slice(&plan.rewritten(kind, bytes));
        if !matches!(kind, b'S' | b'Q') {
            // A password stands alone; parts of a round wait for its end.
            if kind == b'p' || kind == b'X' {
                to.write_all(&std::mem::take(&mut round)).await?;
            }
            continue;
        }
        // What a pool says to a connection that comes back is nobody's statement.
        let housekeeping = round.get(5..).is_some_and(|text| text.starts_with(b"ROLLBACK"));
        match (!housekeeping).then(|| plan.next()).flatten() {
            Some(Fault::BeforeSend) => return Ok(()),
            Some(Fault::AnswerLost) => swallow.store(true, Ordering::SeqCst),
            Some(Fault::Late(by)) => tokio::time::sleep(by).await,
            None => {}
        }
        to.write_all(&std::mem::take(&mut round)).await?;
    }
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, swallow: Arc<AtomicBool>) -> Result<()> {
    loop {
        let (kind, bytes) = frame(&mut from, true).await?;
        if !swallow.load(Ordering::SeqCst) {
            to.write_all(&bytes).await?;
        } else if kind == b'Z' {
            // Committed, or rolled back, and ready for more: nobody will hear of it.
            return Ok(());
        }
    }
}

/// One message: its type, and all of its bytes.
async fn frame(from: &mut OwnedReadHalf, typed: bool) -> Result<(u8, Vec<u8>)> {
    let mut bytes = vec![0; 4 + usize::from(typed)];
    from.read_exact(&mut bytes).await?;
    let length = bytes
        .last_chunk::<4>()
        .map_or(0, |length| u32::from_be_bytes(*length));
    let head = bytes.len();
    bytes.resize(head + usize::try_from(length).unwrap_or(4).saturating_sub(4), 0);
    from.read_exact(&mut bytes[head..]).await?;
    Ok((bytes[0], bytes))
}
