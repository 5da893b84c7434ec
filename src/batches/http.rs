//! The address of intake in bulk.

use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, post, web};
use deserr::Deserr;
use futures_util::StreamExt;
use futures_util::stream::poll_fn;
use tokio::sync::mpsc::{Sender, channel};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::collectibility::{Dates, Numbers, Options, Table};
use super::intake::Intake;
use super::lines::{Entry, Lines};
use super::outcome::{Mode, Ndjson, Outcome, OutcomeLine, Report, Summary, Taken};
use super::rejects::Rejects;
use crate::config::BatchLimits;
use crate::financing::{CollectibilityScheme, by_lender_numbers};
use crate::kernel::problem_codes::{INTERNAL, OVERLOADED};
use crate::kernel::{Area, Date, Faults, Refusal, YesNo};
use crate::ledger::Terms;
use crate::web::{Caller, Language, Params, Problem, Routes, UploadLimits, count_for_organisation, receive};

/// Media types a file of lines may have.
const NDJSON: [&str; 2] = ["application/x-ndjson", "application/ndjson"];
/// Media types a table may have.
const CSV: [&str; 1] = ["text/csv"];
/// Pieces of an answer that wait for a client to read them.
const PIECES_WAITING: usize = 2;

/// What all files share.
#[derive(Clone)]
pub struct Batches {
    limits: BatchLimits,
    /// The organisations whose files are being taken in.
    senders: Arc<Mutex<Vec<Uuid>>>,
}

/// A place among the files that are taken in at once.
struct Place {
    senders: Arc<Mutex<Vec<Uuid>>>,
    organisation: Uuid,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = senders.iter().position(|sender| *sender == self.organisation) {
            senders.swap_remove(at);
        }
    }
}

impl Batches {
    /// Intake within these limits.
    pub fn new(limits: BatchLimits) -> Self {
        Self { limits, senders: Arc::default() }
    }

    /// A place for a file of this organisation, which may have half of them.
    fn place(&self, organisation: Uuid) -> Result<Place, Problem> {
        let most = self.limits.batches_at_once.max(1);
        let share = most.div_ceil(2);
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        let own = senders.iter().filter(|sender| **sender == organisation).count();
        if senders.len() < most && own < share {
            senders.push(organisation);
            return Ok(Place { senders: self.senders.clone(), organisation });
        }
        let (others, reason) = if own < share { (most, "files_at_once") } else { (own, "files_of_organisation") };
        let why = text!(
            "Sedang menerima {others} berkas lain; kirim lagi setelah `Retry-After` detik.",
            "{others} other files are being taken in; send it again after `Retry-After` seconds."
        );
        Err(Refusal::new(&OVERLOADED, why).with("reason", reason).into())
    }

    /// What may be received.
    const fn upload(&self) -> UploadLimits {
        UploadLimits {
            bytes_max: self.limits.batch_bytes_max,
            inflation_max: self.limits.batch_inflation_max,
            pause_max: self.pause_max(),
            whole_max: Duration::from_secs(self.limits.batch_seconds_max),
        }
    }

    const fn pause_max(&self) -> Duration {
        Duration::from_secs(self.limits.batch_pause_seconds_max)
    }
}

/// Routes of this area.
pub fn routes(config: &mut ServiceConfig) {
    config.service(send_batch).service(send_collectibility_table);
}

/// How a file is to be taken.
#[derive(Clone, Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BatchParams {
    /// `each` (the default): every line for itself. `atomic`: all or nothing.
    #[deserr(default)]
    #[param(inline)]
    mode: Option<Mode>,
    /// Tell what would come of it and record nothing.
    #[deserr(default)]
    #[param(inline)]
    dry_run: Option<YesNo>,
}

/// How a file is taken when these are said.
const fn taken(mode: Option<Mode>, dry_run: Option<YesNo>) -> Taken {
    let mode = match mode {
        Some(mode) => mode,
        None => Mode::Each,
    };
    Taken { mode, dry_run: matches!(dry_run, Some(YesNo::Yes)) }
}

/// Send many commands as one file
///
/// NDJSON, one command a line: `{"key":"…","method":"POST","path":"financings/{id}/collectibility-reports","body":{…}}`. Every command of this API can be
/// a line; `path` is relative to `/v1` or begins with it, `body` is what would be sent to that path. `key` is the command's `Idempotency-Key`: the same
/// file sent twice changes nothing, and a file that was cut off can be sent again. A line without a key is recorded again when it is sent again. A line that
/// was refused stays refused under its key, as any first answer stands: once its cause is cured, send it under a new key.
///
/// The answer has a line for each line sent, in their order, and a last line with a summary; without that last line it is not complete, and the same file
/// is to be sent again. With `mode=each` (207) every line stands for itself. With `mode=atomic` all lines are recorded (201) or none (422, and every fault is
/// told); a line sees what those before it did, unless it changes personal data. `dry_run=true` answers the same and records nothing (`atomic`: 200 or 422).
/// Lines are gathered: a key that is revoked meanwhile stops the lines that follow. At most 10,000 lines of 256 KiB, 32 MiB in all
/// after decompression, and ten minutes to send them, unless the operator set other limits.
#[utoipa::path(tag = "batches", params(BatchParams),
    request_body(content_type = "application/x-ndjson", content = String, description = "The commands, one a line",
        example = "{\"key\":\"2014-04-30/1\",\"method\":\"POST\",\"path\":\"cooperatives\",\"body\":{\"name\":\"KSP Contoh\",\"kind\":\"ksp\",\"region\":\"64.72\",\"badan_hukum\":{\"number\":\"21/BH/2007\",\"date\":\"2007-05-11\"}}}\n"),
    responses(
        (status = 200, description = "A dry run of `mode=atomic`: all lines could be recorded", content_type = "application/x-ndjson", body = OutcomeLine),
        (status = 201, description = "`mode=atomic`: all lines are recorded", content_type = "application/x-ndjson", body = OutcomeLine),
        (status = 207, description = "`mode=each`: what came of each line", content_type = "application/x-ndjson", body = OutcomeLine)))]
