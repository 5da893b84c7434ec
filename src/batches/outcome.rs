//! What came of the lines, and of the file.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::kernel::Text;
use crate::web::{Language, LineAnswer, Problem, ProblemDocument};

/// What came of one line.
#[derive(Debug)]
pub struct Outcome {
    /// Its number in the file.
    pub line: usize,
    /// Its Idempotency-Key.
    pub key: Option<String>,
    /// The path of its command.
    pub path: String,
    /// What its handler answered.
    pub answer: LineAnswer,
    /// Whether what was decided is on disk.
    pub written: bool,
}

crate::words! {
    /// What came of a line.
    LineOutcome {
        /// Recorded; what it creates is new.
        Created = "created",
        /// Recorded.
        Changed = "changed",
        /// Recorded before, or so already; this time nothing changed.
        Replayed = "replayed",
        /// Not recorded; `problem` tells why.
        Refused = "refused",
        /// Not recorded, because of other lines or of `dry_run`; nothing speaks against it.
        WouldHaveSucceeded = "would_have_succeeded",
    }
}

impl Outcome {
    /// Where the line went to; where the file did, when the line names no path.
    fn place<'a>(&'a self, file: &'a str) -> &'a str {
        if self.path.is_empty() { file } else { &self.path }
    }

    /// In one word.
    pub fn word(&self) -> LineOutcome {
        match &self.answer.result {
            Err(_) => LineOutcome::Refused,
            Ok(recorded) if self.answer.replayed || recorded.unchanged => LineOutcome::Replayed,
            Ok(_) if !self.written => LineOutcome::WouldHaveSucceeded,
            Ok(recorded) if recorded.created => LineOutcome::Created,
            Ok(_) => LineOutcome::Changed,
        }
    }
}

/// How the file was to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Taken {
    /// Each line for itself, or all or nothing.
    pub mode: Mode,
    /// Whether nothing was to be written.
    pub dry_run: bool,
}

crate::words! {
    /// Each line for itself, or all or nothing.
    Mode {
        /// Every line for itself.
        Each = "each",
        /// All or nothing.
        Atomic = "atomic",
    }
}

/// The last line of an answer: an answer that ends without it is not complete.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Summary {
    /// How the file was taken.
    #[serde(flatten)]
    #[schema(inline)]
    pub taken: Taken,
    /// Lines with an outcome.
    pub lines: usize,
    /// Lines that created something.
    pub created: usize,
    /// Lines that changed something.
    pub changed: usize,
    /// Lines that had been recorded before, or asked for what was so already.
    pub replayed: usize,
    /// Lines that were refused.
    pub refused: usize,
    /// Lines that only other lines or `dry_run` kept from being recorded.
    pub would_have_succeeded: usize,
    /// Lines that were not attempted, because the intake stopped before them.
    pub not_attempted: usize,
    /// Whether the file changed nothing at all.
    pub changed_nothing: bool,
    /// The same in a sentence.
    pub detail: String,
}

impl Summary {
    /// Of nothing yet.
    pub fn new(taken: Taken) -> Self {
        Self {
            taken,
            lines: 0,
            created: 0,
            changed: 0,
            replayed: 0,
            refused: 0,
            would_have_succeeded: 0,
            not_attempted: 0,
            changed_nothing: true,
            detail: String::new(),
        }
    }

    /// Counts an outcome.
    pub fn count(&mut self, outcome: &Outcome) {
        self.lines += 1;
        let counted = match outcome.word() {
            LineOutcome::Created => &mut self.created,
            LineOutcome::Changed => &mut self.changed,
            LineOutcome::Replayed => &mut self.replayed,
            LineOutcome::Refused => &mut self.refused,
            LineOutcome::WouldHaveSucceeded => &mut self.would_have_succeeded,
        };
        *counted += 1;
        self.changed_nothing = self.created + self.changed == 0;
    }

