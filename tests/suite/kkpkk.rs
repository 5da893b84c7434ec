//! The sheet of 2020–21 over HTTP: the regulation, preview, submission, determination, rescoring, faults.

use serde_json::{Value, json};

use super::harness::{App, healthy_worksheet, id};

/// Blocks and groups of yes-or-no items, with how many items each has.
pub const CHECKLISTS: [(&str, &str, usize); 34] = [
    ("tata_kelola", "prinsip_keanggotaan", 4),
    ("tata_kelola", "prinsip_demokrasi", 5),
    ("tata_kelola", "prinsip_pembagian_shu", 3),
    ("tata_kelola", "prinsip_balas_jasa_modal", 4),
    ("tata_kelola", "prinsip_kemandirian", 4),
    ("tata_kelola", "prinsip_pendidikan", 4),
    ("tata_kelola", "prinsip_kerja_sama", 4),
    ("tata_kelola", "kelembagaan_badan_hukum", 3),
    ("tata_kelola", "kelembagaan_izin_usaha", 3),
    ("tata_kelola", "kelembagaan_anggaran_dasar", 17),
    ("tata_kelola", "kelembagaan_keanggotaan", 4),
    ("tata_kelola", "kelembagaan_organisasi", 3),
    ("tata_kelola", "manajemen_umum", 3),
    ("tata_kelola", "manajemen_kelembagaan", 4),
    ("tata_kelola", "manajemen_permodalan", 4),
    ("tata_kelola", "manajemen_aset", 4),
    ("tata_kelola", "manajemen_likuiditas", 4),
    ("risiko_inheren", "operasional_skala_struktur", 4),
    ("risiko_inheren", "operasional_keragaman_produk", 4),
    ("risiko_inheren", "kepatuhan_pelanggaran", 4),
    ("risiko_inheren", "kepatuhan_tindak_lanjut", 4),
    ("risiko_inheren", "likuiditas_komitmen_pendanaan", 5),
    ("kpmr", "kredit_pengawasan", 4),
    ("kpmr", "kredit_kebijakan", 3),
    ("kpmr", "kredit_proses", 4),
    ("kpmr", "operasional_pengawasan", 4),
    ("kpmr", "operasional_kebijakan", 3),
    ("kpmr", "operasional_proses", 4),
    ("kpmr", "kepatuhan_pengawasan", 4),
    ("kpmr", "kepatuhan_kebijakan", 4),
    ("kpmr", "kepatuhan_proses", 4),
    ("kpmr", "likuiditas_pengawasan", 4),
    ("kpmr", "likuiditas_kebijakan", 5),
    ("kpmr", "likuiditas_proses", 4),
];

/// So many of the items met.
pub fn answers(met: usize, items: usize) -> Value {
    (0..items).map(|item| item < met).collect()
}

/// A worksheet with nilai 1 throughout.
pub fn healthy() -> Value {
    let mut worksheet = json!({
        "total_aset": "10000000000", "total_aset_tahun_lalu": "9000000000", "aset_produktif": "9000000000", "aset_likuid": "2000000000",
        "aset_lancar": "8000000000", "kas_bank": "1000000000", "pinjaman_diberikan": "6500000000", "pinjaman_anggota": "6000000000",
        "pinjaman_kurang_lancar": "100000000", "pinjaman_diragukan": "60000000", "pinjaman_macet": "40000000", "cadangan_risiko": "180000000",
        "kewajiban_jangka_pendek": "4000000000", "kewajiban_jangka_panjang": "2500000000", "dana_diterima": "7000000000",
        "dana_diterima_tahun_lalu": "6000000000", "ekuitas": "3500000000", "ekuitas_tahun_lalu": "3000000000",
        "modal_diakui_komponen": {"simpanan_pokok": "500000000", "simpanan_wajib": "1500000000", "cadangan_umum": "900000000", "cadangan_tujuan_risiko": "200000000"},
        "atmr_komponen": {"kas_bank": "1000000000", "pinjaman_anggota": "6000000000", "aktiva_tetap": "1000000000"},
        "tabungan_anggota": "2500000000", "simpanan_berjangka_anggota": "1500000000", "titipan_anggota": "100000000",
        "simpanan_bukan_anggota": "300000000", "simpanan_pokok_dan_wajib": "2000000000", "shu_setelah_pajak": "800000000",
        "shu_setelah_pajak_tahun_lalu": "700000000", "shu_sebelum_pajak": "850000000", "shu_kotor": "1800000000", "partisipasi_bruto": "3000000000",
        "beban_pokok": "1200000000", "pendapatan_bukan_anggota": "200000000", "beban_usaha": "600000000", "beban_perkoperasian": "100000000",
        "beban_operasional": "2000000000", "pendapatan_operasional": "3100000000"
    });
    for (block, group, items) in CHECKLISTS {
        worksheet[block][group] = answers(items, items);
    }
    worksheet
}

