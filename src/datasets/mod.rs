//! Datasets: the records as tables, whole, each as of one position of the log, in three formats with the same columns.
//!
//! - The *registry* (`registry/*.json`) says in both languages what every column means (konsep, definisi, klasifikasi, ukuran, satuan). Pages,
//!   data packages, the DCAT catalogue, the documentation and the schemas of the files are all made of it.
//! - `content` makes rows: one pure function from a folded resource (or its steps) to rows. Nothing else is folded than everywhere.
//! - `points` are what a file is as of: what was known (`as_of`, `diketahui_pada`) and the day in the world (`per_tanggal`). A record on a day is
//!   its stream told as far as the day ([`crate::ledger::fold_on`]); figures are told as the reports tell them, so that both say the same.
//! - `format` writes rows and knows no dataset. A file depends on nothing but its points and on who may see it: the
//!   same request yields the same bytes, later, after a rebuild, on either database.
//! - `making` reads the log block by block, so that memory does not grow with it; `shelf` keeps the files that were made, within a limit.
//!
//! What is personal, free text and the amounts of enterprises have no column. Texts stay as they are: nothing is put before a leading `=`, because
//! files of official statistics are read by programs that would take it for part of the value.

mod content;
mod describe;
mod format;
pub mod http;
mod making;
mod points;
mod registry;
mod row;
mod shelf;
mod spool;

pub use describe::markdown;
pub use registry::{Column, ColumnType, Dataset, Registry, Variable, registry};
pub use shelf::{Shelf, ShelfLimits};
