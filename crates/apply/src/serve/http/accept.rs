//! The loop that lets connections in, and sees them out when the server is to stop.
//!
//! It is our own because the usual one keeps half-open connections for ever. A connection has a time
//! for each head, each body and each stalled write; there is a number of them at most, and one without
//! a request never keeps out one with a request.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use super::attend::attend;
use super::guests::{Found, Guests, Seat};
use super::stall::Patient;
use crate::serve::house::House;

/// How long to rest when the system gives no more connections.
const REST: Duration = Duration::from_millis(50);

/// Serves until `closing` turns true, then lets requests that were taken go on for their grace. True
/// if all of them came to their end.
pub async fn serve(
    listener: TcpListener,
    house: Arc<House>,
    router: Router,
    mut closing: watch::Receiver<bool>,
) -> bool {
    let guests = Guests::new(house.limits.connections);
    let (alive, mut all_gone) = mpsc::channel::<Infallible>(1);
    loop {
        let stream = tokio::select! {
            _ = closing.wait_for(|closing| *closing) => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = stream else {
            tokio::time::sleep(REST).await;
            continue;
        };
        let Some(seat) = seated(&guests, &house, &mut closing).await else {
            break;
        };
        let connection = Connection {
            house: Arc::clone(&house),
            router: router.clone(),
            closing: closing.clone(),
            seat,
        };
        let alive = alive.clone();
        let open = Open::new(&house);
        tokio::spawn(async move {
            connection.serve(stream).await;
            drop((open, alive));
        });
    }
    drop(listener);
    drop(alive);
    tokio::time::timeout(house.limits.grace, all_gone.recv())
        .await
        .is_ok()
}

/// A place for a connection, as soon as there is one; nothing if the server stops before.
async fn seated(
    guests: &Arc<Guests>,
    house: &House,
    closing: &mut watch::Receiver<bool>,
) -> Option<Seat> {
    loop {
        match guests.seat() {
            Found::Free(seat) => return Some(seat),
            Found::Given(seat) => {
                house.numbers.gave_way.fetch_add(1, Relaxed);
                return Some(seat);
            }
            Found::Full => tokio::select! {
                _ = closing.wait_for(|closing| *closing) => return None,
                () = guests.left.notified() => {}
            },
        }
    }
}

/// Counts a connection as long as it is open.
struct Open(Arc<House>);

impl Open {
    fn new(house: &Arc<House>) -> Open {
        house.numbers.connections.fetch_add(1, Relaxed);
        Open(Arc::clone(house))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.numbers.connections.fetch_sub(1, Relaxed);
    }
}

/// One connection with what its requests need.
struct Connection {
    house: Arc<House>,
    router: Router,
    closing: watch::Receiver<bool>,
    seat: Seat,
}

impl Connection {
    async fn serve(mut self, stream: TcpStream) {
        // Without it, small answers wait for a packet to fill; that it cannot be set harms nothing.
        let _slower = stream.set_nodelay(true);
        let limits = &self.house.limits;
        let io = TokioIo::new(Patient::new(stream, limits.stall_time));
        let guest = Arc::clone(&self.seat.guest);
        let service = service_fn(|request| {
            let (house, guest) = (Arc::clone(&self.house), Arc::clone(&guest));
            attend(house, self.router.clone(), guest, request)
        });
        let mut connection = std::pin::pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.head_time)
                .max_buf_size(limits.head_bytes.max(8192))
                .serve_connection(io, service)
        );
        let mut told = false;
        loop {
            tokio::select! {
                // How a connection ends is its client's affair; what was answered has been told.
                _ = connection.as_mut() => break,
                () = guest.leave.notified() => break,
                _ = self.closing.wait_for(|closing| *closing), if !told => {
                    told = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}
