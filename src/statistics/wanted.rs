//! What is asked: read strictly, so that a misspelt filter is not dropped.

use std::collections::{BTreeMap, BTreeSet};

use deserr::Deserr;
use utoipa::IntoParams;

use super::area::StatisticsArea;
use crate::assessments::rulebook::{self, RuleBook};
use crate::certifications::CompetenceResult;
use crate::cooperatives::HealthCategory;
use crate::financing::{BeneficiaryKind, CollectibilityScheme, FinancingState, Scheme};
use crate::kernel::problem_codes::INVALID_PARAMETER;
use crate::kernel::{Date, Faults, Id, MeasureDefinition, Month, OneOf, Refusal, Region, Text, Whole, Word, Year};
use crate::storage::AsOf;
use crate::web::{KnownPoint, Point, Problem, Service, read_known};

crate::words! {
    /// What an appeal or a surveillance comes to.
    Outcome {
        /// Of an appeal: the candidate is right.
        Upheld = "upheld",
        /// Of an appeal: the result stands.
        Dismissed = "dismissed",
        /// Of a surveillance: competence is kept up.
        Maintained = "maintained",
        /// Of a surveillance: it is not.
        NotMaintained = "not_maintained",
    }
}

/// What statistics are asked for with.
#[derive(Debug, Clone, Default, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatisticsParams {
    /// First month.
    #[deserr(default)]
    #[param(inline, example = "2014-02")]
    pub from: Option<Month>,
    /// Last month.
    #[deserr(default)]
    #[param(inline, example = "2014-05")]
    pub to: Option<Month>,
    /// One region; the province stands for all of them.
    #[deserr(default)]
    #[param(inline, example = "64.72")]
    pub region: Option<Region>,
    /// One organisation: the lender, the certifier, who submitted.
    #[deserr(default)]
    #[param(inline)]
    pub organisation: Option<Id>,
    /// One measure; `GET /v1/metrics` lists them.
    #[deserr(default)]
    #[param(inline, example = "financings_disbursed")]
    pub measure: Option<Word>,
    /// What the figures are told apart by, separated by commas, each once: `month`, `region`, `organisation`, or a part of the measure's value
    /// such as `scheme`, `state`, `class`, `regulation`, `category`. By region and the parts that matter most when nothing is said. A measure with
    /// a figure of its own for every month (`monthly` in `GET /v1/metrics`) is told by month whether or not that is asked for.
    #[deserr(default)]
    #[param(example = "region,scheme", max_length = 200)]
    pub by: Option<String>,
    /// As recorded by then: a position of the log, or an RFC 3339 instant.
    #[deserr(default)]
    #[param(value_type = Option<Point>, inline, example = "2014-03-31T00:00:00+08:00")]
    pub as_of: Option<String>,
    /// As known then: as `as_of`, or a day, which means its end in East Kalimantan.
    #[deserr(default)]
    #[param(value_type = Option<KnownPoint>, inline, example = "2014-05-27")]
    pub diketahui_pada: Option<String>,
    /// As it was in the world at the end of this day, the last of a month: what happened later does not count, and who stood in a state then
    /// counts there. Instead of `to`.
    #[deserr(default)]
    #[param(inline, example = "2014-03-31")]
    pub per_tanggal: Option<Date>,
    /// Financing: one scheme.
    #[deserr(default)]
    #[param(inline)]
    pub scheme: Option<Scheme>,
    /// Financing: `cooperative` or `enterprise`.
    #[deserr(default)]
    #[param(inline)]
    pub beneficiary_kind: Option<BeneficiaryKind>,
    /// Financing: one state.
    #[deserr(default)]
    #[param(inline)]
    pub state: Option<FinancingState>,
    /// Financing: one scale of collectibility.
    #[deserr(default)]
    #[param(inline)]
    pub collectibility_scheme: Option<CollectibilityScheme>,
    /// Financing: one class.
    #[deserr(default)]
    #[param(inline)]
    pub class: Option<Whole<1, 5>>,
    /// Assessments: one regulation.
    #[deserr(default)]
    #[param(inline)]
    pub regulation: Option<Word>,
    /// Assessments: one category.
    #[deserr(default)]
    #[param(inline)]
    pub category: Option<HealthCategory>,
    /// Assessments: one book year.
    #[deserr(default)]
    #[param(inline)]
    pub book_year: Option<Year>,
    /// Certifications: one result.
    #[deserr(default)]
    #[param(inline)]
    pub result: Option<CompetenceResult>,
    /// Certifications: one outcome of an appeal or a surveillance.
    #[deserr(default)]
    #[param(inline)]
    pub outcome: Option<Outcome>,
}

