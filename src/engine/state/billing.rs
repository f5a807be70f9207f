use crate::engine::codec::{Problem, encoded};
use crate::model::{Day, Invoice, Money, Timestamp};

/// The last invoices, the credit notes for them, and what is still owed. Payments settle the oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Billing {
    /// Oldest period first.
    bills: Vec<Bill>,
    /// Oldest period first; those of one period in order of arrival.
    notes: Vec<CreditNote>,
    /// Paid ahead, and credit notes for months without a bill; negative after a reversal.
    credit: Money,
}

/// What was billed for one month, and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bill {
    /// First day of the billed month.
    pub period: Day,
    /// Last day to pay, if known.
    pub due_on: Option<Day>,
    /// Fingerprint of the invoice's number.
    document: u32,
    /// Time of the invoice, by which it is ordered.
    pub at: Timestamp,
    /// Time of the invoice's first version.
    first_at: Timestamp,
    /// Fingerprint of the invoice that it replaced, or 0: credit notes up to its first version were for that.
    replaced: u32,
    /// As billed, less the month's credit notes; may be below zero.
    pub amount: Money,
    /// Still owed.
    pub unpaid: Money,
    /// The plan's share of the amount.
    pub plan_fee: Option<Money>,
    /// What the usage would be worth.
    pub usage_value: Option<Money>,
}

/// A negative invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CreditNote {
    period: Day,
    document: u32,
    /// Fingerprint of the invoice that it is for, or 0.
    corrects: u32,
    at: Timestamp,
    /// Negative.
    amount: Money,
}

encoded!(Billing {
    bills,
    notes,
    credit
});

encoded!(Bill {
    period,
    due_on,
    document,
    at,
    first_at,
    replaced,
    amount,
    unpaid,
    plan_fee,
    usage_value,
});

encoded!(CreditNote {
    period,
    document,
    corrects,
    at,
    amount,
});

/// Invoices kept: the newest, and the six that it is compared with (behaviour: Churn triggers).
const BILLS: usize = 7;
/// Credit notes kept. Those of a month are few; beyond this the oldest month's are not told apart any more.
const NOTES: usize = 8;

impl Bill {
    /// What was billed; nothing for a month in which more was given back.
    pub fn billed(&self) -> Money {
        self.amount.max(Money::ZERO)
    }

    /// Whether a credit note of the month is not for an invoice that this one replaced: by its number, else by its time. One
    /// run of billing gives one time to a credit note and to the bill that takes the place of the one before.
    fn is_noted_by(&self, note: &CreditNote) -> bool {
        match note.corrects {
            _ if self.replaced == 0 => true,
            corrects if corrects == self.document => true,
            corrects if corrects == self.replaced => false,
            _ => note.at > self.first_at,
        }
    }
}

impl Billing {
    /// Takes an invoice or, if it is negative, a credit note (behaviour: Bills).
    pub fn invoice(&mut self, at: Timestamp, invoice: &Invoice) {
        let period = invoice.period;
        let oldest = self.bills.first().map(|bill| bill.period);
        if self.bills.len() == BILLS && Some(period) < oldest {
            return;
        }
        self.unsettle(period);
        match invoice.amount < Money::ZERO {
            true => self.take_note(at, invoice),
            false => self.take_bill(at, invoice),
        }
        self.settle(period);
        self.forget_surplus();
        self.pay_bills();
    }

    /// A later version of the month's invoice takes its place; another invoice takes that of the credit notes before it
    /// as well.
    fn take_bill(&mut self, at: Timestamp, invoice: &Invoice) {
        let mut bill = Bill {
            period: invoice.period,
            due_on: invoice.due_on,
            document: mark(invoice.document),
            at,
            first_at: at,
            replaced: 0,
            amount: invoice.amount,
            unpaid: invoice.amount,
            plan_fee: invoice.plan_fee,
            usage_value: invoice.usage_value,
        };
        match self.place(bill.period) {
            Ok(place) => {
                let known = &mut self.bills[place];
                let same = known.document == bill.document;
                if same {
                    bill.first_at = known.first_at.min(at);
                }
                bill.replaced = match (same, known.at > at) {
                    (true, _) => known.replaced,
                    (false, true) => bill.document,
                    (false, false) => known.document,
                };
                // An older invoice that comes late is no more than what this one took the place of, or began as.
                if known.at > at {
                    known.replaced = bill.replaced;
                    known.first_at = if same { bill.first_at } else { known.first_at };
                    bill = *known;
                } else {
                    *known = bill;
                }
            }
            Err(place) => self.bills.insert(place, bill),
        }
        self.notes
            .retain(|note| note.period != bill.period || bill.is_noted_by(note));
    }

