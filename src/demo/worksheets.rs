//! Plausible worksheets of five strengths, one for each category of 2009.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

/// How strong a cooperative is: percentages that its worksheet is made of.
pub struct Strength {
    /// Own capital of assets.
    own_capital: i64,
    /// Risky loans of loans.
    risky: i64,
    /// Loans to members of loans.
    to_members: i64,
    /// Substandard, doubtful and bad loans of loans.
    problem: [i64; 3],
    /// Reserves of the risk of problem loans.
    reserves: i64,
    /// Operating costs for members of gross participation.
    member_costs: i64,
    /// Business costs of gross surplus.
    business_costs: i64,
    /// Staff costs of loans.
    staff: i64,
    /// Cash of current liabilities.
    cash: i64,
    /// Loans of funds received.
    loans_of_funds: i64,
    /// Surplus before tax of assets, and members' part of it of own capital.
    returns: [i64; 2],
    /// Gross participation of all income.
    participation: i64,
    /// Economic promotion of members of their basic deposits.
    promotion: i64,
    /// Questions answered yes in each group of management.
    yes: [usize; 5],
}

/// From `sehat` to `sangat_tidak_sehat`.
pub static STRENGTHS: [Strength; 5] = [
    Strength {
        own_capital: 45,
        risky: 15,
        to_members: 88,
        problem: [4, 2, 1],
        reserves: 95,
        member_costs: 82,
        business_costs: 38,
        staff: 4,
        cash: 13,
        loans_of_funds: 85,
        returns: [8, 6],
        participation: 80,
        promotion: 11,
        yes: [11, 6, 5, 9, 4],
    },
    Strength {
        own_capital: 35,
        risky: 22,
        to_members: 70,
        problem: [6, 4, 3],
        reserves: 62,
        member_costs: 91,
        business_costs: 55,
        staff: 6,
        cash: 14,
        loans_of_funds: 76,
        returns: [6, 4],
        participation: 66,
        promotion: 8,
        yes: [9, 4, 4, 7, 3],
    },
    Strength {
        own_capital: 25,
        risky: 27,
        to_members: 48,
        problem: [10, 8, 8],
        reserves: 35,
        member_costs: 96,
        business_costs: 72,
        staff: 9,
        cash: 18,
        loans_of_funds: 66,
        returns: [4, 3],
        participation: 55,
        promotion: 6,
        yes: [7, 3, 3, 5, 2],
    },
    Strength {
        own_capital: 12,
        risky: 45,
        to_members: 45,
        problem: [15, 12, 15],
        reserves: 15,
        member_costs: 105,
        business_costs: 95,
        staff: 12,
        cash: 28,
        loans_of_funds: 55,
        returns: [2, 1],
        participation: 40,
        promotion: 3,
        yes: [4, 2, 1, 3, 1],
    },
    Strength {
        own_capital: 4,
        risky: 95,
        to_members: 20,
        problem: [20, 20, 35],
        reserves: 0,
        member_costs: 130,
        business_costs: 140,
        staff: 20,
        cash: 45,
        loans_of_funds: 40,
        returns: [1, 1],
        participation: 18,
        promotion: 1,
        yes: [2, 1, 0, 1, 0],
    },
];

fn of(amount: Decimal, percent: i64) -> Decimal {
    let part = amount * Decimal::from(percent) / Decimal::ONE_HUNDRED;
    part.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
}

