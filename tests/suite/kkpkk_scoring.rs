//! The 60-indicator sheet: every bound from below, at it and from above; pooling, weights, categories; readings. What is expected is written
//! out here and in the vectors, not taken from the rule book's data.

use std::collections::BTreeSet;

use lumbung::assessments::rulebook::{self, IndicatorScore, Readings, RuleBook, Scoring};
use lumbung::kernel::OneOf;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::kkpkk::{CHECKLISTS, answers, healthy};

const VECTORS: &str = include_str!("../data/kkpkk-vectors.csv");

fn book() -> &'static dyn RuleBook {
    rulebook::find("kkpkk-2020").unwrap()
}

fn score(worksheet: &Value, readings: &[(&str, &str)]) -> Scoring {
    let readings: Readings = readings.iter().map(|(key, option)| ((*key).to_owned(), (*option).to_owned())).collect();
    book().score(worksheet, &readings).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn indicator<'a>(scoring: &'a Scoring, key: &str) -> &'a IndicatorScore {
    scoring.indicators.iter().find(|indicator| indicator.key == key).unwrap_or_else(|| panic!("no {key}"))
}

/// A worksheet in which one ratio has this numerator over thousand million rupiah.
fn over_thousand_million(numerator: &str, denominator: &str, amount: Decimal) -> Value {
    let whole = Decimal::from(1_000_000_000);
    let mut worksheet = Map::new();
    let mut add = |key: &str, amount: Decimal| worksheet.insert(key.to_owned(), json!(format!("{amount:.2}")));
    let keys: Vec<&str> = denominator.split('+').collect();
    add(numerator, amount);
    match keys[..] {
        [one] => add(one, whole),
        [shared, other] if shared == numerator => add(other, whole - amount),
        [one, other] => {
            add(one, whole - Decimal::TEN);
            add(other, Decimal::TEN)
        }
        _ => panic!("{denominator}"),
    };
    Value::Object(worksheet)
}

#[test]
fn every_bound_of_every_ratio_holds_from_both_sides() {
    let mut tested = BTreeSet::new();
    for line in VECTORS.lines().skip(1) {
        let [key, numerator, denominator, bound, below, at, above, certainty, reading] =
            line.split(',').collect::<Vec<_>>()[..]
        else {
            panic!("{line}")
        };
        let readings: Vec<(&str, &str)> = reading.split_once('=').into_iter().collect();
        let exact = bound.parse::<Decimal>().unwrap() * Decimal::from(10_000_000);
        // A hundredth of a rupiah of a thousand million.
        let least = Decimal::new(1, 2);
        for (amount, nilai) in [(exact - least, below), (exact, at), (exact + least, above)] {
            let scoring = score(&over_thousand_million(numerator, denominator, amount), &readings);
            let scored = indicator(&scoring, key);
            let nilai: i64 = nilai.parse().unwrap();
            assert_eq!((scored.value, scored.skor), (Some(nilai), Some(5 - nilai)), "{line} for {amount}");
            let band = scored.band.as_ref().unwrap();
            assert_eq!(band.value, nilai, "{line}");
            let ends = [(&band.from, band.from_certainty), (&band.to, band.to_certainty)];
            let end = ends.into_iter().find(|(end, _)| end.as_deref() == Some(bound));
            let (_, told) = end.unwrap_or_else(|| panic!("{line}: {band:?}"));
            assert_eq!(told.map(OneOf::word), Some(certainty), "{line}");
        }
        tested.insert((key, bound, reading.split_once('=').map(|(_, option)| option)));
    }
    // No bound of the table is left out: 26 ratios with three each.
    assert_eq!(tested.iter().filter(|(.., reading)| reading.is_none()).count(), 26 * 3);
    assert_eq!(tested.len(), VECTORS.lines().count() - 1);
}

#[test]
fn every_checklist_is_scored_by_the_share_of_items_met() {
    // Nilai by the number of items met, from none on: at most a quarter, a half, three quarters, more.
    let nilai_of = |items: usize| -> &[i64] {
        match items {
            3 => &[4, 3, 2, 1],
            4 => &[4, 4, 3, 2, 1],
            5 => &[4, 4, 3, 2, 1, 1],
            17 => &[4, 4, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1],
            other => panic!("{other} items"),
        }
    };
    for (block, group, items) in CHECKLISTS {
        for (met, nilai) in nilai_of(items).iter().enumerate() {
            let scoring = score(&json!({block: {group: answers(met, items)}}), &[]);
            let scored = indicator(&scoring, &format!("{block}_{group}"));
            assert_eq!(
                (scored.value, scored.skor),
                (Some(*nilai), Some(5 - nilai)),
                "{block}.{group}: {met} of {items}"
            );
            let certain = scored.band.as_ref().unwrap();
            let told = certain.from_certainty.or(certain.to_certainty);
            assert_eq!(told.map(OneOf::word), Some("certain"));
        }
        let faults = book().score(&json!({block: {group: answers(0, items + 1)}}), &Readings::new()).unwrap_err();
        assert_eq!((faults.0[0].code.as_ref(), faults.0.len()), ("wrong_question_count", 1));
    }
}

