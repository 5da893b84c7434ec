//! A province's history of fifteen years, invented and of any length: for seeing how the service does when it has grown. Every event is
//! decided and folded as in use; only that thousands of commands share a transaction makes it quick.

use std::collections::VecDeque;

use rust_decimal::Decimal;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::player::{Player, date, failed, id, name, number, parsed};
use super::registers::{ORGANISATIONS, cooperative_region};
use super::worksheets::{STRENGTHS, worksheet};
use crate::app::{Core, Place};
use crate::assessments::{Determine, Submit};
use crate::cooperatives::{BadanHukum, CooperativeKind, RegisterCooperative};
use crate::enterprises::{RegisterSealedEnterprise, SizeBasis};
use crate::financing::{
    Apply, Approve, BeneficiaryKind, BeneficiaryReference, CollectibilityScheme, Disburse, ReportCollectibility,
    Scheme, Settle, SignContract,
};
use crate::kernel::{Actor, Clock, Id, Money, NikOrang, OrganisationKind, Person, Timestamp, Word};
use crate::ledger::{Answer, Context, Decide, Ids, Limits};
use crate::managers::{Appoint, RegisterSealed, Role};
use crate::organisations::RegisterOrganisation;
use crate::storage::{OpenError, head_position};
use crate::web::{Service, seal_person};

/// The history begins in January of this year and lasts so many months.
const FIRST_YEAR: usize = 2010;
const MONTHS: usize = 180;
/// Months a financing is repaid in, each with a report.
const REPORTS: usize = 24;
/// Banks hand in the reports of so many months together: a year of a loan in one transaction, and its row written once.
const REPORTS_TOGETHER: usize = 12;
/// Commands in one transaction, commands on the way, and states remembered between transactions.
const LIMITS: Limits = Limits { queue_commands: 32_768, queue_wait: None, batch_commands: 6_000, states_kept: 60_000 };
const ON_THE_WAY_MAX: usize = 18_000;
/// Of so many events one is an application for financing, and of so many one the registration of a cooperative.
const EVENTS_PER_FINANCING: usize = 33;
const EVENTS_PER_COOPERATIVE: usize = 700;

/// Fills an empty database with about so many events; tells how many and how fast.
///
/// # Errors
/// When the database is not empty or cannot be written.
pub fn generate(place: &Place, events: usize) -> Result<String, OpenError> {
    let began = std::time::Instant::now();
    let clock = Clock::set_to(parsed(Timestamp::parse("2010-01-01T00:00:00+08:00"))?);
    let core = Core::open_with(place, clock, Ids::Counted(0), 1, LIMITS)?;
    let mut reader = core.service.readers.get()?;
    if head_position(&mut reader).map_err(OpenError::of)? > 0 {
        return Err(OpenError("the database already holds data; name an empty one for an invented history".to_owned()));
    }
    drop(reader);
    let written = History::new(&core.service, events).write();
    core.close();
    let position = written?;
    crate::storage::analyse(&place.database)?;
    let rate = u128::from(position.unsigned_abs()) * 1000 / began.elapsed().as_millis().max(1);
    Ok(format!("invented {position} events at {rate} events/s"))
}

struct History<'a> {
    service: &'a Service,
    player: Player<'a>,
    events: usize,
    cooperatives: usize,
    financings: usize,
    on_the_way: VecDeque<oneshot::Receiver<Answer>>,
    position: i64,
    today: String,
}

impl<'a> History<'a> {
    fn new(service: &'a Service, events: usize) -> Self {
        Self {
            service,
            player: Player::new(service),
            events,
            cooperatives: (events / EVENTS_PER_COOPERATIVE).max(24),
            financings: (events / EVENTS_PER_FINANCING).max(1),
            on_the_way: VecDeque::new(),
            position: 0,
            today: String::new(),
        }
    }

    fn write(mut self) -> Result<i64, OpenError> {
        for month in 0..MONTHS {
            self.settle(0)?;
            self.today = day_of(month);
            let now = parsed(Timestamp::parse(&format!("{}T16:00:00+08:00", self.today)))?;
            self.service.clock.move_to(now);
            if month == 0 {
                self.organisations()?;
            }
            self.registrations(month)?;
            if month % 12 == 2 {
                self.assessments(month)?;
            }
            self.financings_of(month)?;
            if usize::try_from(self.position).unwrap_or_default() >= self.events {
                break;
            }
        }
        self.settle(0)?;
        Ok(self.position)
    }

