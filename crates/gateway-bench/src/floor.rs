//! A gateway that passes requests and answers on as they are: what sockets alone cost.

use anyhow::Result;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The port on loopback
    #[arg(long, default_value_t = 9401)]
    port: u16,
    /// The host and port of the upstream
    #[arg(long, default_value = "127.0.0.1:9400")]
    upstream: String,
}

pub(crate) async fn run(args: Args) -> Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).build(connector);
    let listener = TcpListener::bind(("127.0.0.1", args.port)).await?;
    println!("floor at http://{}/v1", listener.local_addr()?);
    let upstream: &'static str = args.upstream.leak();
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let client = client.clone();
        let service = service_fn(move |request| pass(client.clone(), upstream, request));
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service),
        );
    }
}

async fn pass(
    client: Client<HttpConnector, Incoming>,
    upstream: &'static str,
    mut request: Request<Incoming>,
) -> Result<Response<Incoming>> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = format!("http://{upstream}{path}").parse::<Uri>()?;
    request.headers_mut().remove(HOST);
    request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Bearer upstream"));
    Ok(client.request(request).await?)
}