#[test]
fn the_sheet_has_sixty_indicators_in_four_weighted_aspects() {
    let scoring = score(&healthy(), &[]);
    let aspects: Vec<_> = scoring
        .aspects
        .iter()
        .map(|aspect| {
            let pooled = aspect.pooled.as_ref().unwrap();
            (
                aspect.key.as_str(),
                aspect.max.as_str(),
                aspect.score.as_str(),
                pooled.indicators,
                pooled.percent.as_str(),
            )
        })
        .collect();
    assert_eq!(
        aspects,
        [
            ("tata_kelola", "30", "30.00", 17, "100.00"),
            ("profil_risiko", "15", "15.00", 21, "100.00"),
            ("kinerja_keuangan", "40", "40.00", 18, "100.00"),
            ("permodalan", "15", "15.00", 4, "100.00"),
        ]
    );
    let faulty: Vec<_> = scoring.indicators.iter().filter(|indicator| indicator.value != Some(1)).collect();
    assert!(faulty.is_empty() && scoring.improvements.is_empty(), "{faulty:#?}");
    assert_eq!(
        (scoring.indicators.len(), scoring.total.as_str(), scoring.covered_weight.as_str()),
        (60, "100.00", "100")
    );
    assert_eq!(scoring.category.map(OneOf::word), Some("sehat"));
    assert!(scoring.warnings.is_empty(), "{:?}", scoring.warnings);
}

/// The healthy worksheet with other answers in some groups.
fn answered(groups: &[(&str, &str, usize)]) -> Value {
    let mut worksheet = healthy();
    for (block, group, met) in groups {
        let items = CHECKLISTS.iter().find(|(known, name, _)| known == block && name == group).unwrap().2;
        worksheet[*block][*group] = answers(*met, items);
    }
    worksheet
}

#[test]
fn aspects_are_pooled_and_the_total_is_not_rounded_on_the_way() {
    let none: Vec<_> = CHECKLISTS
        .iter()
        .filter(|(block, group, _)| *block == "kpmr" || group.starts_with("prinsip_"))
        .map(|(block, group, _)| (*block, *group, 0))
        .collect();
    let worksheet = answered(&none);
    let scoring = score(&worksheet, &[]);
    // 7 × 1 + 10 × 4 of 68; 12 × 1 + 9 × 4 of 84; the rest in full: 30 × 47 ÷ 68 + 15 × 48 ÷ 84 + 40 + 15.
    let percents: Vec<_> = scoring.aspects.iter().map(|aspect| aspect.pooled.clone().unwrap()).collect();
    assert_eq!((percents[0].skor, percents[0].skor_max, percents[0].percent.as_str()), (47, 68, "69.1176470588"));
    assert_eq!((percents[1].skor, percents[1].skor_max, percents[1].percent.as_str()), (48, 84, "57.1428571429"));
    assert_eq!((scoring.total.as_str(), scoring.category.map(OneOf::word)), ("84.3067226891", Some("sehat")));
    let rounded = score(&worksheet, &[("rounding", "aspects_two_decimals")]);
    // 69.12 × 0.3 + 57.14 × 0.15 + 55.
    assert_eq!(rounded.total, "84.307");
    assert_eq!(rounded.aspects[0].pooled.as_ref().unwrap().percent, "69.12");
    assert_eq!(rounded.readings["rounding"], "aspects_two_decimals");
    let lost = &scoring.improvements[0];
    assert_eq!(lost.key, "tata_kelola_prinsip_balas_jasa_modal");
    // 30 × 3 ÷ 68 lost, of which the next band gives a third back.
    assert_eq!((lost.points_lost.as_str(), lost.gain.as_str()), ("1.3235294118", "0.4411764706"));
    let next = lost.next_band.as_ref().unwrap();
    assert_eq!((next.from.as_deref(), next.to.as_deref(), next.value), (Some("25"), Some("50"), 3));
}

