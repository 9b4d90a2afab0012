//! The pages, and what they are drawn with.

pub mod assets;