#[post("/batches")]
async fn send_batch(
    request: HttpRequest,
    caller: Caller,
    params: Params<BatchParams>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let organisation = caller.actor()?.organisation;
    caller.service.ledger.require_writer()?;
    let batches = batches(&request)?;
    let place = batches.place(organisation)?;
    let file = receive(&request, payload, &NDJSON, batches.upload()).await?;
    let lines = Lines::of(file, batches.limits.batch_lines_max, batches.limits.batch_line_bytes_max)?;
    count_for_organisation(&request, caller.actor()?, lines.how_many())?;
    let report = Ndjson::of(&request, &caller);
    let taken = taken(params.0.mode, params.0.dry_run);
    let terms = Terms { remember_refusals: true, ..terms(taken) };
    answer(&request, caller, lines, taken, terms, Box::new(report), place).await
}

/// How a table is to be taken.
#[derive(Clone, Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TableParams {
    /// `each` (the default): every row for itself. `atomic`: all or nothing.
    #[deserr(default)]
    #[param(inline)]
    mode: Option<Mode>,
    /// Tell what would come of it and record nothing.
    #[deserr(default)]
    #[param(inline)]
    dry_run: Option<YesNo>,
    /// The scale, for rows that name none.
    #[deserr(default)]
    #[param(inline)]
    scheme: Option<CollectibilityScheme>,
    /// The day, for rows that name none.
    #[deserr(default)]
    #[param(inline, example = "2014-04-30")]
    position_date: Option<Date>,
    /// How amounts are written: `plain` (the default) as 1000000.00, `id` as 1.000.000,00.
    #[deserr(default)]
    #[param(inline)]
    numbers: Option<Numbers>,
    /// How dates in the table are written: `iso` (the default) as 2014-04-30, `id` as 30/04/2014.
    #[deserr(default)]
    #[param(inline)]
    dates: Option<Dates>,
}

/// Send a table of collectibility
///
/// CSV in UTF-8, separated by commas or semicolons as its header line is, one financing a row: `financing` (its id, or the application number or akad
/// number of your own), `class`, `days_past_due`, `outstanding`, `position_date`, `scheme`; the last two may be said for the whole table. Each row is a
/// collectibility report. The same table sent twice changes nothing: what is reported already is not recorded again (`replayed`). A row that was refused is
/// decided anew, and so is one whose report was reversed or corrected since. Rows that say different things of one financing and day are refused but for
/// the first.
///
/// With `Accept: text/csv` the refused rows come back in their order, with their own columns and `code` and `reason`, to be corrected and sent
/// again as they are; else outcomes come as for `batches`. Modes, limits and statuses are those of `batches`.
#[utoipa::path(tag = "batches", params(TableParams),
    request_body(content_type = "text/csv", content = String, description = "The table",
        example = "financing;class;days_past_due;outstanding;position_date;scheme\n001/PK/2014;1;0;19250000.00;2014-04-30;bank_umum\n"),
    responses(
        (status = 200, description = "A dry run of `mode=atomic`: all rows could be recorded", content((OutcomeLine = "application/x-ndjson"), (String = "text/csv"))),
        (status = 201, description = "`mode=atomic`: all rows are recorded", content((OutcomeLine = "application/x-ndjson"), (String = "text/csv"))),
        (status = 207, description = "`mode=each`: what came of each row", content((OutcomeLine = "application/x-ndjson"), (String = "text/csv")))))]
#[post("/batches/collectibility")]
async fn send_collectibility_table(
    request: HttpRequest,
    caller: Caller,
    params: Params<TableParams>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    caller.actor()?.require_some_write(Area::Financings)?;
    let lender = caller.actor()?.organisation;
    caller.service.ledger.require_writer()?;
    let batches = batches(&request)?;
    let place = batches.place(lender)?;
    let file = receive(&request, payload, &CSV, batches.upload()).await?;
    let table = Rc::new(Table::read(&file, batches.limits.batch_lines_max)?);
    drop(file);
    count_for_organisation(&request, caller.actor()?, table.rows.len())?;
    let numbers = table.numbers();
    let known = caller.service.read(move |connection| Ok(by_lender_numbers(connection, lender, &numbers)?)).await?;
    let TableParams { mode, dry_run, scheme, position_date, numbers, dates } = params.0;
    let (numbers, dates) = (numbers.unwrap_or(Numbers::Plain), dates.unwrap_or(Dates::Iso));
    let entries = table.entries(&Options { scheme, position_date, numbers, dates }, &known).into_iter();
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let as_table = accept.split(',').any(|range| range.split(';').next().unwrap_or_default().trim() == "text/csv");
    let report: Box<dyn Report> = if as_table {
        Box::new(Rejects::of(table, Language::of(request.headers())))
    } else {
        Box::new(Ndjson::of(&request, &caller))
    };
    let taken = taken(mode, dry_run);
    answer(&request, caller, entries, taken, terms(taken), report, place).await
}

