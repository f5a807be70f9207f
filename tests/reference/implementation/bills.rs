//! Bills, credit notes and payments (behaviour: Bills).

use churnwatch::model::{Day, Invoice, Money, Timestamp};

const BILLS_MAX: usize = 7;
const NOTES_MAX: usize = 8;

/// By month, the last that were billed.
#[derive(Default)]
pub struct Bills {
    bills: Vec<Bill>,
    notes: Vec<Note>,
    credit: Money,
}

#[derive(Clone)]
pub struct Bill {
    pub period: Day,
    pub due_on: Option<Day>,
    document: u64,
    pub at: Timestamp,
    began_at: Timestamp,
    /// The invoice of the month before it.
    other: Option<u64>,
    invoiced: Money,
    /// With the credit notes of the month.
    pub amount: Money,
    paid: Money,
    pub plan_fee: Option<Money>,
    pub usage_value: Option<Money>,
}

struct Note {
    period: Day,
    document: u64,
    corrects: Option<u64>,
    at: Timestamp,
    amount: Money,
}

impl Bill {
    pub fn unpaid(&self) -> Money {
        self.amount.minus(self.paid)
    }

    /// Whether a credit note of the month is this one's: the number decides, and else the time.
    fn has(&self, note: &Note) -> bool {
        if self.other.is_none() || note.corrects == Some(self.document) {
            return true;
        }
        note.corrects
            .is_none_or(|number| Some(number) != self.other)
            && note.at > self.began_at
    }

    pub fn billed(&self) -> Money {
        self.amount.max(Money::ZERO)
    }
}

impl Bills {
    pub fn take(&mut self, at: Timestamp, invoice: &Invoice) {
        let too_old = self.bills.len() == BILLS_MAX && invoice.period < self.bills[0].period;
        if too_old {
            return;
        }
        self.undo(invoice.period);
        if invoice.amount < Money::ZERO {
            self.note(at, invoice);
        } else {
            self.bill(at, invoice);
        }
        self.redo(invoice.period);
        if self.bills.len() > BILLS_MAX {
            let gone = self.bills.remove(0).period;
            self.notes.retain(|note| note.period > gone);
        }
        if self.notes.len() > NOTES_MAX {
            // The earliest of the oldest month cannot be corrected any more.
            let oldest = self.notes.iter().map(|note| note.period).min();
            let place = self
                .notes
                .iter()
                .position(|note| Some(note.period) == oldest)
                .unwrap();
            let note = self.notes.remove(place);
            if let Some(bill) = self.of(note.period) {
                bill.invoiced = bill.invoiced.plus(note.amount);
            }
        }
        self.settle();
    }

    pub fn pay(&mut self, amount: Money) {
        self.credit = self.credit.plus(amount);
        self.settle();
    }

    fn of(&mut self, period: Day) -> Option<&mut Bill> {
        self.bills.iter_mut().find(|bill| bill.period == period)
    }

    fn noted(&self, period: Day) -> Money {
        let notes = self.notes.iter().filter(|note| note.period == period);
        Money(notes.map(|note| note.amount.0).sum())
    }

    /// What was paid for a month, and given back for it, is as if it never had been.
    fn undo(&mut self, period: Day) {
        let noted = self.noted(period);
        let back = match self.of(period) {
            Some(bill) => std::mem::take(&mut bill.paid),
            None => noted,
        };
        self.credit = self.credit.plus(back);
    }

    /// A month in which more was given back than billed pays for others, and so do credit notes without a bill.
    fn redo(&mut self, period: Day) {
        let noted = self.noted(period);
        let over = match self.of(period) {
            Some(bill) => {
                bill.amount = bill.invoiced.plus(noted);
                bill.paid = bill.amount.min(Money::ZERO);
                bill.paid
            }
            None => noted,
        };
        self.credit = self.credit.minus(over);
    }

    fn bill(&mut self, at: Timestamp, invoice: &Invoice) {
        let period = invoice.period;
        let told = Bill {
            period,
            due_on: invoice.due_on,
            document: invoice.document,
            at,
            began_at: at,
            other: None,
            invoiced: invoice.amount,
            amount: invoice.amount,
            paid: Money::ZERO,
            plan_fee: invoice.plan_fee,
            usage_value: invoice.usage_value,
        };
        let mut bill = match self.of(period) {
            None => told,
            Some(known) => {
                let another = known.document != told.document;
                let mut bill = match known.at > at {
                    true => known.clone(),
                    false => told,
                };
                if !another {
                    bill.began_at = known.began_at.min(at);
                }
                bill.other = match (another, known.at > at) {
                    (false, _) => known.other,
                    (true, true) => Some(invoice.document),
                    (true, false) => Some(known.document),
                };
                bill
            }
        };
        bill.amount = bill.invoiced;
        let kept = |note: &Note| note.period != period || bill.has(note);
        self.notes.retain(kept);
        self.bills.retain(|bill| bill.period != period);
        self.bills.push(bill);
        self.bills.sort_by_key(|bill| bill.period);
    }

    fn note(&mut self, at: Timestamp, invoice: &Invoice) {
        let (period, document) = (invoice.period, invoice.document);
        let billed = self.of(period);
        let told = Note {
            period,
            document,
            corrects: invoice.corrects,
            at,
            amount: invoice.amount,
        };
        if billed.is_some_and(|bill| !bill.has(&told)) {
            return;
        }
        let mut notes = self.notes.iter_mut();
        let known = notes.find(|note| note.period == period && note.document == document);
        match known {
            Some(note) if note.at <= at => *note = told,
            Some(_) => {}
            None => self.notes.push(told),
        }
    }

    /// Credit pays the oldest bill first.
    fn settle(&mut self) {
        for bill in &mut self.bills {
            let unpaid = bill.unpaid().max(Money::ZERO);
            let paid = self.credit.min(unpaid).max(Money::ZERO);
            bill.paid = bill.paid.plus(paid);
            self.credit = self.credit.minus(paid);
        }
    }

    pub fn all(&self) -> &[Bill] {
        &self.bills
    }

    /// When the oldest bill unpaid so long after it was due was due, and all that is owed on such bills.
    pub fn overdue(&self, day: Day, days: i32) -> Option<(Day, Money)> {
        let late = |bill: &&Bill| bill.due_on.is_some_and(|due| day.0 - due.0 >= days);
        let unpaid = |bill: &&Bill| bill.unpaid() > Money::ZERO;
        let overdue = self.bills.iter().filter(late).filter(unpaid);
        let owed: i64 = overdue.clone().map(|bill| bill.unpaid().0).sum();
        let oldest = overdue.min_by_key(|bill| bill.period)?;
        Some((oldest.due_on?, Money(owed)))
    }
}
