//! Stories over HTTP, one module an area, and what holds for all of them. Compiled once for each database.

mod access;
mod api;
mod assessments;
mod attacks;
mod bad_input;
mod certifications;
mod cluster;
mod command_line;
mod cooperatives;
mod demonstration;
mod financing;
mod golden;
mod harness;
mod integrity;
mod managers;
mod openapi;
mod operations;
mod place;
mod programmes;
mod schema;
mod scoring;
mod store;
