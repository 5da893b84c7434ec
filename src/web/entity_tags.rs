//! `If-Match` and `If-None-Match`: versions in quotation marks, several of them, or the star.

use actix_web::http::header::{HeaderMap, HeaderName};

use super::problem::Problem;
use crate::kernel::Refusal;
use crate::kernel::problem_codes::INVALID_HEADER;

/// Longest list of tags, in characters.
pub const ENTITY_TAGS_CHARACTERS_MAX: usize = 1000;

/// What such a header names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EntityTags {
    /// Whatever there is.
    Any,
    /// These tags, without their quotation marks; the weak ones are marked.
    These(Vec<EntityTag>),
}

/// One tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EntityTag {
    /// Weak tags compare equal to nothing where comparison is strong.
    pub(super) weak: bool,
    /// What stands between the quotation marks.
    pub(super) text: String,
}

/// Reads the header of that name, if it was sent.
///
/// # Errors
/// `invalid_header` when it is not made of tags.
pub(super) fn entity_tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<EntityTags>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let tags = Some(text).filter(|text| text.len() <= ENTITY_TAGS_CHARACTERS_MAX).and_then(read);
    tags.map(Some).ok_or_else(|| {
        let why = text!(
            "{name} berisi ETag dalam tanda petik, misalnya \"3\".",
            "{name} holds an ETag in quotation marks, such as \"3\"."
        );
        Refusal::new(&INVALID_HEADER, why).into()
    })
}

fn read(text: &str) -> Option<EntityTags> {
    if text.trim() == "*" {
        return Some(EntityTags::Any);
    }
    text.split(',').map(|tag| read_one(tag.trim())).collect::<Option<_>>().map(EntityTags::These)
}

fn read_one(tag: &str) -> Option<EntityTag> {
    let (weak, quoted) = tag.strip_prefix("W/").map_or((false, tag), |rest| (true, rest));
    let text = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let sound = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    sound.then(|| EntityTag { weak, text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderValue, IF_MATCH};
    use proptest::prelude::*;

    fn read_header(value: &'static str) -> Result<Option<EntityTags>, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(IF_MATCH, HeaderValue::from_static(value));
        entity_tags(&headers, &IF_MATCH)
    }

    fn tag(text: &str) -> EntityTag {
        EntityTag { weak: false, text: text.to_owned() }
    }

    #[test]
    fn tags_lists_and_the_star_are_read_and_anything_else_is_refused() {
        assert_eq!(entity_tags(&HeaderMap::new(), &IF_MATCH).unwrap(), None);
        assert_eq!(read_header("*").unwrap(), Some(EntityTags::Any));
        assert_eq!(read_header("\"3\", \"x\"").unwrap(), Some(EntityTags::These(vec![tag("3"), tag("x")])));
        let weak = EntityTag { weak: true, text: "3".to_owned() };
        assert_eq!(read_header("W/\"3\"").unwrap(), Some(EntityTags::These(vec![weak])));
        for broken in ["", "3", "\"3", "\"3\" \"4\"", "\"3\",", "w/\"3\"", "\"a b\""] {
            assert_eq!(read_header(broken).unwrap_err().0.code.name, "invalid_header", "{broken}");
        }
    }

    fn written(tags: &EntityTags) -> String {
        let one = |tag: &EntityTag| format!("{}\"{}\"", if tag.weak { "W/" } else { "" }, tag.text);
        match tags {
            EntityTags::Any => "*".to_owned(),
            EntityTags::These(tags) => tags.iter().map(one).collect::<Vec<_>>().join(", "),
        }
    }

    proptest! {
        #[test]
        fn fuzz_tags_that_are_taken_read_back_as_themselves(text in "(W/)?\"[!-~]{0,4}\"(, ?(W/)?\"[a-z0-9]{0,3}\"){0,3}|[ -~]{0,12}") {
            if let Some(tags) = read(&text) {
                prop_assert_eq!(read(&written(&tags)), Some(tags));
            }
        }
    }
}
