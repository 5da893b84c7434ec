//! The lines of a file, read into commands.

use serde_json::{Map, Value};

use crate::kernel::problem_codes::{BODY_TOO_LARGE, INVALID_BODY, MALFORMED_JSON};
use crate::kernel::{Fault, Faults, Refusal, Text};
use crate::web::{CommandMethod, LineCommand, Problem, read_key, strict_json, too_deep};

/// A line, as far as it could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number in the file, from 1.
    pub number: usize,
    /// Its Idempotency-Key, if it could be read.
    pub key: Option<String>,
    /// The command, or what is wrong with the line.
    pub command: Result<LineCommand, Problem>,
}

/// The lines of a file; blank ones are passed over.
pub struct Lines {
    file: Vec<u8>,
    at: usize,
    number: usize,
    how_many: usize,
}

impl Lines {
    /// The lines of a file, of which there are at most `lines_max`, none longer than `line_bytes_max`.
    ///
    /// # Errors
    /// `body_too_large`.
    pub fn of(file: Vec<u8>, lines_max: usize, line_bytes_max: usize) -> Result<Self, Problem> {
        let mut lines = Self { file, at: 0, number: 0, how_many: 0 };
        let mut count = 0;
        while let Some((number, line)) = lines.next_line() {
            count += 1;
            if line.len() > line_bytes_max {
                return Err(too_large(text!(
                    "Baris {number} lebih dari {line_bytes_max} byte. Tidak ada baris yang tercatat.",
                    "Line {number} has more than {line_bytes_max} bytes. No line was recorded."
                )));
            }
        }
        if count > lines_max {
            return Err(too_large(text!(
                "Berkas berisi {count} baris; paling banyak {lines_max}. Bagi menjadi beberapa berkas. Tidak ada baris yang tercatat.",
                "The file has {count} lines; {lines_max} are taken at most. Send it in parts. No line was recorded."
            )));
        }
        if count == 0 {
            let why = Text::fixed(
                "Berkas kosong; kirim sedikitnya satu baris.",
                "The file is empty; send one line at least.",
            );
            return Err(Refusal::new(&INVALID_BODY, why).into());
        }
        (lines.at, lines.number, lines.how_many) = (0, 0, count);
        Ok(lines)
    }

    /// How many lines there are.
    pub const fn how_many(&self) -> usize {
        self.how_many
    }

    fn next_line(&mut self) -> Option<(usize, &[u8])> {
        loop {
            let rest = self.file.get(self.at..).filter(|rest| !rest.is_empty())?;
            let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let start = self.at;
            self.at += length + 1;
            self.number += 1;
            if !self.file[start..start + length].trim_ascii().is_empty() {
                return Some((self.number, self.file[start..start + length].trim_ascii()));
            }
        }
    }
}

fn too_large(why: Text) -> Problem {
    Refusal::new(&BODY_TOO_LARGE, why).into()
}

impl Iterator for Lines {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.next_line().map(|(number, line)| read(number, line))
    }
}

/// Reads one line.
fn read(number: usize, line: &[u8]) -> Entry {
    let fields = match fields(line) {
        Ok(fields) => fields,
        Err(problem) => return Entry { number, key: None, command: Err(problem) },
    };
    let mut faults = Faults::default();
    let (key, command) = command(fields, &mut faults);
    let command = command.filter(|_| faults.0.is_empty()).ok_or_else(|| Refusal::faults(&INVALID_BODY, faults).into());
    Entry { number, key, command }
}

fn fields(line: &[u8]) -> Result<Map<String, Value>, Problem> {
    let malformed = |why| Problem::from(Refusal::new(&MALFORMED_JSON, why));
    let text = std::str::from_utf8(line).map_err(|error| {
        let at = error.valid_up_to();
        malformed(text!(
            "Baris ini bukan UTF-8: byte ke-{at} tidak sah.",
            "This line is not UTF-8: the byte at offset {at} is invalid."
        ))
    })?;
    let value = strict_json(text).map_err(|error| {
        if let Some(why) = too_deep(&error) {
            return malformed(why);
        }
        let column = error.column();
        malformed(text!(
            "JSON tidak terbaca pada kolom {column}, atau satu isian tertulis dua kali di situ.",
            "The JSON cannot be read at column {column}, or a field stands there twice."
        ))
    })?;
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(malformed(Text::fixed(
            "Setiap baris satu objek JSON: {\"key\", \"method\", \"path\", \"body\"}.",
            "Every line is one JSON object: {\"key\", \"method\", \"path\", \"body\"}.",
        ))),
    }
}