fn submission(cooperative: &str, worksheet: &Value) -> Value {
    json!({"cooperative": cooperative, "regulation": "kkpkk-2020", "book_year": 2020, "assessed_on": "2021-03-15", "worksheet": worksheet})
}

fn healthy_ksp(app: &App, programme: &str) -> i64 {
    let progress = app.get("", &format!("/v1/programmes/{programme}/progress")).expect(200);
    progress["targets"][0]["reached"].as_i64().unwrap()
}

#[test]
fn the_regulation_is_listed_and_described_with_every_bound_marked() {
    let app = App::start();
    let listed = app.get("", "/v1/regulations").expect(200);
    let own = listed["data"].as_array().unwrap().iter().find(|known| known["id"] == "kkpkk-2020").unwrap().clone();
    assert_eq!((&own["loaded"], &own["kinds"]), (&json!(true), &json!(["ksp"])));
    let book = app.get("", "/v1/regulations/kkpkk-2020").expect(200);
    assert_eq!((book["indicators"].as_array().unwrap().len(), book["aspects"].as_array().unwrap().len()), (60, 4));
    let weights: Vec<&str> =
        book["aspects"].as_array().unwrap().iter().map(|aspect| aspect["weight"].as_str().unwrap()).collect();
    assert_eq!(weights, ["30", "15", "40", "15"]);
    let roe = book["indicators"].as_array().unwrap().iter().find(|indicator| indicator["key"] == "roe").unwrap();
    assert_eq!(roe["bands"][1], json!({"below": "7.5", "value": 3, "bound": "contested"}));
    // What is not known from an official text stays refused, with what is missing.
    app.get("", "/v1/regulations/juknis-15-2021").problem(404, "not_found");
    let preview = json!({"regulation": "juknis-15-2021", "worksheet": healthy()});
    let problem = app.post("council", "/v1/assessments/preview", &preview).problem(422, "regulation_not_loaded");
    for word in ["PPAPWD", "kkpkk-2020"] {
        assert!(problem["detail"].as_str().unwrap().contains(word), "{problem}");
    }
    for (kind, code) in [("usp", "rule_refused"), ("kspps", "regulation_not_loaded"), ("producer", "rule_refused")] {
        let cooperative = app.cooperative_of_kind(kind, kind);
        app.post("samarinda", "/v1/assessments", &submission(&cooperative, &healthy())).problem(422, code);
    }
    let unit = app.cooperative_of_kind("usp", "usp 2");
    let answer = app.post("samarinda", "/v1/assessments", &submission(&unit, &healthy()));
    let problem = answer.fault(422, "rule_refused", "/cooperative", "kind_of_another_regulation");
    assert!(problem["detail"].as_str().unwrap().contains("permen-14-2009, perdep-06-2016"), "{problem}");
}

