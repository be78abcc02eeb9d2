//! `skillbelt serve`: belts that answer over HTTP, in the shapes that other servers' clients know.
//!
//! Read in this order: `limits.rs`, `http/` (who is let in), `routes.rs`, `work/` (the thread that
//! computes), then the routes. Everything a client can make large has a bound; what is too much is told
//! so (429) and when to come again; what was taken is answered, also when the server is told to stop.
//! No text of a request is ever logged.

mod about;
mod base64;
mod door;
mod house;
mod http;
mod judging;
mod limits;
mod lookup;
mod model;
mod numbers;
mod openai;
mod predict;
mod reading;
mod refusal;
mod routes;
mod search;
mod tei;
mod work;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

pub use door::Door;
pub use limits::Limits;
pub use model::Model;

use crate::index::Attended;
use house::House;
use lookup::Lookup;
use skillbelt_engine::crew;
use skillbelt_train::{Error, Result};

/// What is served, and to whom.
pub struct Served {
    pub address: SocketAddr,
    /// At least one.
    pub models: Vec<Model>,
    pub limits: Limits,
    pub door: Door,
    /// What /search and /similar look through.
    pub index: Option<Attended>,
}

/// Serves until the system asks the program to stop, then answers what it has taken. `ready` hears the
/// address at which it listens.
pub fn serve(served: Served, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    if served.models.is_empty() {
        return Err(Error::told("nothing to serve: no belt and no base"));
    }
    let models = served.models.into_iter().map(Arc::new).collect();
    let index = served.index.map(|index| Arc::new(Lookup::new(index)));
    let house = Arc::new(House::new(served.limits, models, served.door, index));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .thread_name("http")
        .enable_all()
        .build()
        .map_err(Error::told)?;
    let computing = {
        let house = Arc::clone(&house);
        let thread = std::thread::Builder::new().name("compute".to_owned());
        thread.spawn(move || {
            // Without helpers everything is answered as well, only later.
            let _crew = crew::enlist();
            work::run::run(&house.desk, &house.models, &house.limits);
        })
    };
    let computing = computing.map_err(Error::told)?;
    let whole = runtime.block_on(listen(Arc::clone(&house), served.address, ready));
    house.desk.close();
    if matches!(whole, Ok(true)) {
        // Nothing is under way, so this ends at once.
        let _ended = computing.join();
    }
    runtime.shutdown_background();
    match whole? {
        true => Ok(()),
        false => Err(Error::told(
            "stopped before every request was answered: their time was over",
        )),
    }
}

/// True if everything that was taken was answered.
async fn listen(
    house: Arc<House>,
    address: SocketAddr,
    ready: impl FnOnce(SocketAddr),
) -> Result<bool> {
    let told = |error| Error::told(format_args!("{address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(told)?;
    let (close, closing) = watch::channel(false);
    let mut asked = stop().map_err(Error::told)?;
    ready(listener.local_addr().map_err(told)?);
    tokio::spawn(async move {
        asked.wait().await;
        tracing::info!("told to stop");
        let _nobody_serves = close.send(true);
    });
    let router = routes::router(Arc::clone(&house));
    Ok(http::accept::serve(listener, house, router, closing).await)
}

/// The system's wish that the program stop.
#[cfg(unix)]
struct Stop(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

#[cfg(unix)]
fn stop() -> std::io::Result<Stop> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(Stop(
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    ))
}

#[cfg(unix)]
impl Stop {
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Stop;

#[cfg(not(unix))]
fn stop() -> std::io::Result<Stop> {
    Ok(Stop)
}

#[cfg(not(unix))]
impl Stop {
    async fn wait(&mut self) {
        let _unheard = tokio::signal::ctrl_c().await;
    }
}
