//! The server at its outermost door: HTTP.

mod support;

mod access;
mod manage;
mod openapi;
mod page;
mod runs;
