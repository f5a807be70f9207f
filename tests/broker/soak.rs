//! Everything at once: two workers and their broker are killed again and again under load, and the ends of transactions
//! get lost or come late.
//!
//! The same test is the soak, with other numbers: `CHURNWATCH_SOAK_EVENTS`, `CHURNWATCH_SOAK_KILLS`,
//! `CHURNWATCH_SOAK_BROKER_KILLS`, `CHURNWATCH_SOAK_ENDTXN` and `CHURNWATCH_SOAK_SEED`, best with `--release` and
//! `--nocapture`.

// Random moments are the point here, and a plan that cannot be read fails.
#![allow(clippy::panic, clippy::disallowed_methods)]

use std::time::Duration;

use crate::support::fault_scenario::FaultScenario;
use crate::support::http::get;
use crate::support::installation::Running;
use crate::support::process::Signal;
use crate::support::proxy::{Api, Disturbance, Often};
use crate::support::wait_for;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The program's patience with a transaction.
const TRANSACTION_SECONDS: u64 = 2;
/// Names of the two workers.
const MEMBERS: [&str; 2] = ["first", "second"];

/// How much of what.
struct Plan {
    events: u64,
    kills: u64,
    broker_kills: u64,
    /// Ends of transactions that are disturbed.
    endtxn: u64,
    seed: u64,
}

impl Plan {
    fn from_environment() -> Plan {
        let number = |name: &str, default: u64| {
            let name = format!("CHURNWATCH_SOAK_{name}");
            match std::env::var(&name) {
                Ok(text) => text
                    .parse()
                    .unwrap_or_else(|_| panic!("{name}={text} is no number")),
                Err(_) => default,
            }
        };
        Plan {
            events: number("EVENTS", 60_000),
            kills: number("KILLS", 6),
            broker_kills: number("BROKER_KILLS", 1),
            endtxn: number("ENDTXN", 6),
            seed: number("SEED", 1),
        }
    }
}

#[test]
fn random_kill9_loop() {
    let plan = Plan::from_environment();
    let extra = format!(
        "run.transaction_timeout_seconds = {TRANSACTION_SECONDS}\n\
         run.batch_records_max = 500\n\
         kafka.properties.\"session.timeout.ms\" = \"6000\"\n\
         kafka.properties.\"heartbeat.interval.ms\" = \"500\"\n"
    );
    let subscribers = plan.events.div_ceil(FaultScenario::RECORDS_PER_SUBSCRIBER) as u32;
    let scenario = FaultScenario::to_hurt("killed", subscribers, plan.seed, &extra);
    let mut soak = Soak {
        random: ChaCha8Rng::seed_from_u64(plan.seed),
        workers: MEMBERS.map(|name| scenario.installation.run_member(name)),
        scenario,
        counts: Counts::default(),
    };
    soak.run(&plan);
    let [first, second] = &mut soak.workers;
    let verdict = soak.scenario.finish(&mut [first, second]);
    println!("{}\n{verdict}", soak.report(&plan));
    assert_eq!(
        soak.counts.endtxn, plan.endtxn,
        "disturbed ends of transactions"
    );
    assert!(
        soak.counts.under_load > 0,
        "no kill hit a worker under load"
    );
    assert!(verdict.manifests > 0, "no snapshot was ever published");
    let [first, second] = &mut soak.workers;
    soak.scenario.stop(&mut [first, second]);
}

struct Soak {
    random: ChaCha8Rng,
    workers: [Running; 2],
    scenario: FaultScenario,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    kills: u64,
    /// Of those, with records yet to be processed.
    under_load: u64,
    /// Of those, of a process that had not yet restored its state.
    unready: u64,
    /// Of those, with the other worker taking over.
    taken_over: u64,
    broker_kills: u64,
    endtxn: u64,
}

impl Soak {
    /// One kill in each round, while a piece of the input is being loaded.
    fn run(&mut self, plan: &Plan) {
        let rounds = plan.kills;
        let piece_lines = self.scenario.city.lines.div_ceil(rounds);
        let mut loaded = 0;
        for round in 1..=rounds {
            // Not too far behind, so that the last kills are under load as well.
            let [first, second] = &mut self.workers;
            let behind = loaded - 2 * piece_lines as i64;
            self.scenario
                .wait_processed_to(behind, &mut [first, second]);
            let mut load = self.scenario.start_loading(piece_lines);
            self.disturb_endtxn(plan.endtxn * round / rounds);
            self.kill_worker();
            if self.counts.broker_kills < plan.broker_kills * round / rounds {
                self.kill_broker();
            }
            self.scenario.wait_loaded(&mut load);
            loaded = self.scenario.installation.length("cdr");
        }
        let [first, second] = &mut self.workers;
        self.scenario
            .wait_processed_to(loaded, &mut [first, second]);
        self.counts.endtxn = self.scenario.proxy().disturbed(Api::EndTxn);
    }

    /// Sees to it that so many ends of transactions have been disturbed, sooner or later.
    fn disturb_endtxn(&mut self, due: u64) {
        for _ in self.counts.endtxn..due {
            // From hardly noticed, over being repeated by the client, to longer than the program waits.
            let time = Duration::from_millis(self.below(2 * 1000 * TRANSACTION_SECONDS));
            let disturbance = match self.below(3) {
                0 => Disturbance::Delay(time),
                1 => Disturbance::DropRequest { silence: time },
                _ => Disturbance::DropResponse { silence: time },
            };
            self.scenario
                .proxy()
                .disturb(Api::EndTxn, disturbance, Often::Times(1));
        }
        self.counts.endtxn = due;
    }

    fn kill_worker(&mut self) {
        let victim = self.below(2) as usize;
        // A random moment is the point here: in a transaction, between two, or while the last kill is being overcome.
        std::thread::sleep(Duration::from_millis(self.below(800)));
        let installation = &self.scenario.installation;
        let worker = &mut self.workers[victim];
        let ended = worker.process.exit_status();
        assert!(
            ended.is_none(),
            "it ended by itself:\n{}",
            worker.process.stderr()
        );
        let lag = installation.length("cdr") - installation.committed("cdr");
        let ready = get(worker.address, "/readyz").is_some_and(|page| page.status == 200);
        worker.process.signal(Signal::Kill);
        worker.process.wait();
        self.counts.kills += 1;
        self.counts.under_load += u64::from(lag > 0);
        self.counts.unready += u64::from(!ready);
        if self.below(6) == 0 {
            wait_for("the group has noticed that a member is gone", || {
                (self.scenario.installation.members().len() < MEMBERS.len()).then_some(())
            });
            self.counts.taken_over += 1;
        }
        self.workers[victim] = self.scenario.installation.run_member(MEMBERS[victim]);
    }

    fn kill_broker(&mut self) {
        self.scenario.broker.kill();
        std::thread::sleep(Duration::from_millis(self.below(1000)));
        self.scenario.broker.restart();
        self.counts.broker_kills += 1;
    }

    fn report(&self, plan: &Plan) -> String {
        let Counts {
            kills,
            under_load,
            unready,
            taken_over,
            broker_kills,
            endtxn,
        } = self.counts;
        format!(
            "seed {}: {} events, {kills} kill -9 of workers ({under_load} under load, {unready} while it was not ready, \
             {taken_over} with the other one taking over), {broker_kills} of the broker, {endtxn} ends of transactions \
             delayed or dropped",
            plan.seed, self.scenario.city.lines
        )
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random.next_u64() % bound
    }
}
