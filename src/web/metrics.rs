//! What the service tells of itself in numbers, in Prometheus' text format.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::{HttpResponse, get, web};
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
    exponential_buckets,
};

use super::problem::Problem;
use super::service::Service;
use crate::kernel::problem_codes::INTERNAL;
use crate::ledger::Committed;

/// The numbers. Labels are few and known beforehand: methods, route patterns, statuses.
pub struct Metrics {
    registry: Registry,
    requests: HistogramVec,
    turned_away: IntCounterVec,
    turned_away_so_far: AtomicU64,
    batch_commands: Histogram,
    batch_seconds: Histogram,
    commit_seconds: Histogram,
    events: IntCounter,
    head: IntGauge,
    waiting: IntGauge,
    running: IntGauge,
    look_ups: IntCounter,
}

impl Metrics {
    /// All numbers, at nothing.
    ///
    /// # Errors
    /// When two have one name, which is a mistake here.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        // From a quarter of a millisecond to eight seconds; from one command to 256.
        let (seconds, commands) = (exponential_buckets(0.000_25, 2.0, 16)?, exponential_buckets(1.0, 2.0, 9)?);
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            let made = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?;
            registry.register(Box::new(made.clone()))?;
            Ok::<_, prometheus::Error>(made)
        };
        let gauge = |name: &str, help: &str| {
            let made = IntGauge::with_opts(Opts::new(name, help))?;
            registry.register(Box::new(made.clone()))?;
            Ok::<_, prometheus::Error>(made)
        };
        let requests = HistogramVec::new(
            HistogramOpts::new("http_server_request_duration_seconds", "Time from a request's head to its answer")
                .buckets(seconds.clone()),
            &["http_request_method", "http_route", "http_response_status_code"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        let turned_away = IntCounterVec::new(
            Opts::new(
                "lumbung_turned_away_total",
                "Requests turned away because a quota was used up or there was too much to do",
            ),
            &["reason"],
        )?;
        registry.register(Box::new(turned_away.clone()))?;
        let events = IntCounter::with_opts(Opts::new("lumbung_events_total", "Events this instance has appended"))?;
        registry.register(Box::new(events.clone()))?;
        let batch_commands =
            histogram("lumbung_executor_batch_commands", "Commands decided in one transaction", &commands)?;
        let batch_seconds = histogram(
            "lumbung_executor_batch_duration_seconds",
            "Time from taking a batch to its commit on disk",
            &seconds,
        )?;
        let commit_seconds =
            histogram("lumbung_executor_commit_duration_seconds", "Time of writing and committing a batch", &seconds)?;
        let head = gauge("lumbung_log_head_position", "Position of the last event, of all instances")?;
        let waiting = gauge("lumbung_executor_queue_commands", "Commands that wait to be taken")?;
        let running = gauge("lumbung_executor_running", "1 while commands are taken, 0 once the disk has failed")?;
        let look_ups = Opts::new("lumbung_credential_lookups_total", "How often the database was asked who is calling");
        let look_ups = IntCounter::with_opts(look_ups)?;
        registry.register(Box::new(look_ups.clone()))?;
        Ok(Self {
            registry,
            requests,
            turned_away,
            turned_away_so_far: AtomicU64::new(0),
            batch_commands,
            batch_seconds,
            commit_seconds,
            events,
            head,
            waiting,
            running,
            look_ups,
        })
    }

    /// Counts how often the database is asked who is calling.
    pub fn look_ups(&self) -> IntCounter {
        self.look_ups.clone()
    }

    /// A request was answered.
    pub fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[method, route, &status.to_string()]).observe(took.as_secs_f64());
    }

    /// A request was turned away. Reasons are words of this program.
    pub fn turned_away(&self, reason: &str) {
        self.turned_away.with_label_values(&[reason]).inc();
        self.turned_away_so_far.fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests were turned away so far.
    pub fn turned_away_so_far(&self) -> u64 {
        self.turned_away_so_far.load(Ordering::Relaxed)
    }

    /// A batch is on disk.
    pub fn committed(&self, committed: &Committed<'_>) {
        self.batch_commands.observe(f64::from(u32::try_from(committed.commands).unwrap_or(u32::MAX)));
        self.batch_seconds.observe(committed.took.as_secs_f64());
        self.commit_seconds.observe(committed.commit_took.as_secs_f64());
        self.events.inc_by(committed.batch.events.len() as u64);
        self.head_is(committed.batch.head.position);
    }

    /// The log was seen to end at this position.
    pub fn head_is(&self, position: i64) {
        self.head.set(position.max(self.head.get()));
    }

    fn text(&self, service: &Service) -> Result<Vec<u8>, prometheus::Error> {
        self.waiting.set(i64::try_from(service.ledger.waiting()).unwrap_or(i64::MAX));
        self.running.set(i64::from(service.ledger.stopped().is_none()));
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// Tell how the service does, in numbers
///
/// For Prometheus, in its text format.
#[utoipa::path(tag = "service", security(()), responses((status = 200, description = "The numbers", body = String, content_type = "text/plain")))]
#[get("/metrics")]
pub async fn get_metrics(service: web::Data<Service>) -> Result<HttpResponse, Problem> {
    let text = service.metrics.text(&service).map_err(|why| {
        log::error!("the metrics could not be written error={why}");
        Problem::of(&INTERNAL)
    })?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}
