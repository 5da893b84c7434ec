//! The toolkit handlers are written with; it knows no area.
//!
//! A request passes [`around`] (request id, language, headers, log line), is read by an extractor ([`Caller`], [`Command`], [`Params`]), and
//! is answered through [`reply`]. Whatever goes wrong is a [`Problem`].

mod around;
mod auth;
mod command;
mod entity_tags;
mod gathering;
pub mod health;
mod json;
mod keyring;
mod line;
pub mod metrics;
mod page;
mod params;
mod personal;
mod problem;
mod reply;
mod service;
mod show;
mod unpack;
mod upload;

pub use around::{KnownRoutes, around, method_not_allowed_or_not_found};
pub use auth::Caller;
pub use command::{Command, read_key};
pub use entity_tags::ENTITY_TAGS_CHARACTERS_MAX;
pub use gathering::Gathering;
pub use json::strict_json;
pub use keyring::{KeySource, Keyring, KnownKey, LEASE, LOOK_EVERY};
pub use line::{
    Answering, CommandMethod, LineAnswer, LineCommand, Recorded, Routes, gathering_caller, no_such_command,
};
pub use metrics::Metrics;
pub use page::{
    List, MadePage, NamedSortParams, NoFilter, Page, PageParams, SortParams, listing, listing_for_all, made_page,
};
pub use params::{IdPath, Params};
pub use personal::{present_persons, reseal_person, seal_person};
pub use problem::{Language, Problem, ProblemDocument, problem_page, wants_english};
pub use reply::{command_reply, constant_reply, document_reply, json_reply};
pub use service::Service;
pub use show::{
    AsOfParams, Point, Present, Shown, Stored, Viewer, parse_as_of, point_in_time, resource_as_of, show, show_history,
    show_made_of_stream, show_to_all,
};
pub use upload::{UploadLimits, receive};
