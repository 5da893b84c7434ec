//! Two instances on one PostgreSQL.

use std::sync::{Arc, Barrier};

use serde_json::json;

use super::program::{Done, Sent, Site};

const ROUNDS: usize = 60;

#[test]
fn two_instances_share_one_log() {
    let site = Site::new(true);
    let (one, other) = (site.serve(), site.serve());
    let sent = Sent::default();

    // The same key at the same moment: one effect, the same answer, whoever was first.
    for round in 0..ROUNDS {
        let (key, barrier) = (format!("k-{round}"), Arc::new(Barrier::new(2)));
        let racing: Vec<_> = [one.client(), other.client()]
            .into_iter()
            .map(|client| {
                let (key, barrier) = (key.clone(), barrier.clone());
                std::thread::spawn(move || {
                    barrier.wait();
                    client.register(&key).unwrap()
                })
            })
            .collect();
        let answers: Vec<_> = racing.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(answers.iter().filter(|answer| answer.replayed).count(), 1, "{answers:?}");
        assert_eq!(Done::of(&answers[0]), Done::of(&answers[1]));
        sent.note(&key, None, Some(&answers[0]));
    }

    // What one has acknowledged the other shows at once: new resources, changes of known ones, lists.
    let (writer, reader) = (one.client(), other.client());
    for round in 0..ROUNDS {
        let key = format!("r-{round}");
        let registered = writer.register(&key).unwrap();
        sent.note(&key, None, Some(&registered));
        let (done, at) = (Done::of(&registered), format!("/v1/cooperatives/{}", Done::of(&registered).id));
        assert_eq!(reader.send("GET", &at, None, None).unwrap().body["version"], 1);
        let renamed = writer.rename(done.id, &format!("{key}-r")).unwrap();
        sent.note(&format!("{key}-r"), Some(done.id), Some(&renamed));
        assert_eq!(reader.send("GET", &at, None, None).unwrap().body["version"], 2);
        let newest = reader.send("GET", "/v1/cooperatives?sort=-updated&limit=1", None, None).unwrap();
        assert_eq!(newest.body["data"][0]["id"], done.id.to_string());
    }

    // Both write at once: the positions stay dense, and in the order of the commits.
    let racing: Vec<_> = [("a", one.client()), ("b", other.client())]
        .into_iter()
        .map(|(name, client)| {
            std::thread::spawn(move || {
                let key = |round: usize| format!("{name}-{round}");
                let register = |round| (key(round), client.register(&key(round)).unwrap());
                (0..ROUNDS).map(register).collect::<Vec<_>>()
            })
        })
        .collect();
    for thread in racing {
        let answers = thread.join().unwrap();
        let positions: Vec<i64> = answers.iter().map(|(_, answer)| Done::of(answer).position).collect();
        assert!(positions.is_sorted(), "{positions:?}");
        for (key, answer) in &answers {
            sent.note(key, None, Some(answer));
        }
    }
    one.stop();
    other.stop();
    site.check(&sent);
}

#[test]
fn a_key_revoked_at_one_instance_works_at_no_other() {
    let site = Site::new(true);
    let (one, other) = (site.serve(), site.serve());
    let (admin, far) = (one.client(), other.client());
    let me = admin.send("GET", "/v1/me", None, None).unwrap();
    let organisation = me.body["organisation"].as_str().unwrap();
    for round in 0..3 {
        let body = json!({"label": format!("k{round}")});
        let issued = admin.send("POST", &format!("/v1/organisations/{organisation}/keys"), None, Some(&body)).unwrap();
        let mut holder = far.clone();
        issued.body["key"].as_str().unwrap().clone_into(&mut holder.key);
        for _ in 0..5 {
            assert_eq!(holder.send("GET", "/v1/me", None, None).unwrap().status, 200);
        }
        let body = json!({"key_id": issued.body["key_id"]});
        let at = format!("/v1/organisations/{organisation}/key-revocations");
        assert_eq!(admin.send("POST", &at, None, Some(&body)).unwrap().status, 200);
        assert_eq!(holder.send("GET", "/v1/me", None, None).unwrap().status, 401);
    }
}