/// Parts that matter most: figures are told apart by these unless something else is said.
const PARTS_FIRST: [&str; 7] =
    ["regulation", "category", "result", "outcome", "state", "collectibility_scheme", "class"];

/// Why sums by month cannot tell a day; nothing when it is the last of a month.
pub fn not_month_end(day: Date) -> Option<Text> {
    let (before, end) = (day.month().first_day().plus_days(-1), day.month_end());
    (day != end).then(|| {
        text!(
            "Statistik dijumlahkan per bulan; mintalah akhir bulan: {before} atau {end}.",
            "Statistics are added up by month; ask for the end of one: {before} or {end}."
        )
    })
}

/// What is asked, understood.
#[derive(Debug)]
pub(super) struct Wanted {
    pub measures: Vec<&'static MeasureDefinition>,
    /// What the figures are told apart by, in the order asked for.
    pub by: Vec<String>,
    /// Values that parts must have.
    pub parts: BTreeMap<&'static str, String>,
}

impl StatisticsParams {
    fn part_filters(&self) -> BTreeMap<&'static str, String> {
        fn word<T: OneOf>(part: Option<T>) -> Option<String> {
            part.map(|part| part.word().to_owned())
        }
        let all = [
            ("scheme", word(self.scheme)),
            ("beneficiary_kind", word(self.beneficiary_kind)),
            ("state", word(self.state)),
            ("collectibility_scheme", word(self.collectibility_scheme)),
            ("class", self.class.map(|class| class.0.to_string())),
            ("regulation", self.regulation.as_ref().map(|regulation| regulation.0.clone())),
            ("category", word(self.category)),
            ("book_year", self.book_year.map(|year| year.0.to_string())),
            ("result", word(self.result)),
            ("outcome", word(self.outcome)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// What had been recorded by when.
    pub(super) async fn known(&self, service: &Service) -> Result<Option<AsOf>, Problem> {
        read_known(service, self.as_of.as_deref(), self.diketahui_pada.as_deref()).await
    }

    /// The last month that counts.
    pub(super) fn last_month(&self) -> Option<Month> {
        self.per_tanggal.map(Date::month).or(self.to)
    }

    /// Refuses a day that the sums by month cannot tell, and two ends.
    fn check_day(&self, faults: &mut Faults) {
        let Some(day) = self.per_tanggal else { return };
        if self.to.is_some() {
            let why =
                Text::fixed("Kirim `to` atau `per_tanggal`, bukan keduanya.", "Send `to` or `per_tanggal`, not both.");
            faults.add("?per_tanggal", "given_twice", why);
        }
        if let Some(why) = not_month_end(day) {
            faults.add("?per_tanggal", "not_the_end_of_a_month", why);
        }
    }

    /// Understands what is asked of an area.
    ///
    /// # Errors
    /// `invalid_parameter`, all faults at once.
    pub(super) fn understand(&self, area: StatisticsArea) -> Result<Wanted, Refusal> {
        let known: BTreeSet<&str> = area.measures().iter().flat_map(|it| it.parts).copied().collect();
        let parts = self.part_filters();
        let mut faults = Faults::default();
        for name in parts.keys().filter(|name| !known.contains(**name)) {
            let list = known.iter().copied().collect::<Vec<_>>().join(", ");
            let why = text!(
                "Bagian ini tidak mengenal `{name}`; yang dikenal: {list}.",
                "This part does not know `{name}`; it knows: {list}."
            );
            faults.check(Err::<(), _>(Refusal::parameter(format!("?{name}"), "unknown_part", why)));
        }
        faults.check(self.check_regulation());
        let by = faults.check(self.told_apart(&known));
        let measures = faults.check(self.chosen(area, &parts));
        self.check_day(&mut faults);
        if let (Some(from), Some(to)) = (self.from, self.last_month())
            && to < from
        {
            let why = Text::fixed("Bulan terakhir mendahului bulan pertama.", "The last month precedes the first.");
            faults.add("?to", "before_from", why);
        }
        match (by, measures) {
            (Some(by), Some(measures)) if faults.0.is_empty() => Ok(Wanted { measures, by, parts }),
            _ => Err(Refusal::faults(&INVALID_PARAMETER, faults)),
        }
    }

    /// Refuses a regulation that nothing is assessed by.
    fn check_regulation(&self) -> Result<(), Refusal> {
        let loaded = || rulebook::all().map(RuleBook::id);
        if self.regulation.as_ref().is_none_or(|wanted| loaded().any(|id| id == wanted.0)) {
            return Ok(());
        }
        let list = loaded().collect::<Vec<_>>().join(", ");
        let why = text!("Pilih salah satu: {list}.", "Choose one of: {list}.");
        Err(Refusal::parameter("?regulation", "unknown_value", why))
    }

    fn told_apart(&self, known: &BTreeSet<&str>) -> Result<Vec<String>, Refusal> {
        let Some(by) = &self.by else {
            let parts = PARTS_FIRST.into_iter().filter(|part| known.contains(part));
            return Ok(std::iter::once("region").chain(parts).map(str::to_owned).collect());
        };
        let names: Vec<String> = by.split(',').map(|name| name.trim().to_owned()).filter(|it| !it.is_empty()).collect();
        if let Some((_, twice)) = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name)) {
            return Err(Refusal::named_twice("?by", twice));
        }
        let common = ["month", "region", "organisation"];
        let unknown = names.iter().find(|name| !common.contains(&name.as_str()) && !known.contains(name.as_str()));
        let Some(unknown) = unknown else { return Ok(names) };
        let list = common.iter().chain(known).copied().collect::<Vec<_>>().join(", ");
        let why = text!(
            "Tidak dapat dirinci menurut `{unknown}`; pilih dari: {list}.",
            "Figures cannot be told apart by `{unknown}`; choose from: {list}."
        );
        Err(Refusal::parameter("?by", "unknown_part", why))
    }

