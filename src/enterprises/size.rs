//! Size classes by the rule in force on a day: UU 20/2008 pasal 6 until PP 7/2021 pasal 35 took its place on 2 February 2021.

use deserr::Deserr;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::codelists::{SizeLimits, SizeTest, sizes_on};
use crate::kernel::problem_codes::INTERNAL;
use crate::kernel::{Date, Faults, Money, Refusal, Rupiah, Text, Timestamp};

crate::words! {
    /// Size of an enterprise.
    SizeClass {
        /// Micro.
        Mikro = "mikro",
        /// Small.
        Kecil = "kecil",
        /// Medium.
        Menengah = "menengah",
        /// Large: no UMKM.
        Besar = "besar",
    }
}

crate::words! {
    /// The rule a size is judged by.
    SizeRule {
        /// Net worth or yearly sales.
        Uu202008 = "uu-20-2008",
        /// Capital for enterprises founded since, yearly sales for older ones.
        Pp72021 = "pp-7-2021",
    }
}

/// What a size is judged on, as at the day of registration; without land and business buildings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({"yearly_sales": {"value": "180000000.00", "currency": "IDR"}}))]
pub struct SizeBasis {
    /// Net worth (UU 20/2008) or capital (PP 7/2021).
    #[deserr(default)]
    pub net_worth: Option<Money>,
    /// Yearly sales.
    #[deserr(default)]
    pub yearly_sales: Option<Money>,
    /// When it was founded.
    #[deserr(default)]
    pub founded_on: Option<Date>,
}

impl SizeBasis {
    /// Refuses negative sales (net worth can be negative) and a founding that has not happened.
    ///
    /// # Errors
    /// A rule refusal with every fault.
    pub fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        let mut faults = Faults::default();
        if self.yearly_sales.is_some_and(|sales| sales.amount() < Decimal::ZERO) {
            let why = Text::fixed("Penjualan tidak dapat negatif.", "Sales cannot be negative.");
            faults.add("/size_basis/yearly_sales", "amount_negative", why);
        }
        if let Some(day) = self.founded_on {
            faults.check(day.require_past(now, "/size_basis/founded_on"));
        }
        faults.or_refuse(())
    }
}

/// Judges a size by the rule in force on a day. The rules are data: see the code list `enterprise-sizes`.
///
/// # Errors
/// When nothing was given to judge it on.
pub fn judge(basis: &SizeBasis, day: Date) -> Result<(SizeClass, SizeRule), Refusal> {
    let rule = sizes_on(day).and_then(|terms| Some((of_word(&terms.id)?, terms)));
    let (rule, terms) = rule.ok_or_else(|| Refusal::new(&INTERNAL, INTERNAL.advice.clone()))?;
    let class = |amount: Money, limit: fn(&SizeLimits) -> Rupiah| {
        let smallest = terms.limits.iter().find(|limits| amount.value <= limit(limits));
        smallest.and_then(|limits| of_word(&limits.class)).unwrap_or(SizeClass::Besar)
    };
    let by_worth = basis.net_worth.map(|worth| class(worth, |limits| limits.net_worth));
    let by_sales = basis.yearly_sales.map(|sales| class(sales, |limits| limits.yearly_sales));
    let judged = match terms.test {
        // "Net worth of at most … or sales of at most …": the smaller class suffices.
        SizeTest::Either => by_worth.into_iter().chain(by_sales).min(),
        SizeTest::CapitalForNew => {
            let young = basis.founded_on.zip(terms.valid_from).is_some_and(|(founded, from)| founded >= from);
            if young { by_worth.or(by_sales) } else { by_sales.or(by_worth) }
        }
    };
    judged.map(|class| (class, rule)).ok_or_else(|| {
        Refusal::rule(
            "/size_basis",
            "no_size_basis",
            Text::fixed(
                "Sebutkan `yearly_sales` atau `net_worth`, supaya skala usahanya dapat ditentukan.",
                "Name `yearly_sales` or `net_worth`, so that its size can be judged.",
            ),
        )
    })
}

/// The value a word of the list stands for.
fn of_word<T: serde::de::DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(word.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basis(worth: Option<i64>, sales: Option<i64>, founded: Option<&str>) -> SizeBasis {
        let money = |millions: i64| Money::idr(Decimal::from(millions) * Decimal::from(1_000_000));
        SizeBasis {
            net_worth: worth.map(money),
            yearly_sales: sales.map(money),
            founded_on: founded.map(|day| Date::parse(day).unwrap()),
        }
    }

    #[test]
    fn the_same_enterprise_has_another_size_under_another_rule() {
        let shop = basis(None, Some(1_000), None);
        let on = |day: &str| judge(&shop, Date::parse(day).unwrap()).unwrap();
        assert_eq!(on("2014-03-01"), (SizeClass::Kecil, SizeRule::Uu202008));
        assert_eq!(on("2021-02-01"), (SizeClass::Kecil, SizeRule::Uu202008));
        assert_eq!(on("2021-02-02"), (SizeClass::Mikro, SizeRule::Pp72021));
    }

    #[test]
    fn bounds_belong_to_the_smaller_class_and_above_the_last_it_is_large() {
        let on_2014 = |sales| judge(&basis(None, Some(sales), None), Date::parse("2014-03-01").unwrap()).unwrap().0;
        assert_eq!([300, 301, 2_500, 2_501, 50_000, 50_001].map(on_2014), {
            use SizeClass::{Besar, Kecil, Menengah, Mikro};
            [Mikro, Kecil, Kecil, Menengah, Menengah, Besar]
        });
    }

    #[test]
    fn capital_counts_for_enterprises_founded_under_the_new_rule_and_sales_for_older_ones() {
        let day = Date::parse("2022-01-01").unwrap();
        let young = judge(&basis(Some(3_000), Some(100), Some("2021-06-01")), day).unwrap();
        let old = judge(&basis(Some(3_000), Some(100), Some("2010-06-01")), day).unwrap();
        assert_eq!((young.0, old.0), (SizeClass::Kecil, SizeClass::Mikro));
    }

    #[test]
    fn nothing_to_judge_on_is_refused() {
        assert!(judge(&basis(None, None, None), Date::parse("2014-03-01").unwrap()).is_err());
    }

    #[test]
    fn every_rule_and_class_of_the_list_is_known() {
        for entry in &crate::kernel::codelists::code_list("enterprise-sizes").unwrap().entries {
            assert!(of_word::<SizeRule>(&entry.id).is_some(), "{}", entry.id);
            let classes = entry.more["limits"].as_array().unwrap();
            assert!(classes.iter().all(|limits| of_word::<SizeClass>(limits["class"].as_str().unwrap()).is_some()));
        }
    }
}