#[test]
fn a_worksheet_of_the_sheet_is_previewed_submitted_determined_and_counted() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let programme = json!({"name": "P", "starts_on": "2020-01-01", "ends_on": "2099-12-31", "targets": [{"measure": "healthy_ksp", "number": 1}]});
    let programme = id(&app.post("province", "/v1/programmes", &programme).expect(201));
    let mut worksheet = healthy();
    worksheet["ekuitas"] = json!("3000000000");
    let preview = json!({"regulation": "kkpkk-2020", "worksheet": worksheet});
    let scoring = app.post("bank", "/v1/assessments/preview", &preview).expect(200);
    let indicator = |key: &str| {
        scoring["indicators"].as_array().unwrap().iter().find(|indicator| indicator["key"] == key).unwrap().clone()
    };
    let equity = indicator("ekuitas_ta");
    assert_eq!((&equity["ratio_percent"], &equity["value"], &equity["skor"]), (&json!("30.00"), &json!(2), &json!(3)));
    assert_eq!((&equity["weight"], &equity["score"]), (&json!("3.75"), &json!("2.8125")));
    assert_eq!(
        equity["band"],
        json!({"from": "20", "from_inclusive": false, "from_certainty": "contested", "to": "30", "to_inclusive": true,
            "to_certainty": "contested", "value": 2, "score": "2.8125"})
    );
    let capital = scoring["aspects"].as_array().unwrap().last().unwrap();
    assert_eq!(
        capital["pooled"],
        json!({"indicators": 4, "scored": 4, "skor": 15, "skor_max": 16, "percent": "93.75"})
    );
    assert_eq!((&scoring["covered_weight"], &scoring["category"]), (&json!("100"), &json!("sehat")));
    let improvement =
        scoring["improvements"].as_array().unwrap().iter().find(|gain| gain["key"] == "ekuitas_ta").unwrap();
    assert_eq!((&improvement["points_lost"], &improvement["next_band"]["from"]), (&json!("0.9375"), &json!("30")));
    let read_otherwise =
        json!({"regulation": "kkpkk-2020", "worksheet": worksheet, "readings": {"ekuitas_ta": "lower_inclusive"}});
    let other = app.post("bank", "/v1/assessments/preview", &read_otherwise).expect(200);
    assert_eq!(other["readings"]["ekuitas_ta"], "lower_inclusive");
    assert_eq!(other["aspects"][3]["pooled"]["skor"], 16);

    let mut body = submission(&cooperative, &worksheet);
    // 45 + 40 × 69 ÷ 72 + 15 × 15 ÷ 16: stated to two decimals it agrees.
    assert_eq!(scoring["total"], "97.3958333333");
    body["stated_total"] = json!("97.40");
    body["stated_category"] = json!("sehat");
    let submitted = app.post("samarinda", "/v1/assessments", &body).expect(201);
    assert_eq!((&submitted["scoring"], &submitted["discrepancy"]), (&scoring, &json!(false)));
    let at = format!("/v1/assessments/{}", id(&submitted));
    assert_eq!(app.get("samarinda", &at).expect(200)["scoring"], scoring);
    let foreign = json!({"category": "tidak_sehat", "reason": "x"});
    let answer = app.post("province", &format!("{at}/determinations"), &foreign);
    answer.fault(422, "rule_refused", "/category", "category_of_another_regulation");
    assert_eq!(healthy_ksp(&app, &programme), 0);
    app.post("province", &format!("{at}/determinations"), &json!({})).expect(200);
    assert_eq!(healthy_ksp(&app, &programme), 1);
    let rated = app.get("bank", &format!("/v1/cooperatives/{cooperative}")).expect(200);
    assert_eq!(rated["health"]["category"], "sehat");
    assert_eq!(rated["health"]["regulation"], "kkpkk-2020");

    let correction = json!({"category": "dalam_pengawasan_khusus", "reason": "Pemeriksaan lapangan"});
    app.post("province", &format!("{at}/corrections"), &correction).expect(200);
    assert_eq!(healthy_ksp(&app, &programme), 0);
    for list in ["/v1/cooperatives?health_category=", "/v1/assessments?regulation=kkpkk-2020&category="] {
        let found = |category: &str| {
            app.get("province", &format!("{list}{category}")).expect(200)["data"].as_array().unwrap().len()
        };
        assert_eq!((found("dalam_pengawasan_khusus"), found("sehat")), (1, 0), "{list}");
    }
}

