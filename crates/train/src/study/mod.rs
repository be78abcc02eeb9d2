//! Studies: plans over arms, belts, bases and seeds; cells that are run once, by whoever comes; and
//! what was found, in one file.

pub mod results;