fn command(mut fields: Map<String, Value>, faults: &mut Faults) -> (Option<String>, Option<LineCommand>) {
    let key = match fields.remove("key") {
        None | Some(Value::Null) => None,
        Some(key) => read_key(key.as_str().unwrap_or_default())
            .map_err(|_| {
                let why = Text::fixed(
                    "`key` harus 1 sampai 255 karakter ASCII tanpa spasi.",
                    "`key` must be 1 to 255 ASCII characters without spaces.",
                );
                faults.0.push(Fault::new("/key", "invalid_key", why));
            })
            .ok(),
    };
    let method = method(fields.remove("method").as_ref(), faults);
    let path = match fields.remove("path") {
        Some(Value::String(path)) => Some(whole_path(&path)),
        other => {
            faults.add(
                "/path",
                missing_or_wrong(other.as_ref()),
                Text::fixed(
                    "Tulis alamat perintah, misalnya \"cooperatives\" atau \"financings/{id}/approvals\".",
                    "Write the command's path, such as \"cooperatives\" or \"financings/{id}/approvals\".",
                ),
            );
            None
        }
    };
    let body = match fields.remove("body") {
        None | Some(Value::Null) => Some(Value::Object(Map::new())),
        Some(body @ Value::Object(_)) => Some(body),
        Some(_) => {
            faults.add("/body", "wrong_type", Text::fixed("Kirim satu objek JSON.", "Send one JSON object."));
            None
        }
    };
    for name in fields.keys() {
        let why = text!(
            "Isian `{name}` tidak dikenal pada baris; yang dikenal: key, method, path, body.",
            "The field `{name}` is not known in a line; known: key, method, path, body."
        );
        faults.add(format!("/{name}"), "unknown_field", why);
    }
    let command = match (method, path, body) {
        (Some(method), Some(path), Some(body)) => Some(LineCommand { method, path, key: key.clone(), body }),
        _ => None,
    };
    (key, command)
}

fn missing_or_wrong(value: Option<&Value>) -> &'static str {
    if value.is_none_or(Value::is_null) { "missing_field" } else { "wrong_type" }
}

fn method(value: Option<&Value>, faults: &mut Faults) -> Option<CommandMethod> {
    let method = value.and_then(Value::as_str).and_then(CommandMethod::of);
    if method.is_none() {
        let fault = match value {
            Some(Value::String(_)) => "unknown_value",
            other => missing_or_wrong(other),
        };
        faults.add("/method", fault, Text::fixed("Pilih: POST, PATCH.", "Choose one of: POST, PATCH."));
    }
    method
}

/// `cooperatives`, `/cooperatives` and `/v1/cooperatives` are the same path.
fn whole_path(path: &str) -> String {
    let path = path.strip_prefix('/').unwrap_or(path);
    format!("/v1/{}", path.strip_prefix("v1/").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &str) -> Vec<Entry> {
        Lines::of(text.as_bytes().to_vec(), 100, 1000).unwrap().collect()
    }

    fn faults(line: &str) -> Vec<(String, String)> {
        let problem = all(line).remove(0).command.unwrap_err();
        problem.0.faults.iter().map(|fault| (fault.pointer.clone(), fault.code.to_string())).collect()
    }

    #[test]
    fn a_path_may_be_whole_or_relative_and_blank_lines_only_count() {
        let file = "\n{\"method\":\"POST\",\"path\":\"cooperatives\",\"body\":{\"a\":1}}\r\n  \n\
            {\"key\":\"\\\"k1\\\"\",\"method\":\"PATCH\",\"path\":\"/v1/managers/7\"}";
        let entries = all(file);
        assert_eq!(entries.iter().map(|entry| entry.number).collect::<Vec<_>>(), [2, 4]);
        let commands: Vec<LineCommand> = entries.into_iter().map(|entry| entry.command.unwrap()).collect();
        assert_eq!(commands[0].path, "/v1/cooperatives");
        assert_eq!(commands[0].body, serde_json::json!({"a": 1}));
        assert_eq!((commands[1].path.as_str(), commands[1].key.as_deref()), ("/v1/managers/7", Some("k1")));
    }

    #[test]
    fn every_fault_of_a_line_is_told_at_once() {
        let found = faults("{\"key\":\"two words\",\"method\":\"GET\",\"body\":[],\"bdoy\":{}}");
        let expected = [
            ("/key", "invalid_key"),
            ("/method", "unknown_value"),
            ("/path", "missing_field"),
            ("/body", "wrong_type"),
            ("/bdoy", "unknown_field"),
        ];
        assert_eq!(found, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    }

    #[test]
    fn a_file_with_too_many_or_too_long_lines_is_refused_whole() {
        assert!(Lines::of(b"{}\n{}\n{}\n".to_vec(), 2, 10).is_err());
        assert!(Lines::of(b"{}\n{\"a\":12345}\n".to_vec(), 2, 10).is_err());
        assert!(Lines::of(b"\n \n".to_vec(), 2, 10).is_err());
        assert_eq!(Lines::of(b"\n{}\n\n{}".to_vec(), 2, 10).unwrap().count(), 2);
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reader_panic(file in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(lines) = Lines::of(file, 100, 100) {
                prop_assert!(lines.count() > 0);
            }
        }

        #[test]
        fn nothing_that_looks_like_a_line_does_either(line in r#"\{("(key|method|path|body|x)":("POST"|"/[a-z/]{0,9}"|\{\}|null|7|"é"),?){0,5}\}"#) {
            prop_assert_eq!(all(&line).len(), 1);
        }
    }
}