    /// The measures that have every part that is asked for.
    fn chosen(
        &self,
        area: StatisticsArea,
        parts: &BTreeMap<&'static str, String>,
    ) -> Result<Vec<&'static MeasureDefinition>, Refusal> {
        let name = self.measure.as_ref().map(|name| name.0.as_str());
        let named = area.measures().iter().filter(|it| name.is_none_or(|name| it.measure == name));
        let named: Vec<_> = named.collect();
        if named.is_empty() {
            let list = area.measures().iter().map(|it| it.measure).collect::<Vec<_>>().join(", ");
            let why = text!(
                "Ukuran ini tidak ada di sini; pilih dari: {list}.",
                "There is no such measure here; choose from: {list}."
            );
            return Err(Refusal::parameter("?measure", "unknown_measure", why));
        }
        Ok(named.into_iter().filter(|it| parts.keys().all(|part| it.parts.contains(part))).collect())
    }
}

impl Wanted {
    /// What figures are told apart by: as asked, and by month where a measure has a figure of its own for every month.
    pub(super) fn told_by(&self) -> Vec<String> {
        let unasked = self.measures.iter().any(|it| it.monthly) && !self.by.iter().any(|name| name == "month");
        unasked.then(|| "month".to_owned()).into_iter().chain(self.by.iter().cloned()).collect()
    }

    /// The parts of a value, when they are those asked for.
    pub(super) fn parts_of<'a>(
        &self,
        measure: &MeasureDefinition,
        value: &'a str,
    ) -> Option<BTreeMap<&'static str, &'a str>> {
        let parts: BTreeMap<&'static str, &'a str> = measure.parts.iter().copied().zip(value.split('|')).collect();
        let fits = self.parts.iter().all(|(name, wanted)| parts.get(name) == Some(&wanted.as_str()));
        fits.then_some(parts)
    }
}
