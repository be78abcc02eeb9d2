//! Connections and requests as such: who is let in, how long anybody may take, what every request must
//! have. It knows no route and no model.

pub mod accept;
pub mod attend;
pub mod body;
mod guests;
mod stall;
mod told;
