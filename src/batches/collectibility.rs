//! A bank's month-end table: CSV in, a collectibility report for each row.

use std::collections::HashMap;

use csv::ByteRecord;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::lines::Entry;
use crate::financing::{CollectibilityScheme, LenderNumbers};
use crate::kernel::problem_codes::{BODY_TOO_LARGE, INVALID_BODY, MALFORMED_CSV, NOT_FOUND, RULE_REFUSED};
use crate::kernel::{Date, Fault, Faults, Number, OneOf, Refusal, Text};
use crate::web::{CommandMethod, LineCommand, Problem};

/// The columns a table may have.
pub const COLUMNS: [&str; 6] = ["financing", "class", "days_past_due", "outstanding", "position_date", "scheme"];
/// The columns that tell why a row was refused. A table that is sent again may have them still.
pub const REASON_COLUMNS: [&str; 2] = ["code", "reason"];
/// What a spreadsheet puts before UTF-8.
pub const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

crate::words! {
    /// How numbers are written.
    Numbers {
        /// `1000000.00`.
        Plain = "plain",
        /// `1.000.000,00`.
        Indonesian = "id",
    }
}

crate::words! {
    /// How dates are written.
    Dates {
        /// `2014-04-30`.
        Iso = "iso",
        /// `30/04/2014`.
        Indonesian = "id",
    }
}

/// What is said about the whole table.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The scale, for rows that name none.
    pub scheme: Option<CollectibilityScheme>,
    /// The day, for rows that name none.
    pub position_date: Option<Date>,
    /// How numbers are written.
    pub numbers: Numbers,
    /// How dates are written.
    pub dates: Dates,
}

/// A table as it was sent.
pub struct Table {
    /// Whether it began with a byte order mark.
    pub marked: bool,
    /// What stands between its fields.
    pub delimiter: u8,
    /// The names of its columns, as they were written.
    pub header: ByteRecord,
    /// Where each of [`COLUMNS`] stands.
    columns: [Option<usize>; COLUMNS.len()],
    /// Its rows with the number of the line each begins on.
    pub rows: Vec<(usize, ByteRecord)>,
}

impl Table {
    /// Reads a table of at most `rows_max` rows.
    ///
    /// # Errors
    /// `malformed_csv`, `body_too_large`.
    pub fn read(file: &[u8], rows_max: usize) -> Result<Self, Problem> {
        let marked = file.starts_with(BYTE_ORDER_MARK);
        let file = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
        let delimiter = delimiter(file);
        let mut reader =
            csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(file);
        let mut records = reader.byte_records();
        let mut rows = Vec::new();
        let header = records.next().and_then(Result::ok).unwrap_or_default();
        let columns = columns(&header)?;
        for record in records {
            let Ok(record) = record else { break };
            let line = record.position().map_or(0, csv::Position::line);
            if rows.len() == rows_max {
                let why = text!(
                    "Tabel melebihi {rows_max} baris; bagi menjadi beberapa berkas. Tidak ada baris yang tercatat.",
                    "The table has more than {rows_max} rows; send it in parts. No row was recorded."
                );
                return Err(Refusal::new(&BODY_TOO_LARGE, why).into());
            }
            if record.iter().any(|cell| cell.contains(&b'\n') || cell.contains(&b'\r')) {
                let why = text!(
                    "Baris {line}: satu isian memuat ganti baris; mungkin ada tanda petik yang tidak ditutup, sehingga baris sesudahnya ikut termakan. Tidak ada baris yang tercatat.",
                    "Line {line}: a field holds a line break; perhaps a quotation mark is not closed, and swallows the rows after it. No row was recorded."
                );
                return Err(malformed(why));
            }
            rows.push((usize::try_from(line).unwrap_or(usize::MAX), record));
        }
        if rows.is_empty() {
            return Err(malformed(Text::fixed(
                "Tabel tidak berisi baris setelah baris judul.",
                "The table has no row after its header.",
            )));
        }
        Ok(Self { marked, delimiter, header, columns, rows })
    }

    /// The lender's own numbers by which rows name their financings.
    pub fn numbers(&self) -> Vec<Number> {
        let cells = self.rows.iter().filter_map(|(_, record)| self.cell(record, 0));
        cells.filter(|cell| Uuid::try_parse(cell).is_err()).filter_map(|cell| Number::parse(cell).ok()).collect()
    }

