//! The server: a thread with a runtime of its own that accepts on loopback until it is told to stop.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;

use crate::endpoints;
use crate::service::Service;
use crate::simulator::SimError;

/// Serves until it is dropped. Dropping closes all connections, whatever they wait for, and joins the thread.
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(service: Arc<Service>, port: u16) -> Result<Self, SimError> {
        let (ready, is_ready) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        // The runtime lives and dies on this thread: dropping one inside async code panics.
        let thread = std::thread::Builder::new()
            .name("tm-sim".to_owned())
            .spawn(move || run(service, port, &ready, stopped))
            .map_err(SimError::Thread)?;
        let address = match is_ready.recv() {
            Ok(Ok(address)) => address,
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(SimError::Thread(io::Error::other("the thread ended before it served"))),
        };
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Dropping the sender is the message.
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing to say, and a panic over there must not become one in here.
            let _ = thread.join();
        }
    }
}

/// No task of ours blocks, so the workers are gone at once; this only bounds what cannot happen.
const SHUTDOWN_AT_MOST: Duration = Duration::from_secs(2);

fn run(
    service: Arc<Service>,
    port: u16,
    ready: &mpsc::Sender<Result<SocketAddr, SimError>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("tm-sim-worker")
        .enable_io()
        .enable_time()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return tell(ready, Err(SimError::Thread(error))),
    };
    runtime.block_on(async {
        let bound = bind(port).and_then(|listener| listener.local_addr().map(|address| (listener, address)));
        match bound {
            Ok((listener, address)) => {
                tell(ready, Ok(address));
                tokio::select! {
                    _ = stopped => {}
                    () = accept(listener, service) => {}
                }
            }
            Err(source) => tell(ready, Err(SimError::Bind { port, source })),
        }
    });
    runtime.shutdown_timeout(SHUTDOWN_AT_MOST);
}

fn tell(ready: &mpsc::Sender<Result<SocketAddr, SimError>>, outcome: Result<SocketAddr, SimError>) {
    // Who started us waits for exactly this.
    let _ = ready.send(outcome);
}

fn bind(port: u16) -> io::Result<TcpListener> {
    // A burst of a thousand connections must not wait for SYNs to be repeated: std listens with 128.
    const BACKLOG: u32 = 4096;
    let socket = TcpSocket::new_v4()?;
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    socket.listen(BACKLOG)
}

async fn accept(listener: TcpListener, service: Arc<Service>) {
    // Out of file descriptors, say: somebody has to close one first.
    const AFTER_FAILURE: Duration = Duration::from_millis(10);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                service.with(|live| live.counters.connections += 1);
                tokio::spawn(serve(stream, Arc::clone(&service)));
            }
            Err(_) => tokio::time::sleep(AFTER_FAILURE).await,
        }
    }
}

async fn serve(stream: TcpStream, service: Arc<Service>) {
    // Without it, small answers may wait for the client's delayed acknowledgement; failing to set it is no harm.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| endpoints::answer(Arc::clone(&service), request));
    // An error is a client that left, or a fault that hung up: both are what was wanted.
    let _ =
        http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), answer).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choices::Signing;
    use crate::config::SimConfig;

    #[test]
    fn nothing_of_a_server_outlives_it() {
        let service = Service::new(SimConfig::default().signing(Signing::Reused)).expect("a service");
        let service = Arc::new(service);
        let server = Server::start(Arc::clone(&service), 0).expect("it starts");
        assert!(Arc::strong_count(&service) > 1, "the thread has it");
        drop(server);
        assert_eq!(Arc::strong_count(&service), 1);
    }
}
