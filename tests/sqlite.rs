//! The stories on `SQLite`.

mod suite;