    fn send<C: Decide>(&mut self, actor: &Actor, id: Uuid, command: C) -> Result<(), OpenError> {
        self.settle(ON_THE_WAY_MAX)?;
        // The database was empty.
        let context = Context { id_is_new: C::CREATES, ..Context::internal(actor.clone(), "invented") };
        let sent = self.service.ledger.submit(id, command, context);
        self.on_the_way.push_back(sent.map_err(|refusal| OpenError(refusal.detail.en.into_owned()))?);
        Ok(())
    }

    /// Waits until no more than so many commands are on their way.
    fn settle(&mut self, most: usize) -> Result<(), OpenError> {
        while self.on_the_way.len() > most {
            let Some(answer) = self.on_the_way.pop_front() else { break };
            let answer = answer.blocking_recv().map_err(OpenError::of)?;
            let done = answer.result.map_err(|refusal| {
                let at: Vec<&str> = refusal.faults.iter().map(|fault| fault.pointer.as_str()).collect();
                OpenError(format!("the invented history was refused on {}: {} {at:?}", self.today, refusal.detail.en))
            })?;
            self.position = self.position.max(done.position);
        }
        Ok(())
    }

    fn organisations(&mut self) -> Result<(), OpenError> {
        for (index, organisation) in ORGANISATIONS.iter().enumerate() {
            let command = RegisterOrganisation {
                name: name(organisation.name)?,
                kind: organisation.kind,
                region: organisation.region(),
                code: organisation.code.map(number).transpose()?,
            };
            self.send(&Actor::service(), id("organisation", index), command)?;
        }
        Ok(())
    }

    /// The cooperatives of the first two years, with two managers each; enterprises come with their financing.
    fn registrations(&mut self, month: usize) -> Result<(), OpenError> {
        let due = |month: usize| (self.cooperatives * month / 24).min(self.cooperatives);
        for nth in due(month)..due(month + 1) {
            let region = cooperative_region(nth)?;
            let regency = self.player.regency(region);
            let cooperative = id("cooperative", nth);
            let command = RegisterCooperative {
                name: name(&format!("KSP Rekaan {nth:05} (fiktif)"))?,
                kind: CooperativeKind::Ksp,
                region,
                nik_koperasi: None,
                badan_hukum: Some(BadanHukum {
                    number: number(&format!("{nth:05}/BH/REKAAN"))?,
                    date: date("2001-06-01")?,
                }),
                address: None,
            };
            self.send(&regency, cooperative, command)?;
            for (seat, role) in [(0, Role::Manajer), (1, Role::ManajerCabang)] {
                let manager = id("manager", 2 * nth + seat);
                let person = invented_person("Manajer", "6472010101", 2 * nth + seat)?;
                let (key, sealed) =
                    seal_person(self.service, manager, &person, true).map_err(|problem| failed(&problem))?;
                self.send(&regency, manager, RegisterSealed { region, sealed, key })?;
                let since = Some(date("2009-01-02")?);
                self.send(&regency, manager, Appoint { cooperative: Id(cooperative), role, since })?;
            }
        }
        Ok(())
    }

    /// Every March each cooperative's worksheet of the year before, determined by the province.
    fn assessments(&mut self, month: usize) -> Result<(), OpenError> {
        let year = FIRST_YEAR + month / 12;
        for nth in 0..(self.cooperatives * month / 24).min(self.cooperatives) {
            let regulation = if year < 2017 { "permen-14-2009" } else { "perdep-06-2016" };
            let strength = &STRENGTHS[[0, 0, 1, 1, 1, 2, 2, 3, 4, 1][(nth * 7 + year) % 10]];
            let assets = 1_500_000_000 + 91_300_000 * i64::try_from((nth * 13 + year) % 97).unwrap_or_default();
            let submit = Submit {
                cooperative: Id(id("cooperative", nth)),
                regulation: parsed(Word::parse(regulation))?,
                book_year: i64::try_from(year - 1).unwrap_or_default(),
                assessed_on: date(&self.today)?,
                worksheet: worksheet(strength, assets),
                readings: None,
                stated_total: None,
                stated_category: None,
            };
            let assessment = id(&format!("assessment-{year}"), nth);
            let regency = self.player.regency(cooperative_region(nth)?);
            self.send(&regency, assessment, submit)?;
            let province = self.player.province();
            self.send(&province, assessment, Determine::default())?;
        }
        Ok(())
    }