    fn take_note(&mut self, at: Timestamp, invoice: &Invoice) {
        let note = CreditNote {
            period: invoice.period,
            document: mark(invoice.document),
            corrects: invoice.corrects.map_or(0, mark),
            at,
            amount: invoice.amount,
        };
        let billed = self.place(note.period).ok();
        if billed.is_some_and(|place| !self.bills[place].is_noted_by(&note)) {
            return;
        }
        let same = |known: &&mut CreditNote| {
            (known.period, known.document) == (note.period, note.document)
        };
        match self.notes.iter_mut().find(same) {
            Some(known) if known.at > at => {}
            Some(known) => *known = note,
            None => {
                let after = |known: &CreditNote| known.period <= note.period;
                let place = self.notes.partition_point(after);
                self.notes.insert(place, note);
            }
        }
    }

    /// Takes a month's credit notes, and what was paid of its bill, out again.
    fn unsettle(&mut self, period: Day) {
        let noted = self.noted(period);
        match self.place(period) {
            Ok(place) => {
                let bill = &mut self.bills[place];
                self.credit = self.credit.plus(bill.amount.minus(bill.unpaid));
                bill.amount = bill.amount.minus(noted);
            }
            Err(_) => self.credit = self.credit.plus(noted),
        }
    }

    /// Adds a month's credit notes to its bill. What they give back beyond that, or without a bill, pays others.
    fn settle(&mut self, period: Day) {
        let noted = self.noted(period);
        match self.place(period) {
            Ok(place) => {
                let bill = &mut self.bills[place];
                bill.amount = bill.amount.plus(noted);
                bill.unpaid = bill.billed();
                self.credit = self.credit.minus(bill.amount.minus(bill.unpaid));
            }
            Err(_) => self.credit = self.credit.minus(noted),
        }
    }

    /// What was given back is settled by then, so that nothing changes but what can still be corrected.
    fn forget_surplus(&mut self) {
        if self.bills.len() > BILLS {
            let oldest = self.bills.remove(0);
            self.notes.retain(|note| note.period > oldest.period);
        }
        if self.notes.len() > NOTES {
            self.notes.remove(0);
        }
    }

    /// The sum of a month's credit notes.
    fn noted(&self, period: Day) -> Money {
        let notes = self.notes.iter().filter(|note| note.period == period);
        notes.fold(Money::ZERO, |sum, note| sum.plus(note.amount))
    }

    fn place(&self, period: Day) -> Result<usize, usize> {
        self.bills.binary_search_by_key(&period, |bill| bill.period)
    }

    /// Takes a payment, a recharge, or (negative) a reversal.
    pub fn pay(&mut self, amount: Money) {
        self.credit = self.credit.plus(amount);
        self.pay_bills();
    }

    /// When the oldest bill that was not paid within `days` was due, and all that is owed on such bills.
    pub fn overdue(&self, day: Day, days: u16) -> Option<(Day, Money)> {
        let unpaid = self.bills.iter().filter(|b| b.unpaid > Money::ZERO);
        let due = unpaid.filter_map(|b| Some((b.due_on?, b.unpaid)));
        let mut late = due.filter(|(due_on, _)| day.since(*due_on) >= i32::from(days));
        let (due_on, owed) = late.next()?;
        Some((due_on, late.fold(owed, |sum, (_, unpaid)| sum.plus(unpaid))))
    }

    /// Refuses what the engine would never write.
    pub fn check(&self) -> Result<(), Problem> {
        let (bills, notes) = (&self.bills, &self.notes);
        if bills.len() > BILLS || !bills.is_sorted_by(|a, b| a.period < b.period) {
            return Err("has an account with too many bills, or bills out of order");
        }
        if notes.len() > NOTES || !notes.is_sorted_by_key(|note| note.period) {
            return Err("has an account with too many credit notes, or credit notes out of order");
        }
        Ok(())
    }