    /// Makes a line of each row. No row has a key: what is reported already is not recorded again, and what was refused or undone is decided anew.
    pub fn entries(&self, options: &Options, known: &LenderNumbers) -> Vec<Entry> {
        let mut first: HashMap<(Uuid, String), (usize, Value)> = HashMap::new();
        let mut entry = |(line, record): &(usize, ByteRecord)| {
            let report = self.report(record, options, known).and_then(|(financing, body)| {
                let day = body["position_date"].to_string();
                let (first, said) = first.entry((financing, day)).or_insert_with(|| (*line, body.clone()));
                if *said == body { Ok((financing, body)) } else { Err(contradicts(*first)) }
            });
            let command = report.map(|(financing, body)| {
                let path = format!("/v1/financings/{financing}/collectibility-reports");
                LineCommand { method: CommandMethod::Post, path, key: None, body }
            });
            Entry { number: *line, key: None, command }
        };
        self.rows.iter().map(&mut entry).collect()
    }

    /// A cell's text; `None` when there is no such column, or it is empty or not UTF-8.
    fn cell<'a>(&self, record: &'a ByteRecord, column: usize) -> Option<&'a str> {
        let field = record.get(self.columns[column]?)?;
        std::str::from_utf8(field).ok().map(str::trim).filter(|text| !text.is_empty())
    }

    /// The financing a row is about and the body of its report.
    fn report(&self, record: &ByteRecord, options: &Options, known: &LenderNumbers) -> Result<(Uuid, Value), Problem> {
        let (count, wanted) = (record.len(), self.header.len());
        if count != wanted {
            return Err(malformed(text!(
                "Baris ini berisi {count} kolom, padahal judul {wanted}; periksa pemisah dan tanda petik.",
                "This row has {count} fields and the header {wanted}; check separators and quotation marks."
            )));
        }
        if record.iter().any(|field| std::str::from_utf8(field).is_err()) {
            return Err(malformed(Text::fixed(
                "Baris ini bukan UTF-8; simpan tabel sebagai CSV UTF-8.",
                "This row is not UTF-8; save the table as CSV in UTF-8.",
            )));
        }
        let mut faults = Faults::default();
        let mut body = Map::new();
        // What is not a number goes on as it is: the command says what it wants.
        let whole = |text: &str| text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from);
        for (column, name) in [(1, "class"), (2, "days_past_due")] {
            self.cell(record, column).map(|cell| body.insert(name.to_owned(), whole(cell)));
        }
        if let Some(cell) = self.cell(record, 3) {
            match amount(cell, options.numbers) {
                Ok(value) => {
                    body.insert("outstanding".to_owned(), json!({"value": value, "currency": "IDR"}));
                }
                Err(why) => faults.add("/outstanding", "invalid_money", why),
            }
        }
        match self.cell(record, 4).map(|cell| date(cell, options.dates)).transpose() {
            Ok(day) => {
                let day = day.or(options.position_date);
                day.map(|day| body.insert("position_date".to_owned(), day.to_string().into()));
            }
            Err(why) => faults.add("/position_date", "invalid_date", why),
        }
        let scheme = self.cell(record, 5).or_else(|| options.scheme.map(OneOf::word));
        scheme.map(|scheme| body.insert("scheme".to_owned(), scheme.into()));
        if !faults.0.is_empty() {
            return Err(Refusal::faults(&INVALID_BODY, faults).into());
        }
        Ok((self.financing(record, known)?, Value::Object(body)))
    }

    fn financing(&self, record: &ByteRecord, known: &LenderNumbers) -> Result<Uuid, Problem> {
        let named = self.cell(record, 0).unwrap_or_default();
        if let Ok(id) = Uuid::try_parse(named) {
            return Ok(id);
        }
        let number = Number::parse(named).map_err(|why| {
            Refusal::faults(&INVALID_BODY, Faults(vec![Fault::new("/financing", "invalid_text", why)]))
        })?;
        match known.get(&number.normalised()).map(Vec::as_slice) {
            Some([one]) => Ok(*one),
            Some(several) => Err(at_financing(
                "ambiguous_reference",
                Text::fixed(
                    "Nomor ini nomor permohonan satu pembiayaan dan nomor akad pembiayaan lain; sebutkan id pembiayaannya.",
                    "This is the application number of one financing and the akad number of another; name the financing's id.",
                ),
                several,
            )),
            None => Err(at_financing(
                "unknown_reference",
                text!(
                    "Tidak ada pembiayaan Anda dengan nomor permohonan atau nomor akad `{named}`.",
                    "None of your financings has the application or akad number `{named}`."
                ),
                &[],
            )),
        }
    }
}

