use crate::engine::codec::{Problem, encoded};
use crate::model::{Day, Invoice, Money};

/// The last invoices and what is still owed on them. Payments settle the oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Billing {
    /// Oldest period first.
    bills: Vec<Bill>,
    /// Paid ahead; negative after a reversal.
    credit: Money,
}

/// One invoice and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bill {
    /// First day of the billed month.
    pub period: Day,
    /// Last day to pay, if known.
    pub due_on: Option<Day>,
    /// As billed.
    pub amount: Money,
    /// Still owed.
    pub unpaid: Money,
    /// The plan's share of the amount.
    pub plan_fee: Option<Money>,
    /// What the usage would be worth.
    pub usage_value: Option<Money>,
    /// Beyond the plan.
    pub overage: Option<Money>,
}

encoded!(Billing { bills, credit });

encoded!(Bill {
    period,
    due_on,
    amount,
    unpaid,
    plan_fee,
    usage_value,
    overage,
});

/// Invoices kept: the newest, and the six that it is compared with (behaviour: Churn triggers).
const BILLS: usize = 7;

impl Billing {
    /// Takes an invoice; one for a month already billed replaces the earlier.
    pub fn invoice(&mut self, invoice: &Invoice) {
        let bill = Bill {
            period: invoice.period,
            due_on: invoice.due_on,
            amount: invoice.amount,
            unpaid: invoice.amount,
            plan_fee: invoice.plan_fee,
            usage_value: invoice.usage_value,
            overage: invoice.overage,
        };
        match self.bills.binary_search_by_key(&bill.period, |b| b.period) {
            Ok(at) => {
                let paid = self.bills[at].amount.minus(self.bills[at].unpaid);
                self.credit = self.credit.plus(paid);
                self.bills[at] = bill;
            }
            Err(at) => self.bills.insert(at, bill),
        }
        if self.bills.len() > BILLS {
            self.bills.remove(0);
        }
        self.pay_bills();
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
        let bills = &self.bills;
        if bills.len() > BILLS || !bills.is_sorted_by(|a, b| a.period < b.period) {
            return Err("has an account with too many bills, or bills out of order");
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

    /// Paid ahead; negative after a reversal.
    pub fn credit(&self) -> Money {
        self.credit
    }

    /// Mean amount of the last invoices.
    pub fn mean(&self) -> Option<Money> {
        let total = self
            .bills
            .iter()
            .fold(Money::ZERO, |sum, b| sum.plus(b.amount));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn invoice(month: i8, fen: i64) -> Invoice {
        Invoice {
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
        billing.invoice(&invoice(1, 5_000));
        billing.invoice(&invoice(2, 6_000));
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
        billing.invoice(&invoice(3, 1_000));
        assert_eq!((billing.owed(), billing.credit), (Money::ZERO, Money(500)));
    }

    #[test]
    fn a_corrected_invoice_replaces_the_first() {
        let mut billing = Billing::default();
        billing.invoice(&invoice(1, 5_000));
        billing.pay(Money(5_000));
        billing.invoice(&invoice(1, 8_000));
        assert_eq!(billing.owed(), Money(3_000));
        billing.invoice(&invoice(1, 2_000));
        assert_eq!(
            (billing.owed(), billing.credit),
            (Money::ZERO, Money(3_000))
        );
    }

    #[test]
    fn only_the_last_seven_bills_are_kept() {
        let mut billing = Billing::default();
        for month in 1..=9 {
            billing.invoice(&invoice(month, 100));
        }
        assert_eq!((billing.bills.len(), billing.owed()), (BILLS, Money(700)));
    }
}
