//! The code lists over HTTP: an index, and each list whole or as it is on a day. The lists themselves are data of the kernel.

pub mod http;

pub use http::OnParams;
