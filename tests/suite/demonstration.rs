//! The demonstration reaches exactly its targets, and every number's evidence adds up to it.

use std::collections::BTreeSet;

use lumbung::app::{Core, Place};
use lumbung::kernel::Clock;
use lumbung::ledger::{Ids, Resource};
use serde_json::Value;
use tempfile::TempDir;

use super::harness::App;
use super::place::place_in;

fn prepared() -> (TempDir, Place, lumbung::demo::Guide) {
    let folder = TempDir::new().unwrap();
    let place = place_in(&folder);
    let guide = lumbung::demo::prepare(&place).unwrap();
    (folder, place, guide)
}

#[test]
fn ten_thirty_three_twenty_and_the_evidence_adds_up() {
    let (_folder, place, guide) = prepared();
    let core = Core::open(&place, Clock::System, Ids::Random, 2, 16).unwrap();
    let app = App::over(core, place);
    let programme = guide.programme;
    let get = |path: &str| app.get("", &format!("/v1/programmes/{programme}/{path}")).expect(200);
    let progress = get("progress");
    let targets = progress["targets"].as_array().unwrap();
    let reached: Vec<i64> = targets.iter().map(|target| target["reached"].as_i64().unwrap()).collect();
    assert_eq!(reached, [10, 30, 3, 20]);
    assert!(targets.iter().all(|target| target["remaining"] == 0));
    for target in targets {
        let measure = target["measure"].as_str().unwrap();
        let evidence = get(&format!("progress/{measure}/evidence"));
        let items = evidence["data"].as_array().unwrap();
        let subjects: BTreeSet<&str> = items.iter().map(|item| item["subject"].as_str().unwrap()).collect();
        assert_eq!(i64::try_from(subjects.len()).unwrap(), target["reached"].as_i64().unwrap(), "{measure}");
        for regency in target["per_regency"].as_array().unwrap() {
            let own =
                items.iter().filter(|item| item["counted"] == true && item["region"] == regency["region"]).count();
            assert_eq!(own, usize::try_from(regency["reached"].as_u64().unwrap()).unwrap());
        }
        for day in target["per_day"].as_array().unwrap() {
            let own = items.iter().filter(|item| item["counted"] == true && item["occurred_on"] == day["day"]).count();
            assert_eq!(own, usize::try_from(day["reached"].as_u64().unwrap()).unwrap());
        }
    }
    let known_in_march = get("progress?as_of=2014-03-31T00:00:00%2B08:00");
    assert_eq!(
        known_in_march["targets"][0]["reached"], 11,
        "the correction of May must not change March as known in March"
    );
    let before_reversal = get("progress?as_of=2014-05-20T00:00:00%2B08:00");
    assert_eq!(before_reversal["targets"][3]["reached"], 21);

    // Two clocks: how March stood as known in March, and as known since.
    let healthy = |query: &str| get(&format!("progress?{query}"))["targets"][0].clone();
    assert_eq!(healthy("per_tanggal=2014-03-30&diketahui_pada=2014-03-30")["reached"], 11);
    let march = healthy("per_tanggal=2014-03-30");
    assert_eq!(march["reached"], 10, "the correction of May is about what was determined in March");
    assert_eq!(healthy("per_tanggal=2014-03-30&diketahui_pada=2014-05-27"), march);
    let days = march["per_day"].as_array().unwrap();
    assert!(days.iter().all(|day| day["day"].as_str().unwrap() <= "2014-03-30"));
    let enterprises = |query: &str| get(&format!("progress?{query}"))["targets"][3]["reached"].clone();
    assert_eq!(enterprises("per_tanggal=2014-05-20"), 20, "what is reversed never was");
    assert_eq!(enterprises("per_tanggal=2014-05-20&diketahui_pada=2014-05-19"), 21);
    assert_eq!(
        get("progress?per_tanggal=2014-05-20")["days_left"],
        get("progress?diketahui_pada=2014-05-20")["days_left"]
    );
    let evidence = get("progress/healthy_ksp/evidence?per_tanggal=2014-03-30&diketahui_pada=2014-03-30");
    assert_eq!((&evidence["reached"], &evidence["per_tanggal"]), (&Value::from(11), &Value::from("2014-03-30")));
}