#[test]
fn a_total_of_exactly_eighty_is_healthy_and_one_skor_less_is_not() {
    // Every indicator of governance at nilai 3: 34 of 68, 15 points. Of the risk profile 36 + 20 of 84, 10 points. The rest in full.
    let mut groups: Vec<_> = CHECKLISTS
        .iter()
        .filter(|(block, ..)| *block == "tata_kelola")
        .map(|(block, group, items)| {
            (
                *block,
                *group,
                match items {
                    3 => 1,
                    4 | 5 => 2,
                    _ => 5,
                },
            )
        })
        .collect();
    groups
        .extend(CHECKLISTS.iter().filter(|(block, ..)| *block == "kpmr").map(|(block, group, _)| (*block, *group, 0)));
    groups.extend([("kpmr", "kredit_pengawasan", 4), ("kpmr", "kredit_kebijakan", 3), ("kpmr", "kredit_proses", 3)]);
    let scoring = score(&answered(&groups), &[]);
    assert_eq!((scoring.total.as_str(), scoring.category.map(OneOf::word)), ("80.00", Some("sehat")));
    groups.push(("kpmr", "kredit_proses", 2));
    let scoring = score(&answered(&groups), &[]);
    assert_eq!((scoring.total.as_str(), scoring.category.map(OneOf::word)), ("79.8214285714", Some("cukup_sehat")));
}

#[test]
fn categories_begin_at_their_bounds() {
    for (total, category) in [
        ("100", "sehat"),
        ("80.0000000001", "sehat"),
        ("80", "sehat"),
        ("79.9999999999", "cukup_sehat"),
        ("66.0000000001", "cukup_sehat"),
        ("66", "cukup_sehat"),
        ("65.9999999999", "dalam_pengawasan"),
        ("51.0000000001", "dalam_pengawasan"),
        ("51", "dalam_pengawasan"),
        ("50.9999999999", "dalam_pengawasan_khusus"),
        ("25", "dalam_pengawasan_khusus"),
    ] {
        assert_eq!(book().category(total.parse().unwrap()).map(OneOf::word), Some(category), "{total}");
    }
}

#[test]
fn derived_amounts_are_computed_or_given_and_never_both_and_different() {
    let value = |worksheet: Value, key: &str| indicator(&score(&worksheet, &[]), key).ratio_percent.clone();
    // Growth is the change, not the quotient; a loss of assets is a negative growth.
    let growth = |now: &str| value(json!({"total_aset": now, "total_aset_tahun_lalu": "100"}), "pertumbuhan_aset");
    assert_eq!((growth("110"), growth("90")), (Some("10.00".to_owned()), Some("-10.00".to_owned())));
    let npl = json!({"pinjaman_kurang_lancar": "3", "pinjaman_diragukan": "2", "pinjaman_macet": "1", "pinjaman_diberikan": "100"});
    assert_eq!(value(npl, "npl").as_deref(), Some("6.00"));
    // Equity of components, and funds received with it: 50 + 60 − 1 − 2 − 3.
    let funds = json!({"ekuitas_komponen": {"simpanan_pokok": "20", "simpanan_wajib": "20", "shu_tahun_berjalan": "20"},
        "total_kewajiban": "50", "utang_pajak": "1", "beban_ymh_dibayar": "2", "utang_biaya": "3", "pinjaman_diberikan": "52"});
    assert_eq!(value(funds, "pinjaman_dana").as_deref(), Some("50.00"));
    // 100 + 50 × 50 % + 100 × 100 % + 10 × 50 % over 1,000 × 100 % + 1,000 × 70 %.
    let capital = json!({"modal_diakui_komponen": {"simpanan_pokok": "100", "cadangan_tujuan_risiko": "50", "modal_sumbangan": "100", "modal_penyertaan": "10"},
        "atmr_komponen": {"kas_bank": "500", "pinjaman_anggota": "1000", "aktiva_tetap": "1000"}});
    assert_eq!(value(capital, "kecukupan").as_deref(), Some("13.5294117647"));
    let deposits = json!({"tabungan_anggota": "50", "simpanan_berjangka_anggota": "25", "titipan_anggota": "5", "simpanan_bukan_anggota": "25", "total_aset": "200"});
    assert_eq!(value(deposits.clone(), "simpanan_anggota").as_deref(), Some("75.00"));
    assert_eq!(value(deposits, "modal_pinjaman_ta").as_deref(), Some("40.00"));
    let contradiction = json!({"total_aset": "110", "total_aset_tahun_lalu": "100", "kenaikan_aset": "11"});
    let faults = book().score(&contradiction, &Readings::new()).unwrap_err();
    assert_eq!(
        (faults.0[0].pointer.as_str(), faults.0[0].code.as_ref()),
        ("/worksheet/kenaikan_aset", "contradicting_amounts")
    );
}