    /// Says it in a sentence, once all is counted.
    pub fn say(&mut self, language: Language, not_attempted: usize) {
        self.not_attempted = not_attempted;
        let Self { lines, replayed, refused, would_have_succeeded: would, .. } = *self;
        let recorded = self.created + self.changed;
        let mut said = if self.taken.dry_run {
            text!(
                "Uji coba, tidak ada yang dicatat: dari {lines} baris {would} dapat dicatat, {replayed} sudah tercatat sebelumnya, {refused} ditolak.",
                "A dry run, nothing was recorded: of {lines} lines {would} could be recorded, {replayed} were recorded before, {refused} are refused."
            )
        } else if would > 0 || (self.taken.mode == Mode::Atomic && refused > 0) {
            text!(
                "Berkas ini tidak mengubah apa pun: {refused} dari {lines} baris ditolak, maka tidak satu pun dicatat.",
                "This file changed nothing: {refused} of {lines} lines are refused, so none was recorded."
            )
        } else if self.changed_nothing {
            text!(
                "Berkas ini tidak mengubah apa pun: dari {lines} baris {replayed} sudah tercatat sebelumnya, {refused} ditolak.",
                "This file changed nothing: of {lines} lines {replayed} were recorded before, {refused} are refused."
            )
        } else {
            text!(
                "Dari {lines} baris {recorded} dicatat, {replayed} sudah tercatat sebelumnya, {refused} ditolak.",
                "Of {lines} lines {recorded} were recorded, {replayed} were recorded before, {refused} are refused."
            )
        };
        if not_attempted > 0 {
            let more = text!(
                " Penerimaan berhenti sebelum {not_attempted} baris terakhir; kirim lagi berkas yang sama.",
                " The intake stopped before the last {not_attempted} lines; send the same file again."
            );
            said = Text::new(said.id + more.id, said.en + more.en);
        }
        language.of_text(&said).clone_into(&mut self.detail);
    }
}

/// Writes outcomes the way the sender wants them.
pub trait Report {
    /// The media type it writes.
    fn media_type(&self) -> &'static str;
    /// One outcome.
    fn outcome(&mut self, out: &mut Vec<u8>, outcome: &Outcome);
    /// The end, and why it came early if it did.
    fn end(&mut self, out: &mut Vec<u8>, summary: &Summary, stopped: Option<&Problem>);
}

/// Outcomes as NDJSON: a line each, the summary last.
pub struct Ndjson {
    /// Of the problems.
    pub language: Language,
    /// Of the request.
    pub request_id: String,
    /// Where the file was sent to.
    pub path: String,
}

/// One outcome line.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"line": 1, "key": "2014-04-30/0001", "outcome": "changed", "status": 200,
    "id": "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b", "version": 6, "position": 4711, "replayed": false}))]
pub struct OutcomeLine<'a> {
    /// The line's number in the file.
    line: usize,
    /// Its key.
    key: Option<&'a str>,
    /// What came of it.
    outcome: LineOutcome,
    /// The status the command would have been answered with, had it been sent by itself.
    status: u16,
    /// The resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    /// The resource's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
    /// Position of the resource's last event in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<i64>,
    /// Whether this is the first answer again.
    replayed: bool,
    /// What cannot be read later, such as an issued key.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a Value>,
    /// Why it was refused; its pointers are into the line's `body`, or into the line where the line itself is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ProblemDocument>,
}

/// The last line.
#[derive(Serialize, ToSchema)]
pub struct LastLine<'a> {
    /// What came of the file.
    #[schema(value_type = Summary)]
    summary: &'a Summary,
    /// Why the intake stopped early, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ProblemDocument>,
}

fn write_line(out: &mut Vec<u8>, line: &impl Serialize) {
    // Neither the value nor the memory it is written to can refuse.
    if serde_json::to_writer(&mut *out, line).is_ok() {
        out.push(b'\n');
    }
}

impl Report for Ndjson {
    fn media_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn outcome(&mut self, out: &mut Vec<u8>, outcome: &Outcome) {
        let word = outcome.word();
        let recorded = outcome.answer.result.as_ref().ok();
        // What was only decided has no version and no position, and what it would have created no id.
        let known = recorded.filter(|_| word != LineOutcome::WouldHaveSucceeded);
        let problem = outcome.answer.result.as_ref().err();
        let line = OutcomeLine {
            line: outcome.line,
            key: outcome.key.as_deref(),
            outcome: word,
            status: match (recorded, problem) {
                (_, Some(problem)) => problem.0.code.status,
                (Some(recorded), _) if recorded.created => 201,
                _ => 200,
            },
            id: known.map(|recorded| recorded.id.as_str()),
            version: known.map(|recorded| recorded.version),
            position: known.map(|recorded| recorded.position),
            replayed: outcome.answer.replayed,
            answer: known.and_then(|recorded| recorded.answer.as_ref()),
            problem: problem
                .map(|problem| problem.document(self.language, outcome.place(&self.path), &self.request_id)),
        };
        write_line(out, &line);
    }

    fn end(&mut self, out: &mut Vec<u8>, summary: &Summary, stopped: Option<&Problem>) {
        let problem = stopped.map(|problem| problem.document(self.language, &self.path, &self.request_id));
        write_line(out, &LastLine { summary, problem });
    }
}
