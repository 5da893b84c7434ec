//! How far a long task is: a line that rewrites itself on a terminal, a log line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the line on a terminal is rewritten.
const TERMINAL_EVERY: Duration = Duration::from_millis(100);
/// How often a log line is written.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// Characters of the bar.
const BAR_CHARACTERS: u64 = 30;

/// See the module.
pub struct Progress {
    task: &'static str,
    total: u64,
    done: u64,
    began: Instant,
    shown: Instant,
    terminal: bool,
}

impl Progress {
    /// Begins a task over `total` events.
    pub fn new(task: &'static str, total: i64) -> Self {
        let now = Instant::now();
        let terminal = std::io::stderr().is_terminal();
        Self { task, total: u64::try_from(total).unwrap_or(0), done: 0, began: now, shown: now, terminal }
    }

    /// So many more are done.
    pub fn advance(&mut self, events: u64) {
        self.done += events;
        let every = if self.terminal { TERMINAL_EVERY } else { LOG_EVERY };
        if self.shown.elapsed() >= every {
            self.shown = Instant::now();
            self.show();
        }
    }

    /// Events a second so far.
    pub fn rate(&self) -> u64 {
        u64::try_from(u128::from(self.done) * 1000 / self.began.elapsed().as_millis().max(1)).unwrap_or(u64::MAX)
    }

    /// Ends the task; tells events and rate.
    pub fn finish(self) -> (u64, u64) {
        if self.terminal {
            self.show();
            let _ = writeln!(std::io::stderr());
        }
        (self.done, self.rate())
    }

    fn show(&self) {
        let (done, total, rate) = (self.done, self.total.max(self.done), self.rate());
        if !self.terminal {
            log::info!("{} events={done} of={total} events_per_s={rate}", self.task);
            return;
        }
        let filled = done * BAR_CHARACTERS / total.max(1);
        let bar: String = (0..BAR_CHARACTERS).map(|at| if at < filled { '█' } else { '·' }).collect();
        let line = format!("\r{} {bar} {done}/{total} events, {rate} events/s ", self.task);
        // A terminal that is gone does not stop the task.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}