impl Ndjson {
    /// Outcomes of a request.
    fn of(request: &HttpRequest, caller: &Caller) -> Self {
        Self {
            language: Language::of(request.headers()),
            request_id: caller.request_id.id.to_string(),
            path: request.path().to_owned(),
        }
    }
}

fn batches(request: &HttpRequest) -> Result<web::Data<Batches>, Problem> {
    request.app_data::<web::Data<Batches>>().cloned().ok_or_else(|| Problem::of(&INTERNAL))
}

const fn terms(taken: Taken) -> Terms {
    Terms { atomic: matches!(taken.mode, Mode::Atomic), dry_run: taken.dry_run, remember_refusals: false }
}

/// Takes the entries in and answers with what the report makes of their outcomes.
async fn answer<I: Iterator<Item = Entry> + 'static>(
    request: &HttpRequest,
    caller: Caller,
    entries: I,
    taken: Taken,
    terms: Terms,
    report: Box<dyn Report>,
    place: Place,
) -> Result<HttpResponse, Problem> {
    let routes = request.app_data::<Rc<Routes>>().cloned().ok_or_else(|| Problem::of(&INTERNAL))?;
    routes.ready().await?;
    let language = Language::of(request.headers());
    let intake = Intake::new(routes, caller, entries, terms);
    let telling = Telling { intake, report, summary: Summary::new(taken), language };
    if terms.atomic || terms.dry_run { telling.at_once().await } else { telling.streamed(request, place) }
}

/// An intake whose outcomes are told.
struct Telling<I> {
    intake: Intake<I>,
    report: Box<dyn Report>,
    summary: Summary,
    language: Language,
}

impl<I: Iterator<Item = Entry> + 'static> Telling<I> {
    fn tell(&mut self, outcomes: &[Outcome]) -> Vec<u8> {
        let mut text = Vec::with_capacity(outcomes.len() * 200);
        for outcome in outcomes {
            self.summary.count(outcome);
            self.report.outcome(&mut text, outcome);
        }
        text
    }

    fn end(&mut self, text: &mut Vec<u8>) {
        self.summary.say(self.language, self.intake.left());
        self.report.end(text, &self.summary, self.intake.stopped());
    }

    /// All lines stand or fall together, so that the status is known before the first outcome is told.
    async fn at_once(mut self) -> Result<HttpResponse, Problem> {
        let outcomes = self.intake.next().await.unwrap_or_default();
        if let Some(problem) = self.intake.stopped() {
            return Err(problem.clone());
        }
        let mut text = self.tell(&outcomes);
        self.end(&mut text);
        let Taken { mode, dry_run } = self.summary.taken;
        let status = match mode {
            Mode::Each => StatusCode::MULTI_STATUS,
            Mode::Atomic if self.summary.refused > 0 => StatusCode::UNPROCESSABLE_ENTITY,
            Mode::Atomic if dry_run => StatusCode::OK,
            Mode::Atomic => StatusCode::CREATED,
        };
        Ok(HttpResponse::build(status).content_type(self.report.media_type()).body(text))
    }

    /// Outcomes are sent as they come. The intake goes on by itself as long as somebody reads them.
    fn streamed(mut self, request: &HttpRequest, place: Place) -> Result<HttpResponse, Problem> {
        let pause_max = batches(request)?.pause_max();
        let media_type = self.report.media_type();
        let (sender, mut pieces) = channel::<web::Bytes>(PIECES_WAITING);
        actix_web::rt::spawn(async move {
            while let Some(outcomes) = self.intake.next().await {
                let text = self.tell(&outcomes);
                // An empty piece would end the answer.
                if text.is_empty() && !sender.is_closed() {
                    continue;
                }
                if !send(&sender, text, pause_max).await {
                    return;
                }
            }
            drop(place);
            let mut last = Vec::new();
            self.end(&mut last);
            send(&sender, last, pause_max).await;
        });
        let stream = poll_fn(move |context| pieces.poll_recv(context)).map(Ok::<_, actix_web::Error>);
        Ok(HttpResponse::build(StatusCode::MULTI_STATUS).content_type(media_type).streaming(stream))
    }
}

/// Whether somebody still reads.
async fn send(sender: &Sender<web::Bytes>, text: Vec<u8>, pause_max: Duration) -> bool {
    let sent = actix_web::rt::time::timeout(pause_max, sender.send(text.into())).await;
    matches!(sent, Ok(Ok(())))
}