    /// All that is owed, due or not.
    pub fn owed(&self) -> Money {
        let unpaid = self.bills.iter().map(|b| b.unpaid);
        unpaid.fold(Money::ZERO, Money::plus)
    }

    /// The last invoices, oldest period first.
    pub fn bills(&self) -> &[Bill] {
        &self.bills
    }

    /// The month's bill, if the invoice in force is the one of that time.
    pub fn in_force(&self, period: Day, at: Timestamp) -> Option<&Bill> {
        let bill = self.bills.get(self.place(period).ok()?);
        bill.filter(|bill| bill.at == at)
    }

    /// Paid ahead; negative after a reversal.
    pub fn credit(&self) -> Money {
        self.credit
    }

    /// Mean of what was billed.
    pub fn mean(&self) -> Option<Money> {
        let billed = self.bills.iter().map(Bill::billed);
        let total = billed.fold(Money::ZERO, Money::plus);
        let count = i64::try_from(self.bills.len()).ok()?;
        (count > 0).then(|| Money(total.0 / count))
    }

    fn pay_bills(&mut self) {
        for bill in &mut self.bills {
            if self.credit <= Money::ZERO {
                return;
            }
            let paid = self.credit.min(bill.unpaid).max(Money::ZERO);
            bill.unpaid = bill.unpaid.minus(paid);
            self.credit = self.credit.minus(paid);
        }
    }
}