    /// New financings of the month, and the reports and settlements of those that run.
    fn financings_of(&mut self, month: usize) -> Result<(), OpenError> {
        let financings = self.financings;
        let begun = move |month: usize| financings * month / (MONTHS - REPORTS - 1);
        let (first, next) = (begun(month.saturating_sub(REPORTS + 1)), begun(month));
        for nth in next..begun(month + 1).min(self.financings) {
            self.finance(nth)?;
        }
        for nth in first..next.min(self.financings) {
            let age = (1..=REPORTS + 1).find(|age| begun(month.saturating_sub(*age)) <= nth).unwrap_or(1);
            let bank = self.player.actor(OrganisationKind::Bank, nth % 3);
            let financing = id("financing", nth);
            if age > REPORTS {
                self.send(&bank, financing, Settle::default())?;
                continue;
            }
            if age % REPORTS_TOGETHER == 0 {
                for age_then in age + 1 - REPORTS_TOGETHER..=age {
                    self.send(&bank, financing, report(nth, age_then, &day_of(month + age_then - age))?)?;
                }
            }
        }
        Ok(())
    }

    fn finance(&mut self, nth: usize) -> Result<(), OpenError> {
        let region = cooperative_region(nth)?;
        let enterprise = id("enterprise", nth);
        let owner = invented_person("Pemilik", "6472014101", nth)?;
        let (key, sealed) = seal_person(self.service, enterprise, &owner, false).map_err(|problem| failed(&problem))?;
        let sales = Money::idr(Decimal::from(amount(nth) * 6));
        let register = RegisterSealedEnterprise {
            name: name(&format!("Usaha Rekaan {nth:06} (fiktif)"))?,
            region,
            sector: None,
            size_basis: SizeBasis { net_worth: None, yearly_sales: Some(sales), founded_on: None },
            sealed,
            key,
        };
        self.send(&self.player.regency(region), enterprise, register)?;
        let bank = self.player.actor(OrganisationKind::Bank, nth % 3);
        let (financing, money) = (id("financing", nth), Money::idr(Decimal::from(amount(nth))));
        let apply = Apply {
            beneficiary: BeneficiaryReference { kind: BeneficiaryKind::Enterprise, id: Id(enterprise) },
            lender: None,
            scheme: Scheme::parse("kur_mikro").map_err(|why| OpenError(why.en.into_owned()))?,
            amount: money,
            purpose: name("Modal kerja")?,
            tenor_months: 24,
            lender_reference: Some(number(&format!("REKAAN-{nth:07}"))?),
        };
        self.send(&bank, financing, apply)?;
        self.send(&bank, financing, Approve { amount: None, approved_on: None })?;
        let contract = SignContract {
            akad_number: number(&format!("{nth:07}/PK/REKAAN"))?,
            signed_on: date(&self.today)?,
            plafon: money,
            annual_rate_percent: "13.00".to_owned(),
            tenor_months: 24,
            breaches: Vec::new(),
        };
        self.send(&bank, financing, contract)?;
        self.send(&bank, financing, Disburse { amount: money, disbursed_on: None, reference: None })
    }
}

/// The day in a month on which everything happens.
fn day_of(month: usize) -> String {
    format!("{}-{:02}-20", FIRST_YEAR + month / 12, month % 12 + 1)
}

/// How a financing stood when it was so many months old.
fn report(nth: usize, age: usize, day: &str) -> Result<ReportCollectibility, OpenError> {
    let (class, days) = [(1, 0), (1, 0), (1, 0), (1, 0), (2, 35)][(nth * 31 + age) % 5];
    let left = amount(nth) * i64::try_from(REPORTS - age).unwrap_or_default() / i64::try_from(REPORTS).unwrap_or(1);
    Ok(ReportCollectibility {
        scheme: CollectibilityScheme::BankUmum,
        class,
        days_past_due: Some(days),
        position_date: date(day)?,
        outstanding: Money::idr(Decimal::from(left)),
    })
}

/// Rupiah of the n-th financing.
fn amount(nth: usize) -> i64 {
    5_000_000 + 500_000 * i64::try_from(nth * 17 % 91).unwrap_or_default()
}

/// The day of birth turns with the number, so that every identity number is another.
fn invented_person(what: &str, prefix: &str, nth: usize) -> Result<Person, OpenError> {
    let (serial, year) = (nth % 10_000, 50 + nth / 10_000 % 50);
    let number = NikOrang(format!("{prefix}{year:02}{serial:04}"));
    Ok(Person {
        name: name(&format!("{what} Rekaan {nth:06} (fiktif)"))?,
        nik_orang: Some(number),
        phone: None,
        address: None,
    })
}
