use super::bucket::{Bucket, UsageChannel};
use super::population::Population;
use super::window::Window;
use crate::engine::codec::{Encoded, Problem, Reader, Writer};
use crate::engine::settings::MachineRules;
use crate::model::Day;

/// Whether a line that nobody marked behaves like a machine: SIM banks and diallers with thousands of calls (behaviour:
/// Machines).
///
/// One byte: 0 for a person; for a machine, 1 plus the days on which it behaved like a person since its last busy day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MachineDetector(u8);

/// What a closed day changed in a line's behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// It is taken for a machine from now on.
    Machine,
    /// It is taken for a person again.
    Person,
}

impl MachineDetector {
    /// Whether the line is taken for a machine.
    pub fn machine(self) -> bool {
        self.0 > 0
    }

    /// Days on which a line that is taken for a machine must still behave like a person.
    pub fn days_left(self, rules: &MachineRules) -> u8 {
        rules.calm_days.saturating_sub(self.0.saturating_sub(1))
    }

    /// Takes a known day that just closed: a busy one after enough other busy ones makes a machine, days of use that are
    /// not busy make a person of it again. Silence proves nothing.
    pub fn close(
        &mut self,
        day: Day,
        window: &Window<'_>,
        population: &Population,
        rules: &MachineRules,
    ) -> Change {
        let busy = |day: Day| sent(&window.day(day)) >= u32::from(rules.sent_a_day);
        if self.machine() {
            match (busy(day), window.day(day).active()) {
                (true, _) => self.0 = 1,
                (false, true) => self.0 = self.0.saturating_add(1),
                (false, false) => {}
            }
            if self.days_left(rules) > 0 {
                return Change::None;
            }
            self.0 = 0;
            return Change::Person;
        }
        if !busy(day) {
            return Change::None;
        }
        let days = (0..window.days()).map(|age| day - age);
        let facts = |day: &Day| population.facts(*day);
        let known = days.filter(|day| facts(day).is_some_and(|it| it.known(UsageChannel::Voice)));
        let recent = known.take(usize::from(rules.of_days));
        if recent.filter(|day| busy(*day)).count() < usize::from(rules.busy_days) {
            return Change::None;
        }
        self.0 = 1;
        Change::Machine
    }
}

/// Outgoing calls, and messages both ways, which the window keeps together.
fn sent(bucket: &Bucket) -> u32 {
    u32::from(bucket.outgoing) + u32::from(bucket.messages)
}

impl Encoded for MachineDetector {
    fn put(&self, to: &mut Writer) {
        self.0.put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        Encoded::get(from).map(Self)
    }
}