/// The whole worksheet of a cooperative with so much in assets, in rupiah.
pub fn worksheet(strength: &Strength, assets: i64) -> Value {
    let s = strength;
    let text = |amount: Decimal| Value::from(format!("{amount:.2}"));
    let assets = Decimal::from(assets);
    let own = of(assets, s.own_capital);
    let loans = of(assets, 76);
    let [substandard, doubtful, bad] = s.problem.map(|percent| of(loans, percent));
    let risk = (substandard * Decimal::from(50) + doubtful * Decimal::from(75)) / Decimal::ONE_HUNDRED + bad;
    let participation = of(assets, 14);
    let base_cost = of(participation, 30);
    let member_costs = of(participation, s.member_costs);
    let cooperative_costs = of(participation, 4);
    let gross_surplus = of(assets, 9);
    let business_costs = of(gross_surplus, s.business_costs);
    let other_income = of(participation * Decimal::ONE_HUNDRED / Decimal::from(s.participation), 100 - s.participation);
    let [basic, obligatory] = [of(own, 12), of(own, 48)];
    let member_surplus = of(own, s.returns[1]);
    let promotion = of(basic + obligatory, s.promotion);
    let liabilities = of(assets, 30);
    let cash = of(liabilities, s.cash);
    let answers = |yes: usize, all: usize| -> Value { (0..all).map(|question| question < yes).collect() };
    let [general, institution, capital, asset, liquidity] = s.yes;
    json!({
        "modal_sendiri": text(own),
        "total_aset": text(assets),
        "pinjaman_berisiko": text(of(loans, s.risky)),
        "modal_komponen": {
            "simpanan_pokok": text(basic), "simpanan_wajib": text(obligatory), "cadangan_umum": text(of(own, 25)),
            "cadangan_tujuan_risiko": text(of(own, 5)), "shu_belum_dibagi": text(of(own, 10)),
            "tabungan_koperasi": text(of(assets, 10)), "simpanan_berjangka": text(of(assets, 12)),
        },
        "atmr_komponen": {
            "kas_bank": text(cash), "pinjaman_anggota": text(of(loans, s.to_members)),
            "pinjaman_calon_anggota_koperasi_lain": text(loans - of(loans, s.to_members)), "aktiva_tetap": text(of(assets, 8)),
        },
        "volume_pinjaman_anggota": text(of(loans, s.to_members)),
        "volume_pinjaman": text(loans),
        "pinjaman_diberikan": text(loans),
        "pinjaman_kurang_lancar": text(substandard),
        "pinjaman_diragukan": text(doubtful),
        "pinjaman_macet": text(bad),
        "cadangan_risiko": text(of(risk, s.reserves)),
        "beban_pokok": text(base_cost),
        "beban_perkoperasian": text(cooperative_costs),
        "beban_usaha_anggota": text(member_costs - base_cost - cooperative_costs),
        "partisipasi_bruto": text(participation),
        "pendapatan": text(other_income),
        "beban_usaha": text(business_costs),
        "shu_kotor": text(gross_surplus),
        "biaya_karyawan": text(of(loans, s.staff)),
        "kas_bank": text(cash),
        "kewajiban_lancar": text(liabilities),
        "dana_diterima": text(of(loans * Decimal::ONE_HUNDRED / Decimal::from(s.loans_of_funds), 100)),
        "shu_sebelum_pajak": text(of(assets, s.returns[0])),
        "shu_bagian_anggota": text(member_surplus),
        "meppp": text(promotion - member_surplus),
        "simpanan_pokok_dan_wajib": text(basic + obligatory),
        "manajemen": {
            "umum": answers(general, 12), "kelembagaan": answers(institution, 6), "permodalan": answers(capital, 5),
            "aktiva": answers(asset, 10), "likuiditas": answers(liquidity, 5),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessments::rulebook;
    use crate::kernel::OneOf;

    #[test]
    fn the_five_strengths_make_the_five_categories_of_2009() {
        let book = rulebook::find("permen-14-2009").unwrap();
        let scored = STRENGTHS.iter().map(|strength| {
            let scoring = book.score(&worksheet(strength, 3_417_000_000), &rulebook::Readings::new()).unwrap();
            (scoring.total.clone(), scoring.category.map(OneOf::word))
        });
        let categories: Vec<_> = scored.collect();
        let words: Vec<_> = categories.iter().map(|(_, category)| category.unwrap_or("none")).collect();
        assert_eq!(
            words,
            ["sehat", "cukup_sehat", "kurang_sehat", "tidak_sehat", "sangat_tidak_sehat"],
            "{categories:?}"
        );
    }
}
