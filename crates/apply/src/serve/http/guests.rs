//! The connections that are open, and which of them gives way when there are too many: the oldest one
//! that has not yet brought a whole request. Connections whose request is being answered never do.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// One open connection.
#[derive(Debug, Default)]
pub struct Guest {
    /// A request of it is being answered.
    busy: AtomicBool,
    /// It is to be closed at once.
    pub leave: Notify,
}

impl Guest {
    pub fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Relaxed);
    }

    fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }
}

/// All open connections, in the order in which they came.
#[derive(Debug)]
pub struct Guests {
    most: usize,
    present: Mutex<Present>,
    /// Rung when one leaves.
    pub left: Notify,
}

#[derive(Debug, Default)]
struct Present {
    next: u64,
    guests: BTreeMap<u64, Arc<Guest>>,
}

/// A guest's place, which is free again when this is dropped.
#[derive(Debug)]
pub struct Seat {
    number: u64,
    pub guest: Arc<Guest>,
    guests: Arc<Guests>,
}

/// How a place was found.
#[derive(Debug)]
pub enum Found {
    /// There was one.
    Free(Seat),
    /// Another connection was closed for it.
    Given(Seat),
    /// All are being answered.
    Full,
}

impl Guests {
    pub fn new(most: usize) -> Arc<Guests> {
        Arc::new(Guests {
            most: most.max(1),
            present: Mutex::default(),
            left: Notify::new(),
        })
    }

    /// A place for one more.
    pub fn seat(self: &Arc<Guests>) -> Found {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        let mut given = false;
        if present.guests.len() >= self.most {
            let idle = present.guests.iter().find(|(_, guest)| !guest.is_busy());
            let Some(number) = idle.map(|(number, _)| *number) else {
                return Found::Full;
            };
            if let Some(guest) = present.guests.remove(&number) {
                guest.leave.notify_one();
            }
            given = true;
        }
        let number = present.next;
        present.next += 1;
        let guest = Arc::new(Guest::default());
        present.guests.insert(number, Arc::clone(&guest));
        let seat = Seat {
            number,
            guest,
            guests: Arc::clone(self),
        };
        match given {
            true => Found::Given(seat),
            false => Found::Free(seat),
        }
    }

    /// How many there are.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        let present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        present.guests.len()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let present = self.guests.present.lock();
        let mut present = present.unwrap_or_else(PoisonError::into_inner);
        present.guests.remove(&self.number);
        drop(present);
        self.guests.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(found: Found) -> Seat {
        match found {
            Found::Free(seat) | Found::Given(seat) => seat,
            Found::Full => panic!("full"),
        }
    }

    #[test]
    fn the_oldest_without_a_request_gives_way_and_nobody_who_is_answered() {
        let guests = Guests::new(3);
        let seats: Vec<Seat> = (0..3).map(|_| seat(guests.seat())).collect();
        seats[0].guest.set_busy(true);
        let fourth = guests.seat();
        assert!(matches!(fourth, Found::Given(_)));
        let fourth = seat(fourth);
        assert_eq!(guests.count(), 3);
        seats[2].guest.set_busy(true);
        fourth.guest.set_busy(true);
        assert!(matches!(guests.seat(), Found::Full));
        // The second has given way already; that it leaves now frees nothing twice.
        drop(seats);
        assert_eq!(guests.count(), 1);
        assert!(matches!(guests.seat(), Found::Free(_)));
    }
}