fn at_financing(fault: &'static str, why: Text, candidates: &[Uuid]) -> Problem {
    let mut refusal = Refusal::new(&NOT_FOUND, why.clone());
    if !candidates.is_empty() {
        refusal = refusal.with("candidates", candidates.iter().map(Uuid::to_string).collect::<Vec<_>>());
    }
    refusal.faults.push(Fault::new("/financing", fault, why));
    refusal.into()
}

/// Of two rows that say different things of the same day, nobody can tell which is meant.
fn contradicts(first: usize) -> Problem {
    let why = text!(
        "Baris {first} melaporkan hal lain tentang pembiayaan dan hari yang sama; kirim satu saja.",
        "Line {first} reports something else on the same financing and day; send one of the two."
    );
    let fault = Fault::new("/position_date", "repeated_row", why);
    Refusal::faults(&RULE_REFUSED, Faults(vec![fault])).into()
}

/// What stands between the names in the header: semicolons where commas are decimal, else commas.
fn delimiter(file: &[u8]) -> u8 {
    let header = file.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let fields = |separator: u8| header.split(|byte| *byte == separator).count();
    if fields(b';') > fields(b',') { b';' } else { b',' }
}

fn columns(header: &ByteRecord) -> Result<[Option<usize>; COLUMNS.len()], Problem> {
    let mut columns = [None; COLUMNS.len()];
    let mut faults = Faults::default();
    for (place, field) in header.iter().enumerate() {
        let name = name_of(field);
        let known = COLUMNS.iter().position(|column| *column == name);
        if let Some(column) = known {
            if columns[column].replace(place).is_some() {
                let why = text!("Kolom `{name}` ada dua kali.", "The column `{name}` stands twice.");
                faults.add(format!("/{name}"), "repeated_column", why);
            }
        } else if !REASON_COLUMNS.contains(&name.as_str()) {
            let list = COLUMNS.join(", ");
            let why = text!(
                "Kolom `{name}` tidak dikenal; yang dikenal: {list}.",
                "The column `{name}` is not known; known: {list}."
            );
            faults.add(format!("/{name}"), "unknown_column", why);
        }
    }
    // The others may be said for the whole table, or be left out.
    for column in [0, 1, 3] {
        if columns[column].is_none() {
            let name = COLUMNS[column];
            let why = text!("Kolom `{name}` wajib ada.", "The column `{name}` is required.");
            faults.add(format!("/{name}"), "missing_column", why);
        }
    }
    if faults.0.is_empty() { Ok(columns) } else { Err(Refusal::faults(&MALFORMED_CSV, faults).into()) }
}

/// A column's name, however it is written.
pub fn name_of(field: &[u8]) -> String {
    let name: String = String::from_utf8_lossy(field).chars().take(100).collect();
    name.trim().to_ascii_lowercase()
}

/// An amount as the API writes it.
fn amount(text: &str, numbers: Numbers) -> Result<String, Text> {
    if numbers == Numbers::Plain {
        return Ok(text.to_owned());
    }
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = unsigned.split_once(',').unwrap_or((unsigned, "00"));
    let groups: Vec<&str> = whole.split('.').collect();
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let grouped = groups.len() == 1 || (groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3));
    if grouped && groups.iter().all(|group| digits(group)) && digits(fraction) {
        return Ok(format!("{sign}{}.{fraction}", groups.concat()));
    }
    Err(Text::fixed(
        "Dengan `numbers=id` tulis jumlah sebagai 1.000.000,00.",
        "With `numbers=id` write the amount as 1.000.000,00.",
    ))
}

/// A date, written as declared.
fn date(text: &str, dates: Dates) -> Result<Date, Text> {
    if dates == Dates::Iso {
        return Date::parse(text);
    }
    let parts: Vec<&str> = text.split('/').collect();
    let digits =
        |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    match parts[..] {
        [day, month, year] if digits(day, 2) && digits(month, 2) && year.len() == 4 && digits(year, 4) => {
            Date::parse(&format!("{year}-{month:0>2}-{day:0>2}"))
        }
        _ => Err(Text::fixed(
            "Dengan `dates=id` tulis tanggal sebagai 30/04/2014.",
            "With `dates=id` write the date as 30/04/2014.",
        )),
    }
}

