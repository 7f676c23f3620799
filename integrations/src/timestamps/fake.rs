//! A stand-in authority: openssl's own `ts -reply` behind HTTP on loopback, with a certificate made for it.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use axum::{Router, body::Bytes, extract::State, http::header, response::IntoResponse, routing::post};

const SETTINGS: &str = "
[ tsa ]
default_tsa = stand_in
[ stand_in ]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
";

/// A running authority. Its certificate is its own root.
pub struct FakeAuthority {
    url: String,
    folder: PathBuf,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for FakeAuthority {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakeAuthority {
    /// Starts one that keeps its key in `folder`.
    ///
    /// # Errors
    /// When openssl is not installed or no port is free.
    pub async fn start(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("tsa.cnf"), SETTINGS)?;
        std::fs::write(folder.join("serial"), "01\n")?;
        let make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tsa.key -out tsa.pem \
                    -days 3650 -subj /CN=stand-in -addext extendedKeyUsage=critical,timeStamping";
        run(folder, make)?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let app = Router::new()
            .route("/", post(reply))
            .with_state(Arc::new(folder.to_owned()));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self {
            url,
            folder: folder.to_owned(),
            server,
        })
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate that its tokens are verified with.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("tsa.pem")
    }
}

async fn reply(State(folder): State<Arc<PathBuf>>, query: Bytes) -> impl IntoResponse {
    let made = std::fs::write(folder.join("query.tsq"), &query).and_then(|()| {
        run(
            &folder,
            "openssl ts -reply -queryfile query.tsq -config tsa.cnf -out reply.tsr",
        )?;
        std::fs::read(folder.join("reply.tsr"))
    });
    let kind = [(header::CONTENT_TYPE, "application/timestamp-reply")];
    (kind, made.unwrap_or_default())
}

fn run(folder: &Path, line: &str) -> io::Result<()> {
    let mut words = line.split_whitespace();
    let output = Command::new(words.next().unwrap_or_default())
        .args(words)
        .current_dir(folder)
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(
        String::from_utf8_lossy(&output.stderr).into_owned(),
    ))
}