#[test]
fn a_ratio_over_nothing_has_no_nilai_until_the_assessor_decides() {
    let cases = [
        ("cadangan", "cadangan_risiko", "pinjaman_bermasalah", "cadangan_without_problem_loans", &["value_1"][..]),
        (
            "likuid_kewajiban",
            "aset_likuid",
            "kewajiban_jangka_pendek",
            "likuid_kewajiban_without_short_term_liabilities",
            &["value_1"],
        ),
        ("kas", "kas_bank", "kewajiban_jangka_pendek", "kas_without_short_term_liabilities", &["value_1"]),
        (
            "aset_lancar",
            "aset_lancar",
            "kewajiban_jangka_pendek",
            "aset_lancar_without_short_term_liabilities",
            &["value_1"],
        ),
        ("pinjaman_dana", "pinjaman_diberikan", "dana_diterima", "pinjaman_dana_without_funds", &["value_1"]),
        ("biaya_usaha", "beban_usaha", "shu_kotor", "biaya_usaha_without_surplus", &["value_4"]),
        ("roe", "shu_setelah_pajak", "ekuitas", "roe_without_equity", &["value_4"]),
        ("kewajiban_ekuitas", "kewajiban_jangka_panjang", "ekuitas", "kewajiban_ekuitas_without_equity", &["value_4"]),
        (
            "pertumbuhan_aset",
            "kenaikan_aset",
            "total_aset_tahun_lalu",
            "pertumbuhan_aset_without_base",
            &["value_1", "value_4"],
        ),
        (
            "pertumbuhan_dana",
            "kenaikan_dana",
            "dana_diterima_tahun_lalu",
            "pertumbuhan_dana_without_base",
            &["value_1", "value_4"],
        ),
        (
            "pertumbuhan_ekuitas",
            "kenaikan_ekuitas",
            "ekuitas_tahun_lalu",
            "pertumbuhan_ekuitas_without_base",
            &["value_1", "value_4"],
        ),
        (
            "pertumbuhan_shu",
            "kenaikan_shu",
            "shu_setelah_pajak_tahun_lalu",
            "pertumbuhan_shu_without_base",
            &["value_1", "value_4"],
        ),
    ];
    for (key, numerator, denominator, reading, options) in cases {
        let worksheet = json!({numerator: "5", denominator: "0"});
        let scoring = score(&worksheet, &[]);
        let scored = indicator(&scoring, key);
        assert_eq!((scored.state.word(), scored.value, scored.skor), ("not_applicable", None, None), "{key}");
        assert!(scored.explanation.as_ref().unwrap().en.contains(denominator), "{key}");
        for option in options {
            let decided = score(&worksheet, &[(reading, option)]);
            let nilai: i64 = option.trim_start_matches("value_").parse().unwrap();
            assert_eq!(indicator(&decided, key).value, Some(nilai), "{reading}={option}");
            assert!(indicator(&decided, key).explanation.is_some());
        }
        // A reading for what does not happen changes nothing.
        let ratio = json!({numerator: "5", denominator: "100"});
        let plain = indicator(&score(&ratio, &[]), key).clone();
        assert_eq!(indicator(&score(&ratio, &[(reading, options[0])]), key), &plain);
    }
    let deposits = json!({"simpanan_anggota": "0", "simpanan_bukan_anggota": "0"});
    assert_eq!(indicator(&score(&deposits, &[]), "simpanan_anggota").value, None);
    let decided = score(&deposits, &[("simpanan_anggota_without_deposits", "value_4")]);
    assert_eq!(indicator(&decided, "simpanan_anggota").value, Some(4));
}

