//! Frozen weights of linear maps, packed once in the layout that their kernel wants.

pub mod int8;