fn malformed(why: Text) -> Problem {
    Refusal::new(&MALFORMED_CSV, why).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const OPTIONS: Options = Options {
        scheme: Some(CollectibilityScheme::BankUmum),
        position_date: None,
        numbers: Numbers::Plain,
        dates: Dates::Iso,
    };
    const INDONESIAN: Options = Options { numbers: Numbers::Indonesian, dates: Dates::Indonesian, ..OPTIONS };
    const ID: &str = "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b";

    fn commands(file: &str, options: &Options) -> Vec<Result<LineCommand, Problem>> {
        let table = Table::read(file.as_bytes(), 100).unwrap();
        table.entries(options, &HashMap::new()).into_iter().map(|entry| entry.command).collect()
    }

    #[test]
    fn an_indonesian_spreadsheet_and_a_plain_table_make_the_same_report() {
        let plain =
            format!("financing,class,days_past_due,outstanding,position_date\n{ID},2,30,1000000.00,2014-04-30\n");
        let other = format!(
            "\u{feff}Class;Outstanding;Position_Date;Financing;Days_past_due\r\n2;\"1.000.000,00\";30/04/2014;\"{ID}\";30\r\n"
        );
        let (one, two) =
            (commands(&plain, &OPTIONS).remove(0).unwrap(), commands(&other, &INDONESIAN).remove(0).unwrap());
        assert_eq!(one, two);
        let expected = json!({"class": 2, "days_past_due": 30, "outstanding": {"value": "1000000.00", "currency": "IDR"},
            "position_date": "2014-04-30", "scheme": "bank_umum"});
        assert_eq!((one.body, one.path), (expected, format!("/v1/financings/{ID}/collectibility-reports")));
    }

    #[test]
    fn rows_that_say_different_things_of_one_day_are_refused_after_the_first() {
        let rows = ["1,5.00,2014-04-30", "2,5.00,2014-04-30", "1,5.00,2014-04-30", "2,5.00,2014-05-31"];
        let rows: Vec<String> = rows.iter().map(|row| format!("{ID},{row}")).collect();
        let file = format!("financing,class,outstanding,position_date\n{}\n", rows.join("\n"));
        let told = commands(&file, &OPTIONS);
        assert_eq!(told.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, true]);
        let problem = &told[1].as_ref().unwrap_err().0;
        assert_eq!((problem.code.status, problem.faults[0].code.as_ref()), (422, "repeated_row"));
        assert!(problem.faults[0].detail.en.starts_with("Line 2 "), "{}", problem.faults[0].detail.en);
    }

    #[test]
    fn all_faults_of_a_row_are_told_at_once() {
        let file = format!("financing;class;outstanding;position_date\n{ID};1;Rp 5;31/04/2014\n");
        let problem = commands(&file, &INDONESIAN).remove(0).unwrap_err();
        let found: Vec<&str> = problem.0.faults.iter().map(|fault| fault.pointer.as_ref()).collect();
        assert_eq!(found, ["/outstanding", "/position_date"]);
    }

    #[test]
    fn amounts_are_read_as_declared_and_never_guessed() {
        assert_eq!(amount("1.000.000,00", Numbers::Indonesian).unwrap(), "1000000.00");
        assert_eq!(amount("19250000", Numbers::Indonesian).unwrap(), "19250000.00");
        assert_eq!(amount("1.000", Numbers::Plain).unwrap(), "1.000");
        for wrong in ["1,000,000.00", "1000.00", "1.00", "1.0000", ".5", "1,", "Rp 5", ""] {
            assert!(amount(wrong, Numbers::Indonesian).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_header_that_is_not_understood_is_refused_with_every_fault() {
        let problem = Table::read(b"financing,clas,class,class\nx,1,1,1\n", 10).err().unwrap();
        let found: Vec<&str> = problem.0.faults.iter().map(|fault| fault.code.as_ref()).collect();
        assert_eq!(found, ["unknown_column", "repeated_column", "missing_column"]);
        assert!(Table::read(b"", 10).is_err() && Table::read(b"financing,class,outstanding\n", 10).is_err());
    }

    #[test]
    fn a_row_of_another_length_is_refused_by_itself() {
        let file = format!("financing,class,outstanding\n{ID},1\n{ID},1,5.00,6\n{ID},1,5.00\n");
        let told: Vec<bool> = commands(&file, &OPTIONS).iter().map(Result::is_ok).collect();
        assert_eq!(told, [false, false, true]);
    }

    proptest! {
        #[test]
        fn no_table_makes_the_reader_panic(file in prop::collection::vec(any::<u8>(), 0..200), cells in r#"([a-z0-9;,."/\n -]|é){0,80}"#) {
            let _ = Table::read(&file, 10);
            if let Ok(table) = Table::read(format!("financing;class;outstanding;position_date\n{cells}").as_bytes(), 100) {
                prop_assert_eq!(table.entries(&INDONESIAN, &HashMap::new()).len(), table.rows.len());
            }
        }
    }
}