#[test]
fn everything_the_programme_tells_of_is_in_it() {
    let (_folder, place, guide) = prepared();
    let core = Core::open(&place, Clock::System, Ids::Random, 2, 16).unwrap();
    let app = App::over(core, place);
    let key = |name: &str| guide.keys.iter().find(|(known, _)| known == name).unwrap().1.clone();
    let bearer = format!("Bearer {}", key("province"));
    let all = |path: &str| {
        let list = app.send("GET", &format!("/v1/{path}limit=500"), &[("Authorization", &bearer)], b"").expect(200);
        list["data"].as_array().unwrap().clone()
    };
    assert_eq!(all("cooperatives?").len(), 24);
    let categories: BTreeSet<String> = all("assessments?state=determined&")
        .iter()
        .map(|a| a["scoring"]["category"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(categories.len(), 5, "{categories:?}");
    assert_eq!(all("assessments?state=reconciled&").len(), 12);
    let is = |items: &[Value], test: &dyn Fn(&Value) -> bool| items.iter().filter(|item| test(item)).count();
    let assessments = all("assessments?");
    assert_eq!(is(&assessments, &|a| a["discrepancy"] == true), 1);
    assert_eq!(is(&assessments, &|a| !a["return_reasons"].as_array().unwrap().is_empty()), 1);
    assert_eq!(is(&assessments, &|a| a["determination"]["corrections"] == 1), 1);
    let certifications = all("certifications?");
    assert_eq!((certifications.len(), is(&certifications, &|c| !c["certificate"].is_null())), (36, 30));
    assert_eq!(is(&all("managers?"), &|m| m["personal_data"] == "erased"), 1);
    let trainings = all("trainings?");
    let attended: i64 = trainings.iter().map(|training| training["managers"].as_i64().unwrap()).sum();
    assert_eq!((trainings.len(), attended), (2, 36));
    let designated = |region: &Value| !region["designations"].as_array().unwrap().is_empty();
    assert_eq!(is(&app.get("", "/v1/regions").expect(200)["data"].as_array().unwrap().clone(), &designated), 2);
    let coverage = |day: &str| {
        let coverage = app.get("", &format!("/v1/certifications/coverage?on={day}")).expect(200);
        (coverage["covered"].as_i64().unwrap(), coverage["total"].as_i64().unwrap())
    };
    // One certificate is suspended on 19 May, and its cooperative has no other.
    assert_eq!([coverage("2014-02-16"), coverage("2014-05-18"), coverage("2014-05-19")], [(0, 0), (24, 24), (23, 24)]);
    let financings = all("financings?");
    let reversed = |f: &Value| {
        let at = format!("/v1/financings/{}/history", f["id"].as_str().unwrap());
        let history = app.send("GET", &at, &[("Authorization", &bearer)], b"").expect(200);
        history["data"].as_array().unwrap().iter().any(|event| event["type"] == "financing.reversed")
    };
    assert_eq!((financings.len(), is(&financings, &reversed)), (28, 1));
    assert!(is(&financings, &|f| f["repaid"]["instalments"].as_u64() > Some(0)) >= 5, "there are some instalments");
    assert_eq!(is(&financings, &|f| f["collectibility"]["mismatch"] == true), 1);
    assert_eq!(guide.keys.len(), 18);
    for (name, key) in &guide.keys {
        let me = app.send("GET", "/v1/me", &[("Authorization", &format!("Bearer {key}"))], b"").expect(200);
        assert!(name.starts_with(me["kind"].as_str().unwrap()), "{name} {me}");
    }
}

#[test]
fn it_is_the_same_every_time_and_does_not_play_twice() {
    let (_one, place, guide) = prepared();
    let (_other, other, _) = prepared();
    let roots = |place: &Place| {
        let core = Core::open(place, Clock::System, Ids::Random, 1, 16).unwrap();
        let mut reader = core.service.readers.get().unwrap();
        let programme = lumbung::programmes::Programme::KIND;
        let events = lumbung::storage::stream_up_to(&mut reader, programme, guide.programme, i64::MAX).unwrap();
        drop(reader);
        core.close();
        events.iter().map(|event| event.leaf_hash).collect::<Vec<_>>()
    };
    assert_eq!(roots(&place), roots(&other));
    let again = lumbung::demo::prepare(&place).unwrap();
    assert_eq!(again.programme, guide.programme);
    let core = Core::open(&place, Clock::System, Ids::Random, 2, 16).unwrap();
    let app = App::over(core, place);
    let progress = app.get("", &format!("/v1/programmes/{}/progress", guide.programme)).expect(200);
    assert_eq!(progress["targets"][3]["reached"], 20);
}
