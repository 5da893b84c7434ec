//! The same stories on `PostgreSQL`.

mod suite;
