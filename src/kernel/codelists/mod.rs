//! Code lists as data: what words mean, from when until when, and who says so.
//!
//! Each list is a JSON file in this folder, read and checked once. A list grows by an entry in its file; where a decision depends on a word
//! (a role that counts as manager, a kind that lends, the limits of a size), it asks the list rather than repeat it. Words that the code must
//! tell apart remain enumerations, and a test holds the two together.

mod list;
mod schemes;
mod sizes;

pub use list::{CodeEntry, CodeList, code_list, code_lists, is_marked};
pub use schemes::{SchemeTerms, scheme_on};
pub use sizes::{SizeLimits, SizeTerms, SizeTest, sizes_on};
