//! Killed at any moment: nothing acknowledged is lost, nothing is there twice, and a repeated key gets the first answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::program::{Client, Done, Program, Sent, Site};

const CYCLES: u32 = 50;
const CLIENTS: usize = 4;

fn cycles() -> u32 {
    std::env::var("LUMBUNG_CRASH_CYCLES").ok().map_or(CYCLES, |text| text.parse().unwrap())
}

/// Clients that send until they are told to end, or until nobody answers; nobody is to stop answering while the program `lives`.
struct Load {
    ended: Arc<AtomicBool>,
    clients: Vec<std::thread::JoinHandle<()>>,
}

impl Load {
    fn start(program: &Program, sent: &Arc<Sent>, counter: &Arc<AtomicU32>, lives: bool) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let clients = (0..CLIENTS)
            .map(|_| {
                let (client, sent, counter, ended) = (program.client(), sent.clone(), counter.clone(), ended.clone());
                std::thread::spawn(move || {
                    while !ended.load(Ordering::Relaxed) {
                        let key = format!("n-{}", counter.fetch_add(1, Ordering::Relaxed));
                        if !one(&client, &sent, &key, lives) && !lives {
                            return;
                        }
                    }
                })
            })
            .collect();
        Self { ended, clients }
    }

    fn end(self) {
        self.ended.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
    }
}

/// A registration, then a new name for it, then the registration's key once more; tells whether the program answered. One that `lives`
/// answers always: that it is done, or when to come again.
fn one(client: &Client, sent: &Sent, key: &str, lives: bool) -> bool {
    let first = client.register(key);
    assert!(first.is_some() || !lives, "{key}: no answer");
    sent.note(key, None, first.as_ref());
    let Some(first) = first.filter(|answer| answer.status == 201) else {
        return false;
    };
    let done = Done::of(&first);
    let renaming = format!("{key}-r");
    let renamed = client.rename(done.id, &renaming);
    assert!(renamed.is_some() || !lives, "{renaming}: no answer");
    sent.note(&renaming, Some(done.id), renamed.as_ref());
    let Some(again) = client.register(key) else {
        assert!(!lives, "{key}: no answer");
        return false;
    };
    sent.note(key, None, Some(&again));
    assert!(again.status == 503 || again.replayed, "{again:?}");
    renamed.is_some()
}

/// Every key that was acknowledged brings the very same answer again.
fn replay_all(program: &Program, sent: &Sent) {
    let acknowledged: Vec<(String, Done)> = sent.acknowledged.lock().unwrap().clone().into_iter().collect();
    std::thread::scope(|scope| {
        for some in acknowledged.chunks(acknowledged.len().div_ceil(CLIENTS)) {
            let client = program.client();
            scope.spawn(move || {
                for (key, done) in some {
                    let renamed = key.ends_with("-r").then(|| client.rename(done.id, key));
                    let again = renamed.unwrap_or_else(|| client.register(key)).unwrap();
                    assert!(again.replayed, "{key}: {again:?}");
                    assert_eq!(Done::of(&again), *done, "{key}");
                }
            });
        }
    });
}

fn killed_again_and_again(postgres: bool) {
    let site = Site::new(postgres);
    let (sent, counter) = (Arc::new(Sent::default()), Arc::new(AtomicU32::new(0)));
    for cycle in 0..cycles() {
        let program = site.serve();
        sent.settle(&program.client());
        let load = Load::start(&program, &sent, &counter, false);
        let mut random = [0; 2];
        getrandom::fill(&mut random).unwrap();
        std::thread::sleep(Duration::from_millis(30 + u64::from(u16::from_le_bytes(random)) % 300));
        program.kill();
        load.end();
        if cycle % 10 == 9 {
            eprintln!("killed {} times, acknowledged {}", cycle + 1, sent.acknowledged.lock().unwrap().len());
        }
    }
    let program = site.serve();
    sent.settle(&program.client());
    replay_all(&program, &sent);
    program.stop();
    assert!(sent.acknowledged.lock().unwrap().len() > cycles() as usize, "{}", site.log());
    site.check(&sent);
}

#[test]
fn killed_again_and_again_on_sqlite() {
    killed_again_and_again(false);
}

#[test]
fn killed_again_and_again_on_postgres() {
    killed_again_and_again(true);
}

#[test]
fn a_restart_of_postgres_under_load_loses_and_doubles_nothing() {
    let mut site = Site::new(true);
    let (sent, counter) = (Arc::new(Sent::default()), Arc::new(AtomicU32::new(0)));
    let program = site.serve();
    let load = Load::start(&program, &sent, &counter, true);
    for mode in ["--mode=fast", "--mode=immediate", "--mode=fast"] {
        std::thread::sleep(Duration::from_millis(400));
        site.cluster.as_mut().unwrap().control(&["restart", mode]);
    }
    std::thread::sleep(Duration::from_millis(400));
    load.end();
    sent.settle(&program.client());
    assert_eq!(program.get("/readyz").unwrap().status, 200);
    let id = sent.acknowledged.lock().unwrap().values().next().unwrap().id;
    assert_eq!(program.get(&format!("/v1/cooperatives/{id}")).unwrap().status, 200);
    assert_eq!(program.get("/v1/cooperatives?limit=5").unwrap().status, 200);
    program.stop();
    site.check(&sent);
}