#[test]
fn rescoring_across_sheets_is_refused_with_what_is_missing() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let new = app.post("samarinda", "/v1/assessments", &submission(&cooperative, &healthy())).expect(201);
    let old = json!({"cooperative": cooperative, "regulation": "permen-14-2009", "book_year": 2013, "assessed_on": "2014-02-24",
        "readings": {"rpm": "running_text"}, "worksheet": healthy_worksheet()});
    let old = app.post("samarinda", "/v1/assessments", &old).expect(201);
    let rescored = |assessment: &Value, regulation: &str| {
        app.get("province", &format!("/v1/assessments/{}/rescored?regulation={regulation}", id(assessment)))
    };
    assert_eq!(rescored(&new, "kkpkk-2020").expect(200), new["scoring"]);
    let missing = |assessment: &Value, regulation: &str| {
        let problem = rescored(assessment, regulation).fault(422, "rule_refused", "?regulation", "another_worksheet");
        let missing = problem["missing"].as_array().unwrap().clone();
        assert!(problem["detail"].as_str().unwrap().contains(&missing.len().to_string()), "{problem}");
        missing
    };
    let lacking = missing(&old, "kkpkk-2020");
    assert!(
        lacking.contains(&json!("aset_produktif")) && lacking.contains(&json!("kpmr.kredit_proses")),
        "{lacking:?}"
    );
    assert!(!lacking.contains(&json!("total_aset")), "{lacking:?}");
    for regulation in ["permen-14-2009", "perdep-06-2016"] {
        let lacking = missing(&new, regulation);
        assert!(lacking.contains(&json!("manajemen.umum")), "{lacking:?}");
        assert!(lacking.contains(&json!("pinjaman_berisiko")), "{lacking:?}");
        // What can be derived from what both sheets ask for is not missing.
        assert!(!lacking.contains(&json!("partisipasi_netto")), "{lacking:?}");
    }
    rescored(&new, "juknis-15-2021").problem(422, "regulation_not_loaded");
}

#[test]
fn every_fault_of_such_a_worksheet_is_told_at_once() {
    let app = App::start();
    let mut worksheet = healthy();
    worksheet["manajemen"] = json!({"umum": [true]});
    worksheet["kpmr"]["pasar_pengawasan"] = json!([true]);
    worksheet["kpmr"]["kredit_kebijakan"] = json!([true, true]);
    worksheet["risiko_inheren"] = json!([true]);
    worksheet["tata_kelola"]["manajemen_umum"][1] = json!("ya");
    worksheet["kas_bank"] = json!(5);
    worksheet["cadangan_risiko"] = json!("-1");
    worksheet["beban_usaha"] = json!("1.000.000,00");
    worksheet["kenaikan_aset"] = json!("1");
    worksheet["atmr_komponen"]["emas"] = json!("1");
    let body =
        json!({"regulation": "kkpkk-2020", "readings": {"roe": "guess", "rpm": "table"}, "worksheet": worksheet});
    let problem = app.post("council", "/v1/assessments/preview", &body).problem(422, "rule_refused");
    let errors = problem["errors"].as_array().unwrap();
    let mut found: Vec<(&str, &str)> =
        errors.iter().map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap())).collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("/readings/roe", "unknown_reading"),
            ("/readings/rpm", "unknown_reading"),
            ("/worksheet/atmr_komponen/emas", "unknown_worksheet_key"),
            ("/worksheet/beban_usaha", "invalid_money"),
            ("/worksheet/cadangan_risiko", "negative_amount"),
            ("/worksheet/kas_bank", "invalid_money"),
            ("/worksheet/kenaikan_aset", "contradicting_amounts"),
            ("/worksheet/kpmr/kredit_kebijakan", "wrong_question_count"),
            ("/worksheet/kpmr/pasar_pengawasan", "unknown_worksheet_key"),
            ("/worksheet/manajemen", "unknown_worksheet_key"),
            ("/worksheet/risiko_inheren", "wrong_type"),
            ("/worksheet/tata_kelola/manajemen_umum/1", "wrong_type"),
        ]
    );
}

#[test]
fn below_full_coverage_there_is_no_category() {
    let app = App::start();
    let cooperative = app.cooperative("1/BH");
    let mut worksheet = healthy();
    worksheet["kpmr"].as_object_mut().unwrap().remove("likuiditas_proses");
    worksheet["shu_setelah_pajak_tahun_lalu"] = json!("0");
    let submitted = app.post("council", "/v1/assessments", &submission(&cooperative, &worksheet)).expect(201);
    let scoring = &submitted["scoring"];
    // 100 less 15 ÷ 21 and 40 ÷ 18.
    assert_eq!((&scoring["covered_weight"], &scoring["category"]), (&json!("97.0634920635"), &Value::Null));
    assert_eq!(scoring["total"], "97.0634920635");
    assert_eq!(scoring["aspects"][1]["pooled"]["scored"], 20);
    let at = format!("/v1/assessments/{}/determinations", id(&submitted));
    app.post("province", &at, &json!({})).fault(422, "rule_refused", "/category", "no_category_computed");
    let named = json!({"category": "dalam_pengawasan", "reason": "Pemeriksaan lapangan"});
    app.post("province", &at, &named).expect(200);
}