#[test]
fn every_bound_in_the_rule_book_is_marked_and_every_other_reading_departs_from_the_table() {
    let shown = book().describe();
    let marked = |bands: &Value| {
        let bands = bands.as_array().unwrap();
        let (last, bounded) = bands.split_last().unwrap();
        assert!(last.get("bound").is_none() && bounded.len() == 3);
        assert!(bounded.iter().all(|band| ["certain", "contested"].contains(&band["bound"].as_str().unwrap())));
    };
    let ratios = shown["indicators"].as_array().unwrap().iter().filter(|shown| shown.get("checklist").is_none());
    assert_eq!(ratios.map(|ratio| marked(&ratio["bands"])).count(), 26);
    marked(&shown["checklist_bands"]);
    let lists = shown["indicators"].as_array().unwrap().iter().filter(|shown| shown.get("checklist").is_some());
    assert!(lists.clone().all(|list| list["items_certainty"].is_string()));
    assert_eq!(lists.count(), CHECKLISTS.len());
    // Defaults come first and are the table.
    for reading in shown["readings"].as_array().unwrap() {
        let options = reading["options"].as_array().unwrap();
        assert_eq!((&options[0]["key"], &options[0]["rule"]["kind"]), (&reading["default"], &json!("table")));
        assert!(options.len() > 1 && options[1..].iter().all(|option| option["rule"]["kind"] != "table"), "{reading}");
        options
            .iter()
            .filter(|option| option["rule"].get("bands").is_some())
            .for_each(|option| marked(&option["rule"]["bands"]));
    }
    // Every key that is named is known, and every amount has a name.
    let amounts: BTreeSet<&str> =
        shown["amounts"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
    assert_eq!(amounts, shown["amount_names"].as_object().unwrap().keys().map(String::as_str).collect());
    for indicator in shown["indicators"].as_array().unwrap() {
        for key in ["numerator", "denominator"].into_iter().filter_map(|side| indicator[side].as_array()).flatten() {
            assert!(amounts.contains(key.as_str().unwrap()), "{key}");
        }
    }
}

proptest! {
    /// Any amounts and answers: skor within 1 and 4, percentages and total the sums they claim to be, a category only when all is covered.
    #[test]
    fn totals_are_weighted_pools(amounts in prop::collection::vec(prop::option::weighted(0.99, 0_i64..1_000_000_000_000), 48), met in prop::collection::vec(prop::option::weighted(0.99, 0_usize..18), 34)) {
        let derived = ["ekuitas", "modal_diakui", "atmr", "pinjaman_bermasalah", "dana_diterima", "simpanan_anggota", "modal_pinjaman_anggota",
            "partisipasi_netto", "kenaikan_aset", "kenaikan_dana", "kenaikan_ekuitas", "kenaikan_shu"];
        let shown = book().describe();
        let keys = shown["amounts"].as_array().unwrap().iter().map(|key| key.as_str().unwrap());
        let mut worksheet: Map<String, Value> = keys.zip(&amounts).filter(|(key, _)| !derived.contains(key) || *key == "ekuitas")
            .filter_map(|(key, sen)| Some((key.to_owned(), json!(format!("{:.2}", Decimal::new((*sen)?, 2)))))).collect();
        for ((block, group, items), met) in CHECKLISTS.iter().zip(&met) {
            if let Some(met) = met {
                worksheet.entry(*block).or_insert_with(|| json!({}))[*group] = answers((*met).min(*items), *items);
            }
        }
        let scoring = score(&Value::Object(worksheet), &[]);
        let total: Decimal = scoring.total.parse().unwrap();
        let close = |one: Decimal, other: Decimal| (one - other).abs() < Decimal::new(1, 8);
        let parse = |text: &String| text.parse::<Decimal>().unwrap();
        prop_assert!(close(scoring.aspects.iter().map(|aspect| parse(&aspect.score)).sum(), total));
        prop_assert!(close(scoring.indicators.iter().filter_map(|indicator| indicator.score.as_ref()).map(parse).sum(), total));
        for aspect in &scoring.aspects {
            let own = || scoring.indicators.iter().filter(|indicator| indicator.aspect == aspect.key);
            let pooled = aspect.pooled.as_ref().unwrap();
            prop_assert_eq!(own().filter_map(|indicator| indicator.skor).sum::<i64>(), pooled.skor);
            prop_assert_eq!((own().count(), own().filter(|indicator| indicator.value.is_some()).count()), (pooled.indicators, pooled.scored));
            prop_assert!(close(parse(&pooled.percent) * parse(&aspect.max) / Decimal::ONE_HUNDRED, parse(&aspect.score)));
        }
        let all = scoring.indicators.iter().all(|indicator| indicator.value.is_some_and(|nilai| (1..=4).contains(&nilai)));
        prop_assert_eq!(scoring.category.is_some(), all);
        prop_assert_eq!(scoring.covered_weight == "100", all);
        prop_assert!(total <= Decimal::ONE_HUNDRED && (!all || total >= Decimal::from(25)));
    }
}