/// Few documents are told apart at a time, so that 32 bits will do; never 0, which stands for none.
fn mark(document: u64) -> u32 {
    ((document >> 32) as u32 ^ document as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invoice(month: i8, fen: i64) -> Invoice {
        document(month, fen, 1)
    }

    fn document(month: i8, fen: i64, document: u64) -> Invoice {
        Invoice {
            document,
            corrects: None,
            period: Day::from_ymd(2026, month, 1).unwrap(),
            amount: Money(fen),
            plan_fee: None,
            usage_value: None,
            overage: None,
            due_on: Day::from_ymd(2026, month, 20),
        }
    }

    #[test]
    fn payments_settle_the_oldest_bill_first() {
        let mut billing = Billing::default();
        billing.invoice(Timestamp(0), &invoice(1, 5_000));
        billing.invoice(Timestamp(0), &invoice(2, 6_000));
        let day = Day::from_ymd(2026, 3, 20).unwrap();
        assert_eq!(billing.overdue(day, 15).unwrap().1, Money(11_000));
        billing.pay(Money(5_500));
        let (oldest, owed) = billing.overdue(day, 15).unwrap();
        assert_eq!((Some(oldest), owed), (invoice(2, 0).due_on, Money(5_500)));
        billing.pay(Money(7_000));
        assert_eq!(
            (billing.overdue(day, 15), billing.credit),
            (None, Money(1_500))
        );
        billing.invoice(Timestamp(0), &invoice(3, 1_000));
        assert_eq!((billing.owed(), billing.credit), (Money::ZERO, Money(500)));
    }

    #[test]
    fn a_corrected_invoice_replaces_the_first() {
        let mut billing = Billing::default();
        billing.invoice(Timestamp(0), &invoice(1, 5_000));
        billing.pay(Money(5_000));
        billing.invoice(Timestamp(0), &invoice(1, 8_000));
        assert_eq!(billing.owed(), Money(3_000));
        billing.invoice(Timestamp(0), &invoice(1, 2_000));
        assert_eq!(
            (billing.owed(), billing.credit),
            (Money::ZERO, Money(3_000))
        );
    }

    #[test]
    fn only_the_last_seven_bills_are_kept() {
        let mut billing = Billing::default();
        for month in 1..=9 {
            billing.invoice(Timestamp(0), &invoice(month, 100));
        }
        assert_eq!((billing.bills.len(), billing.owed()), (BILLS, Money(700)));
    }

    /// Amount, unpaid, and what is left over.
    fn standing(billing: &Billing) -> (Vec<(i64, i64)>, i64) {
        let bills = billing
            .bills
            .iter()
            .map(|bill| (bill.amount.0, bill.unpaid.0));
        (bills.collect(), billing.credit.0)
    }

    #[test]
    fn a_credit_note_adds_to_its_bill_whenever_it_comes() {
        let steps = [
            (1, document(1, 5_000, 1)),
            (2, document(1, -2_000, 2)),
            (2, document(1, -500, 3)),
        ];
        for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0]] {
            let mut billing = Billing::default();
            for (at, invoice) in order.map(|place| &steps[place]) {
                billing.invoice(Timestamp(*at), invoice);
            }
            assert_eq!(standing(&billing), (vec![(2_500, 2_500)], 0), "{order:?}");
            // A later version of the same credit note, an earlier one, and one of a paid bill.
            billing.invoice(Timestamp(4), &document(1, -3_000, 2));
            billing.invoice(Timestamp(3), &document(1, -4_000, 2));
            assert_eq!(standing(&billing), (vec![(1_500, 1_500)], 0));
            billing.pay(Money(1_500));
            billing.invoice(Timestamp(5), &document(1, -1_000, 4));
            assert_eq!(standing(&billing), (vec![(500, 0)], 1_000));
        }
    }

    #[test]
    fn what_is_given_back_beyond_the_bill_pays_others() {
        let mut billing = Billing::default();
        billing.invoice(Timestamp(1), &document(1, 5_000, 1));
        billing.invoice(Timestamp(2), &document(2, -1_000, 2));
        assert_eq!(standing(&billing), (vec![(5_000, 4_000)], 0));
        billing.invoice(Timestamp(3), &document(1, -6_000, 3));
        assert_eq!(standing(&billing), (vec![(-1_000, 0)], 2_000));
        assert_eq!(billing.mean(), Some(Money::ZERO));
    }

    #[test]
    fn a_month_billed_anew_is_rid_of_the_credit_notes_before_it() {
        let mut billing = Billing::default();
        billing.invoice(Timestamp(1), &document(1, 5_000, 1));
        billing.invoice(Timestamp(2), &document(1, -5_000, 2));
        // The same invoice once more, with another due day, say.
        billing.invoice(Timestamp(3), &document(1, 5_000, 1));
        assert_eq!(standing(&billing), (vec![(0, 0)], 0));
        billing.invoice(Timestamp(4), &document(1, 4_000, 3));
        assert_eq!(standing(&billing), (vec![(4_000, 4_000)], 0));
        // Late: the first invoice, and a credit note for it.
        billing.invoice(Timestamp(1), &document(1, 5_000, 1));
        billing.invoice(Timestamp(2), &document(1, -700, 4));
        assert_eq!(standing(&billing), (vec![(4_000, 4_000)], 0));
    }

    #[test]
    fn a_credit_note_dated_before_the_months_first_invoice_counts_in_any_order() {
        let bill = (5, document(1, 5_000, 1));
        let note = (2, document(1, -2_000, 2));
        for order in [[&bill, &note], [&note, &bill]] {
            let mut billing = Billing::default();
            for (at, invoice) in order {
                billing.invoice(Timestamp(*at), invoice);
            }
            assert_eq!(standing(&billing), (vec![(3_000, 3_000)], 0));
            // An older invoice comes late: the note was for that one.
            billing.invoice(Timestamp(1), &document(1, 6_000, 3));
            assert_eq!(standing(&billing), (vec![(5_000, 5_000)], 0));
        }
    }

    #[test]
    fn one_run_takes_a_bill_back_and_bills_anew() {
        let of_first = Invoice {
            corrects: Some(1),
            ..document(1, -8_000, 3)
        };
        // At the same time, and an hour later.
        for noted_at in [6, 7] {
            let run = [(6, document(1, 8_000, 2)), (noted_at, of_first)];
            for order in [[0, 1], [1, 0]] {
                let mut billing = Billing::default();
                billing.invoice(Timestamp(1), &document(1, 8_000, 1));
                for (at, invoice) in order.map(|place| &run[place]) {
                    billing.invoice(Timestamp(*at), invoice);
                }
                assert_eq!(
                    standing(&billing),
                    (vec![(8_000, 8_000)], 0),
                    "{noted_at} {order:?}"
                );
            }
        }
    }
}
