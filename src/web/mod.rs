//! The toolkit handlers are written with; it knows no area.
//!
//! A request passes [`around`] (request id, language, headers, log line) and the [`Guard`] (limits, quotas), is read by an extractor ([`Caller`], [`Command`], [`Params`]), and
//! is answered through [`reply`]. Whatever goes wrong is a [`Problem`].

mod around;
mod auth;
mod client;
mod command;
mod connections;
mod cors;
mod entity_tags;
mod gathering;
mod guard;
mod guesses;
pub mod health;
mod json;
mod keyring;
mod line;
pub mod metrics;
mod page;
mod params;
mod personal;
mod point;
mod problem;
mod quota;
mod ranges;
mod reply;
mod service;
mod show;
#[cfg(feature = "rustls")]
mod tls;
mod tokens;
mod unpack;
mod upload;
mod uses;

pub use around::{KnownRoutes, around, method_not_allowed_or_not_found};
pub use auth::{Caller, PeerCertificate};
pub use client::Networks;
pub use command::{Command, read_key};
pub use connections::{ConnectionLimits, Connections};
pub use cors::{Cors, Origin};
pub use entity_tags::ENTITY_TAGS_CHARACTERS_MAX;
pub use gathering::Gathering;
pub use guard::{Guard, HEADER_BYTES_MAX, HEADERS_MAX, Room, URL_BYTES_MAX, own_address};
pub use guesses::Guesses;
pub use json::{DEPTH_MAX, strict_json, too_deep};
pub use keyring::{Credential, KeySource, Keyring, KnownKey, LEASE, LOOK_EVERY};
pub use line::{
    Answering, CommandMethod, LineAnswer, LineCommand, Recorded, Routes, gathering_caller, no_such_command,
};
pub use metrics::Metrics;
pub use page::{
    List, MadePage, NamedSortParams, NoFilter, Page, PageParams, SortParams, listing, listing_for_all, made_page,
};
pub use params::{IdPath, PARAMETERS_MAX, Params};
pub use personal::{
    Seen, amend_resealed, open_person, present_persons, record_looks, record_met, reseal_person, seal_person,
};
pub use point::{
    AsOfParams, KnownPoint, Point, ReportParams, ReportPoint, SEQUENCE_PATTERN, point_in_time, read_as_of, read_known,
    read_point, report_point, sequence_of,
};
pub use problem::{Language, Problem, ProblemDocument, problem_page, wants_english};
pub use quota::{Quota, Quotas, count_for_organisation};
pub use ranges::{FileReply, file_reply};
pub use reply::{command_reply, constant_reply, document_reply, json_reply, private_reply};
pub use service::{READS_AT_ONCE_MAX, Service};
pub use show::{
    Present, Shown, Stored, Viewer, leave_out, resource_as_of, show, show_history, show_made_of_stream, show_to_all,
    told_data,
};
#[cfg(feature = "rustls")]
pub use tls::{connect_to_own, peer_certificate, tls_config};
pub use tokens::Tokens;
pub use upload::{UploadLimits, receive};
pub use uses::UseWriter;
