//! Stories over HTTP, one module an area, and what holds for all of them.

mod access;
mod api;
mod assessments;
mod bad_input;
mod certifications;
mod cooperatives;
mod demonstration;
mod financing;
mod golden;
mod harness;
mod managers;
mod openapi;
mod programmes;
mod schema;
mod scoring;
mod store;
